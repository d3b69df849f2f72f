"""Configs of trainers of vision models."""

from __future__ import annotations

from tests.dialects.trainers.shape import PHASE, TRAINING, Change, Example

EXAMPLES = (
    Example(
        "ultralytics",
        "yolo.yaml",
        """\
task: detect
mode: train
model: yolo11n.yaml
data: corpus.yaml
epochs: 3
batch: 32
nbs: 64
imgsz: 640
optimizer: AdamW
lr0: 0.0002
lrf: 0.0
momentum: 0.9
weight_decay: 0.1
warmup_epochs: 0.3
cos_lr: true
amp: true
seed: 42
workers: 8
hsv_h: 0.015
""",
        (*TRAINING, "seeds", f"{PHASE}.optimizer.betas", f"{PHASE}.optimizer.weight_decay", f"{PHASE}.precision"),
        (
            Change("optimizer: AdamW", "optimizer: SGD", f"{PHASE}.optimizer.name", ("'sgd'",)),
            Change("lr0: 0.0002", "lr0: 0.01", f"{PHASE}.optimizer.learning_rate", ("0.01",)),
            Change("lrf: 0.0", "lrf: 0.1", f"{PHASE}.schedule.min_learning_rate", ("0.1, which means 2e-05",)),
            Change("cos_lr: true\n", "", f"{PHASE}.schedule.name", ("cos_lr", "'linear'"), "C131"),
            Change("nbs: 64", "nbs: 128", f"{PHASE}.batch_size", ("32, which means 128",)),
            Change("batch: 32\n", "batch: 48\n", f"{PHASE}.optimizer.weight_decay", ("0.1, which means 0.075",)),
            Change("warmup_epochs: 0.3", "warmup_epochs: 1.0", f"{PHASE}.schedule.warmup", ("1, which",)),
            Change("epochs: 3\nbatch", "batch", f"{PHASE}.epochs", ("takes 100",), "C131"),
        ),
        manifest=(
            ("betas: [0.9, 0.95]", "betas: [0.9, 0.999]"),
            ("precision: bf16", "precision: fp16"),
            ("max_grad_norm: 1.0", "max_grad_norm: 10.0"),
        ),
        unbound=("model", "data", "imgsz", "hsv_h"),
    ),
    Example(
        "mmengine",
        "config.yaml",
        """\
model: {type: ViT, layers: 2}
optim_wrapper:
  type: AmpOptimWrapper
  dtype: bfloat16
  optimizer: {type: AdamW, lr: 0.0002, weight_decay: 0.1, betas: [0.9, 0.95], eps: 1.0e-08}
  clip_grad: {max_norm: 1.0, norm_type: 2}
  accumulative_counts: 4
param_scheduler:
  - {type: LinearLR, start_factor: 0.001, begin: 0, end: 0.3, convert_to_iter_based: true}
  - {type: CosineAnnealingLR, eta_min: 0.0, begin: 0.3, end: 3, T_max: 2.7, convert_to_iter_based: true}
train_cfg: {by_epoch: true, max_epochs: 3, val_interval: 1}
train_dataloader: {batch_size: 8, num_workers: 4}
randomness: {seed: 42}
default_hooks: {checkpoint: {type: CheckpointHook, interval: 1}}
lr: 0.1
""",
        (*TRAINING, "seeds", f"{PHASE}.optimizer.betas", f"{PHASE}.max_grad_norm", f"{PHASE}.precision"),
        (
            Change("type: AdamW", "type: SGD", f"{PHASE}.optimizer.name", ("'sgd'",)),
            Change("lr: 0.0002", "lr: 0.01", f"{PHASE}.optimizer.learning_rate", ("0.01",)),
            Change("end: 0.3,", "end: 1.5,", f"{PHASE}.schedule.warmup", ("1.5, which means",)),
            Change(
                "  clip_grad: {max_norm: 1.0, norm_type: 2}\n", "", f"{PHASE}.max_grad_norm", ("clip_grad",), "C131"
            ),
            Change("max_norm: 1.0", "max_norm: 35", f"{PHASE}.max_grad_norm", ("35",)),
            Change("dtype: bfloat16", "dtype: float16", f"{PHASE}.precision", ("fp16",)),
            Change("max_epochs: 3,", "max_epochs: 12,", f"{PHASE}.epochs", ("12",)),
            Change(", weight_decay: 0.1", "", f"{PHASE}.optimizer.weight_decay", ("0.01",), "C131"),
        ),
    ),
    Example(
        "timm",
        "args.yaml",
        """\
model: vit_small
opt: adamw
lr: 0.0002
weight_decay: 0.1
momentum: 0.8
opt_betas: [0.9, 0.95]
opt_eps: null
sched: cosine
min_lr: 0.0
warmup_epochs: 0.3
warmup_lr: 0.00001
epochs: 3
batch_size: 8
grad_accum_steps: 4
clip_grad: 1.0
clip_mode: norm
amp: true
amp_dtype: bfloat16
seed: 42
smoothing: 0.1
workers: 4
model_ema: false
model_ema_decay: 0.9998
""",
        (*TRAINING, "seeds", f"{PHASE}.optimizer.betas", f"{PHASE}.max_grad_norm", f"{PHASE}.precision"),
        (
            Change("opt: adamw", "opt: lamb", f"{PHASE}.optimizer.name", ("'lamb'",)),
            Change("sched: cosine", "sched: step", f"{PHASE}.schedule.name", ("'step'",)),
            Change("warmup_epochs: 0.3", "warmup_epochs: 1", f"{PHASE}.schedule.warmup", ("1",)),
            Change("epochs: 3\n", "epochs: 3\ncooldown_epochs: 1\n", f"{PHASE}.epochs", ("3, which means 4",)),
            Change("steps: 4", "steps: 1", f"{PHASE}.batch_size", ("= 16",), "C110"),
            Change("amp_dtype: bfloat16\n", "", f"{PHASE}.precision", ("'fp16'",)),
            Change("clip_grad: 1.0\n", "", f"{PHASE}.max_grad_norm", ("clip-grad",), "C131"),
            Change("weight_decay: 0.1\n", "", f"{PHASE}.optimizer.weight_decay", ("2e-05",), "C131"),
        ),
        unbound=("model", "warmup_lr", "smoothing"),
    ),
    Example(
        "detectron2",
        "rcnn.yaml",
        """\
MODEL:
  WEIGHTS: weights.pkl
  DEVICE: cuda
DATASETS:
  TEST: [corpus_val]
SOLVER:
  IMS_PER_BATCH: 64
  BASE_LR: 0.0002
  MOMENTUM: 0.9
  WEIGHT_DECAY: 0.1
  LR_SCHEDULER_NAME: WarmupCosineLR
  BASE_LR_END: 0.0
  WARMUP_ITERS: 300
  MAX_ITER: 3000
  CLIP_GRADIENTS: {ENABLED: true, CLIP_TYPE: full_model, CLIP_VALUE: 1.0}
  AMP: {ENABLED: true}
SEED: 42
OUTPUT_DIR: out
""",
        (*TRAINING, "seeds", f"{PHASE}.optimizer.momentum", f"{PHASE}.max_grad_norm", f"{PHASE}.precision"),
        (
            Change("BASE_LR: 0.0002", "BASE_LR: 0.02", f"{PHASE}.optimizer.learning_rate", ("0.02",)),
            Change("BATCH: 64", "BATCH: 16", f"{PHASE}.batch_size", ("16",)),
            Change("MAX_ITER: 3000", "MAX_ITER: 9000", f"{PHASE}.epochs", ("9000",)),
            Change("WARMUP_ITERS: 300", "WARMUP_ITERS: 500", f"{PHASE}.schedule.warmup", ("500",)),
            Change("WarmupCosineLR", "WarmupMultiStepLR", f"{PHASE}.schedule.name", ("'milestones'",)),
            Change("  LR_SCHEDULER_NAME: WarmupCosineLR\n", "", f"{PHASE}.schedule.name", ("'milestones'",), "C131"),
            Change("  IMS_PER_BATCH: 64\n", "", f"{PHASE}.batch_size", ("takes 16",), "C131"),
        ),
        manifest=(
            ("name: adamw", "name: sgd"),
            ("betas: [0.9, 0.95], eps: 1e-8", "momentum: 0.9"),
            ("precision: bf16", "precision: fp16"),
        ),
        unbound=("MODEL.WEIGHTS",),
    ),
)
