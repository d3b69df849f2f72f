"""Searches of other tools: read in our words, and judged like our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from framework.errors import InputError
from framework.searching.foreign.reading import stored_of
from framework.searching.optimum import read_optima
from framework.searching.selecting import selected
from framework.searching.studies import studies_of
from framework.searching.trials import StoredStudy
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study that was tuned elsewhere}
models: {tiny: {family: mamba}}
datasets: {topics: {labels: 2}}
phases:
  tune: {objective: classification, tasks: {topics: {metric: accuracy}}, optimizer: {name: adamw}, epochs: 3}
variants:
  full: {steps: [tune]}
seeds: [1, 2]
searches:
  lr:
    phase: tune
    space:
      optimizer.learning_rate: {low: 1e-5, high: 1e-2, scale: log}
      batch_size: [8, 16]
    sampler: random
    budget: {completed_trials: 3}
    objective: accuracy
    trials: {path: runs.csv}
    seeds: [100]
"""
TABLE = """\
Name,State,lr,batch_size,accuracy,epoch
a,finished,0.0001,8,0.71,3
b,finished,0.001,16,0.83,3
c,crashed,0.002,8,0.99,1
d,finished,0.0005,8,NaN,3
e,finished,0.0003,16,0.74,3
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, MANIFEST, "{}\n")
    made.write("runs.csv", TABLE)
    return made


def read(project: Project) -> StoredStudy:
    study = studies_of(project.load())[0]
    stored = stored_of(study, project.root)
    assert stored is not None
    return stored


def chosen(project: Project) -> int | None:
    study = studies_of(project.load())[0]
    trial = selected(study.search, read(project)).trial
    return None if trial is None else trial.number


def test_a_table_of_runs_in_our_words(project: Project) -> None:
    stored = read(project)
    assert [trial.state for trial in stored.trials] == ["completed", "completed", "failed", "failed", "completed"]
    assert stored.trials[1].point == {"optimizer.learning_rate": 1e-3, "batch_size": 16}
    assert stored.trials[2].facts["error"] == "it ended as crashed"  # before any value
    assert stored.trials[3].facts["error"] == "the objective is nan"
    assert chosen(project) == 1


def test_trials_that_trained_shorter_are_not_taken(project: Project) -> None:
    project.replace("path: runs.csv", "path: runs.csv, steps: epoch")
    project.replace("b,finished,0.001,16,0.83,3", "b,finished,0.001,16,0.83,1", "runs.csv")
    assert chosen(project) == 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lr,batch_size", "rate,batch_size", "no column is optimizer.learning_rate"),
        ("lr,batch_size", "lr,my.batch_size", None),
        ("accuracy,epoch", "loss,epoch", "no column is accuracy"),
        (
            "Name,State,lr",
            "Name,model.lr,optim.lr",
            "several columns may be optimizer.learning_rate: model.lr, optim.lr",
        ),
    ],
)
def test_names_that_are_not_there_are_told(project: Project, old: str, new: str, said: str | None) -> None:
    project.replace(old, new, "runs.csv")
    if said is None:
        assert read(project).trials[0].point["batch_size"] == 8
        return
    with pytest.raises(InputError, match=said):
        read(project)


def test_the_same_as_json_with_nested_names(project: Project) -> None:
    runs = [
        {
            "config": {"optimizer": {"learning_rate": 1e-3}, "batch_size": 8},
            "summary": {"accuracy": 0.5},
            "state": "finished",
        },
        {
            "config": {"optimizer": {"learning_rate": 1e-4}, "batch_size": 16},
            "summary": {"accuracy": 0.6},
            "state": "killed",
        },
    ]
    project.write("runs.json", json.dumps(runs))
    project.replace("path: runs.csv", "path: runs.json, metric: summary.accuracy")
    assert [trial.state for trial in read(project).trials] == ["completed", "failed"]
    assert chosen(project) == 0


def objective(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("lr", 1e-5, 1e-2, log=True)
    batch = trial.suggest_categorical("batch_size", [8, 16])
    if trial.number == 1:
        trial.report(0.9, 1)
        raise optuna.TrialPruned
    if trial.number == 2:
        return float("nan")
    return rate * batch


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_storages_of_optuna_without_optuna(project: Project, kind: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = project.path(f"study.{kind}")
    storage: Any = f"sqlite:///{path}" if kind == "sqlite" else JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=5)
    project.replace("path: runs.csv", f"path: study.{kind}")
    stored = read(project)
    assert [trial.state for trial in stored.trials] == ["completed", "pruned", "failed", "completed", "completed"]
    for own, theirs in zip(stored.trials, study.trials, strict=True):
        assert own.point == {"optimizer.learning_rate": theirs.params["lr"], "batch_size": theirs.params["batch_size"]}
        assert own.value == (
            theirs.value if own.state == "completed" else None
        )  # Optuna keeps a pruned one's last report
    assert chosen(project) == study.best_trial.number
    project.replace("objective: accuracy", "objective: {name: accuracy, direction: lower}")
    with pytest.raises(InputError, match="the storage looked for the higher value"):
        read(project)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_the_best_report_of_a_trial_counts_where_selection_says_so(project: Project, kind: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = project.path(f"study.{kind}")
    storage: Any = f"sqlite:///{path}" if kind == "sqlite" else JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, direction="maximize")

    def falling(trial: optuna.Trial) -> float:
        trial.suggest_float("lr", 1e-5, 1e-2)
        trial.suggest_categorical("batch_size", [8, 16])
        for step, value in enumerate([0.5, 0.9, 0.6]):
            trial.report(value if trial.number else value / 2, step)
        return 0.6 if trial.number else 0.7

    study.optimize(falling, n_trials=2)
    project.replace("path: runs.csv", f"path: study.{kind}")
    assert [trial.value for trial in read(project).trials] == [0.7, 0.6]
    project.replace("    seeds: [100]", "    selection: {value: best}\n    seeds: [100]")
    assert [trial.value for trial in read(project).trials] == [0.45, 0.9]


def test_several_studies_or_objectives_are_a_named_error(project: Project) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = f"sqlite:///{project.path('study.db')}"
    optuna.create_study(storage=storage, study_name="two", directions=["maximize", "minimize"])
    project.replace("path: runs.csv", "path: study.db")
    with pytest.raises(InputError, match="a study of 2 objectives"):
        read(project)
    optuna.create_study(storage=storage, study_name="one")
    with pytest.raises(InputError, match="2 studies in one storage"):
        read(project)


def test_a_file_that_is_no_storage_is_a_named_error(project: Project) -> None:
    project.write("study.db", b"SQLite format 3\x00" + b"\x01" * 200)
    project.replace("path: runs.csv", "path: study.db")
    with pytest.raises(InputError, match="not a storage of Optuna"):
        read(project)


def test_results_of_ray_tune(project: Project) -> None:
    for name, rate, values in (
        ("a", 1e-3, [0.5, 0.9, 0.7]),
        ("b", 2e-3, [0.95]),
        ("c", 3e-3, [0.6, 0.7, 0.8]),
        ("d", 1e-4, []),
    ):
        folder = f"ray/train_{name}"
        project.write(f"{folder}/params.json", json.dumps({"lr": rate, "batch_size": 8}))
        lines = [json.dumps({"accuracy": value, "training_iteration": n}) for n, value in enumerate(values, 1)]
        project.write(f"{folder}/result.json", "".join(f"{line}\n" for line in lines))
    project.replace("path: runs.csv", "path: ray")
    stored = read(project)
    assert [trial.state for trial in stored.trials] == ["completed", "completed", "completed", "failed"]
    assert chosen(project) == 2  # the one that was stopped after one report is not the best
    project.replace("    seeds: [100]", "    selection: {value: best}\n    seeds: [100]")
    assert chosen(project) == 0


def test_what_was_searched_elsewhere_is_chosen_and_judged(project: Project) -> None:
    assert project.cli("sweep").code == 2
    outcome = project.cli("sweep", "analyze")
    assert outcome.code == 0, outcome.err
    (optimum,) = read_optima(project.path("optimal_hyperparameters.yaml"))
    assert optimum.values == {"optimizer.learning_rate": 1e-3, "batch_size": 16}
    assert optimum.entry["analysed"]["journal"]["file"] == "runs.csv"
    findings = project.verify().findings
    assert not [each for each in findings if each.code.startswith("R15")]
    assert project.read("runs.csv") == TABLE  # what another tool left is not touched
    project.replace("a,finished,0.0001,8,0.71,3", "a,finished,0.5,8,0.0,3", "runs.csv")
    codes = {each.code for each in project.verify().findings}
    assert {"R153", "R156"} <= codes
