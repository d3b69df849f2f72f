"""A switch makes other keys nothing, or another thing; DeepSpeed's own defaults hold beside the trainer's arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Status
from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.dialects.terms import Unknown
from framework.stages.check import CheckResult
from tests.support.project import Project

UNKNOWN = object()
"""That a file states a fact, and no key tells its value."""
LR = {"lr": 1e-4, "epochs": 3}
PEFT = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}
AXOLOTL = {"base_model": "a/b", "sequence_len": 64, "adapter": "lora", "learning_rate": 1e-4, "lora_r": 4,
           "lora_alpha": 8, "lora_target_modules": ["q_proj"]}  # fmt: skip
FACTORY = {"stage": "sft", "do_train": True, "template": "x", "lora_rank": 4, "learning_rate": 1e-4,
           "lora_target": "q_proj"}  # fmt: skip
NANO = {**LR, "min_lr": 1e-5, "warmup_iters": 100}
LIT = {"global_batch_size": 16, "micro_batch_size": 4, "lr_warmup_steps": 10, "min_lr": 6e-5}
FAIRSEQ = {"lr": 1e-4, "optimizer": "adam", "adam_betas": "(0.9, 0.98)", "update_freq": 4, "max_tokens": 4096}
MEGATRON = {"lr": 1e-4, "optimizer": "adam", "adam_beta1": 0.9, "lr_decay_style": "cosine", "train_iters": 100}
CHECKPOINT = {"use_checkpoint_opt_param_scheduler": True}
RANK, TARGETS, ALPHA = "adapter.lora.rank", "adapter.lora.targets", "adapter.lora.alpha"
LEAST = "schedule.min_learning_rate"

CASES: list[tuple[str, dict[str, Any], str, Any]] = [
    *(("generic", {**LR, "lora_r": 4, key: False}, RANK, None) for key in ("use_lora", "use_peft")),
    ("generic", {**LR, "lora_r": 4, "use_lora": True}, RANK, 4),
    ("generic", {**LR, "lora": {"enabled": False, "r": 4}}, RANK, None),
    ("generic", {**LR, "lora": {"enabled": True, "r": 4}}, RANK, 4),
    ("generic", {**LR, "early_stopping": {"enabled": False, "patience": 3}}, "early_stopping.patience", None),
    ("generic", {**LR, "early_stopping": {"enabled": True, "patience": 3}}, "early_stopping.patience", 3),
    ("generic", {**LR, "early_stopping": False, "early_stopping_patience": 3}, "early_stopping.patience", None),
    ("generic", {**NANO, "decay_lr": False}, LEAST, None),
    ("generic", {**NANO, "decay_lr": False}, "schedule.warmup.steps", 0),
    ("generic", {**NANO, "decay_lr": True}, LEAST, 1e-5),
    ("generic", {"train": LIT, "lr": 1e-4}, LEAST, UNKNOWN),
    ("generic", {"train": {"min_lr": 6e-5}, "lr": 1e-4}, LEAST, 6e-5),
    *(("generic", {**MEGATRON, **CHECKPOINT, "weight_decay": 0.1}, fact, UNKNOWN)
      for fact in ("optimizer.learning_rate", "optimizer.weight_decay")),
    ("generic", {**MEGATRON, **CHECKPOINT}, "optimizer.betas[0]", 0.9),
    ("generic", MEGATRON, "optimizer.learning_rate", 1e-4),
    ("generic", MEGATRON, "optimizer.name", "adamw"),
    ("generic", FAIRSEQ, "optimizer.name", "adamw"),
    ("generic", {**MEGATRON, "decoupled_weight_decay": False}, "optimizer.name", "adam"),
    ("generic", {**LR, "optimizer": "adam"}, "optimizer.name", "adam"),
    *(("peft-adapter", {**PEFT, "init_lora_weights": word}, TARGETS, UNKNOWN) for word in ("pissa", "pissa_niter_4")),
    *(("peft-adapter", {**PEFT, "init_lora_weights": word}, TARGETS, ["q_proj"]) for word in (True, "gaussian")),
    ("axolotl", {**AXOLOTL, "peft_use_dora": True}, ALPHA, UNKNOWN),
    ("axolotl", {**AXOLOTL, "peft_use_dora": False}, ALPHA, 8),
    ("axolotl", {**AXOLOTL, "lora_modules_to_save": ["lm_head"]}, TARGETS, UNKNOWN),
    ("axolotl", {**AXOLOTL, "peft_layers_to_transform": [0]}, TARGETS, UNKNOWN),
    ("axolotl", {**AXOLOTL, "loraplus_lr_ratio": 16}, "optimizer.learning_rate", UNKNOWN),
    ("llama-factory", {**FACTORY, "pissa_init": True}, TARGETS, UNKNOWN),
    ("llama-factory", {**FACTORY, "loraplus_lr_ratio": 16.0}, "optimizer.learning_rate", UNKNOWN),
    ("llama-factory", {**FACTORY, "loraplus_lr_ratio": None}, "optimizer.learning_rate", 1e-4),
    ("trl", {"use_peft": True, "lora_alpha": 8, "use_dora": True, "learning_rate": 1e-4}, ALPHA, UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "fact", "expected"), CASES)
def test_a_switch_decides_what_the_keys_beside_it_state(
    name: str, data: dict[str, Any], fact: str, expected: Any
) -> None:
    found = [each.value for each in said(dialect(name), data).statements if each.fact == fact]
    if expected is UNKNOWN:
        assert len(found) == 1
        assert isinstance(found[0], Unknown)
    else:
        assert found == [expected]


MANIFEST = """\
version: 1
paper: {title: A study}
models: {m: {family: llama, hub: org/model}}
datasets: {d: {hub: org/data, train_examples: 1000}}
phases:
  p:
    objective: causal_lm
    dataset: d
    optimizer: {name: adamw, learning_rate: 2e-5, weight_decay: 0.1, betas: [0.9, 0.95]}
    batch_size: 8
    max_grad_norm: 0.3
