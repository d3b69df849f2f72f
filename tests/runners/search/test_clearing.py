"""A search of many trials does not fill a disk: what stays of a trial that ended, and that nothing is lost by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.evidence.record import MODEL, REMOVED, RunRecord, artefacts_below
from framework.evidence.standing.run_state import on_disk
from framework.evidence.store import RunStore
from framework.planning.steps import Step
from framework.searching.disk import disk_of
from framework.searching.selecting import selected
from framework.searching.studies import studies_of
from framework.searching.trials import read_study
from runners.execute import _cleared
from runners.search.clearing import without_tensors
from runners.search.sweeping import sweep
from tests.support.project import Project
from tests.support.searched import MANIFEST, recorded_by_rate

SIZE = 100_000


def with_model(step: Step, store: RunStore, project: Path, progress: Any) -> RunRecord:
    """A run that leaves a model and a curve."""
    record = recorded_by_rate(step, store, project, progress)
    folder = store.folder(step.folder)
    (folder / MODEL).mkdir()
    (folder / MODEL / "model.safetensors").write_bytes(bytes(SIZE))
    (folder / "steps.jsonl").write_text("{}\n")
    record.artefacts = artefacts_below(folder, MODEL, "steps.jsonl")
    record.write(folder)
    return record


def swept(root: Path, keep: str = "best", trials: int = 6, execute: Any = with_model) -> Project:
    project = Project(root, MANIFEST, "{}\n").replace("completed_trials: 6", f"completed_trials: {trials}")
    project.replace("    objective: accuracy\n", f"    objective: accuracy\n    keep: {keep}\n")
    experiment = project.load()
    assert [*sweep(experiment, studies_of(experiment), 2, execute=execute)]
    return project


def models(project: Project) -> set[str]:
    return {path.parent.parent.name for path in project.path("runs").glob("*/model/model.safetensors")}


@pytest.mark.parametrize(("keep", "count"), [("best", 1), ("none", 0), ("all", 6)])
def test_of_trials_that_ended_only_what_is_declared_keeps_its_tensors(tmp_path: Path, keep: str, count: int) -> None:
    project = swept(tmp_path, keep)
    study = studies_of(project.load())[0]
    stored = read_study(study.path(project.root))
    assert stored is not None
    store = RunStore(project.path("runs"))
    assert len(models(project)) == count
    if keep == "best":
        best = selected(study.search, stored).trial
        assert best is not None
        run = store.done(best.facts["final"][0])
        assert run is not None
        assert models(project) == {run.folder.name}
    for trial in stored.trials:
        run = store.finished(trial.facts["final"][0])
        assert run is not None
        assert (run.folder / "steps.jsonl").is_file()
        assert run.record.metrics["accuracy"] == trial.value
        gone = run.record.observed.get(REMOVED, {})
        assert [*gone] == ([] if run.folder.name in models(project) else ["model/model.safetensors"])
        assert str(on_disk(run).word) == "done"


def test_a_long_search_takes_little_more_than_its_best_trial(tmp_path: Path) -> None:
    project = swept(tmp_path, trials=40)
    study = studies_of(project.load())[0]
    stored = read_study(study.path(project.root))
    assert stored is not None
    assert SIZE < disk_of(stored, RunStore(project.path("runs"))) < 2.1 * SIZE
    said = project.cli("sweep")
    assert "MB on disk, with the tensors of its best trial" in said.out


def test_a_search_begun_anew_takes_the_records_that_there_are(tmp_path: Path) -> None:
    """A trial is its metrics: without its model it need not be trained again."""
    project = swept(tmp_path)
    for path in project.path("searches").rglob("*.journal"):
        path.unlink()
    ran: list[str] = []

    def again(step: Step, store: RunStore, root: Path, progress: Any) -> RunRecord:
        ran.append(step.key)
        return with_model(step, store, root, progress)

    experiment = project.load()
    list(sweep(experiment, studies_of(experiment), 1, execute=again))
    stored = read_study(studies_of(experiment)[0].path(project.root))
    assert stored is not None
    assert stored.count("completed") == 6
    assert ran == []


def test_what_a_kill_left_is_removed_by_the_next_call(tmp_path: Path) -> None:
    project = swept(tmp_path)
    left = next(run.folder for run in RunStore(project.path("runs")).runs() if run.folder.name not in models(project))
    (left / MODEL).mkdir()
    (left / MODEL / "model.safetensors").write_bytes(bytes(SIZE))
    experiment = project.load()
    list(sweep(experiment, studies_of(experiment), 1, execute=with_model))
    assert len(models(project)) == 1


def test_production_seeds_are_never_touched_and_a_cleared_run_can_be_made_again(tmp_path: Path) -> None:
    project = swept(tmp_path / "a").replace("seeds: [1, 2]", "seeds: [1, 100]")
    before = models(project)
    project.replace("completed_trials: 6", "completed_trials: 9")
    experiment = project.load()
    list(sweep(experiment, studies_of(experiment), 1, execute=with_model))
    assert len(models(project)) == len(before) + 3
    store = RunStore(project.path("runs"))
    run = next(run for run in store.runs() if REMOVED not in run.record.observed)
    without_tensors(run)
    assert store.done(run.record.key) is None
    step = next(step for step in project.plan().steps)
    again = Step(**{**{name: getattr(step, name) for name in step.__slots__}, "key": run.record.key})
    assert _cleared(again, store) == []
    assert not run.folder.exists()
