"""What programs say of their runs by themselves: which run it is, how they count steps, what nested runs share."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework import api
from framework.adoption.adopting import Outcome, adopt
from framework.errors import Problem
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from tests.adoption.left_runs import LEFT, STEPS, project, rate, write
from tests.adoption.stored_runs import database
from tests.support.commands import called


def taken(root: Path, **adopted: Any) -> tuple[Experiment, list[Outcome], list[Problem]]:
    experiment = load(project(root, [adopted]))
    return experiment, *adopt(experiment)


def named(folder: Path, source: str, **said: Any) -> Path:
    """A run that says of itself what it is, in the way of its program."""
    LEFT[source](folder)
    if source == "wandb":
        file = folder / "files/config.yaml"
        config = yaml.safe_load(file.read_text("utf-8")) | {name: {"value": value} for name, value in said.items()}
        write(file, yaml.safe_dump(config))
    elif source == "mlflow":
        for name, value in said.items():
            write(folder / "params" / name, str(value))
    else:
        file = folder / {"dvclive": "params.yaml", "lightning": "hparams.yaml", "hydra": ".hydra/config.yaml"}[source]
        write(file, yaml.safe_dump(yaml.safe_load(file.read_text("utf-8")) | said))
    return folder


@pytest.mark.parametrize("source", ["wandb", "mlflow", "dvclive", "lightning", "hydra"])
def test_a_run_that_no_name_tells_apart_is_placed_by_its_own_words(tmp_path: Path, source: str) -> None:
    for number, variant in enumerate(("dense", "lora")):
        # a `model` that is none of the manifest's is a setting like others
        named(tmp_path / f"out/{number}", source, variant=variant, task="SST-2", model="bert-base", seed=1)
    captures = {"task": {"SST-2": "sst2"}}
    experiment, _, problems = taken(tmp_path, path="out/*", captures=captures)
    assert not problems
    found = {run.record.variants[0]: run.record.observed["adopted"]["from"] for run in RunStore(experiment.runs).runs()}
    assert found == {"dense": "out/0", "lora": "out/1"}


def test_a_name_of_the_path_goes_before_what_the_run_says(tmp_path: Path) -> None:
    named(tmp_path / "out/lora", "wandb", variant="dense")
    experiment, _, problems = taken(tmp_path, path="out/{variant}", task="sst2")
    assert not problems
    assert [run.record.variants for run in RunStore(experiment.runs).runs()] == [["lora"]]


def test_where_nothing_tells_the_advice_names_what_the_run_says(tmp_path: Path) -> None:
    named(tmp_path / "out/1", "wandb", method="dense")
    _, _, problems = taken(tmp_path, path="out/*", task="sst2")
    assert len(problems) == 1
    assert "say its variant of it" in problems[0].message
    assert "`columns: {variant: NAME}`" in str(problems[0].advice)
    assert "method" in str(problems[0].advice)


@pytest.mark.parametrize("source", ["lightning", "dvclive"])
def test_steps_are_counted_as_the_program_counts_them(tmp_path: Path, source: str) -> None:
    LEFT[source](tmp_path / "out")
    if source == "dvclive":  # `Live.step` is 0 at first
        table = "".join(f"{s - 1}\t{rate(s)!r}\n" for s in range(1, STEPS + 1))
        write(tmp_path / "out/plots/metrics/train/lr.tsv", "step\tlr\n" + table)
    experiment, _, problems = taken(tmp_path, path="out", variant="dense", task="sst2", seed=1)
    assert not problems
    (run,) = RunStore(experiment.runs).runs()
    lines = [json.loads(line) for line in (run.folder / "steps.jsonl").read_text("utf-8").splitlines()]
    assert [(line["step"], line["learning_rate"]) for line in lines] == [
        (step, pytest.approx(rate(step))) for step in range(1, STEPS + 1)
    ]
    wrong = taken(tmp_path, path="out", variant="dense", task="sst2", seed=1, steps_from=1)[2]
    assert "the log has a step 0" in str(wrong[0])


def nested(root: Path) -> Path:
    """A run of MLflow's file store that is nested in another, which is nested in a third."""
    for run, above in (("a1", "b2"), ("b2", "c3"), ("c3", None)):
        folder = LEFT["mlflow"](root / "mlruns/17" / run)
        write(folder / "meta.yaml", f"run_id: {run}\nrun_name: {run}\nstatus: 3\n")
        if above is not None:
            write(folder / "tags/mlflow.parentRunId", above)
    write(root / "mlruns/17/b2/params/batch_size", "16")
    write(root / "mlruns/17/b2/params/weight_decay", "0.5")
    write(root / "mlruns/17/c3/params/batch_size", "32")
    write(root / "mlruns/17/c3/params/num_train_epochs", "3")
    return root


OF_NESTED = {"path": "mlruns/17/a1", "variant": "dense", "task": "sst2"}


@pytest.mark.parametrize("inherit", [False, True])
def test_parameters_of_the_runs_above_are_taken_where_that_is_stated(tmp_path: Path, inherit: bool) -> None:
    experiment, outcomes, problems = taken(nested(tmp_path), **OF_NESTED, inherit=inherit)
    assert not problems
    (run,) = RunStore(experiment.runs).runs()
    settings = json.loads((run.folder / "settings.json").read_text("utf-8"))
    own = {"learning_rate": 2e-5, "seed": 1, "weight_decay": 0.01}
    assert settings == (own | {"batch_size": 16, "num_train_epochs": 3} if inherit else own)  # the nearest one's
    assert bool(outcomes[0].notes) is not inherit
    result = api.verify(experiment)
    batch = {str(each.status) for each in result.matrix.verdicts if each.clause == "phases.finetune.batch_size"}
    assert ("violated" in batch) is inherit  # the manifest says 8
    write(tmp_path / "mlruns/17/c3/params/num_train_epochs", "4")
    changed = "R145" in {finding.code for finding in api.verify(experiment).findings}
    assert changed is inherit  # what was taken is evidence, what was not is none


@pytest.mark.parametrize("name", ["mlflow-2.3", "mlflow-3.17"])
def test_a_database_says_the_same_of_its_nested_runs(tmp_path: Path, name: str) -> None:
    path = database(tmp_path, name)
    said = {"path": path.name, "only": {"run": "child"}, "task": "sst2"}
    experiment, _, problems = taken(tmp_path, **said, inherit=True)
    assert not problems
    (run,) = RunStore(experiment.runs).runs()
    settings = json.loads((run.folder / "settings.json").read_text("utf-8"))
    assert settings == {"learning_rate": 2e-5, "seed": 2, "task": "sst2"}  # its own rate, its parent's task
    assert not [each for each in api.verify(experiment).findings if each.code == "R145"]
    connection = sqlite3.connect(path)
    connection.execute("UPDATE params SET value = 'mrpc' WHERE key = 'task' AND value = 'sst2'")
    connection.commit()
    connection.close()
    assert [each for each in api.verify(experiment).findings if each.code == "R145"]


def test_the_command_line_says_it_too(tmp_path: Path) -> None:
    project(nested(tmp_path))
    outcome = called(tmp_path, "adopt", "mlruns/17/a1", "--variant", "dense", "--task", "sst2", "--inherit")
    assert outcome.code == 0, outcome.err
    (settings,) = tmp_path.glob("runs/*/settings.json")
    assert json.loads(settings.read_text("utf-8"))["batch_size"] == 16
