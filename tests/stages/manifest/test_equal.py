"""Variants that must be alike: each budget and clause, stated alike, apart, and not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Finding, Stage, Status
from tests.support.project import Project
from tests.support.statuses import status_of

MANIFEST = """\
version: 1
paper: {title: A study}
models:
  small: {family: gpt2, weights: random, layers: 2, hidden: 4, heads: 2, vocabulary: 16, tokenizer: bytes, positions: 8}
datasets:
  text: {builtin: language-reference, train_examples: 320}
  open: {builtin: language-reference}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4}
    batch_size: 32
    sequence_length: 8
    epochs: 5
    settings: {tuning_trials: 20}
variants:
  base: {steps: [train]}
  new: {steps: [{train: {set: {settings.note: anything}}}]}
rules:
  - equal: {variants: [base, new], of: [optimizer_steps]}
configs:
  - {file: configs/pretrain.yaml, describes: phases.train, keys: {lr: optimizer.learning_rate}}
"""
OTHER = "settings.note: anything"

UNEQUAL = {
    # what is said to be alike: (of, what the other one states, the two values)
    "steps": ("optimizer_steps", "epochs: 6", (50, 60)),
    "samples": ("samples", "epochs: 6", (1600, 1920)),
    "tokens": ("tokens", "sequence_length: 4", (12_800, 6_400)),
    "data": ("data", "batch_size: 16", (32, 16)),
    "a rate": ("optimizer.learning_rate", "optimizer.learning_rate: 1e-4", (2e-4, 1e-4)),
    "trials of tuning": ("settings.tuning_trials", "settings.tuning_trials: 200", (20, 200)),
}
ALIKE = {
    "steps by another batch and length": ("optimizer_steps", "batch_size: 16, epochs: 2.5"),
    "samples by another batch": ("samples", "batch_size: 16"),
    "tokens by other sequences": ("tokens", "sequence_length: 16, epochs: 2.5"),
    "data": ("data", "optimizer.learning_rate: 1e-4"),
    "parameters": ("parameters", "epochs: 6"),
    "what is trained": ("trainable_parameters", "epochs: 6"),
    "operations": ("flops", "optimizer.learning_rate: 1e-4"),
    "a rate": ("optimizer.learning_rate", "epochs: 6"),
    "trials of tuning": ("settings.tuning_trials", "epochs: 6"),
}
OPEN = {
    "epochs of nobody knows how many examples": ("samples", "dataset: open"),
    "a length that early stopping ends": ("optimizer_steps", "early_stopping: {metric: perplexity, patience: 1}"),
    "what neither states": ("optimizer.weight_decay", "epochs: 6"),
    "what one does not state": ("settings.warmth", "settings.warmth: 2"),
}


def project(folder: Path, of: str, other: str, within: str = "") -> Project:
    made = Project(folder, MANIFEST, "lr: 2e-4\n").replace(OTHER, other)
    return made.replace("of: [optimizer_steps]", f"of: [{of}]{within}")


def unequal(made: Project) -> list[Finding]:
    return [finding for finding in made.check().findings if finding.code == "M113"]


@pytest.mark.parametrize("case", UNEQUAL)
def test_what_must_be_alike_and_is_stated_apart_is_found(tmp_path: Path, case: str) -> None:
    of, other, values = UNEQUAL[case]
    (finding,) = unequal(project(tmp_path, of, other))
    assert (finding.expected, finding.actual) == values
    assert finding.clause == "rules[0].equal.of"
    assert f"base and new must be equal in {of}" in finding.message


@pytest.mark.parametrize("case", ALIKE)
def test_what_is_stated_alike_conforms(tmp_path: Path, case: str) -> None:
    assert status(project(tmp_path, *ALIKE[case])) is Status.CONFORMS


@pytest.mark.parametrize("case", OPEN)
def test_what_is_left_open_is_neither(tmp_path: Path, case: str) -> None:
    made = project(tmp_path, *OPEN[case])
    assert status(made) is Status.UNVERIFIED
    assert unequal(made) == []


def status(made: Project) -> Status | None:
    return status_of(made.check(), "rules[0].equal.of", Stage.MANIFEST)


@pytest.mark.parametrize(("within", "found"), [("", ["M113"]), (", within: 19%", ["M113"]), (", within: 20%", [])])
def test_counts_may_lie_apart_by_a_share_of_the_first(tmp_path: Path, within: str, found: list[str]) -> None:
    made = project(tmp_path, "optimizer_steps", "epochs: 6", within)
    assert [finding.code for finding in unequal(made)] == found


def test_each_other_variant_is_held_to_the_first(tmp_path: Path) -> None:
    made = project(tmp_path, "optimizer_steps", "epochs: 6")
    made.replace("rules:\n", "  third: {steps: [{train: {set: {epochs: 7}}}]}\nrules:\n")
    made.replace("[base, new]", "[base, new, third]")
    assert [(each.expected, each.actual) for each in unequal(made)] == [(50, 60), (50, 70)]


def test_what_both_start_from_counts_for_both(tmp_path: Path) -> None:
    made = project(tmp_path, "optimizer_steps", "epochs: 6")
    made.replace("variants:\n", "variants:\n  start: {steps: [train]}\n")
    made.replace("base: {steps: [train]}", "base: {from: start, steps: [{train: {set: {batch_size: 16}}}]}")
    assert [(each.expected, each.actual) for each in unequal(made)] == [(150, 60)]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[base, new]", "[base]", "at least 2"),
        ("[base, new]", "[base, nwe]", "new"),
        ("of: [optimizer_steps]", "of: []", "at least 1"),
        ("of: [optimizer_steps]", "of: [epochs], within: 1%", "`within` is about what is counted"),
    ],
)
def test_a_rule_that_says_nothing_is_an_error_at_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    made = project(tmp_path, "optimizer_steps", "epochs: 5")
    made.replace(old, new)
    outcome = made.cli("check")
    assert outcome.code == 2
    assert told in outcome.err
    assert "experiment.yaml:" in outcome.err
