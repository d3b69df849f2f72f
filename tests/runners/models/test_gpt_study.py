"""Variants with models of their own, run and held to what each states."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.evidence.record import MODEL
from tests.runners.models.tiny import tiny
from tests.support.executed import ExecutedStudy, study
from tests.support.run_folders import seal
from tests.support.statuses import codes, status_of

VARIANTS = """\
  base: {steps: [finetune]}
  rms:
    model: {architecture: {norm: rmsnorm, position_encoding: rope, biases: false, dropout: 0.1}}
    steps: [finetune]
"""
CHANGES = {
    "norm": ("norm", "layernorm"),
    "position_encoding": ("position_encoding", "learned"),
    "biases": ("biases", True),
    "dropout": ("dropout", {"embedding": 0.0, "attention": 0.1, "residual": 0.1}),
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> ExecutedStudy:
    stated = json.dumps(tiny("gpt").model_dump(mode="json", exclude_none=True))
    return study(tmp_path_factory.mktemp("parts"), VARIANTS, stated).execute()


def clause(name: str) -> str:
    return f"variants.rms.model.architecture.{name}"


def test_each_variant_s_parts_conform_at_the_checkpoint(executed: ExecutedStudy) -> None:
    result = executed.verify()
    assert codes(result) == ["M180"]  # a phase of the small study that no variant runs
    for name in CHANGES:
        assert status_of(result, clause(name), Stage.CHECKPOINT) is Status.CONFORMS
    assert status_of(result, "models.tiny.layers", Stage.CHECKPOINT) is Status.CONFORMS


@pytest.mark.parametrize("name", CHANGES)
def test_another_part_is_found(executed: ExecutedStudy, tmp_path: Path, name: str) -> None:
    broken = executed.copy(tmp_path)
    folder = broken.folder("rms", "finetune")
    path = folder / MODEL / "config.json"
    config = json.loads(path.read_text())
    key, value = CHANGES[name]
    config["switches"][key] = value
    path.write_text(json.dumps(config))
    seal(folder)
    result = broken.verify()
    assert "T140" in codes(result)
    assert status_of(result, clause(name), Stage.CHECKPOINT) is Status.VIOLATED


def test_tensors_tell_what_a_configuration_hides(executed: ExecutedStudy, tmp_path: Path) -> None:
    """The configuration says what it should, and the tensors are another variant's."""
    broken = executed.copy(tmp_path)
    folder = broken.folder("rms", "finetune")
    shutil.copy(broken.folder("base", "finetune") / MODEL / "model.safetensors", folder / MODEL / "model.safetensors")
    seal(folder)
    result = broken.verify()
    for name in ("position_encoding", "biases"):
        assert status_of(result, clause(name), Stage.CHECKPOINT) is Status.VIOLATED
