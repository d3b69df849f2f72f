"""The section `searches`: what it states, and what it refuses, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.manifest.searched.covered_steps import at_point, searches_over, step_of
from framework.manifest.searched.value_sets import at_edge, can_come, grid_points, listed, named, outside, size_of
from framework.manifest.sections.searching.searched_values import Dimension
from framework.manifest.sections.searching.searches import Search
from tests.support.project import MARK, Project
from tests.support.searched import MANIFEST

RUNNER = """\
    budget: {completed_trials: 6}
    objective: accuracy
    seeds: [100]
    pruning: {name: asha}
runners: {tune: {command: [python, train.py]}}
"""
REFUSED = {
    "the log of zero": (
        "optimizer.learning_rate: {low: 1e-5,",
        f"{MARK}optimizer.learning_rate: {{low: 0.0,",
        "no logarithm of 0.0",
    ),
    "an empty range": (
        "optimizer.learning_rate: {low: 1e-5,",
        f"{MARK}optimizer.learning_rate: {{low: 1.0,",
        "an empty range: low 1.0 is not below high 0.01",
    ),
    "a bound that no step reaches": ("step: 0.02", "step: 0.03", "0.1 cannot come: steps of 0.03 from 0.0 end at 0.09"),
    "steps on a log scale": (
        "{low: 0.0, high: 0.1, step: 0.02}",
        "{low: 0.02, high: 0.1, step: 0.02, scale: log}",
        "steps are counted",
    ),
    "half a range": ("{low: 0.0, high: 0.1, step: 0.02}", "{low: 0.0}", "give low and high, or choices"),
    "a choice twice": ("batch_size: [4, 8]", "batch_size: {choices: [4, 4]}", "one choice stands twice"),
    "a key that no step has": ("optimizer.weight_decay:", f"{MARK}optimizer.weight_deca:", "'weight_decay'?"),
    "a seed": ("batch_size: [4, 8]", f"{MARK}seed: [4, 8]", "'seed' is no hyperparameter"),
    "a value that the key does not take": (
        "adapter.lora.rank: [2, 4]",
        f"{MARK}adapter.lora.rank: [2, 4.5]",
        "lora.rank: input should be a valid integer",
    ),
    "no such method": ("adapter.lora.rank", f"{MARK}mask.sdm.target_sparsity", "the step has no mask to search"),
    "an unknown phase": ("phase: tune", f"phase: {MARK}tuned", "unknown phase 'tuned'"),
    "an unknown variant": ("variants: [lora]", f"variants: [{MARK}lor]", "unknown variant 'lor'"),
    "an unknown task": ("variants: [lora]", f"tasks: [{MARK}topic]", "unknown task 'topic'"),
    "a grid without an end": ("    budget:", "    sampler: grid\n    budget:", "no end over optimizer.learning_rate"),
    "no budget": ("    budget: {completed_trials: 6}\n", "", "never ends by itself: give a budget"),
    "two budgets": ("{completed_trials: 6}", "{completed_trials: 6, gpu_hours: 1}", "give one of completed_trials,"),
    "an unknown budget": ("{completed_trials: 6}", f"{{{MARK}trials: 6}}", "unknown key 'trials'"),
    "pruning where nothing is evaluated": (
        "    budget:",
        "    pruning: {name: median}\n    budget:",
        "phases.tune evaluates nothing on its way",
    ),
    "a moment where nothing is evaluated": (
        "    budget:",
        f"    selection: {{value: {MARK}best}}\n    budget:",
        "so that it has no best evaluation",
    ),
    "pruning of a program of one's own": (
        "    budget: {completed_trials: 6}\n    objective: accuracy\n    seeds: [100]\n",
        RUNNER,
        "a program of one's own is not ended on its way",
    ),
    "a key that is searched and set": (
        "    budget:",
        f"    set: {{batch_size: {MARK}4}}\n    budget:",
        "batch_size is searched, and set for all trials",
    ),
    "pruning over several seeds": (
        "seeds: [100]",
        "seeds: [100, 101]\n    pruning: {name: asha}",
        "a trial over several seeds is not pruned",
    ),
    "cmaes over choices": ("    budget:", "    sampler: cmaes\n    budget:", "cmaes draws numbers"),
    "an unknown name in a first point": (
        "    budget:",
        f"    first: [{{batch_sizes: {MARK}8}}]\n    budget:",
        "batch_sizes: nothing searches it",
    ),
    "a first point that cannot come": (
        "    budget:",
        "    first: [{optimizer.learning_rate: 1e-3, optimizer.weight_decay: 0.03}]\n    budget:",
        "0.03 cannot come",
    ),
    "a condition on what comes later": (
        "batch_size: [4, 8]",
        "batch_size: {choices: [4, 8], when: {adapter.lora.rank: [2]}}",
        "'adapter.lora.rank' is not searched before 'batch_size'",
    ),
    "a condition that never holds": (
        "adapter.lora.rank: [2, 4]",
        "adapter.lora.rank: {choices: [2, 4], when: {batch_size: [16]}}",
        "'batch_size' is never 16",
    ),
    "a space and a grid": (
        "    objective: acc",
        "    best_of: {batch_size: [4]}\n    objective: acc",
        "give one of space and best",
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST, "{}\n")


def search_of(project: Project) -> Search:
    return project.load().manifest.searches["lr"]


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_searched_is_refused_at_its_place(project: Project, case: str) -> None:
    old, new, message = REFUSED[case]
    problems = project.replace(old, new).problems()
    assert any(message in problem for problem in problems), problems
    if MARK in new:
        assert any(problem.startswith(project.place) for problem in problems), (project.place, problems)
    assert all(problem.startswith("experiment.yaml:") for problem in problems)


def test_every_leaf_of_a_search_is_a_clause(project: Project) -> None:
    stated = {clause.id: clause.value for clause in project.load().clauses if clause.section == "searches"}
    assert stated['searches.lr.space."optimizer.learning_rate".low'] == 1e-5
    assert stated["searches.lr.space.batch_size"] == [4, 8]
    assert stated["searches.lr.budget.completed_trials"] == 6


def test_a_plain_grid_is_a_search(project: Project) -> None:
    text = project.read()
    begin, end = text.index("    space:"), text.index("    objective: accuracy")
    project.write("experiment.yaml", text[:begin] + "    best_of: {batch_size: [4, 8]}\n" + text[end:])
    search = search_of(project)
    assert search.sampling.name == "grid"
    assert list(grid_points(search.dimensions)) == [{"batch_size": 4}, {"batch_size": 8}]


def range_of(**stated: object) -> Dimension:
    return Dimension.model_validate(stated)


def test_a_space_is_the_set_of_values_that_can_come() -> None:
    stepped = range_of(low=0.0, high=0.3, step=0.1)
    assert listed(stepped) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert can_come(stepped, 0.1 + 0.2)  # as a value, not as a text
    assert not can_come(stepped, 0.15)
    whole = range_of(low=1, high=4)
    assert listed(whole) == [1, 2, 3, 4]
    assert not can_come(whole, 2.5)
    assert listed(range_of(low=1, high=4, type="float")) is None
    assert not can_come(range_of(low=1e-5, high=1e-3), float("nan"))
    flags = range_of(choices=[True, "none"])
    assert not can_come(flags, 1)  # which is not true
    assert can_come(flags, "none")


def test_edges_are_of_the_scale() -> None:
    rate = range_of(low=1e-5, high=1e-1, scale="log")
    assert [at_edge(rate, value) for value in (1e-5, 1.05e-5, 2e-5, 9.5e-2, 1e-1)] == [
        "lower", "lower", None, "upper", "upper",
    ]  # fmt: skip
    assert at_edge(range_of(choices=[8, 16, 32]), 32) == "upper"
    assert at_edge(range_of(choices=[8, 16]), 16) is None
    assert at_edge(range_of(choices=["a", "b", "c"]), "a") is None


def test_conditions_leave_keys_out() -> None:
    dimensions = {
        "optimizer.name": range_of(choices=["sgd", "adam"]),
        "optimizer.momentum": range_of(choices=[0.0, 0.9], when={"optimizer.name": ["sgd"]}),
    }
    assert list(grid_points(dimensions)) == [
        {"optimizer.name": "sgd", "optimizer.momentum": 0.0},
        {"optimizer.name": "sgd", "optimizer.momentum": 0.9},
        {"optimizer.name": "adam"},
    ]
    assert size_of(dimensions) == 3
    assert outside(dimensions, {"optimizer.name": "adam", "optimizer.momentum": 0.9}) == {
        "optimizer.momentum": "its condition does not hold"
    }
    assert outside(dimensions, {"optimizer.name": "sgd"}) == {"optimizer.momentum": "it has no value"}
    assert outside(dimensions, {"optimizer.name": "rmsprop"}) == {"optimizer.name": "'rmsprop' cannot come"}


def test_points_are_compared_as_values() -> None:
    assert named({"a": 0.1 + 0.2, "b": 1}) == named({"b": 1.0, "a": 0.3})
    assert named({"a": True}) != named({"a": 1})


def test_a_point_is_put_into_phase_and_method(project: Project) -> None:
    manifest = project.load().manifest
    phase = manifest.phases["tune"].for_task("topics")
    use = step_of(manifest, "lora", "tune")[1]
    point = {"optimizer.learning_rate": 3e-3, "batch_size": 4, "adapter.lora.rank": 4}
    tuned, used = at_point(phase, use, point)
    assert tuned.optimizer.learning_rate == 3e-3
    assert tuned.batch_size == 4
    assert used.adapter is not None
    assert used.adapter.chosen[1].rank == 4
    assert used.adapter.chosen[1].alpha == 4


def test_a_search_is_about_the_steps_that_it_names(project: Project) -> None:
    manifest = project.load().manifest
    assert list(searches_over(manifest, "lora", "tune", "topics", "tiny")) == ["lr"]
    assert list(searches_over(manifest, "full", "tune", "topics", "tiny")) == []
