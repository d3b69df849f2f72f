"""Commands of OpenRLHF, in the shape that its scripts have: the command is read from a here-document."""

from __future__ import annotations

from tests.dialects.trainers.shape import PHASE, TRAINING, Change, Example

EXAMPLES = (
    Example(
        "openrlhf",
        "sft.sh",
        """\
set -x
LR=2.0e-4
read -r -d '' training <<EOF
openrlhf.cli.train_sft \\
   --max_len 1024 \\
   --dataset example/text \\
   --input_key question \\
   --train_batch_size 64 \\
   --micro_train_batch_size 2 \\
   --save_path ./out \\
   --zero_stage 2 \\
   --max_epochs 3 \\
   --bf16 \\
   --lr_scheduler cosine \\
   --lr_warmup_ratio 0.1 \\
   --l2 0.1 \\
   --learning_rate $LR
EOF
if [[ ${1} != "slurm" ]]; then
    deepspeed --module $training
fi
""",
        (*TRAINING, f"{PHASE}.sequence_length", f"{PHASE}.precision", f"{PHASE}.optimizer.weight_decay"),
        (
            Change("LR=2.0e-4", "LR=3.0e-4", f"{PHASE}.optimizer.learning_rate", ("0.0003",)),
            Change("--train_batch_size 64", "--train_batch_size 128", f"{PHASE}.batch_size", ("128",)),
            Change("--lr_scheduler cosine", "--lr_scheduler linear", f"{PHASE}.schedule.name", ("'linear'",)),
            Change("ratio 0.1", "ratio 0.01", f"{PHASE}.schedule.warmup", ("0.01",)),
            Change("--max_epochs 3", "--max_epochs 1", f"{PHASE}.epochs", ("1",)),
            Change("   --max_epochs 3 \\\n", "", f"{PHASE}.epochs", ("max_epochs", "2"), "C131"),
            Change("   --l2 0.1 \\\n", "", f"{PHASE}.optimizer.weight_decay", ("l2", "takes 0"), "C131"),
            Change("   --learning_rate $LR\n", "", f"{PHASE}.optimizer.learning_rate", ("5e-06",), "C131"),
        ),
    ),
)
