"""One small config per dialect that says what one manifest says, and what is wrong when it is changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.manifests import STATED
from tests.support.texts import replaced

MANIFEST = replaced(STATED, ("min_learning_rate: 0.1 * learning_rate", "min_learning_rate: 0"))
PHASE = "phases.train"
LORA = "variants.lora.steps[0].train.adapter.lora"


@dataclass(frozen=True)
class Change:
    """A piece of the text replaced: the clause that is then violated, and the words that the message must hold."""

    old: str
    new: str
    clause: str
    words: tuple[str, ...]
    code: str = "C101"


@dataclass(frozen=True)
class Example:
    """A file of one dialect. ``binds`` are clauses that must be bound, without a line of `keys:`."""

    dialect: str
    file: str
    text: str
    binds: tuple[str, ...]
    changes: tuple[Change, ...]
    describes: str | None = PHASE
    variant: str | None = None
    manifest: tuple[tuple[str, str], ...] = ()
    """Replacements in the manifest, where the dialect cannot say what it says."""
    unbound: tuple[str, ...] = ()
    """Keys that must be left unbound."""
    doubts: tuple[tuple[str, str, str], ...] = field(default=())
    """A piece of the text, what to put there, and the key that is then ambiguous."""


_TRAINING = (
    f"{PHASE}.optimizer.learning_rate",
    f"{PHASE}.optimizer.name",
    f"{PHASE}.schedule.name",
    f"{PHASE}.schedule.warmup",
    f"{PHASE}.batch_size",
    f"{PHASE}.epochs",
)
EXAMPLES = (
    Example(
        "hf-training-arguments",
        "args.yaml",
        """\
output_dir: out
model_name_or_path: example/small
dataset_name: corpus
learning_rate: 0.0002
weight_decay: 0.1
adam_beta2: 0.95
optim: adamw_torch_fused
lr_scheduler_type: cosine
warmup_ratio: 0.1
warmup_steps: 0
num_train_epochs: 3
max_steps: -1
per_device_train_batch_size: 8
gradient_accumulation_steps: 4
max_seq_length: 1024
bf16: true
fp16: false
logging_steps: 10
label_smoothing_factor: 0.1
""",
        (
            *_TRAINING,
            "seeds",
            f"{PHASE}.max_grad_norm",
            f"{PHASE}.precision",
            "models.small.hub",
            "datasets.corpus.hub",
        ),
        (
            Change("adamw_torch_fused", "sgd", f"{PHASE}.optimizer.name", ("'sgd'", "'adamw'")),
            Change(
                "type: cosine",
                "type: constant_with_warmup",
                f"{PHASE}.schedule.name",
                ("'constant_with_warmup', which means 'constant'", "'cosine'"),
            ),
            Change("adam_beta2: 0.95", "adam_beta2: 0.99", f"{PHASE}.optimizer.betas", ("0.99", "betas[1] = 0.95")),
            Change(
                "warmup_ratio: 0.1\nwarmup_steps: 0", "warmup_steps: 500", f"{PHASE}.schedule.warmup", ("500", "300")
            ),
            Change("warmup_ratio: 0.1\nwarmup_steps: 0", "warmup_steps: 0.05", f"{PHASE}.schedule.warmup", ("0.05",)),
            Change(
                "bf16: true\nfp16: false",
                "bf16: false\nfp16: true",
                f"{PHASE}.precision",
                ("true, which means 'fp16'",),
            ),
            Change("max_steps: -1", "max_steps: 1500", f"{PHASE}.epochs", ("1500, which means 1.5",)),
            Change("steps: 4", "steps: 8", f"{PHASE}.batch_size", ("8 (micro) x 8 (accumulation) x 2",), "C110"),
            Change("0.0002", "2e-4", f"{PHASE}.optimizer.learning_rate", ("string '2e-4'",), "C103"),
            Change("small", "other", "models.small.hub", ("'example/other'",)),
            Change(
                "learning_rate: 0.0002\n", "", f"{PHASE}.optimizer.learning_rate", ("no learning_rate", "5e-05"), "C131"
            ),
            Change("adam_beta2: 0.95\n", "", f"{PHASE}.optimizer.betas", ("adam_beta2", "0.999"), "C131"),
            Change("lr_scheduler_type: cosine\n", "", f"{PHASE}.schedule.name", ("'linear'",), "C131"),
            Change(
                "per_device_train_batch_size: 8\ngradient_accumulation_steps: 4\n",
                "",
                f"{PHASE}.batch_size",
                ("takes 16",),
                "C131",
            ),
        ),
        unbound=("label_smoothing_factor",),
    ),
    Example(
        "accelerate",
        "accelerate.yaml",
        """\
