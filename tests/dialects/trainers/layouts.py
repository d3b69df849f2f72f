"""Configs of layouts in which sections or dotted names say what is meant: LightningCLI, verl."""

from __future__ import annotations

from tests.dialects.trainers.shape import PHASE, TRAINING, Change, Example

EXAMPLES = (
    Example(
        "lightning-cli",
        "fit.yaml",
        """\
seed_everything: 42
trainer:
  accelerator: gpu
  devices: 2
  max_epochs: 3
  max_steps: -1
  precision: bf16-mixed
  accumulate_grad_batches: 4
  gradient_clip_val: 1.0
  callbacks:
    - class_path: lightning.pytorch.callbacks.LearningRateMonitor
model:
  class_path: project.Encoder
data:
  class_path: project.Texts
  init_args: {micro_batch_size: 8}
optimizer:
  class_path: torch.optim.AdamW
  init_args: {lr: 2e-4, weight_decay: 0.1, betas: [0.9, 0.95]}
lr_scheduler:
  class_path: torch.optim.lr_scheduler.CosineAnnealingLR
  init_args: {T_max: 3}
""",
        (
            *(clause for clause in TRAINING if not clause.endswith("warmup")),
            "seeds",
            "hardware.count",
            f"{PHASE}.optimizer.betas",
            f"{PHASE}.max_grad_norm",
            f"{PHASE}.precision",
        ),
        (
            Change("lr: 2e-4", "lr: 1e-4", f"{PHASE}.optimizer.learning_rate", ("0.0001",)),
            Change("optim.AdamW", "optim.SGD", f"{PHASE}.optimizer.name", ("'sgd'", "'adamw'")),
            Change("max_epochs: 3", "max_epochs: 4", f"{PHASE}.epochs", ("4",)),
            Change("batches: 4", "batches: 2", f"{PHASE}.batch_size", ("= 32",), "C110"),
            Change("bf16-mixed", "16-mixed", f"{PHASE}.precision", ("'fp16'",)),
            Change(", weight_decay: 0.1", "", f"{PHASE}.optimizer.weight_decay", ("0.01",), "C131"),
            Change("  gradient_clip_val: 1.0\n", "", f"{PHASE}.max_grad_norm", ("gradient_clip_val",), "C131"),
            Change("seed_everything: 42", "seed_everything: 7", "seeds", ("7",)),
        ),
    ),
    Example(
        "verl",
        "grpo.sh",
        """\
N=4
python3 -m verl.trainer.main_ppo \\
    algorithm.adv_estimator=grpo \\
    data.train_files=train.parquet \\
    data.train_batch_size=64 \\
    actor_rollout_ref.model.path=example/small \\
    actor_rollout_ref.actor.optim.lr=2e-4 \\
    actor_rollout_ref.actor.optim.weight_decay=0.1 \\
    actor_rollout_ref.actor.optim.lr_warmup_steps_ratio=0.1 \\
    actor_rollout_ref.actor.optim.lr_scheduler_type=cosine \\
    actor_rollout_ref.actor.ppo_mini_batch_size=16 \\
    actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4 \\
    actor_rollout_ref.rollout.n=$N \\
    actor_rollout_ref.rollout.name=vllm \\
    trainer.n_gpus_per_node=2 \\
    trainer.nnodes=1 \\
    +trainer.val_before_train=False \\
    trainer.total_epochs=3 $@
""",
        (*TRAINING, "hardware.count", "models.small.hub", f"{PHASE}.max_grad_norm"),
        (
            Change("lr=2e-4", "lr=1e-6", f"{PHASE}.optimizer.learning_rate", ("1e-06",)),
            Change("N=4", "N=8", f"{PHASE}.batch_size", ("16", "128")),
            Change("size=16", "size=64", f"{PHASE}.batch_size", ("64", "256")),
            Change("type=cosine", "type=constant", f"{PHASE}.schedule.name", ("'constant'",)),
            Change("epochs=3", "epochs=15", f"{PHASE}.epochs", ("15",)),
            Change(
                "    actor_rollout_ref.actor.optim.weight_decay=0.1 \\\n",
                "",
                f"{PHASE}.optimizer.weight_decay",
                ("0.01",),
                "C131",
            ),
            Change("    trainer.total_epochs=3 $@", "    $@", f"{PHASE}.epochs", ("total_epochs", "30"), "C131"),
        ),
        unbound=(
            '"algorithm.adv_estimator"',
            '"data.train_batch_size"',
            '"actor_rollout_ref.rollout.n"',
        ),
    ),
)
