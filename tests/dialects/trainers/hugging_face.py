"""Configs of the Hugging Face libraries' trainers."""

from __future__ import annotations

from tests.dialects.trainers.shape import LORA, PHASE, TRAINING, Change, Example

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
            *TRAINING,
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
        "trl",
        "sft.yaml",
        """\
model_name_or_path: example/small
dataset_name: corpus
dataset_text_field: text
learning_rate: 2e-4
weight_decay: 0.1
adam_beta2: 0.95
lr_scheduler_type: cosine
warmup_steps: 0.1
num_train_epochs: 3
per_device_train_batch_size: 8
gradient_accumulation_steps: 4
max_length: 1024
bf16: true
use_peft: true
lora_r: 16
lora_alpha: 32
lora_target_modules: [q_proj, v_proj]
output_dir: out
""",
        (*TRAINING, f"{PHASE}.sequence_length", f"{LORA}.rank", f"{LORA}.alpha", f"{LORA}.dropout", f"{LORA}.targets"),
        (
            Change("2e-4", "3e-4", f"{PHASE}.optimizer.learning_rate", ("3e-4", "0.0002")),
            Change("learning_rate: 2e-4\n", "", f"{PHASE}.optimizer.learning_rate", ("TRL takes 2e-05",), "C131"),
            Change("max_length: 1024\n", "max_length: 512\n", f"{PHASE}.sequence_length", ("512", "1024")),
            Change("bf16: true\n", "fp16: true\n", f"{PHASE}.precision", ("'fp16'",)),
            Change("use_peft: true\n", "use_peft: false\n", f"{LORA}.rank", ("none",)),
            Change("use_peft: true\n", "", f"{LORA}.alpha", ("none",)),
            Change("lora_r: 16\n", "lora_r: 8\n", f"{LORA}.rank", ("8", "16")),
        ),
        variant="lora",
        manifest=(("count: 2", "count: 2, packages: {trl: 1.16.0}"),),
    ),
    Example(
        "ms-swift",
        "swift.yaml",
        """\
model: example/small
tuner_type: lora
dataset: corpus
learning_rate: 0.0002
per_device_train_batch_size: 8
gradient_accumulation_steps: 4
warmup_ratio: 0.1
max_length: 1024
torch_dtype: bfloat16
lora_rank: 16
target_modules: [q_proj, v_proj]
output_dir: out
""",
        (*TRAINING, f"{PHASE}.optimizer.betas", f"{LORA}.rank", f"{LORA}.alpha", f"{LORA}.dropout"),
        (
            Change("0.0002", "0.0003", f"{PHASE}.optimizer.learning_rate", ("0.0003",)),
            Change("learning_rate: 0.0002\n", "", f"{PHASE}.optimizer.learning_rate", ("takes 0.0001",), "C131"),
            Change("lora_rank: 16\n", "", f"{LORA}.rank", ("ms-swift takes 8",), "C131"),
            Change("tuner_type: lora", "tuner_type: full", f"{LORA}.rank", ("none",)),
            Change("gradient_accumulation_steps: 4\n", "", f"{PHASE}.batch_size", ("= 16",), "C110"),
        ),
        variant="lora",
        manifest=(("count: 2", "count: 2, packages: {ms-swift: 4.6.0}"),),
        unbound=("dataset",),
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
        (*TRAINING, f"{PHASE}.max_grad_norm", f"{PHASE}.optimizer.betas", f"{PHASE}.precision"),
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
)
