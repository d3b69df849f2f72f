"""Clauses that nobody may state otherwise: each way to do so is found, with both places."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import MARK, Project

MANIFEST = """\
version: 1
paper: {title: Frozen}
models:
  small: {family: gpt, weights: random, layers: 2, hidden: 8, heads: 2, positions: 16, vocabulary: 32, tokenizer: bytes}
datasets: {text: {builtin: language-reference}}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3}
    batch_size: 2
    epochs: 7
variants:
  base: {steps: [train]}
  other: {steps: [{train: {set: {optimizer.learning_rate: 2e-3}}}]}
frozen: [phases.train.epochs, datasets.text, models.small.layers, seeds]
seeds: [1337]
profiles:
  smoke: {reason: a laptop, set: {models.small.hidden: 4}}
configs:
  - {file: configs/pretrain.yaml, describes: phases.train, keys: {epochs: epochs}}
"""
CHANGES = {
    "a variant": ("set: {optimizer.learning_rate: 2e-3}", f"set: {{epochs: {MARK}3}}"),
    "a model of a variant": ("base: {steps", f"base: {{model: {{layers: {MARK}3}}, steps"),
    "a grid": (
        "frozen:",
        f"grids:\n  g: {{over: {{e: [{MARK}3, 4]}}, steps: [{{train: {{set: {{epochs: $e}}}}}}]}}\nfrozen:",
    ),
    "a model": ("tokenizer: bytes}", f"tokenizer: bytes, set: {{epochs: {MARK}3}}}}"),
    "a dataset": ("builtin: language-reference}", f"builtin: language-reference, set: {{epochs: {MARK}3}}}}"),
    "a profile": ("models.small.hidden: 4", f"phases.train.epochs: {MARK}1"),
    "a profile, of seeds": ("models.small.hidden: 4", f"seeds: {MARK}[1]"),
    "a profile, of what is above": ("models.small.hidden: 4", f"datasets: {MARK}{{text: {{limit: 3}}}}"),
}


def test_what_is_not_frozen_may_change(tmp_path: Path) -> None:
    assert Project(tmp_path, MANIFEST, "epochs: 7\n").check().findings == []


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_found_with_both_places(tmp_path: Path, case: str) -> None:
    old, new = CHANGES[case]
    project = Project(tmp_path, MANIFEST, "epochs: 7\n").replace(old, new)
    found = [each for each in project.check().findings if each.code == "M110"]
    assert found
    assert "is frozen for all that is compared" in found[0].message
    assert found[0].declared is not None
    assert found[0].location is not None
    line = project.place.split(":")[1]
    assert str(found[0].location.line) == line


def test_what_is_frozen_must_be_stated(tmp_path: Path) -> None:
    project = Project(tmp_path, MANIFEST, "epochs: 7\n").replace(
        "frozen: [phases.train.epochs", "frozen: [phases.train.epoch"
    )
    assert "no clause 'phases.train.epoch'" in project.cli("check").err
