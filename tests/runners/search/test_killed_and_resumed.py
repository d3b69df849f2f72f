"""Every sampler, every unit of a budget, conditions and pruning: killed on the way, and gone on with as if not."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.manifest.searched.value_sets import named
from framework.planning.steps import Step
from framework.searching.spending import is_over, progress
from framework.searching.studies import studies_of
from framework.searching.trials import StoredStudy, read_study
from runners.search.sweeping import sweep
from tests.support.project import Project
from tests.support.searched import MANIFEST, recorded_by_rate

NUMBERS = "      batch_size: [4, 8]\n      adapter.lora.rank: [2, 4]\n"
CONDITIONAL = """\
      optimizer.name: [sgd, adamw]
      optimizer.momentum: {choices: [0.0, 0.9], when: {optimizer.name: [sgd]}}
"""
RATE = "      optimizer.learning_rate: {low: 1e-5, high: 1e-2, scale: log}\n"
COMPLETED = "{completed_trials: 6}"

SEARCHES: dict[str, tuple[str, str, str, str]] = {
    # the sampler, its budget, the space beside learning rate and decay, and what is said at the end
    "random": ("random", COMPLETED, NUMBERS, "6 of 6 completed trials"),
    "tpe beyond its start": ("{name: tpe, startup_trials: 2}", COMPLETED, NUMBERS, "6 of 6 completed trials"),
    "cmaes over generations": ("{name: cmaes, population: 4}", COMPLETED, "", "6 of 6 completed trials"),
    "sobol": ("{name: sobol, seed: 3}", COMPLETED, NUMBERS, "6 of 6 completed trials"),
    "steps": ("random", "{optimizer_steps: 15}", NUMBERS, "15 of 15 optimizer steps"),
    "hours": ("random", "{gpu_hours: 0.0045}", NUMBERS, "0.005 of 0.0045 gpu hours"),
    "all trials": ("random", "{completed_trials: 9, at_most: 5}", NUMBERS, "5 of 9 completed trials"),
    "conditional random": ("random", COMPLETED, CONDITIONAL, "6 of 6 completed trials"),
    "conditional tpe": ("{name: tpe, startup_trials: 2}", COMPLETED, CONDITIONAL, "6 of 6 completed trials"),
}  # fmt: skip


def stated(root: Path, case: str) -> Project:
    sampler, budget, space, _ = SEARCHES[case]
    project = Project(root, MANIFEST, "{}\n").replace(NUMBERS, space)
    return project.replace(f"    budget: {COMPLETED}\n", f"    sampler: {sampler}\n    budget: {budget}\n")


def swept(project: Project, execute: Any = recorded_by_rate) -> None:
    experiment = project.load()
    list(sweep(experiment, studies_of(experiment), 1, execute=execute))


def stored_in(project: Project) -> StoredStudy:
    stored = read_study(studies_of(project.load())[0].path(project.root))
    assert stored is not None
    return stored


def killed_after(project: Project, runs: int, execute: Any = recorded_by_rate) -> None:
    """Search in a process of its own, which SIGKILL ends while it executes one more run."""

    def dies(step: Step, store: RunStore, root: Path, progress: Any) -> RunRecord:
        if len(list(store.runs())) >= runs:
            os.kill(os.getppid(), signal.SIGKILL)
        record: RunRecord = execute(step, store, root, progress)
        return record

    if (pid := os.fork()) == 0:
        try:
            swept(project, dies)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("case", SEARCHES)
def test_a_kill_changes_nothing_of_a_search(tmp_path: Path, case: str) -> None:
    whole, cut = stated(tmp_path / "whole", case), stated(tmp_path / "cut", case)
    swept(whole)
    killed_after(cut, 3)
    swept(cut)
    found = stored_in(cut)
    points = [trial.point for trial in found.trials]
    assert points == [trial.point for trial in stored_in(whole).trials]
    assert len({named(point) for point in points}) == len(points)
    study = studies_of(cut.load())[0]
    assert is_over(study.search, found)
    assert progress(study.search, found) == SEARCHES[case][3]
    if "conditional" in case:
        assert all(("optimizer.momentum" in point) is (point["optimizer.name"] == "sgd") for point in points)


@pytest.mark.parametrize("pruning", ["{name: median, startup_trials: 2}", "{name: asha, reduction: 2}"])
def test_a_pruned_search_goes_on_after_a_kill(tmp_path: Path, pruning: str) -> None:
    project = Project(tmp_path, MANIFEST, "{}\n").replace(NUMBERS, "")
    project.replace("    epochs: 1\n", "    epochs: 4\n    early_stopping: {metric: accuracy, patience: 4}\n")
    more = f"    sampler: {{name: random, seed: 2}}\n    pruning: {pruning}\n    budget: {{completed_trials: 4}}\n"
    project.replace(f"    budget: {COMPLETED}\n", more)

    def trains(step: Step, store: RunStore, root: Path, progress: Any) -> RunRecord:
        rate = float(step.work.phase.optimizer.learning_rate)  # type: ignore[union-attr]
        progress.begin(step, 12)
        record = recorded_by_rate(step, store, root, progress)
        record.status = "running"
        record.write(store.folder(step.folder))
        try:
            for epoch in (1, 2, 3, 4):
                progress.event("evaluation", step=3 * epoch, epoch=float(epoch), accuracy=rate * epoch, loss=1.0)
        except BaseException as problem:
            record.status, record.error = "failed", str(problem)
            record.write(store.folder(step.folder))
            raise
        return recorded_by_rate(step, store, root, progress)

    killed_after(project, 3, trains)
    swept(project, trains)
    found = stored_in(project)
    assert found.count("completed") == 4
    assert found.count("pruned") > 0
    assert found.count("running") == found.count("failed") == 0
    assert [trial.number for trial in found.trials] == list(range(len(found.trials)))


def test_machines_that_searched_a_task_each_are_put_together(tmp_path: Path) -> None:
    """Independent shares by task: what each left is copied beside the other's, and chosen from like one search."""
    import shutil

    def two_tasks(root: Path) -> Project:
        return (
            Project(root, MANIFEST, "{}\n")
            .replace("tasks: {topics: {}}", "tasks: {topics: {}, other: {}}")
            .replace("datasets:\n", "datasets:\n  other: {builtin: reference-topics, labels: 2, limit: 9}\n")
        )

    machines = {task: two_tasks(tmp_path / task) for task in ("topics", "other")}
    for task, project in machines.items():
        experiment = project.load()
        list(sweep(experiment, studies_of(experiment, tasks=[task]), 1, execute=recorded_by_rate))
    here = machines["topics"]
    assert "other" in here.cli("sweep", "analyze").err
    for name in ("searches", "runs"):
        shutil.copytree(machines["other"].path(name), here.path(name), dirs_exist_ok=True)
    done = here.cli("sweep", "analyze", "--format", "json")
    assert done.code == 0, done.err
    assert [(study["task"], study["missing"]) for study in done.json["studies"]] == [("topics", None), ("other", None)]
    rows = here.cli("plan", "--variant", "lora", "--format", "json").json["searches"]
    assert [(row["task"], row["chosen"]) for row in rows] == [("topics", True), ("other", True)]
