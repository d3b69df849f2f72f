"""Grids: every combination of the axes is a variant, as if it had been written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.errors import InputError, UsageError
from framework.manifest.sections.methods import Prune
from tests.support.project import Project

GRID = """\
grids:
  sparse:
    description: pruned, then tuned
    over:
      method:
        magnitude: {score: magnitude, tensors: [in_proj]}
        random: {score: random, tensors: [in_proj]}
      sparsity: [0, 0.50, 0.9]
      rank: {low: 2, high: 4}
    from: dense
    steps:
      - prune: {score: $method.score, sparsity: $sparsity, tensors: $method.tensors}
      - finetune: {adapter: {lora: {rank: $rank, alpha: 4}}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).append(GRID)


def test_each_combination_is_a_variant_by_the_names_of_its_values(project: Project) -> None:
    variants = project.load().manifest.variants
    names = [name for name in variants if name.startswith("sparse/")]
    assert len(names) == 2 * 3 * 2
    assert names[:3] == ["sparse/magnitude/0/low", "sparse/magnitude/0/high", "sparse/magnitude/0.50/low"]
    chosen = variants["sparse/random/0.9/high"]
    assert chosen.from_ == "dense"
    assert chosen.description == "pruned, then tuned (method random, sparsity 0.9, rank high)"
    prune = chosen.steps[0].prune  # type: ignore[union-attr]
    assert (prune.score, prune.sparsity, prune.tensors) == ("random", 0.9, ["in_proj"])
    assert chosen.steps[1]["finetune"].adapter.lora.rank == 4  # type: ignore[index]


def test_a_value_lies_where_its_axis_states_it(project: Project) -> None:
    experiment = project.load()
    text = project.read().splitlines()
    place = experiment.location(("variants", "sparse/random/0.9/high", "steps", 0, "prune", "sparsity"))
    assert text[place.line - 1][place.column - 1 :].startswith("0.9]")
    clause = next(
        each for each in experiment.clauses if each.id.endswith('sparse/random/0.9/high".steps[0].prune.score')
    )
    assert text[clause.location.line - 1][clause.location.column - 1 :].startswith("random")


def test_a_wrong_value_is_told_at_its_axis(project: Project) -> None:
    project.replace("sparsity: [0, 0.50, 0.9]", "sparsity: [0, 0.50, «90]")
    with pytest.raises(InputError) as refused:
        project.load()
    assert {str(problem.location) for problem in refused.value.problems} == {project.place}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("score: $method.score", "score: «$metod.score", "no such axis"),
        ("score: $method.score", "score: «$method.scor", "did you mean 'score'"),
        ("sparsity: $sparsity", "sparsity: «$sparsity.value", "holds no 'value'"),
        ("      rank: {low", "      «unused: [1]\n      rank: {low", "used nowhere"),
        ("  sparse:", "  «sparse:", "already"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(project: Project, old: str, new: str, told: str) -> None:
    if told == "already":
        project.replace("variants:\n  dense:", "variants:\n  sparse/random/0/low: {steps: [pretrain]}\n  dense:")
    project.replace(old, new)
    done = project.cli("check")
    assert done.code == 2
    assert project.place in done.err
    assert told in done.err


@pytest.mark.parametrize("grid", ["5", "[]", "{sparse: 5}", "{sparse: {over: 5, steps: [pretrain]}}", "{sparse: {}}"])
def test_what_is_no_grid_is_told_by_the_schema(tmp_path: Path, grid: str) -> None:
    done = Project(tmp_path).append(f"grids: {grid}\n").cli("check")
    assert done.code == 2
    assert "grids" in done.err


def test_at_a_sparsity_of_zero_every_method_is_one_run(project: Project) -> None:
    plan = project.plan()
    prunes = [step for step in plan.steps if isinstance(step.work, Prune) and step.variant.startswith("sparse/")]
    assert len({step.key for step in prunes}) == (1 + 2 * 2) * 3  # three seeds
    none = [step for step in prunes if step.work.sparsity == 0]  # type: ignore[union-attr]
    assert all(len(step.variants) == 4 for step in none)


def test_the_plan_says_which_declared_runs_coincide(project: Project) -> None:
    told = project.cli("plan", "--variant", "sparse/*").out  # and `dense`, which they build on
    assert "39 declared runs are 33" in told
    assert "sparse/magnitude/0/low = sparse/random/0/low" in told


def test_variants_of_a_grid_that_are_one_run_are_no_finding(project: Project) -> None:
    assert "M112" not in {finding.code for finding in project.check().findings}


def test_a_pattern_chooses_variants(project: Project) -> None:
    from framework.planning.build import build

    experiment = project.load()
    plan = build(experiment, variants=["sparse/*/0.9/low"])
    chosen = {name for step in plan.steps for name in step.variants if name.startswith("sparse/")}
    assert chosen == {"sparse/magnitude/0.9/low", "sparse/random/0.9/low"}
    with pytest.raises(UsageError, match="unknown variant 'other/\\*'"):
        build(experiment, variants=["other/*"])


def test_a_document_without_grids_is_the_same_object(tmp_path: Path) -> None:
    from framework.manifest.sections.grids import expanded

    document = Project(tmp_path).load().document
    assert expanded(document) is document


def test_a_grid_that_nobody_could_run_is_refused_at_once(tmp_path: Path) -> None:
    axes = "".join(f"      a{axis}: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n" for axis in range(9))
    with pytest.raises(InputError, match="states 1,000,000,000 variants, and at most 10,000") as refused:
        Project(tmp_path).append(f"grids:\n  many:\n    over:\n{axes}    steps: [pretrain]\n").load()
    assert refused.value.problems[0].location is not None