compute_environment: LOCAL_MACHINE
distributed_type: MULTI_GPU
machine_rank: 0
num_machines: 1
num_processes: 2
mixed_precision: bf16
main_training_function: main
same_network: true
use_cpu: false
""",
        ("hardware.count", f"{PHASE}.precision"),
        (
            Change(
                "mixed_precision: bf16",
                "mixed_precision: 'no'",
                f"{PHASE}.precision",
                ("no mixed_precision other than 'no'", "'fp32'", "'bf16'"),
                "C131",
            ),
            Change("mixed_precision: bf16", "mixed_precision: fp16", f"{PHASE}.precision", ("'fp16'", "'bf16'")),
            Change("num_processes: 2", "num_processes: 4", "hardware.count", ("4", "2")),
        ),
    ),
    Example(
        "deepspeed",
        "ds.json",
        """\
{
  "train_batch_size": 64,
  "train_micro_batch_size_per_gpu": 8,
  "gradient_accumulation_steps": 4,
  "gradient_clipping": 1.0,
  "optimizer": {"type": "Adam", "params": {"lr": 2e-4, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": "auto"}},
  "scheduler": {"type": "WarmupCosineLR", "params": {"total_num_steps": 3000, "warmup_num_steps": 300,
                                                               "cos_min_ratio": 0}},
  "bf16": {"enabled": true},
  "fp16": {"enabled": false, "loss_scale": 0},
  "zero_optimization": {"stage": 2},
  "steps_per_print": 100
}
""",
        (*_TRAINING, f"{PHASE}.max_grad_norm", f"{PHASE}.optimizer.betas", f"{PHASE}.precision"),
        (
            Change('"Adam"', '"SGD"', f"{PHASE}.optimizer.name", ("'SGD', which means 'sgd'", "'adamw'")),
            Change(
                "WarmupCosineLR", "WarmupDecayLR", f"{PHASE}.schedule.name", ("'WarmupDecayLR', which means 'linear'",)
            ),
            Change('train_batch_size": 64', 'train_batch_size": 32', f"{PHASE}.batch_size", ("32", "64")),
            Change('per_gpu": 8', 'per_gpu": 16', f"{PHASE}.batch_size", ("= 128",), "C110"),
            Change('warmup_num_steps": 300', 'warmup_num_steps": 30', f"{PHASE}.schedule.warmup", ("30", "300")),
            Change("3000", "2000", f"{PHASE}.epochs", ("2000, which means 2",)),
            Change(
                ',\n                                                               "cos_min_ratio": 0',
                "",
                f"{PHASE}.schedule.min_learning_rate",
                ("cos_min_ratio", "2e-08"),
                "C131",
            ),
            Change(', "warmup_num_steps": 300', "", f"{PHASE}.schedule.warmup", ("warmup_num_steps", "1000"), "C131"),
        ),
    ),
    Example(
        "peft-adapter",
        "adapter_config.json",
        """\
{
  "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "example/small",
  "r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "target_modules": ["v_proj", "q_proj"],
  "bias": "none", "inference_mode": true, "use_dora": false
}
""",
        (f"{LORA}.rank", f"{LORA}.alpha", f"{LORA}.dropout", f"{LORA}.targets", "models.small.hub"),
        (
            Change('"r": 16', '"r": 8', f"{LORA}.rank", ("8", "16")),
            Change('"v_proj", "q_proj"', '"v_proj"', f"{LORA}.targets", ("v_proj", "q_proj")),
            Change('"lora_dropout": 0.05, ', "", f"{LORA}.dropout", ("lora_dropout", "0"), "C131"),
        ),
        variant="lora",
    ),
    Example(
        "hf-model-config",
        "config.json",
        """\
{
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 768, "num_hidden_layers": 12,
  "num_attention_heads": 12, "vocab_size": 32000, "transformers_version": "5.0.0", "rope_theta": 10000.0
}
""",
        tuple(f"models.small.{name}" for name in ("family", "hidden", "layers", "heads", "vocabulary")),
        (Change('layers": 12', 'layers": 24', "models.small.layers", ("24", "12")),),
        describes=None,
        unbound=("rope_theta",),
    ),
    Example(
        "hydra",
        "train.yaml",
        """\
defaults: [_self_]
optimizer: {_target_: torch.optim.AdamW, lr: 2e-4, weight_decay: 0.1, betas: [0.9, 0.95]}
scheduler: {name: cosine, warmup_steps: 300}
trainer:
  _target_: lightning.pytorch.trainer.Trainer
  max_epochs: 3
  gradient_clip_val: 1.0
  accumulate_grad_batches: 4
  devices: 2
  precision: bf16-mixed
data: {micro_batch_size: 8, max_seq_len: 1024}
hydra: {run: {dir: out}}
seed: 42
""",
        (
            *_TRAINING,
            f"{PHASE}.optimizer.betas",
            f"{PHASE}.precision",
            f"{PHASE}.optimizer.eps",
            "hardware.count",
            "seeds",
        ),
        (
            Change(
                "torch.optim.AdamW",
                "torch.optim.SGD",
                f"{PHASE}.optimizer.name",
                ("'torch.optim.SGD', which means 'sgd'", "'adamw'"),
            ),
            Change("bf16-mixed", "16-mixed", f"{PHASE}.precision", ("'16-mixed', which means 'fp16'",)),
            Change(" weight_decay: 0.1,", "", f"{PHASE}.optimizer.weight_decay", ("0.01", "0.1"), "C131"),
            Change("batches: 4", "batches: 2", f"{PHASE}.batch_size", ("= 32",), "C110"),
            Change("warmup_steps: 300", "warmup_steps: 100", f"{PHASE}.schedule.warmup", ("100", "300")),
        ),
        doubts=(("micro_batch_size", "batch_size", "data.batch_size"),),
    ),
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
            *_TRAINING,
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
        (*_TRAINING, f"{LORA}.rank", f"{LORA}.targets", f"{PHASE}.sequence_length", f"{PHASE}.optimizer.eps"),
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
        (*_TRAINING, f"{LORA}.rank", f"{PHASE}.max_grad_norm", f"{PHASE}.optimizer.eps", f"{PHASE}.precision"),
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
            *_TRAINING,
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
    Example(
        "wandb-sweep",
        "sweep.yaml",
        """\
program: train.py
method: grid
metric: {name: loss, goal: minimize}
parameters:
  lr: {values: [0.0001, 0.0002]}
  weight_decay: {min: 0.0, max: 0.2}
  optimizer: {value: AdamW}
  lr_scheduler: {value: cosine}
  epochs: {value: 3}
  warmup_ratio: {value: 0.1}
  global_batch_size: {value: 64}
""",
        _TRAINING,
        (
            Change(
                "[0.0001, 0.0002]",
                "[0.001, 0.01]",
                f"{PHASE}.optimizer.learning_rate",
                ("one of 0.001, 0.01", "0.0002"),
            ),
            Change("max: 0.2", "max: 0.05", f"{PHASE}.optimizer.weight_decay", ("between 0.0 and 0.05", "0.1")),
            Change("value: AdamW", "value: adam", f"{PHASE}.optimizer.name", ("'adam'", "'adamw'")),
            Change("value: 0.1", "value: 0.2", f"{PHASE}.schedule.warmup", ("0.2",)),
        ),
        doubts=(("global_batch_size", "batch_size", "parameters.batch_size.value"),),
    ),
    Example(
        "generic",
        "conf/train.yaml",
        """\
training:
  train:
    max_lr: 2e-4
    wd: 0.1
    beta1: 0.9
    beta2: 0.95
    optimizer: AdamW
    schedule: cosine
    warmup_steps_ratio: 0.1
    num_epochs: 3
    micro_batch_size: 8
    gradient_accumulation_steps: 4
    grad_clip: 1.0
    seq_len: 1024
    eval: {batch_size: 100}
seed: 42
extra: 1
""",
        (*_TRAINING, f"{PHASE}.optimizer.betas", f"{PHASE}.max_grad_norm", f"{PHASE}.sequence_length", "seeds"),
        (
            Change("max_lr: 2e-4", "max_lr: 2e-3", f"{PHASE}.optimizer.learning_rate", ("0.002", "0.0002")),
            Change(
                "optimizer: AdamW", "optimizer: SGD", f"{PHASE}.optimizer.name", ("'SGD', which means 'sgd'", "'adamw'")
            ),
            Change("warmup_steps_ratio: 0.1", "warmup_steps: 100", f"{PHASE}.schedule.warmup", ("100", "300")),
            Change("steps: 4", "steps: 8", f"{PHASE}.batch_size", ("= 128",), "C110"),
            Change("seed: 42", "seed: 7", "seeds", ("7", "42")),
        ),
        describes=None,
        unbound=("extra", "training.train.eval.batch_size"),
        doubts=(
            ("micro_batch_size", "batch_size", "training.train.batch_size"),
            ("warmup_steps_ratio: 0.1", "warmup: 300", "training.train.warmup"),
            ("max_lr: 2e-4", "max_lr: 2e-4\n    learning_rate: 1e-4", "training.train.learning_rate"),
        ),
    ),
)
