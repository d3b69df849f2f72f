"""The log of a run, and experiment trackers: what they are told, and that they change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from framework.errors import FrameworkError, UsageError
from framework.evidence.record import RunRecord
from framework.manifest.sections.methods import Prune
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs, Step, Training
from runners import trackers
from runners.execute import execute
from runners.journal import Journal
from runners.progress import Several, Silent
from runners.run_files import Lines
from runners.trackers import Kind, Tail, Tracking, chosen, configuration, project_name, with_trackers

Laboratory = Any
Build = Callable[..., Phase]


def training(laboratory: Laboratory, phase: Build, names: list[str] | None = None, **changes: Any) -> Step:
    knobs = Knobs(trackers=names, log_every=2)  # type: ignore[arg-type]
    step: Step = laboratory.step(Training(phase(**changes), "data", laboratory.text()), knobs=knobs, key="a" * 64)
    return step


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class Recorder:
    """A tracker in accelerate's shape that keeps what it is told."""

    made: list[Recorder] = []

    def __init__(self, run: str, project: str, root: Path):
        self.run, self.project, self.root = run, project, root
        self.logged: list[tuple[int | None, dict[str, Any]]] = []
        self.config: dict[str, Any] = {}
        self.finished = False
        Recorder.made.append(self)

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.config = values

    def log(self, values: dict[str, Any], step: int | None = None) -> None:
        self.logged.append((step, values))

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    monkeypatch.setitem(trackers.KINDS, "wandb", Kind("json", Recorder, "json"))
    monkeypatch.setattr(Recorder, "made", [])
    return Recorder.made


# The log


def test_the_log_says_what_happened_and_when(laboratory: Laboratory, phase: Build) -> None:
    step = training(laboratory, phase)
    run = laboratory.execute(step)
    found = lines(laboratory.store.root / "logs" / f"{step.folder}.jsonl")
    events = [line["event"] for line in found]
    assert (events[0], events[-1]) == ("started", "finished")
    assert [line["step"] for line in found if line["event"] == "progress"] == [2, 4]
    assert found[0]["planned_steps"] == 4
    assert found[-1]["metrics"] == run.record.metrics
    times = [datetime.fromisoformat(line["time"]) for line in found]
    assert times == sorted(times)
    assert all(time.tzinfo is not None for time in times)


def test_the_evaluations_of_a_training_are_in_its_log(laboratory: Laboratory, phase: Build) -> None:
    step = training(laboratory, phase, epochs=2.0, early_stopping={"metric": "loss", "patience": 3})
    run = laboratory.execute(step)
    logged = lines(laboratory.store.root / "logs" / f"{step.folder}.jsonl")
    evidence = lines(run.folder / "events.jsonl")
    for name in ("evaluation", "restored"):
        ours, theirs = ([line for line in found if line["event"] == name] for found in (logged, evidence))
        assert ours
        assert [{key: value for key, value in line.items() if key != "time"} for line in ours] == theirs


def test_no_time_is_among_the_evidence_of_a_training(laboratory: Laboratory, phase: Build) -> None:
    run = laboratory.execute(training(laboratory, phase))
    for name in run.record.artefacts:
        if name.endswith("jsonl"):
            assert not any("time" in line for line in lines(run.folder / name))


def test_a_failure_is_in_the_log(laboratory: Laboratory, phase: Build) -> None:
    step = training(laboratory, phase, optimizer={"learning_rate": 1e30})
    with pytest.raises(FrameworkError):
        laboratory.execute(step)
    last = lines(laboratory.store.root / "logs" / f"{step.folder}.jsonl")[-1]
    assert last["event"] == "failed"
    assert "the training loss is" in last["error"]


def test_a_log_goes_on_after_a_kill_in_the_middle_of_a_line(laboratory: Laboratory, phase: Build) -> None:
    step = training(laboratory, phase)
    path = laboratory.store.root / "logs" / f"{step.folder}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"event": "started"}\n{"event": "prog')
    journal = Journal(laboratory.store.root, step)
    journal.event("resumed", step=2, loss=float("nan"))
    journal.event("progress")
    first, broken, *rest = path.read_text().splitlines()
    assert (first, broken) == ('{"event": "started"}', '{"event": "prog')
    assert [json.loads(line)["event"] for line in rest] == ["resumed", "progress"]
    assert json.loads(rest[0])["loss"] == "nan"


