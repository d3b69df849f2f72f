"""Early stopping that a file turns off is none, where the manifest declares some."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.held import STUDY
from tests.support.held import held as held_to

MANIFEST = (
    STUDY
    + """\
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-4}
    epochs: 3
    early_stopping: {metric: loss, patience: 3}
configs:
  - {file: FILE, dialect: generic, describes: phases.train}
"""
)


def codes(root: Path, name: str, text: str) -> set[str]:
    return {each.code for each in held_to(root, MANIFEST.replace("FILE", name), {name: text}).findings} - {"C120"}


@pytest.mark.parametrize(
    "line",
    [
        "early_stopping: false",
        "early_stopping: null",
        "early_stopping: none",
        "early_stopping: 'off'",
        "use_early_stopping: false",
        "early_stop: false",
        "early_stopping: {patience: null}",
        "early_stopping: {enabled: false}",
        "EarlyStopping: false",
        "other: 1",
    ],
)
def test_what_is_turned_off_is_as_absent(tmp_path: Path, line: str) -> None:
    assert codes(tmp_path, "a.yaml", f"lr: 1e-4\nepochs: 3\n{line}\n") == {"C140"}


@pytest.mark.parametrize("switch", ["enabled", "enable", "active"])
def test_a_patience_beside_a_switch_that_is_off_is_none(tmp_path: Path, switch: str) -> None:
    text = "lr: 1e-4\nepochs: 3\nearly_stopping: {{{}: {}, patience: 3}}\n"
    assert codes(tmp_path, "a.yaml", text.format(switch, "false")) == {"C101"}
    assert codes(tmp_path, "a.yaml", text.format(switch, "true")) == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "lr: 1e-4\nepochs: 3\nearly_stopping: true\n"),
        ("a.yaml", "lr: 1e-4\nepochs: 3\nearly_stopping: {patience: 3}\n"),
        ("a.yaml", "lr: 1e-4\nepochs: 3\n# early stopping is done by the launcher\n"),
        ("a.sh", "python t.py --lr 1e-4 --epochs 3 --early_stopping\n"),
    ],
)
def test_what_is_on_or_may_be_is_no_finding(tmp_path: Path, name: str, text: str) -> None:
    assert codes(tmp_path, name, text) == set()
