"""A Hydra group that only a command chooses leaves open what it states and what it replaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Status
from framework.stages.check import CheckResult
from tests.support.held import STUDY
from tests.support.held import held as held_to

MANIFEST = (
    STUDY
    + """\
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3}
    schedule: {name: cosine}
    batch_size: 8
    epochs: 20
variants: {plain: {steps: [train]}}
configs:
  - {file: conf/config.yaml, dialect: hydra, describes: phases.train}
  - {file: run.sh, dialect: hydra, describes: phases.train}
"""
)
FILES = {
    "conf/config.yaml": "defaults: [_self_, {optimizer: adamw}]\nepochs: 20\n",
    "conf/optimizer/adamw.yaml": "lr: 1e-3\n",
    "conf/optimizer/sgd.yaml": "lr: 0.1\n",
    "conf/experiment/e.yaml": "# @package _global_\noptimizer: {lr: 3e-4}\n",
    "conf/experiment/other.yaml": "# @package _global_\nlogger: {name: x}\n",
}
LR, EPOCHS = "phases.train.optimizer.learning_rate", "phases.train.epochs"


def held(root: Path, command: str, *own: str) -> CheckResult:
    """The files, those of a test's ``own`` as they are."""
    files = {name: text for name, text in FILES.items() if name not in own}
    return held_to(root, MANIFEST, {**files, "run.sh": f"python train.py {command}\n"})


@pytest.mark.parametrize("command", ["+experiment=e", "optimizer=sgd", "++experiment=e epochs=20"])
def test_what_a_choice_replaces_is_not_known(tmp_path: Path, command: str) -> None:
    result = held(tmp_path, command)
    assert result.statuses[LR] is Status.UNVERIFIED
    assert result.statuses[EPOCHS] is Status.CONFORMS
    assert any("the command at" in each.message and "run.sh:1" in each.message for each in result.findings)


@pytest.mark.parametrize("command", ["", "optimizer=adamw", "+experiment=other", "optimizer=missing"])
def test_a_choice_that_changes_nothing_leaves_the_value(tmp_path: Path, command: str) -> None:
    assert held(tmp_path, command).statuses[LR] is Status.CONFORMS


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("optimizer: lion", ["conf/config.yaml:1:24"]),
        ("optimizer: [adamw, lion]", ["conf/config.yaml:1:24"]),
        ("nested: one", ["conf/nested/one.yaml:1:16"]),
        ("optional optimizer: lion", []),
        ("optimizer: adamw", []),
    ],
)
def test_an_option_that_is_not_there_is_said(tmp_path: Path, entry: str, told: list[str]) -> None:
    (tmp_path / "conf/nested").mkdir(parents=True)
    (tmp_path / "conf/nested/one.yaml").write_text("defaults: [{g: two}]\nx: 1\n")
    (tmp_path / "conf/config.yaml").write_text(f"defaults: [{{{entry}}}, _self_]\nepochs: 20\n")
    result = held(tmp_path, "", "conf/config.yaml")
    places = [str(each.location).split(" ")[0] for each in result.findings if each.code == "C124"]
    assert [place.removeprefix(f"{tmp_path}/") for place in places] == told