def test_all_of_several_are_told() -> None:
    told: list[str] = []

    class One(Silent):
        def message(self, text: str) -> None:
            told.append(text)

        def event(self, event: str, **facts: Any) -> None:
            told.append(f"{event} {facts}")

    both = Several([One(), One()])
    both.message("a")
    both.event("b", step=1)
    assert told == ["a", "a", "b {'step': 1}", "b {'step': 1}"]


# Trackers


def test_a_tracker_is_told_every_step_as_the_evidence_has_it(
    laboratory: Laboratory, phase: Build, recorder: list[Recorder]
) -> None:
    step = training(laboratory, phase, ["wandb"], epochs=2.0, early_stopping={"metric": "loss", "patience": 3})
    # An evaluation after step 8 is then passed on together with the steps up to 10.
    step = replace(step, knobs=replace(step.knobs, log_every=5))
    run = laboratory.execute(step)
    (tracker,) = recorder
    trained = [(at, values) for at, values in tracker.logged if "train/loss" in values]
    evidence = lines(run.folder / "steps.jsonl")
    assert [at for at, _ in trained] == [line["step"] for line in evidence] == list(range(1, 17))
    for (_, values), line in zip(trained, evidence, strict=True):
        for name in ("loss", "learning_rate", "tokens", "samples"):
            assert values[f"train/{name}"] == line[name]
    evaluated = [(at, values) for at, values in tracker.logged if "evaluation/loss" in values]
    assert [at for at, _ in evaluated] == [8, 16]
    at, final = tracker.logged[-1]
    assert (at, final) == (16, {f"final/{name}": value for name, value in run.record.metrics.items()})
    assert tracker.finished
    steps = [at for at, _ in tracker.logged if at is not None]
    assert steps == sorted(steps)


def test_a_tracker_gets_the_run_s_name_and_its_resolved_configuration(
    laboratory: Laboratory, phase: Build, recorder: list[Recorder]
) -> None:
    step = replace(training(laboratory, phase, ["wandb"]), identity={"does": {"phase": {"betas": [0.9, 0.98]}}, "x": 1})
    laboratory.execute(step)
    (tracker,) = recorder
    assert tracker.run == step.folder
    assert tracker.config["does.phase.betas"] == "[0.9, 0.98]"
    assert (tracker.config["x"], tracker.config["knobs.log_every"], tracker.config["variant"]) == (1, 2, "M_x")
    assert all(isinstance(value, (int, float, str, bool)) for value in tracker.config.values())


def test_what_does_not_train_has_nothing_to_tell(
    laboratory: Laboratory, phase: Build, recorder: list[Recorder]
) -> None:
    base = laboratory.pretrain(phase())
    knobs = Knobs(trackers=["wandb"])
    laboratory.run(Prune(sparsity=0.5, tensors=["in_proj"]), name="prune", parent=base, knobs=knobs)
    assert recorder == []


def weights(run: Any) -> dict[str, str]:
    return {name: facts["sha256"] for name, facts in run.record.artefacts.items()}


def test_trackers_change_no_result(
    laboratory: Laboratory, phase: Build, recorder: list[Recorder], tmp_path: Path
) -> None:
    tracked = laboratory.execute(training(laboratory, phase, ["wandb"], max_steps=6))
    other = type(laboratory)(tmp_path / "other")
    plain = other.execute(training(other, phase, [], max_steps=6))
    assert weights(tracked) == weights(plain)
    assert tracked.record.metrics == plain.record.metrics


