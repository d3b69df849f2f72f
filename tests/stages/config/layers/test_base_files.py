"""A value of a base file is held where nothing overrides it, at its place in the base."""

from __future__ import annotations

import json
from pathlib import Path

from framework.conformance import Severity, Status
from framework.manifest.loading import load
from framework.stages.check import CheckResult, check
from tests.support.commands import called

MANIFEST = """\
version: 1
paper: {title: A study}
models: {tiny: {family: gpt2}}
datasets: {text: {train_examples: 3200}}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: sgd, learning_rate: 0.02, momentum: 0.9, weight_decay: 1e-4}
    schedule: {name: milestones, warmup: 1000 steps}
    batch_size: 16
    max_grad_norm: none
    max_steps: 90000
    precision: fp32
variants: {plain: {steps: [train]}}
configs:
"""
LR = "phases.train.optimizer.learning_rate"
BASE = "SOLVER:\n  BASE_LR: {}\n  IMS_PER_BATCH: 16\n"
OWN = "_BASE_: base.yaml\nSOLVER:\n  MAX_ITER: 90000\n"
DETECTRON2 = "  - {file: run.yaml, dialect: detectron2, describes: phases.train}\n"


def held(root: Path, bindings: str, **files: str) -> CheckResult:
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)
    (root / "experiment.yaml").write_text(MANIFEST + bindings)
    return check(load(root / "experiment.yaml"))


def errors(result: CheckResult) -> list[tuple[str, str]]:
    """Codes and places."""
    found = [each for each in result.findings if each.severity is Severity.ERROR and each.location]
    return [(e.code, f"{Path(e.location.file).name}:{e.location.line}") for e in found if e.location]


def test_a_bases_value_is_held_at_its_place_in_the_base(tmp_path: Path) -> None:
    right = held(tmp_path, DETECTRON2, run_yaml=OWN, base_yaml=BASE.format(0.02))
    assert errors(right) == []
    assert right.statuses[LR] is Status.CONFORMS
    assert errors(held(tmp_path, DETECTRON2, run_yaml=OWN, base_yaml=BASE.format(0.01))) == [("C101", "base.yaml:2")]


def test_what_the_file_overrides_is_no_drift(tmp_path: Path) -> None:
    own = OWN + "  BASE_LR: 0.02\n"
    assert errors(held(tmp_path, DETECTRON2, run_yaml=own, base_yaml=BASE.format(0.01))) == []
    own = OWN + "  BASE_LR: 0.01\n"
    assert errors(held(tmp_path, DETECTRON2, run_yaml=own, base_yaml=BASE.format(0.02))) == [("C101", "run.yaml:4")]


def test_a_default_counts_where_no_file_of_the_chain_overrides_it(tmp_path: Path) -> None:
    own = OWN.replace("  MAX_ITER: 90000\n", "  MOMENTUM: 0.9\n")
    found = held(tmp_path, DETECTRON2, run_yaml=own, base_yaml=BASE.format(0.02))
    assert [code for code, _ in errors(found)] == ["C131"]
    assert any("40000" in each.message for each in found.findings if each.code == "C131")
    gone = held(tmp_path, DETECTRON2, run_yaml=own.replace("base.yaml", "gone.yaml"))
    assert errors(gone) == []
    assert gone.statuses["phases.train.max_steps"] is Status.UNVERIFIED
    (part,) = [each for each in gone.findings if each.code == "C124"]
    assert "gone.yaml" in part.message
    assert "run.yaml:1:9" in str(part.location)


def test_the_chain_shows_the_base(tmp_path: Path) -> None:
    held(tmp_path, DETECTRON2, run_yaml=OWN, base_yaml=BASE.format(0.02))
    done = called(tmp_path, "explain", "--value", "run.yaml", "SOLVER.BASE_LR", "--format", "json")
    assert done.code == 0, done.err
    (found,) = json.loads(done.out)["chains"]
    assert [(each["kind"], each["place"]) for each in found["layers"]] == [("base file", "base.yaml:2:12")]
