"""Differences, aggregates over tasks and what shorter searches find, where a reader looks for them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="statistics need the extra `reports`")

from framework.evidence.record import RunRecord
from framework.searching.studies import all_studies
from framework.statistics.expected_best import expected_best
from reports.analysis.rows import Row
from reports.statistics.contrasts import contrasts
from reports.statistics.over_tasks import over_tasks
from reports.statistics.search_budget import search_budgets
from reports.statistics.section import statistics_of
from runners.search.sweeping import sweep
from tests.support.project import Project
from tests.support.searched import MANIFEST, recorded_by_rate

PLACE = {("tiny", "topics"): "accuracy"}
VALUES = {
    "first": [0.90, 0.91, 0.93, 0.92, 0.90],
    "second": [0.85, 0.88, 0.86, 0.87, 0.86],
    "third": [0.90, 0.90, 0.92, 0.93, 0.91],
}


def row(variant: str, task: str | None, seed: int, **metrics: float) -> Row:
    return Row(variant, {}, "tiny", task, seed, None, None, None, metrics, 1.0, f"{variant}{task}{seed}", "")


def rows(task: str = "topics", shift: float = 0.0) -> list[Row]:
    return [
        row(variant, task, seed, accuracy=value + shift)
        for variant, values in VALUES.items()
        for seed, value in enumerate(values, 1)
    ]


def test_variants_are_compared_over_the_seeds_that_both_have() -> None:
    found = contrasts(rows()[:-2], PLACE)
    assert [(each.first, each.second, len(each.seeds)) for each in found] == [
        ("first", "second", 5),
        ("first", "third", 3),
        ("second", "third", 3),
    ]
    best = found[0]
    assert best.difference.estimate == pytest.approx(0.048)
    assert (best.wins.estimate, best.delta) == (1.0, 1.0)
    assert (best.tested.p, best.tested.attainable) == (1 / 16, 1 / 16)
    assert best.adjusted == pytest.approx(3 / 16)
    assert best.effect is not None
    assert 0 < best.effect.low < best.effect.estimate < best.effect.high
    assert best.needed is not None
    assert 2 <= best.needed <= 5
    assert found[1].needed is None or found[1].needed > 5


def test_of_many_variants_each_is_compared_with_the_first() -> None:
    many = [row(f"v{name}", "topics", seed, accuracy=0.1 * name + 0.01 * seed) for name in range(7) for seed in (1, 2)]
    assert [(each.first, each.second) for each in contrasts(many, PLACE)] == [("v0", f"v{n}") for n in range(1, 7)]


def test_one_seed_and_equal_values_have_no_effect_and_break_nothing() -> None:
    assert contrasts([each for each in rows() if each.seed == 1], PLACE) == []
    flat = [row(name, "topics", seed, accuracy=0.5) for name in ("a", "b") for seed in (1, 2, 3)]
    (found,) = contrasts(flat, PLACE)
    assert (found.effect, found.needed, found.needed_by_rank, found.tested.p) == (None, None, None, 1.0)


@pytest.mark.parametrize("lower", [False, True])
def test_over_tasks_all_runs_count_once(lower: bool) -> None:
    both = {**PLACE, ("tiny", "other"): "accuracy"}
    found = list(over_tasks([*rows(), *rows("other", -0.5)], both, {"accuracy": lower}))
    assert [each.variant for each in found] == list(VALUES)
    assert found[0].iqm.estimate == pytest.approx(
        sum(sorted([*VALUES["first"], *(value - 0.5 for value in VALUES["first"])])[2:8]) / 6
    )
    worst, best = found[0].profile[-1 if lower else 0], found[1].profile[0 if lower else -1]
    assert worst[1].estimate == 1.0  # every run is at least as good as the worst of all
    assert best[1].estimate == (0.1 if lower else 0.0)
    assert "stratified" in found[0].iqm.method


def test_a_variant_without_one_of_the_tasks_is_not_averaged() -> None:
    both = {**PLACE, ("tiny", "other"): "accuracy"}
    some = [each for each in rows("other") if each.variant == "first"]
    assert [each.variant for each in over_tasks([*rows(), *some], both, {"accuracy": False})] == ["first"]
    assert list(over_tasks(rows(), PLACE, {"accuracy": False})) == []


@pytest.mark.parametrize(
    ("sampler", "count", "why"),
    [
        ("random", 6, ""),
        ("{name: tpe, startup_trials: 4}", 4, "only the random trials"),
        ("cmaes", 0, "not independent"),
        ("sobol", 0, "not independent"),
    ],
)
def test_what_a_shorter_search_finds_is_told_from_independent_trials(
    tmp_path: Path, sampler: str, count: int, why: str
) -> None:
    project = Project(tmp_path, MANIFEST).replace("    budget:", f"    sampler: {sampler}\n    budget:")
    project.replace("      batch_size: [4, 8]\n      adapter.lora.rank: [2, 4]\n", "")
    experiment = project.load()
    study = next(all_studies(experiment))
    assert [*sweep(experiment, [study], execute=recorded_by_rate)]
    (found,) = search_budgets(experiment)
    assert (found.trials, bool(found.curve)) == (count, count > 0)
    assert why in found.why
    assert [trials for trials, _ in found.curve] == ([1, 2, 4, 6] if count == 6 else [1, 2, 4] if count else [])
    if count == 6:
        from framework.searching.trials import read_study

        stored = read_study(study.path(experiment.root))
        assert stored is not None
        values = [trial.value or 0.0 for trial in stored.trials]
        assert found.curve[1][1].estimate == pytest.approx(expected_best(values, 2, study.search.falls))


def test_they_stand_in_the_reports_and_in_the_analysis(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for step in project.plan().steps:
        if step.task is None:
            continue
        folder = project.path("runs") / step.folder
        folder.mkdir(parents=True)
        value = 0.8 + 0.01 * step.seed + (0.05 if step.variant == "pruned" else 0.0)
        RunRecord(
            step.key, step.folder, step.name, list(step.variants), step.model_name, step.task, step.seed, None, {},
            status="done", seconds=1.0, metrics={"f1": value},
        ).write(folder)  # fmt: skip
    project.replace("  pruned:\n", "  second: {steps: [finetune]}\n  pruned:\n")
    for step in project.plan().steps:
        if step.variant == "second":
            folder = project.path("runs") / step.folder
            folder.mkdir(parents=True)
            RunRecord(
                step.key, step.folder, step.name, list(step.variants), step.model_name, step.task, step.seed, None, {},
                status="done", seconds=1.0, metrics={"f1": 0.7 + 0.01 * step.seed},
            ).write(folder)  # fmt: skip
    assert project.cli("docs").code == 0
    (contrast,) = json.loads(project.read("documents/report.json"))["statistics"]["contrasts"]
    assert {contrast["first"], contrast["second"]} == {"pruned", "second"}
    assert (contrast["metric"], contrast["seeds"], contrast["attainable"]) == ("f1", 3, 0.25)
    assert contrast["profile"] is None
    assert "## Statistics" in project.read("documents/COMPLIANCE.md")
    assert 'id="statistics"' in project.read("documents/REPORT.html")
    assert project.cli("docs", "--check").code == 0
    done = project.cli("analyse")
    assert done.code == 0, done.err
    with project.path("documents/analysis/comparisons.csv").open(newline="") as stream:
        (line,) = csv.DictReader(stream)
    assert float(line["difference"]) == contrast["difference"]
    assert "### Differences over equal seeds" in project.read("documents/analysis/ANALYSIS.md")


def test_without_runs_there_is_nothing_to_say(tmp_path: Path) -> None:
    found = statistics_of(Project(tmp_path).load(), ())
    assert not any(found.values())
