"""`framework compare A B`: settings that differ, metrics with the test that the seeds allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from framework.evidence.store import RunStore
from framework.planning.build import Plan
from framework.stages.comparison import settings_that_differ
from framework.statistics.hypothesis_tests import sign_flip
from tests.support.project import Project
from tests.support.searched import recorded

SCORES = {"dense": (10.0, 11.0, 12.0), "masked": (10.5, 11.7, 12.1)}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    store = RunStore(tmp_path / "runs")
    for variant, scores in SCORES.items():
        for step, score in zip(project.plan(variant).final(variant), scores, strict=True):
            recorded(step, store, {"perplexity": score})
    return project


def test_what_differs_between_variants_is_one_setting(project: Project) -> None:
    found = project.cli("compare", "dense", "masked", "--format", "json").json
    assert [each["path"] for each in found["settings"]] == ["pretrain.mask"]
    assert found["settings"][0]["one"] is None
    assert "1 setting differs" in project.cli("compare", "dense", "masked").out


def test_a_metric_has_its_mean_difference_interval_and_test(project: Project) -> None:
    (row,) = project.cli("compare", "dense", "masked", "--format", "json").json["metrics"]
    pairs = [other - one for one, other in zip(*SCORES.values(), strict=True)]
    assert (row["metric"], row["paired"], row["one"]) == ("perplexity", True, list(SCORES["dense"]))
    assert row["difference"] == pytest.approx(sum(pairs) / 3)
    assert row["interval"][0] < row["difference"] < row["interval"][1]
    assert row["test"]["p"] == sign_flip(pairs).p
    assert "at least 0.25 with so few" in project.cli("compare", "dense", "masked").out


def test_a_variant_with_itself_differs_in_nothing(project: Project) -> None:
    found = project.cli("compare", "dense", "dense", "--format", "json").json
    assert (found["settings"], found["metrics"][0]["difference"]) == ([], 0.0)
    assert "the same settings" in project.cli("compare", "dense", "dense").out


def test_a_step_that_one_has_alone_is_said(project: Project) -> None:
    told = project.cli("compare", "dense", "pruned")
    assert [line.split()[0] for line in told.out.splitlines() if "no such step" in line] == ["prune", "finetune"]
    assert "no metric that both have" in told.out
    assert "3 declared runs are not finished" in told.out


def test_seeds_that_differ_are_compared_unpaired(tmp_path: Path) -> None:
    project = Project(tmp_path)
    store = RunStore(tmp_path / "runs")
    for variant, seeds in (("dense", (1,)), ("masked", (2, 3))):
        for step in project.plan(variant, seeds=list(seeds)).final(variant):
            recorded(step, store, {"perplexity": 10.0 + step.seed})
    (row,) = project.cli("compare", "dense", "masked", "--format", "json").json["metrics"]
    assert (row["paired"], row["test"], row["one"], row["other"]) == (False, None, [11.0], [12.0, 13.0])


def test_a_setting_with_other_values_elsewhere_names_the_places(tmp_path: Path) -> None:
    """As after a search that chose for each task."""
    project = Project(tmp_path)
    project.replace("metric: f1}\n", "metric: f1}\n      other: {epochs: 3}\n")
    project.replace(
        "  topics: {builtin", "  other: {builtin: reference-topics, labels: 2, train_examples: 6}\n  topics: {builtin"
    )
    project.replace(
        "rules:\n", "  one: {from: dense, steps: [finetune]}\n  two: {from: dense, steps: [finetune]}\nrules:\n"
    )
    project.replace(
        "steps: [finetune]}\n  two: {from: dense, steps: [finetune]}",
        "steps: [finetune]}\n  two: {from: dense, steps: [{finetune: {set: {batch_size: 3}}}]}",
    )
    plan = project.plan("one", "two")
    steps = [
        replace(step, identity={**step.identity, "does": {**step.identity["does"], "rate": len(step.task)}})
        if step.task and "two" in step.variants
        else step
        for step in plan.steps
    ]
    found = {each.path: each.other for each in settings_that_differ(Plan(tuple(steps)), "one", "two")}
    assert found == {"finetune.phase.batch_size": 3, "finetune.rate (topics)": 6, "finetune.rate (other)": 5}


def test_two_runs_are_compared_in_what_they_are(project: Project) -> None:
    one, other = (project.plan(name).final(name)[0].folder for name in ("dense", "masked"))
    found = project.cli("compare", one, other, "--format", "json").json
    assert any(each["path"].startswith("identity.does.mask") for each in found["settings"])
    assert [each["metric"] for each in found["metrics"]] == ["perplexity"]


def test_runs_of_other_seeds_stand_beside_each_other(project: Project) -> None:
    one, other = (step.folder for step in project.plan("dense").final("dense")[:2])
    (row,) = project.cli("compare", one, other, "--format", "json").json["metrics"]
    assert (row["difference"], row["test"]) == (1.0, None)


def test_a_name_of_neither_is_refused_with_what_is_near(project: Project) -> None:
    told = project.cli("compare", "dense", "maskd")
    assert (told.code, "did you mean 'masked'?" in told.err) == (2, True)


def test_an_unknown_metric_is_refused(project: Project) -> None:
    told = project.cli("compare", "dense", "masked", "--metric", "perplexitty")
    assert (told.code, "did you mean 'perplexity'?" in told.err) == (2, True)
