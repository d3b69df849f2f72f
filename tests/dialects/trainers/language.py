"""Configs of trainers of language models."""

from __future__ import annotations

from tests.dialects.trainers.shape import LORA, PHASE, TRAINING, Change, Example

EXAMPLES = (
    Example(
        "axolotl",
        "axolotl.yml",
        """\
base_model: example/small
datasets:
  - path: example/corpus
    type: completion
sequence_len: 1024
sample_packing: true
val_set_size: 0.01
adapter: lora
lora_r: 16
lora_alpha: 32
lora_dropout: 0.05
lora_target_modules: [q_proj, v_proj]
micro_batch_size: 8
gradient_accumulation_steps: 4
num_epochs: 3
optimizer: adamw_torch
adam_beta2: 0.95
weight_decay: 0.1
lr_scheduler: cosine
learning_rate: 2e-4
warmup_ratio: 0.1
bf16: true
output_dir: out
""",
        (
            *TRAINING,
            f"{LORA}.rank",
            f"{LORA}.targets",
            "models.small.hub",
            "datasets.corpus.hub",
            f"{PHASE}.max_grad_norm",
        ),
        (
            Change(
                "optimizer: adamw_torch", "optimizer: adafactor", f"{PHASE}.optimizer.name", ("'adafactor'", "'adamw'")
            ),
            Change("lr_scheduler: cosine", "lr_scheduler: linear", f"{PHASE}.schedule.name", ("'linear'", "'cosine'")),
            Change("steps: 4", "steps: 2", f"{PHASE}.batch_size", ("= 32",), "C110"),
            Change("num_epochs: 3\n", "", f"{PHASE}.epochs", ("num_epochs", "takes 1"), "C131"),
            Change("warmup_ratio: 0.1", "warmup_steps: 10", f"{PHASE}.schedule.warmup", ("10", "300")),
        ),
        variant="lora",
    ),
    Example(
        "llama-factory",
        "sft.yaml",
        """\
model_name_or_path: example/small
stage: pt
do_train: true
finetuning_type: lora
lora_rank: 16
lora_alpha: 32
lora_dropout: 0.05
lora_target: q_proj,v_proj
dataset: corpus
template: default
cutoff_len: 1024
output_dir: out
per_device_train_batch_size: 8
gradient_accumulation_steps: 4
learning_rate: 2e-4
weight_decay: 0.1
adam_beta2: 0.95
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
""",
        (*TRAINING, f"{LORA}.rank", f"{LORA}.targets", f"{PHASE}.sequence_length", f"{PHASE}.optimizer.eps"),
        (
            Change(
                "lora_target: q_proj,v_proj",
                "lora_target: q_proj",
                f"{LORA}.targets",
                ("'q_proj', which means [q_proj]",),
            ),
            Change("lora_rank: 16\n", "", f"{LORA}.rank", ("lora_rank", "8"), "C131"),
            Change("cutoff_len: 1024\n", "", f"{PHASE}.sequence_length", ("cutoff_len", "2048"), "C131"),
            Change("ratio: 0.1", "ratio: 0.03", f"{PHASE}.schedule.warmup", ("0.03",)),
            Change("batch_size: 8", "batch_size: 4", f"{PHASE}.batch_size", ("= 32",), "C110"),
        ),
        variant="lora",
        manifest=(("count: 2", "count: 2, packages: {llamafactory: 0.9.4}"),),
    ),
    Example(
        "torchtune",
        "recipe.yaml",
        """\
model: {_component_: torchtune.models.llama3_2.lora_llama3_2_1b, lora_rank: 16, lora_alpha: 32, lora_dropout: 0.05}
tokenizer: {_component_: torchtune.models.llama3.llama3_tokenizer, path: tok.model, max_seq_len: 1024}
dataset: {_component_: torchtune.datasets.text_completion_dataset}
optimizer: {_component_: torch.optim.AdamW, lr: 2e-4, weight_decay: 0.1, betas: [0.9, 0.95], fused: true}
lr_scheduler:
  _component_: torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup
  num_warmup_steps: 300
batch_size: 8
gradient_accumulation_steps: 4
epochs: 3
max_steps_per_epoch: null
clip_grad_norm: 1.0
dtype: bf16
seed: null
device: cuda
""",
        (*TRAINING, f"{LORA}.rank", f"{PHASE}.max_grad_norm", f"{PHASE}.optimizer.eps", f"{PHASE}.precision"),
        (
            Change(
                "torch.optim.AdamW",
                "torch.optim.Adam",
                f"{PHASE}.optimizer.name",
                ("'torch.optim.Adam', which means 'adam'", "'adamw'"),
            ),
            Change("clip_grad_norm: 1.0", "clip_grad_norm: null", f"{PHASE}.max_grad_norm", ("none", "1")),
            Change("clip_grad_norm: 1.0\n", "", f"{PHASE}.max_grad_norm", ("clip_grad_norm", "none"), "C131"),
            Change(" weight_decay: 0.1,", "", f"{PHASE}.optimizer.weight_decay", ("0.01",), "C131"),
            Change("num_warmup_steps: 300", "num_warmup_steps: 100", f"{PHASE}.schedule.warmup", ("100", "300")),
            Change("steps: 4", "steps: 1", f"{PHASE}.batch_size", ("= 16",), "C110"),
        ),
        variant="lora",
        unbound=("dataset._component_", "model._component_"),
    ),
    Example(
        "cerebras",
        "params.yaml",
        """\
trainer:
  init:
    backend: {backend_type: CSX, cluster_config: {num_csx: 2}}
    model_dir: ./out
    seed: 42
    model: {hidden_size: 768, num_hidden_layers: 12, vocab_size: 32000, mixed_precision: true}
    optimizer:
      AdamW: {betas: [0.9, 0.95], eps: 1.0e-8, weight_decay: 0.1, correct_bias: true}
    schedulers:
    - SequentialLR:
        schedulers:
        - LinearLR: {initial_learning_rate: 0.0, end_learning_rate: 2.0e-4, total_iters: 300}
        - CosineDecayLR: {initial_learning_rate: 2.0e-4, end_learning_rate: 0.0, total_iters: 2700}
    precision: {enabled: true, fp16_type: bfloat16, max_gradient_norm: 1.0}
    loop: {max_steps: 3000, eval_frequency: 100}
    checkpoint: {steps: 500}
  fit:
    train_dataloader: {data_processor: GptHDF5MapDataProcessor, batch_size: 64, max_sequence_length: 1024}
    val_dataloader: {batch_size: 32, num_workers: 8}
""",
        (
            *TRAINING,
            f"{PHASE}.schedule.min_learning_rate",
            f"{PHASE}.max_grad_norm",
            "models.small.layers",
            "hardware.count",
        ),
        (
            Change("AdamW:", "SGD:", f"{PHASE}.optimizer.name", ("'SGD', which means 'sgd'", "'adamw'")),
            Change("- CosineDecayLR", "- LinearLR", f"{PHASE}.schedule.name", ("'LinearLR', which means 'linear'",)),
            Change(
                "end_learning_rate: 2.0e-4",
                "end_learning_rate: 3.0e-4",
                f"{PHASE}.optimizer.learning_rate",
                ("0.0003",),
            ),
            Change("total_iters: 300}", "total_iters: 30}", f"{PHASE}.schedule.warmup", ("30", "300")),
            Change("batch_size: 64", "batch_size: 128", f"{PHASE}.batch_size", ("128", "64")),
            Change("max_steps: 3000", "max_steps: 6000", f"{PHASE}.epochs", ("6000, which means 6",)),
            Change(", max_gradient_norm: 1.0", "", f"{PHASE}.max_grad_norm", ("max_gradient_norm", "none"), "C131"),
        ),
        doubts=(
            (
                "eval_frequency: 100",
                "eval_frequency: 100, grad_accum_steps: 4",
                "trainer.fit.train_dataloader.batch_size",
            ),
        ),
    ),
)
