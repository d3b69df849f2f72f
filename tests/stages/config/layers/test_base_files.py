"""A value of a base file is held where nothing overrides it, at its place in the base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.conformance import Status
from framework.stages.check import CheckResult
from tests.support.commands import called
from tests.support.held import STUDY, error_places
from tests.support.held import held as held_to

MANIFEST = (
    STUDY
    + """\
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
)
LR = "phases.train.optimizer.learning_rate"
BASE = "SOLVER:\n  BASE_LR: {}\n  IMS_PER_BATCH: 16\n"
OWN = "_BASE_: base.yaml\nSOLVER:\n  MAX_ITER: 90000\n"
DETECTRON2 = "  - {file: run.yaml, dialect: detectron2, describes: phases.train}\n"


def held(root: Path, bindings: str, **files: str) -> CheckResult:
    return held_to(root, MANIFEST + bindings, {name.replace("_", "."): text for name, text in files.items()})


def test_a_bases_value_is_held_at_its_place_in_the_base(tmp_path: Path) -> None:
    right = held(tmp_path, DETECTRON2, run_yaml=OWN, base_yaml=BASE.format(0.02))
    assert error_places(right) == []
    assert right.statuses[LR] is Status.CONFORMS
    assert error_places(held(tmp_path, DETECTRON2, run_yaml=OWN, base_yaml=BASE.format(0.01))) == [
        ("C101", "base.yaml:2")
    ]


def test_what_the_file_overrides_is_no_drift(tmp_path: Path) -> None:
    own = OWN + "  BASE_LR: 0.02\n"
    assert error_places(held(tmp_path, DETECTRON2, run_yaml=own, base_yaml=BASE.format(0.01))) == []
    own = OWN + "  BASE_LR: 0.01\n"
    assert error_places(held(tmp_path, DETECTRON2, run_yaml=own, base_yaml=BASE.format(0.02))) == [
        ("C101", "run.yaml:4")
    ]


def test_a_default_counts_where_no_file_of_the_chain_overrides_it(tmp_path: Path) -> None:
    own = OWN.replace("  MAX_ITER: 90000\n", "  MOMENTUM: 0.9\n")
    found = held(tmp_path, DETECTRON2, run_yaml=own, base_yaml=BASE.format(0.02))
    assert [code for code, _ in error_places(found)] == ["C131"]
    assert any("40000" in each.message for each in found.findings if each.code == "C131")
    gone = held(tmp_path, DETECTRON2, run_yaml=own.replace("base.yaml", "gone.yaml"))
    assert error_places(gone) == []
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


GIN = "  - {file: run.gin, dialect: generic, describes: phases.train}\n"


def test_a_gin_macro_is_held_once_where_it_is_set(tmp_path: Path) -> None:
    text = "LR = {}\ninclude 'base.gin'\nSGD.lr = %LR\n"
    base = "SGD.weight_decay = 1e-4\n"
    assert error_places(held(tmp_path, GIN, run_gin=text.format(0.02), base_gin=base)) == []
    assert error_places(held(tmp_path, GIN, run_gin=text.format(0.5), base_gin=base)) == [("C101", "run.gin:1")]
    assert error_places(held(tmp_path, GIN, run_gin=text.format(0.02), base_gin="SGD.weight_decay = 0.5\n")) == [
        ("C101", "base.gin:1")
    ]
    (tmp_path / "run.gin").write_text(text.format(0.5))
    called(tmp_path, "check", "--fix")
    assert (tmp_path / "run.gin").read_text() == text.format(0.5)  # what else uses the macro is not known


MMENGINE = "  - {file: run.py, dialect: mmengine, describes: phases.train}\n"


def test_a_python_configs_base_is_held_where_nothing_overrides_it(tmp_path: Path) -> None:
    base = "optimizer = dict(type='SGD', lr={}, momentum=0.9, weight_decay=1e-4)\n"
    base += "optim_wrapper = dict(type='OptimWrapper', optimizer=optimizer)\ntrain_cfg = dict(max_iters=90000)\n"
    own = "_base_ = ['base.py']\nlr = 0.5\n"
    ramp = "param_scheduler = [dict(type='LinearLR', by_epoch=False, begin=0, end=1000), dict(type='MultiStepLR')]\n"
    assert error_places(held(tmp_path, MMENGINE, run_py=own + ramp, base_py=base.format(0.02))) == []
    assert error_places(held(tmp_path, MMENGINE, run_py=own + ramp, base_py=base.format(0.1))) == [
        ("C101", "base.py:1")
    ]
    over = own + ramp + "optim_wrapper = dict(optimizer=dict(lr=0.02))\n"
    assert error_places(held(tmp_path, MMENGINE, run_py=over, base_py=base.format(0.1))) == []


@pytest.mark.parametrize("suffix", ["yaml", "json", "toml"])
@pytest.mark.parametrize("word", ["extends", "base_config", "inherit_from"])
def test_a_home_grown_base_is_read_in_each_format(tmp_path: Path, suffix: str, word: str) -> None:
    def text(values: dict[str, object]) -> str:
        if suffix == "toml":
            return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        return json.dumps(values) if suffix == "json" else "".join(f"{key}: {value}\n" for key, value in values.items())

    bound = f"  - {{file: run.{suffix}, dialect: generic, describes: phases.train}}\n"
    own, base = {word: f"base.{suffix}", "lr": 0.02}, {"lr": 0.9, "weight_decay": 0.01}
    wrong = held_to(tmp_path, MANIFEST + bound, {f"run.{suffix}": text(own), f"base.{suffix}": text(base)})
    (place,) = error_places(wrong)
    assert (place[0], place[1].partition(":")[0]) == ("C101", f"base.{suffix}")
    assert wrong.statuses[LR] is Status.CONFORMS
    right = held_to(tmp_path, MANIFEST + bound, {f"base.{suffix}": text(base | {"weight_decay": 1e-4})})
    assert error_places(right) == []