configs:
"""
ARGS = """\
output_dir: x
learning_rate: 0.00002
weight_decay: 0.1
adam_beta2: 0.95
max_grad_norm: 0.3
per_device_train_batch_size: 2
gradient_accumulation_steps: 4
num_train_epochs: 3
deepspeed: ds.json
"""
ZERO = '"zero_optimization": {"stage": 2}'


def beside(folder: Path, deepspeed: str, first: str = "hf-training-arguments") -> CheckResult:
    lines = [f"  - {{file: a.yaml, dialect: {first}, describes: phases.p}}\n"]
    lines.append("  - {file: ds.json, dialect: deepspeed, describes: phases.p}\n")
    project = Project(folder, MANIFEST + "".join(lines))
    project.path("configs/pretrain.yaml").unlink()
    project.write("a.yaml", ARGS)
    project.write("ds.json", deepspeed)
    return project.check()


def violated(result: CheckResult) -> set[str]:
    return {str(each.clause) for each in result.findings if each.location and each.location.file == "ds.json"}


def test_an_optimizer_of_deepspeed_takes_nothing_from_the_arguments(tmp_path: Path) -> None:
    auto = '"gradient_clipping": "auto", "gradient_accumulation_steps": "auto"'
    result = beside(tmp_path, f'{{{ZERO}, {auto}, "optimizer": {{"type": "AdamW"}}}}')
    assert violated(result) == {f"phases.p.optimizer.{name}" for name in ("learning_rate", "weight_decay", "betas")}
    params = '"params": {"lr": "auto", "betas": "auto", "eps": "auto", "weight_decay": "auto"}'
    result = beside(tmp_path, f'{{{ZERO}, {auto}, "optimizer": {{"type": "AdamW", {params}}}}}')
    assert [each for each in result.findings if each.severity.value == "error"] == []


def test_a_norm_of_the_arguments_is_not_read_unless_deepspeed_is_told_to(tmp_path: Path) -> None:
    assert violated(beside(tmp_path, f"{{{ZERO}}}")) == {"phases.p.max_grad_norm"}
    assert violated(beside(tmp_path, f'{{{ZERO}, "gradient_clipping": "auto"}}')) == set()


def test_the_accumulation_is_the_trainer_s_where_its_arguments_state_it(tmp_path: Path) -> None:
    text = f'{{{ZERO}, "gradient_clipping": "auto", "train_micro_batch_size_per_gpu": 2}}'
    assert violated(beside(tmp_path, text)) == set()
    alone = MANIFEST + "  - {file: ds.json, dialect: deepspeed, describes: phases.p}\n"
    project = Project(tmp_path, alone)
    project.write("ds.json", text)
    result = project.check()
    assert [each.code for each in result.findings if each.clause == "phases.p.batch_size"] == ["C110"]
    assert result.statuses["phases.p.batch_size"] is Status.VIOLATED
