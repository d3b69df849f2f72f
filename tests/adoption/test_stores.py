"""Files that hold many runs, as MLflow and Optuna wrote them: each run by itself, and what is no evidence left out."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from framework import api
from framework.adoption.adopting import Outcome, adopt
from framework.adoption.sources.registry import source_of
from framework.adoption.sources.source import LeftOut, Store, Stored
from framework.errors import InputError, Problem
from framework.evidence.logs.log import Reading
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from tests.adoption.left_runs import LEFT, STEPS, project, rate, write
from tests.adoption.stored_runs import MLFLOW, OPTUNA, database, storage
from tests.support.commands import called

LADDER = {"experiment": "ladder"}
ALL = (*MLFLOW, *OPTUNA)


def stored_in(path: Path) -> tuple[dict[str, Stored], list[str]]:
    """The runs by what they are called, and what was left out."""
    source = source_of(path, None)
    assert isinstance(source, Store)
    found = list(source.runs(path, Reading()))
    runs = [each for each in found if isinstance(each, Stored)]
    named = {str(run.left.names.get("run") or run.part): run for run in runs}
    return named, [each.why for each in found if isinstance(each, LeftOut)]


def made(folder: Path, name: str) -> Path:
    return database(folder, name) if name in MLFLOW else storage(folder, name)


def taken(root: Path, adopted: dict[str, Any]) -> tuple[Experiment, list[Outcome], list[Problem]]:
    experiment = load(project(root, [adopted]))
    return experiment, *adopt(experiment)


@pytest.mark.parametrize("name", MLFLOW)
def test_the_finished_runs_of_mlflow_are_runs_and_the_others_are_said(tmp_path: Path, name: str) -> None:
    runs, left_out = stored_in(database(tmp_path, name))
    assert list(runs) == ["d1", "l1", "child", "elsewhere"]
    assert sorted(left_out) == [
        "1 run: not finished (FAILED)",
        "1 run: not finished (RUNNING)",
        "1 run: without metrics, which only hold other runs",
        "2 runs: deleted in MLflow",
    ]
    first = runs["d1"].left
    assert first.settings == {"learning_rate": 2e-5, "num_train_epochs": 3, "seed": 1, "task": "sst2"}
    assert first.log is not None
    assert [(line["step"], line["learning_rate"]) for line in first.log.steps] == [
        (step, pytest.approx(rate(step))) for step in range(1, STEPS + 1)
    ]
    assert first.metrics == {"accuracy": 0.9}
    assert set(first.raw) == {"train/loss", "train/learning_rate", "eval/accuracy"}
    assert first.environment == {"git": {"commit": "0123456789abcdef0123456789abcdef01234567"}}


@pytest.mark.parametrize("name", MLFLOW)
def test_a_nested_run_is_found_by_its_parents_tags_and_has_its_own_parameters(tmp_path: Path, name: str) -> None:
    child = stored_in(database(tmp_path, name))[0]["child"].left
    assert child.settings == {"learning_rate": 2e-5, "seed": 2}
    assert (child.names["variant"], child.names["task"], child.names["run"]) == ("lora", "sst2", "child")
    (note,) = child.notes
    assert note.startswith("its parent, the run sweep, has further parameters (task): not taken, unless `inherit:")


@pytest.mark.parametrize("name", OPTUNA)
def test_the_complete_trials_of_optuna_are_runs_and_the_others_are_said(tmp_path: Path, name: str) -> None:
    runs, left_out = stored_in(storage(tmp_path, name))
    assert list(runs) == [*(f"ladder, trial {number}" for number in (0, 1, 4, 7)), "two goals, trial 0"]
    assert left_out == ["4 trials of ladder which are not complete: 1 FAIL, 1 PRUNED, 1 RUNNING, 1 WAITING"]
    first = runs["ladder, trial 0"]
    assert first.left.settings == {
        "learning_rate": 2e-5, "batch_size": 8, "num_train_epochs": 3, "optimizer": "adamw"
    }  # fmt: skip
    assert type(first.left.settings["num_train_epochs"]) is int
    assert first.left.raw == {"seed": 1, "f1": 0.5, "value": 0.7}
    assert first.kept["intermediate_values"] == {"0": 0.5, "1": 0.6, "2": 0.7}
    assert first.left.names["variant"] == "dense"
    assert first.left.names["owner"] == "lab"
    assert [run.left.names["best"] for run in runs.values()] == [False, True, False, False, False]


@pytest.mark.parametrize("name", OPTUNA)
def test_objectives_have_the_names_that_the_study_gives_them(tmp_path: Path, name: str) -> None:
    goals = stored_in(storage(tmp_path, name))[0]["two goals, trial 0"].left
    assert goals.metrics == {"accuracy": pytest.approx(0.4 + 0.417022004702574 / 2), "loss": 1.25}


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("name", OPTUNA)
def test_what_a_trial_reported_is_the_course_of_its_run(tmp_path: Path, name: str, named: bool) -> None:
    storage(tmp_path, name)
    stated: dict[str, Any] = {"path": f"{Path(name).stem}.*", "only": {"study": "ladder", "trial": [0]}, "task": "sst2"}
    experiment, _, problems = taken(tmp_path, stated | ({"metrics": {"accuracy": "value"}} if named else {}))
    assert not problems
    (run,) = RunStore(experiment.runs).readable("adopted.*")
    events = [json.loads(line) for line in (run.folder / "events.jsonl").read_text("utf-8").splitlines()]
    metric = "accuracy" if named else "value"
    assert events == [
        {"event": "evaluation", "report": step, metric: pytest.approx(0.5 + step / 10)} for step in range(3)
    ]
    assert not (run.folder / "steps.jsonl").read_text("utf-8")  # its reports are no optimizer steps
    assert "optimizer_steps" not in run.record.observed


def test_an_infinite_value_is_no_metric(tmp_path: Path) -> None:
    for name in OPTUNA:
        assert stored_in(storage(tmp_path, name))[0]["ladder, trial 4"].left.raw == {"seed": 1, "f1": 0.54}


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_written_to_the_file_or_beside_it(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / "stores", name)
    os.chmod(path, 0o444)
    before, files = path.read_bytes(), sorted(path.parent.iterdir())
    stored_in(path)
    assert (path.read_bytes(), sorted(path.parent.iterdir())) == (before, files)


@pytest.mark.parametrize("name", MLFLOW)
def test_a_file_that_somebody_has_locked_is_read(tmp_path: Path, name: str) -> None:
    path = database(tmp_path, name)
    writing = sqlite3.connect(path, isolation_level=None)
    writing.execute("BEGIN EXCLUSIVE")
    assert len(stored_in(path)[0]) == 4
    writing.execute("ROLLBACK")
    writing.close()


@pytest.mark.parametrize("name", MLFLOW)
def test_what_is_still_in_the_log_beside_the_file_is_read(tmp_path: Path, name: str) -> None:
    path = database(tmp_path, name)
    writing = sqlite3.connect(path)
    writing.execute("PRAGMA journal_mode=WAL")
    writing.execute("UPDATE latest_metrics SET value = 0.25 WHERE key = 'eval/accuracy'")
    writing.commit()
    beside = tmp_path / f"{path.name}-wal"
    assert beside.stat().st_size
    kept = path.read_bytes(), beside.read_bytes()
    assert stored_in(path)[0]["d1"].left.metrics == {"accuracy": 0.25}
    assert (path.read_bytes(), beside.read_bytes()) == kept
    writing.close()


ADOPTED: dict[str, dict[str, Any]] = {
    **{name: {"only": LADDER, "captures": {}} for name in MLFLOW},
    **{name: {"only": {"study": "ladder", "trial": [0, 1]}, "metrics": {"accuracy": "value"}} for name in OPTUNA},
}


@pytest.mark.parametrize("name", ALL)
def test_each_run_is_put_at_its_step_by_its_own_parameters_and_tags(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, name)
    experiment, outcomes, problems = taken(tmp_path, {"path": path.name, **ADOPTED[name]})
    assert not problems
    found = {
        (run.record.variants[0], run.record.task, run.record.seed): run.record.metrics["accuracy"]
        for run in RunStore(experiment.runs).runs()
    }
    mlflow = {("dense", "sst2", 1): 0.9, ("lora", "sst2", 1): 0.8, ("lora", "sst2", 2): 0.7}
    assert found == (mlflow if name in MLFLOW else {("dense", "sst2", 1): 0.7, ("dense", "sst2", 2): 0.71})
    assert any(each.status == "left out" for each in outcomes)
    assert {each.status for each in adopt(experiment)[0]} == {"unchanged", "left out"}


def test_drift_in_a_stored_run_is_found(tmp_path: Path) -> None:
    path = storage(tmp_path, "optuna-5.0.sql")
    experiment, _, _ = taken(tmp_path, {"path": path.name, **ADOPTED["optuna-5.0.sql"]})
    findings = [finding for finding in api.verify(experiment).findings if finding.code == "R125"]
    assert {finding.message.partition(":")[0] for finding in findings} == {"dense · finetune[sst2] · tiny · seed 2"}
    assert any("0.000125" in finding.message for finding in findings)


@pytest.mark.parametrize("name", ["mlflow-3.17", "optuna-5.0.sql", "optuna-5.0.journal"])
def test_what_is_kept_is_the_run_and_not_the_file(tmp_path: Path, name: str) -> None:
    """Runs that are added later change nothing of those that were adopted."""
    path = made(tmp_path, name)
    experiment, _, _ = taken(tmp_path, {"path": path.name, **ADOPTED[name]})
    run = next(RunStore(experiment.runs).runs())
    (source,) = run.record.observed["adopted"]["sources"]
    assert source["file"] == path.name
    assert [file.name for file in (run.folder / "source").iterdir()] == ["run.json"]
    assert json.loads((run.folder / "source/run.json").read_text("utf-8"))
    grown(path)
    assert "R145" not in {finding.code for finding in api.verify(experiment).findings}
    assert {each.status for each in adopt(experiment)[0]} == {"unchanged", "left out"}


def grown(path: Path) -> None:
    """A store with one more run, which goes on."""
    if path.suffix == ".journal":
        with path.open("a", encoding="utf-8") as stream:
            stream.write('{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null}\n{"op_code":5,"worker')
        return
    there = sqlite3.connect(path)
    if "mlflow" in path.name:
        there.execute("INSERT INTO runs (run_uuid, name, status, lifecycle_stage, experiment_id, start_time)"
                      " VALUES ('new', 'new', 'RUNNING', 'active', 1, 1)")  # fmt: skip
    else:
        there.execute("INSERT INTO trials (trial_id, number, study_id, state) VALUES (99, 8, 1, 'RUNNING')")
    there.commit()
    there.close()


CHANGES = {
    "mlflow-3.17": ["UPDATE params SET value = '1' WHERE key = 'num_train_epochs'",
                    "UPDATE runs SET lifecycle_stage = 'deleted' WHERE name = 'd1'"],
    "optuna-5.0.sql": ["UPDATE trial_params SET param_value = 0.5 WHERE param_name = 'learning_rate'",
                       "DELETE FROM trials WHERE number = 0"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "change"), [(name, each) for name, changes in CHANGES.items() for each in changes])
def test_a_run_that_changed_in_its_store_or_was_deleted_from_it_is_said(tmp_path: Path, name: str, change: str) -> None:
    path = made(tmp_path, name)
    experiment, _, _ = taken(tmp_path, {"path": path.name, **ADOPTED[name]})
    there = sqlite3.connect(path)
    there.execute(change)
    there.commit()
    there.close()
    found = [finding for finding in api.verify(experiment).findings if finding.code == "R145"]
    assert found
    assert all(f"{path.name} (" in finding.message for finding in found)


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("mlflow-3.17", "DROP TABLE tags", "dc11669786a5, which lacks tags.key"),
        ("mlflow-3.17", "ALTER TABLE metrics RENAME step TO at", "lacks metrics.step"),
        ("optuna-5.0.sql", "DROP TABLE trial_values", "an Optuna before 2.4: it lacks trial_values.objective"),
        ("optuna-5.0.sql", "UPDATE trial_params SET distribution_json = '{'", "a value that cannot be read"),
    ],
)
def test_a_store_of_another_shape_is_an_error_that_says_what_is_missing(
    tmp_path: Path, name: str, damage: str, said: str
) -> None:
    path = made(tmp_path, name)
    there = sqlite3.connect(path)
    there.executescript(damage)
    there.close()
    with pytest.raises(InputError, match=said):
        stored_in(path)


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "JSONDecodeError"), ('{"op_code":77}', "IndexError"), ('{"op_code":6,"trial_id":0}', "KeyError"),
     ('{"op_code":-1}', "op_code -1"), ("[]", "TypeError")],
)  # fmt: skip
def test_a_line_of_a_journal_that_is_no_operation_is_an_error_at_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "study.log"
    created = '{"op_code":0,"worker_id":"w","study_name":"s","directions":[1]}'
    trial = '{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null}'
    path.write_text(f"{created}\n{trial}\n{line}\n", "utf-8")
    with pytest.raises(InputError, match=said) as failure:
        stored_in(path)
    assert failure.value.problems[0].location is not None
    assert failure.value.problems[0].location.line == 3


def test_a_damaged_database_is_an_error(tmp_path: Path) -> None:
    path = database(tmp_path, "mlflow-3.17")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source = source_of(path, "mlflow-database")
    assert isinstance(source, Store)
    with pytest.raises(InputError, match="cannot be read"):
        list(source.runs(path, Reading()))


def test_what_only_means_is_taken_and_a_name_that_no_run_has_is_an_error(tmp_path: Path) -> None:
    project(tmp_path)
    path = database(tmp_path, "mlflow-3.17")
    outcome = called(tmp_path, "adopt", path.name, "--only", "experiment=scratch")
    assert outcome.code == 0
    assert "1 runs, 1 adopted" in outcome.out
    assert "3 runs: `only` means others" in outcome.out
    wrong = called(tmp_path, "adopt", path.name, "--only", "experimant=scratch")
    assert wrong.code == 2
    assert "no run says 'experimant', which `only` names" in wrong.err
    assert "experiment" in wrong.err


def test_a_part_that_a_run_does_not_say_is_an_error_that_names_the_run(tmp_path: Path) -> None:
    path = database(tmp_path, "mlflow-3.17")
    _, _, problems = taken(tmp_path, {"path": path.name, "columns": {"variant": "method"}, "only": LADDER})
    assert len(problems) == 3
    assert "it says no 'method'" in str(problems[0])


def test_two_runs_of_one_step_are_an_error(tmp_path: Path) -> None:
    path = database(tmp_path, "mlflow-3.17")
    _, _, problems = taken(tmp_path, {"path": path.name})
    assert len(problems) == 1
    assert "and from this too" in problems[0].message


def test_the_runs_of_a_file_store_are_found_by_their_tags_too(tmp_path: Path) -> None:
    """Those of the run that they are nested in, too; what lies among them is no run, and a NaN no value."""
    for run, status in (("a1", 3), ("b2", 4)):
        folder = LEFT["mlflow"](tmp_path / "mlruns/17" / run)
        write(folder / "meta.yaml", f"run_id: {run}\nrun_name: {run}\nstatus: {status}\nlifecycle_stage: active\n")
        write(folder / "tags/method", "dense")
        write(folder / "params/data", "sst2")
    write(tmp_path / "mlruns/17/meta.yaml", "name: ladder\n")
    deleted = shutil.copytree(tmp_path / "mlruns/17/a1", tmp_path / "mlruns/17/c3")
    write(deleted / "meta.yaml", "run_id: c3\nstatus: 3\nlifecycle_stage: deleted\n")
    columns = {"variant": "method", "task": "data"}
    child = shutil.copytree(tmp_path / "mlruns/17/a1", tmp_path / "mlruns/17/d4")
    (child / "tags/method").unlink()
    write(child / "tags/mlflow.parentRunId", "e5")
    write(child / "params/seed", "2")
    write(child / "metrics/val_accuracy", "1 nan 1\n1 0.7 12\n1 0.1 3\n1 inf 13\n")
    for name, text in {"meta.yaml": "run_id: e5\nstatus: 3\n", "tags/method": "lora", "params/lr": "9"}.items():
        write(tmp_path / "mlruns/17/e5" / name, text)
    (tmp_path / "mlruns/17/e5/metrics").mkdir()
    experiment, outcomes, problems = taken(tmp_path, {"path": "mlruns/*/*", "columns": columns})
    assert not problems
    found = {tuple(run.record.variants): run.record.metrics["accuracy"] for run in RunStore(experiment.runs).runs()}
    assert found == {("dense",): 0.9, ("lora",): 0.7}
    assert sorted(each.label for each in outcomes if each.status == "left out") == [
        "deleted in MLflow",
        "no program is known that leaves this",
        "not finished (FAILED)",
        "without metrics, it only holds other runs",
    ]
