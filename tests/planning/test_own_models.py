"""Variants whose models differ: what each plans, what is compared, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.manifest.sections.models import Model
from framework.planning.build import build
from tests.support.project import Project
from tests.support.statuses import codes, status_of

STUDY = """\
version: 1
paper: {title: parts}
models:
  small:
    {family: gpt, weights: random, layers: 2, hidden: 8, heads: 2, positions: 16, vocabulary: 32, tokenizer: bytes}
datasets: {text: {builtin: language-reference}}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3}
    batch_size: 2
    sequence_length: 8
    max_steps: 2
variants:
  base: {steps: [train]}
  rms: {model: {architecture.norm: rmsnorm}, steps: [train]}
  deep: {model: {layers: 3, architecture: {norm: rmsnorm, position_encoding: rope}}, steps: [train]}
  further: {from: rms, model: {architecture.dropout: 0.1}, steps: [train]}
rules:
  - differ_only_in: {variants: [base, rms], clauses: [model.architecture.norm]}
seeds: [1]
configs:
  - {file: configs/pretrain.yaml, describes: phases.train, keys: {lr: optimizer.learning_rate}}
"""


def project(tmp_path: Path, text: str = STUDY) -> Project:
    return Project(tmp_path, text, "lr: 1.0e-3\n")


def model_of(project: Project, variant: str) -> Model:
    return build(project.load(), variants=[variant]).final(variant)[0].model


def test_a_variant_has_its_own_model(tmp_path: Path) -> None:
    made = project(tmp_path)
    assert model_of(made, "base").architecture is None
    parts = model_of(made, "rms").architecture
    assert parts is not None
    assert (parts.norm, parts.position_encoding) == ("rmsnorm", "learned")
    deep = model_of(made, "deep")
    assert deep.architecture is not None
    assert (deep.layers, deep.architecture.position_encoding, deep.hidden) == (3, "rope", 8)


def test_what_starts_from_a_variant_has_that_one_s_model(tmp_path: Path) -> None:
    parts = model_of(project(tmp_path), "further").architecture
    assert parts is not None
    assert (parts.norm, parts.dropout) == ("rmsnorm", 0.1)


def test_other_models_are_other_runs_and_equal_ones_are_one(tmp_path: Path) -> None:
    plan = build(project(tmp_path).load())
    assert len({step.key for step in plan.steps}) == len(plan.steps) == 4
    same = STUDY.replace("rules:", "  again: {model: {architecture.norm: rmsnorm}, steps: [train]}\nrules:")
    steps = build(project(tmp_path / "same", same).load()).steps
    assert [step.variants for step in steps if "again" in step.variants] == [("rms", "again")]


def test_the_plan_holds_each_variant_s_clause(tmp_path: Path) -> None:
    result = project(tmp_path).verify()
    for clause in ('variants.rms.model."architecture.norm"', "variants.deep.model.layers", "models.small.layers"):
        assert status_of(result, clause, Stage.PLAN) is Status.CONFORMS, clause


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("", "", []),
        ("clauses: [model.architecture.norm]", "clauses: [model]", []),
        ("clauses: [model.architecture.norm]", "clauses: [optimizer.learning_rate]", ["M110"]),
        ("[base, rms], clauses: [model.architecture.norm]", "[rms, deep], clauses: [model.architecture]", ["M110"]),
        ("architecture.norm: rmsnorm}", "architecture.norm: layernorm}", ["M111"]),
    ],
)
def test_comparisons_see_the_models(tmp_path: Path, old: str, new: str, found: list[str]) -> None:
    """To state the default is to state nothing else."""
    assert codes(project(tmp_path, STUDY.replace(old, new)).check()) == found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("architecture.norm: rmsnorm}", "architecture.norm: batchnorm}", "architecture.norm: "),
        ("architecture.norm: rmsnorm}", "architecture.nrm: rmsnorm}", "nrm"),
        ("architecture.norm: rmsnorm}", "wings: 2}", "wings"),
        ("architecture.dropout: 0.1}", "layers: 4}", "it starts from 'rms', and has that one's model"),
    ],
)
def test_what_no_model_takes_is_refused_at_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    outcome = project(tmp_path, STUDY.replace(old, new)).cli("plan")
    assert outcome.code == 2
    assert words in outcome.err
    assert "experiment.yaml:" in outcome.err


def test_a_grid_has_models_for_axes(tmp_path: Path) -> None:
    grid = "grids:\n  norms: {over: {norm: [layernorm, rmsnorm]}, model: {architecture.norm: $norm}, steps: [train]}\n"
    made = project(tmp_path, STUDY.replace("rules:", grid + "rules:"))
    parts = model_of(made, "norms/rmsnorm").architecture
    assert parts is not None
    assert parts.norm == "rmsnorm"
