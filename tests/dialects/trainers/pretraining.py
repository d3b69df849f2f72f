"""Configs and commands of trainers that pretrain language models."""

from __future__ import annotations

from tests.dialects.trainers.shape import PHASE, TRAINING, Change, Example

EXAMPLES = (
    Example(
        "megatron",
        "pretrain.sh",
        """\
#!/bin/bash
DISTRIBUTED=(--nproc_per_node 2 --nnodes 1)
MODEL=(--num-layers 12 --hidden-size 768 --num-attention-heads 12 --seq-length 1024)
TRAINING=(
    --micro-batch-size 8
    --global-batch-size 64
    --train-iters 3000
    --lr-decay-iters 3000
    --lr 2.0e-4
    --min-lr 0.0
    --lr-decay-style cosine
    --lr-warmup-fraction 0.1
    --weight-decay 0.1
    --adam-beta2 0.95
    --optimizer adam
    --seed 42
    --bf16
)
torchrun ${DISTRIBUTED[@]} pretrain_gpt.py ${MODEL[@]} ${TRAINING[@]} \\
    --tensor-model-parallel-size 2 --hidden-dropout 0 --save checkpoints --log-interval 10
""",
        (
            *TRAINING,
            "seeds",
            "hardware.count",
            "models.small.layers",
            f"{PHASE}.sequence_length",
            f"{PHASE}.max_grad_norm",
        ),
        (
            Change("--lr 2.0e-4", "--lr 3.0e-4", f"{PHASE}.optimizer.learning_rate", ("0.0003",)),
            Change("--optimizer adam", "--optimizer sgd", f"{PHASE}.optimizer.name", ("'sgd'", "'adamw'")),
            Change("style cosine", "style linear", f"{PHASE}.schedule.name", ("'linear'",)),
            Change("fraction 0.1", "fraction 0.01", f"{PHASE}.schedule.warmup", ("0.01",)),
            Change("global-batch-size 64", "global-batch-size 128", f"{PHASE}.batch_size", ("128",)),
            Change(
                "    --lr-decay-style cosine\n", "", f"{PHASE}.schedule.name", ("lr-decay-style", "'linear'"), "C131"
            ),
            Change("    --adam-beta2 0.95\n", "", f"{PHASE}.optimizer.betas", ("adam-beta2", "0.999"), "C131"),
            Change("    --bf16\n", "", f"{PHASE}.precision", ("bf16", "'fp32'"), "C131"),
            Change("--nproc_per_node 2", "--nproc_per_node 4", "hardware.count", ("4",)),
        ),
        unbound=("--hidden-dropout",),
    ),
    Example(
        "gpt-neox",
        "125M.yml",
        """\
{
  # dashes and underscores are one to it
  "pipe-parallel-size": 1,
  "model_parallel_size": 1,
  "num-layers": 12,
  "hidden-size": 768,
  "num-attention-heads": 12,
  "seq-length": 1024,
  "pos-emb": "rotary",
  "no-weight-tying": true,
  "optimizer": {"type": "Adam", "params": {"lr": 0.0002, "betas": [0.9, 0.95], "eps": 1.0e-8}},
  "min_lr": 0.0,
  "zero_optimization": {"stage": 1},
  "train_micro_batch_size_per_gpu": 8,
  "gradient_accumulation_steps": 4,
  "data-impl": "mmap",
  "partition-activations": true,
  "gradient_clipping": 1.0,
  "weight-decay": 0.1,
  "hidden-dropout": 0,
  "fp16": {"enabled": true, "type": "bfloat16", "loss_scale": 0},
  "train-iters": 3000,
  "lr-decay-iters": 3000,
  "lr-decay-style": "cosine",
  "warmup": 0.1,
  "seed": 42,
  "eval-iters": 10
}
""",
        (
            *TRAINING,
            "seeds",
            "models.small.layers",
            f"{PHASE}.optimizer.betas",
            f"{PHASE}.optimizer.weight_decay",
            f"{PHASE}.max_grad_norm",
            f"{PHASE}.precision",
        ),
        (
            Change('"lr": 0.0002', '"lr": 0.0006', f"{PHASE}.optimizer.learning_rate", ("0.0006",)),
            Change('"type": "Adam"', '"type": "SGD"', f"{PHASE}.optimizer.name", ("'SGD'", "'adamw'")),
            Change('-style": "cosine"', '-style": "linear"', f"{PHASE}.schedule.name", ("'linear'",)),
            Change('"warmup": 0.1', '"warmup": 0.03', f"{PHASE}.schedule.warmup", ("0.03",)),
            Change('"weight-decay": 0.1', '"weight_decay": 0.01', f"{PHASE}.optimizer.weight_decay", ("0.01",)),
            Change('_steps": 4', '_steps": 2', f"{PHASE}.batch_size", ("= 32",), "C110"),
            Change('"type": "bfloat16", ', "", f"{PHASE}.precision", ("'fp16'",)),
            Change('  "warmup": 0.1,\n', "", f"{PHASE}.schedule.warmup", ("warmup", "0.01"), "C131"),
            Change('  "seed": 42,\n', "", "seeds", ("1234",), "C131"),
        ),
        unbound=("hidden-dropout", "no-weight-tying", "pos-emb"),
    ),
    Example(
        "nanotron",
        "config_small.yaml",
        """\
general: {project: study, run: small, seed: 42}
parallelism: {dp: 2, pp: 1, tp: 1, pp_engine: 1f1b}
model:
  dtype: bfloat16
  model_config: {num_hidden_layers: 12, hidden_size: 768, num_attention_heads: 12, vocab_size: 32000}
optimizer:
  clip_grad: 1.0
  weight_decay: 0.1
  zero_stage: 0
  accumulate_grad_in_fp32: true
  optimizer_factory: {name: adamW, adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1.0e-08, torch_adam_is_fused: true}
  learning_rate_scheduler:
    learning_rate: 0.0002
    lr_warmup_steps: 300
    lr_warmup_style: linear
    lr_decay_style: cosine
    lr_decay_steps: 2700
    lr_decay_starting_step: null
    min_decay_lr: 0.0
tokens:
  micro_batch_size: 8
  batch_accumulation_per_replica: 4
  sequence_length: 1024
  train_steps: 3000
  val_check_interval: -1
checkpoints: {checkpoint_interval: 100, checkpoints_path: out}
""",
        (
            *TRAINING,
            "seeds",
            "models.small.layers",
            "hardware.count",
            f"{PHASE}.optimizer.eps",
            f"{PHASE}.max_grad_norm",
            f"{PHASE}.precision",
        ),
        (
            Change(" 0.0002", " 0.0003", f"{PHASE}.optimizer.learning_rate", ("0.0003",)),
            Change("name: adamW", "name: sgd", f"{PHASE}.optimizer.name", ("'sgd'",)),
            Change("decay_style: cosine", "decay_style: linear", f"{PHASE}.schedule.name", ("'linear'",)),
            Change("step: null", "step: 2000", f"{PHASE}.schedule.name", ("'warmup_stable_decay'",)),
            Change("dp: 2", "dp: 4", f"{PHASE}.batch_size", ("= 128",), "C110"),
            Change("replica: 4", "replica: 1", f"{PHASE}.batch_size", ("= 16",), "C110"),
            Change("    lr_warmup_steps: 300\n", "", f"{PHASE}.schedule.warmup", ("takes 0",), "C131"),
            Change("    min_decay_lr: 0.0\n", "", f"{PHASE}.schedule.min_learning_rate", ("0.0002",), "C131"),
        ),
    ),
)