@pytest.mark.parametrize("broken", ["__init__", "log", "finish"])
def test_a_tracker_that_breaks_is_left_out_and_the_training_goes_on(
    laboratory: Laboratory,
    phase: Build,
    recorder: list[Recorder],
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("the server is gone")

    monkeypatch.setattr(Recorder, broken, fail)
    said: list[str] = []

    class Listening(Silent):
        def message(self, text: str) -> None:
            said.append(text)

    step = training(laboratory, phase, ["wandb"])
    record = execute(step, laboratory.store, laboratory.project, Listening())
    assert record.status == "done"
    told = [text for text in said if "tracker" in text]
    assert told == ["the tracker wandb is left out from here on: ConnectionError: the server is gone"]


def test_a_tail_gives_each_whole_line_once(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "lines.jsonl")
    assert list(tail.lines()) == []
    with Lines(tmp_path / "lines.jsonl") as stream:
        stream.write(step=1)
        assert list(tail.lines()) == [{"step": 1}]
        assert list(tail.lines()) == []
    with (tmp_path / "lines.jsonl").open("a") as stream:
        stream.write('{"step": 2}\n{"st')
        stream.flush()
        assert list(tail.lines()) == [{"step": 2}]
        stream.write('ep": 3}\n')
        stream.flush()
        assert list(tail.lines()) == [{"step": 3}]


# Which trackers


def test_what_is_asked_for_goes_before_what_a_config_names(laboratory: Laboratory, phase: Build) -> None:
    step = training(laboratory, phase, ["tensorboard"])
    assert chosen(step) == ["tensorboard"]
    assert chosen(step, ["none"]) == []
    assert chosen(step, ["tensorboard", "tensorboard"]) == ["tensorboard"]


@pytest.mark.parametrize("there", [True, False])
def test_tensorboard_is_told_by_default_where_it_is_installed(
    laboratory: Laboratory, phase: Build, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(trackers, "installed", lambda name: there)
    (step,) = with_trackers([training(laboratory, phase)])
    assert step.knobs.trackers == (["tensorboard"] if there else [])
    assert step.knobs.log_every == 2


def test_a_config_may_name_none(laboratory: Laboratory, phase: Build) -> None:
    assert chosen(training(laboratory, phase, [])) == []


@pytest.mark.parametrize("named", [True, False])
def test_a_tracker_that_is_not_installed_is_refused_with_its_extra(
    laboratory: Laboratory, phase: Build, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    monkeypatch.setattr(trackers, "installed", lambda name: False)
    step = training(laboratory, phase, ["mlflow"] if named else None)
    with pytest.raises(UsageError, match=r"tracker mlflow is not installed: pip install '.*\[mlflow\]'"):
        chosen(step, [] if named else ["mlflow"])


def test_an_unknown_tracker_names_the_near_one(laboratory: Laboratory, phase: Build) -> None:
    with pytest.raises(UsageError, match="no tracker is called 'tensorbord': did you mean 'tensorboard'"):
        chosen(training(laboratory, phase), ["tensorbord"])


@pytest.mark.parametrize(("folder", "name"), [("study", "study"), ("a b/ü:c", "ü_c")])
def test_the_project_is_named_after_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    assert project_name(tmp_path / folder / "runs") == name


@pytest.mark.parametrize(
    ("variables", "content", "key"),
    [
        ({"WANDB_API_KEY": "k"}, "", True),
        ({}, "", False),
        ({}, "machine api.wandb.ai login user password k\n", True),
        ({"WANDB_BASE_URL": "https://wandb.lab.org/"}, "machine api.wandb.ai login user password k\n", False),
        ({"WANDB_BASE_URL": "https://wandb.lab.org/"}, "machine wandb.lab.org login user password k\n", True),
    ],
)
def test_wandb_is_offline_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], content: str, key: bool
) -> None:
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(content)
    (tmp_path / ".netrc").chmod(0o600)
    assert trackers._wandb_key() is key


# The real TensorBoard


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_reads_back_what_the_evidence_says(laboratory: Laboratory, phase: Build) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    step = training(laboratory, phase, ["tensorboard"], epochs=1.0, early_stopping={"metric": "loss", "patience": 3})
    run = laboratory.execute(step)
    folder = laboratory.store.root / "tensorboard" / step.folder

    def scalars() -> dict[str, list[tuple[int, float]]]:
        events = EventAccumulator(str(folder)).Reload()
        return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}

    found, evidence = scalars(), lines(run.folder / "steps.jsonl")
    for name in ("loss", "learning_rate", "tokens"):
        assert [at for at, _ in found[f"train/{name}"]] == [line["step"] for line in evidence]
        assert [value for _, value in found[f"train/{name}"]] == pytest.approx([line[name] for line in evidence])
    assert found["evaluation/loss"][0][0] == 8
    assert found["final/perplexity"] == [(8, pytest.approx(run.record.metrics["perplexity"]))]
    hyperparameters = [path.read_text() for path in folder.glob("*/hparams.yml")]
    assert any("knobs.log_every: 2" in text for text in hyperparameters)
    # Told again, as by a run that goes on: each step is there once.
    again = Tracking("tensorboard", step, laboratory.store.root, Silent())
    again.update(8, 0.0, 0.0)
    again.end(RunRecord.read(run.folder))
    assert scalars() == found


def test_a_configuration_is_flat_and_without_what_is_not_stated(laboratory: Laboratory, phase: Build) -> None:
    found = configuration(training(laboratory, phase))
    assert found["seed"] == 7
    assert "parent" not in found
    assert "knobs.precision" not in found
