"""What trainers of language models from scratch make of their keys: one case per sentence of the docstrings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Severity, Status
from framework.dialects.flags import said
from framework.dialects.registry import dialect, recognise
from framework.manifest.loading import load
from framework.reading.shell.reader import parse_shell
from framework.stages.check import check
from tests.dialects.trainers.semantics import NOTHING, UNKNOWN, Case, assert_assumes, assert_states

MEGATRON = {"--micro-batch-size": 4, "--global-batch-size": 512, "--train-iters": 20000, "--lr": 3e-5}
SAMPLES = {"--micro-batch-size": 4, "--global-batch-size": 100, "--train-samples": 100_000, "--lr": 3e-5}
RESUMED = {**MEGATRON, "--use-checkpoint-opt_param-scheduler": True, "--lr-warmup-fraction": 0.01, "--min-lr": 3e-6}
NEOX = {"pipe_parallel_size": 1, "pos_emb": "rotary", "no_weight_tying": True, "optimizer": {"type": "Adam"}}
TOKENS = {"micro_batch_size": 2, "batch_accumulation_per_replica": 4, "train_steps": 100, "sequence_length": 64}


def nanotron(**rate: Any) -> dict[str, Any]:
    scheduler = {"learning_rate": 3e-4, "lr_decay_style": "cosine", "min_decay_lr": 1e-5, **rate}
    return {"tokens": TOKENS, "optimizer": {"learning_rate_scheduler": scheduler}, "parallelism": {"dp": 4, "tp": 2}}


CASES: list[Case] = [
    ("megatron", {**MEGATRON, "--optimizer": "adam"}, "optimizer.name", "adamw"),
    ("megatron", {**MEGATRON, "--optimizer": "sgd"}, "optimizer.name", "sgd"),
    ("megatron", MEGATRON, "batch_size", 512),
    ("megatron", MEGATRON, "batch_size.micro", NOTHING),
    ("megatron", {"--micro-batch-size": 4, "--train-iters": 9, "--lr": 1.0}, "batch_size.micro", 4),
    ("megatron", {**MEGATRON, "--rampup-batch-size": [64, 64, 2000000]}, "batch_size", UNKNOWN),
    ("megatron", {**MEGATRON, "--tensor-model-parallel-size": 2}, "batch_size.processes", UNKNOWN),
    ("megatron", {**MEGATRON, "--tensor-model-parallel-size": 1}, "batch_size.processes", NOTHING),
    ("megatron", {**MEGATRON, "--lr-warmup-fraction": 0.01}, "schedule.warmup.ratio", 0.01),
    ("megatron", {**MEGATRON, "--lr-warmup-fraction": 0.01, "--lr-decay-iters": 40000}, "schedule.warmup.steps", 400),
    ("megatron", {**MEGATRON, "--min-lr": 1e-6, "--lr-decay-iters": 40000}, "schedule.min_learning_rate", UNKNOWN),
    ("megatron", {**MEGATRON, "--min-lr": 1e-6, "--lr-decay-iters": 10000}, "schedule.min_learning_rate", 1e-6),
    ("megatron", SAMPLES, "max_steps", 1000),
    ("megatron", {**SAMPLES, "--lr-warmup-samples": 5000}, "schedule.warmup.steps", 50),
    ("megatron", {**SAMPLES, "--rampup-batch-size": [8, 8, 100]}, "max_steps", UNKNOWN),
    ("megatron", RESUMED, "optimizer.learning_rate", UNKNOWN),
    ("megatron", RESUMED, "schedule.warmup.ratio", UNKNOWN),
    ("megatron", RESUMED, "schedule.min_learning_rate", UNKNOWN),
    ("megatron", RESUMED, "batch_size", 512),
    ("megatron", {**MEGATRON, "--weight-decay": 0.1}, "optimizer.weight_decay", 0.1),
    ("megatron", {**MEGATRON, "--weight-decay": 0.1, "--weight-decay-incr-style": "linear"}, "optimizer.weight_decay",
     UNKNOWN),
    ("megatron", {**MEGATRON, "--clip-grad": 0.0}, "max_grad_norm", None),
    ("megatron", {**MEGATRON, "--bf16": True}, "precision", "bf16"),
    ("megatron", {**MEGATRON, "--nproc-per-node": 8, "--nnodes": 2}, "hardware.count", 16),
    ("gpt-neox", NEOX, "optimizer.name", "adamw"),
    ("gpt-neox", {**NEOX, "optimizer": {"type": "Adam", "params": {"adam_w_mode": False}}}, "optimizer.name", "adam"),
    ("gpt-neox", {**NEOX, "use-mup": True}, "optimizer.name", UNKNOWN),
    ("gpt-neox", {**NEOX, "use_bnb_optimizer": True}, "optimizer.name", UNKNOWN),
    ("gpt-neox", {**NEOX, "use_bnb_optimizer": False}, "optimizer.name", "adamw"),
    ("gpt-neox", {**NEOX, "optimizer": {"type": "Lion"}}, "optimizer.name", "Lion"),
    ("gpt-neox", {**NEOX, "lr-decay-style": "cosine"}, "schedule.name", "cosine"),
    ("gpt-neox", {**NEOX, "lr_decay_style": "cosine"}, "schedule.name", "cosine"),
    ("gpt-neox", {**NEOX, "warmup": 0.01, "train-iters": 100, "lr-decay-iters": 200}, "schedule.warmup.steps", 2),
    ("gpt-neox", {**NEOX, "model-parallel-size": 2}, "batch_size.processes", UNKNOWN),
    ("gpt-neox", {**NEOX, "pipe_parallel_size": 0}, "batch_size.processes", NOTHING),
    ("gpt-neox", {**NEOX, "fp16": {"enabled": True}}, "precision", "fp16"),
    ("gpt-neox", {**NEOX, "fp16": {"enabled": True, "type": "bfloat16"}}, "precision", "bf16"),
    ("gpt-neox", {**NEOX, "precision": "bfloat16"}, "precision", "bf16"),
    ("gpt-neox", {**NEOX, "use-checkpoint-lr-scheduler": True, "lr-decay-style": "linear"}, "schedule.name", UNKNOWN),
    ("nanotron", nanotron(), "batch_size.processes", 4),
    ("nanotron", nanotron(), "hardware.count", 8),
    ("nanotron", nanotron(), "schedule.name", "cosine"),
    ("nanotron", nanotron(lr_warmup_steps=5, lr_decay_starting_step=80), "schedule.name", "warmup_stable_decay"),
    ("nanotron", nanotron(lr_warmup_steps=5, lr_decay_starting_step=5), "schedule.name", "cosine"),
    ("nanotron", nanotron(min_decay_lr=None), "schedule.name", UNKNOWN),
    ("nanotron", nanotron(lr_warmup_steps=5, lr_warmup_style="constant"), "schedule.warmup.steps", 0),
    ("nanotron", {**nanotron(), "optimizer": {"adam_beta2": 0.95}}, "optimizer.betas[1]", 0.95),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "fact", "expected"), CASES, ids=[f"{c[0]}: {c[2]}" for c in CASES])
def test_a_key_states_what_its_trainer_makes_of_it(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    assert_states(name, data, fact, expected)


DEFAULTS: list[Case] = [
    ("megatron", MEGATRON, "schedule.name", "linear"),
    ("megatron", MEGATRON, "optimizer.weight_decay", 0.01),
    ("megatron", MEGATRON, "schedule.warmup.steps", 0),
    ("megatron", {**MEGATRON, "--lr-warmup-fraction": 0.1}, "schedule.warmup.steps", NOTHING),
    ("megatron", MEGATRON, "seed", 1234),
    ("gpt-neox", NEOX, "schedule.warmup.ratio", 0.01),
    ("gpt-neox", NEOX, "batch_size.accumulation", 1),
    ("gpt-neox", {**NEOX, "train-batch-size": 64}, "batch_size.accumulation", NOTHING),
    ("gpt-neox", NEOX, "optimizer.weight_decay", NOTHING),
    ("nanotron", nanotron(min_decay_lr=None), "schedule.min_learning_rate", 3e-4),
    ("nanotron", nanotron(), "schedule.warmup.steps", 0),
]


@pytest.mark.parametrize(("name", "data", "fact", "expected"), DEFAULTS, ids=[f"{c[0]}: {c[2]}" for c in DEFAULTS])
def test_what_a_trainer_does_where_nothing_is_stated(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    assert_assumes(name, data, fact, expected)


def test_flags_of_two_commands_are_read_each_for_itself() -> None:
    flags = "--micro-batch-size 1 --global-batch-size 8 --lr-decay-style linear --train-iters"
    text = f"python pretrain_gpt.py {flags} 100\npython pretrain_bert.py {flags} 200\n"
    document = parse_shell(text, "both.sh")
    assert document.root is not None
    data = document.value(document.root)
    found = recognise(data)
    assert found is not None
    assert found[0].name == "megatron"
    steps = {each.path: each.value for each in said(dialect("megatron"), data).statements if each.fact == "max_steps"}
    assert steps == {("pretrain_gpt.py", "--train-iters"): 100, ("pretrain_bert.py", "--train-iters"): 200}


MANIFEST = """\
version: 1
paper: {title: A model that is trained on}
hardware: {count: 16}
models: {base: {family: gpt2, weights: random, layers: 24, hidden: 2048, heads: 16, vocabulary: 50304}}
datasets: {corpus: {hub: example/corpus}}
phases:
  anneal:
    objective: causal_lm
    dataset: corpus
    optimizer: {name: adamw, learning_rate: 3e-5, weight_decay: 0.1, betas: [0.9, 0.95]}
    schedule: {name: cosine, warmup: 1%, min_learning_rate: 3e-6}
    batch_size: 512
    max_steps: 20000
    sequence_length: 2048
    precision: bf16
