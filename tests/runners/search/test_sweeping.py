"""Trials as runs in the pool: each with its evidence, none twice, and what became of it in the study."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from framework.errors import FrameworkError, InputError, UsageError
from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.planning.outcomes import Outcome
from framework.planning.steps import Step
from framework.searching.studies import Study, studies_of
from framework.searching.trials import StoredStudy, read_study
from runners.search.sweeping import sweep
from tests.support.project import Project
from tests.support.searched import MANIFEST, recorded, recorded_by_rate


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST, "{}\n")


def swept(project: Project, execute: Any = recorded_by_rate, jobs: int = 2, told: Any = None) -> list[Outcome]:
    experiment = project.load()
    return list(sweep(experiment, studies_of(experiment), jobs, told=told, execute=execute))


def study_of(project: Project) -> tuple[Study, StoredStudy]:
    study = studies_of(project.load())[0]
    stored = read_study(study.path(project.root))
    assert stored is not None
    return study, stored


def test_every_trial_is_a_run_with_its_evidence(project: Project) -> None:
    heard: list[str] = []
    outcomes = swept(project, told=lambda study, proposal, text: heard.append(f"{proposal.number} {text}"))
    assert len([each for each in outcomes if each.status == "done"]) == 6
    study, stored = study_of(project)
    assert study.label == "lr · lora · topics · tiny"
    assert study.path(project.root) == project.path("searches/lr/lora.topics.tiny.journal")
    assert [trial.state for trial in stored.trials] == ["completed"] * 6
    assert len(heard) == 6
    store = RunStore(project.root / "runs")
    for trial in stored.trials:
        (key,) = trial.facts["final"]
        run = store.done(key)
        assert run is not None
        does = run.record.identity["does"]
        assert run.record.seed == 100
        assert does["phase"]["optimizer"]["learning_rate"] == trial.point["optimizer.learning_rate"]
        assert does["phase"]["batch_size"] == trial.point["batch_size"]
        assert does["adapter"]["lora"]["rank"] == trial.point["adapter.lora.rank"]
        assert trial.value == run.record.metrics["accuracy"]
        assert trial.facts["metrics"]["validation_loss"] == run.record.metrics["validation_loss"]
        assert trial.facts["optimizer_steps"] == trial.facts["planned_steps"] == 3
        assert trial.drawn["by"] == "tpe"
    assert stored.software["optuna"]


def test_a_second_time_nothing_is_tried(project: Project) -> None:
    swept(project)
    assert swept(project, execute=lambda *_: pytest.fail("executed again")) == []


def test_a_larger_budget_goes_on(project: Project) -> None:
    swept(project)
    before = study_of(project)[1].trials
    project.replace("completed_trials: 6", "completed_trials: 8")
    swept(project)
    after = study_of(project)[1].trials
    assert len(after) == 8
    assert [trial.point for trial in after[:6]] == [trial.point for trial in before]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{low: 1e-5, high: 1e-2,", "{low: 1e-5, high: 1e-1,"),
        ("objective: accuracy", "objective: {name: accuracy, direction: lower}"),
        ("objective: accuracy", "objective: f1"),
        ("epochs: 1", "epochs: 2"),
        ("seeds: [100]", "seeds: [101]"),
    ],
)
def test_another_search_is_refused_before_anything_runs(project: Project, old: str, new: str) -> None:
    swept(project)
    before = project.files()
    project.replace(old, new)
    with pytest.raises(UsageError, match="holds trials of another search"):
        swept(project, execute=lambda *_: pytest.fail("executed"))
    project.replace(new, old)
    assert project.files() == before


def test_a_killed_search_goes_on_with_the_trials_that_it_began(project: Project) -> None:
    whole = Project(project.root / "whole", MANIFEST, "{}\n")
    swept(whole, jobs=1)

    def dies(step: Step, store: RunStore, root: Path, progress: Any) -> RunRecord:
        if len(list(store.runs())) == 3:
            os.kill(os.getppid(), signal.SIGKILL)
        return recorded_by_rate(step, store, root, progress)

    if (pid := os.fork()) == 0:
        try:
            swept(project, dies, jobs=1)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert study_of(project)[1].count("completed") == 3
    swept(project, jobs=1)
    points = [trial.point for trial in study_of(project)[1].trials]
    assert points == [trial.point for trial in study_of(whole)[1].trials]
    assert len(list(RunStore(project.root / "runs").runs())) == 6


def test_a_failed_trial_is_tried_again_as_often_as_declared(project: Project) -> None:
    project.replace("    budget:", "    failures: {retries: 2}\n    budget:")

    def fails(step: Step, store: RunStore, root: Path, progress: Any) -> RunRecord:
        counted = store.root.parent / f"{step.key}.count"
        counted.write_text(counted.read_text() + "x" if counted.exists() else "x")
        if step.work.phase.batch_size == 4 or len(counted.read_text()) == 1:  # type: ignore[union-attr]
            recorded(step, store, {}, "running")
            raise FrameworkError("the loss is not a number")
        return recorded_by_rate(step, store, root, progress)

    swept(project, fails)
    trials = study_of(project)[1].trials
    assert len(trials) == 6
    for trial in trials:
        wanted = "failed" if trial.point["batch_size"] == 4 else "completed"
        assert trial.state == wanted
        (key,) = trial.facts["runs"]
        assert len(project.read(f"{key}.count")) == (3 if wanted == "failed" else 2)
    assert {trial.state for trial in trials} == {"failed", "completed"}


def test_a_metric_that_no_run_records_fails_the_trial_with_what_there_is(project: Project) -> None:
    project.replace("objective: accuracy", "objective: bleu")
    swept(project)
    errors = {trial.facts["error"] for trial in study_of(project)[1].trials}
    assert errors == {"its runs recorded no bleu, but accuracy, validation_loss"}


def test_several_seeds_are_one_value(project: Project) -> None:
    project.replace("seeds: [100]", "seeds: [100, 101]\n    selection: {seeds: worst}")
    swept(project)
    store = RunStore(project.root / "runs")
    for trial in study_of(project)[1].trials:
        runs = [store.done(key) for key in trial.facts["final"]]
        assert sorted(run.record.seed for run in runs if run) == [100, 101]
        assert trial.value == min(run.record.metrics["accuracy"] for run in runs if run)


def test_what_trials_build_on_is_done_once(project: Project) -> None:
    project.replace(
        "variants:\n",
        "  before: {objective: causal_lm, dataset: text, optimizer: {learning_rate: 1e-3}, batch_size: 8, epochs: 1}\n"
        "variants:\n",
    ).replace("datasets:\n", "datasets:\n  text: {builtin: language-reference, limit: 8}\n")
    project.replace("lora: {steps: [{tune", "lora: {steps: [before, {tune")

    def execute(step: Step, store: RunStore, root: Path, progress: Any) -> RunRecord:
        return recorded(step, store, {"accuracy": 0.5 + 0.001 * len(step.key), "perplexity": 2.0})

    outcomes = swept(project, execute)
    names = [outcome.step.name for outcome in outcomes]
    assert names.count("before") == 1
    assert names.count("tune") == 6
    assert names[0] == "before"


def test_a_trial_that_others_outdo_is_ended_early(project: Project) -> None:
    project.replace("    epochs: 1\n", "    epochs: 4\n    early_stopping: {metric: accuracy, patience: 4}\n")
    project.replace(
        "    budget:",
        "    sampler: {name: random, seed: 2}\n    pruning: {name: median, startup_trials: 2}\n    budget:",
    ).replace("completed_trials: 6", "completed_trials: 4")

    def trains(step: Step, store: RunStore, root: Path, progress: Any) -> RunRecord:
        progress.begin(step, 12)
        rate = step.work.phase.optimizer.learning_rate  # type: ignore[union-attr]
        record = recorded(step, store, {}, "running")
        try:
            for epoch in (1, 2, 3, 4):
                progress.event("evaluation", step=3 * epoch, epoch=float(epoch), accuracy=float(rate) * epoch, loss=1.0)
        except BaseException as problem:
            record.status, record.error = "failed", str(problem)
            record.write(store.folder(step.folder))
            raise
        return recorded(step, store, {"accuracy": float(rate) * 4})

    swept(project, trains, jobs=1)
    trials = study_of(project)[1].trials
    assert [trial.state for trial in trials[:2]] == ["completed", "completed"]
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned
    assert sum(trial.state == "completed" for trial in trials) == 4
    for trial in pruned:
        assert trial.value is None
        assert 1 <= trial.facts["pruned"]["evaluation"] < 4
        assert trial.facts["optimizer_steps"] < 12
    assert {max(trial.evaluations) for trial in trials if trial.state == "completed"} == {4}


def test_a_search_of_what_cannot_run_is_refused_with_its_place(project: Project) -> None:
    project.replace("objective: classification", "objective: PPO")
    with pytest.raises(InputError, match="PPO"):
        swept(project)
    assert not project.path("searches").exists()
