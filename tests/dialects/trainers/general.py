"""Home-grown configs, and layouts that programs of any field share."""

from __future__ import annotations

from tests.dialects.trainers.shape import PHASE, TRAINING, Change, Example

EXAMPLES = (
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
            *TRAINING,
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
        TRAINING,
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
        (*TRAINING, f"{PHASE}.optimizer.betas", f"{PHASE}.max_grad_norm", f"{PHASE}.sequence_length", "seeds"),
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