variants: {continued: {steps: [anneal]}}
seeds: [1234]
configs: [{file: stage2.sh, describes: phases.anneal, variant: continued, dialect: megatron}]
"""
COMMAND = """\
ARGS=(
    --micro-batch-size 4
    --global-batch-size 512
    --train-iters 20000
    --lr 3.0e-5
    --min-lr 3.0e-6
    --lr-decay-style cosine
    --lr-warmup-fraction 0.01
    --weight-decay 0.1
    --adam-beta2 0.95
    --seq-length 2048
    --bf16
)
torchrun --nproc_per_node 8 --nnodes 2 pretrain_gpt.py ${ARGS[@]} --load stage1"""


@pytest.mark.parametrize("more", ["", " --override-opt_param-scheduler", " --use-checkpoint-opt_param-scheduler"])
def test_a_learning_rate_that_the_checkpoint_goes_before_does_not_conform(tmp_path: Path, more: str) -> None:
    (tmp_path / "experiment.yaml").write_text(MANIFEST)
    (tmp_path / "stage2.sh").write_text(COMMAND + more + "\n")
    result = check(load(tmp_path / "experiment.yaml"))
    assert [each.message for each in result.findings if each.severity is Severity.ERROR] == []
    read = not more.startswith(" --use")
    for clause in ("optimizer.learning_rate", "schedule.name", "schedule.warmup", "schedule.min_learning_rate"):
        expected = Status.CONFORMS if read else Status.UNVERIFIED
        assert result.statuses[f"phases.anneal.{clause}"] is expected
    assert result.statuses["phases.anneal.batch_size"] is Status.CONFORMS
