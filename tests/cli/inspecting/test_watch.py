"""`framework watch`: how far the runs at work are, by what they have written."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from framework.cli.inspecting import watch
from framework.evidence.locks import lock_of, only_one
from framework.evidence.record import journal_of
from framework.evidence.store import RunStore
from tests.support.project import Project
from tests.support.searched import recorded

NOW = datetime.now(UTC)


def journal(folder: Path, *lines: dict[str, object]) -> None:
    path = journal_of(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


def at(seconds_ago: float, event: str, **facts: object) -> dict[str, object]:
    return {"time": (NOW - timedelta(seconds=seconds_ago)).isoformat(), "event": event, **facts}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Of three runs of `dense` one is done, one is at work, one has failed."""
    project = Project(tmp_path)
    store = RunStore(tmp_path / "runs")
    for step, status in zip(project.plan("dense").steps, ("done", "running", "failed"), strict=True):
        recorded(step, store, {}, status)
    return project


def at_work(project: Project) -> Path:
    return project.path("runs") / project.plan("dense").steps[1].folder


def looked(project: Project, *arguments: str) -> str:
    with only_one(lock_of(at_work(project)), "it"):
        return project.cli("watch", "--variant", "dense", "--once", *arguments).out


def test_steps_pace_time_left_and_loss_are_told(project: Project) -> None:
    journal(
        at_work(project),
        at(60, "started", planned_steps=1_000_000_000),
        at(50, "progress", step=100, loss=5.0),
        at(1, "progress", step=10_590, loss=2.5),
    )
    told = looked(project)
    assert "1 of 3 done, 1 running, 1 failed" in told
    assert "10,590/1,000,000,000 steps, 214 steps/s, 54 d " in told
    assert "loss 2.500" in told
    assert "  0%" in told


def test_a_run_that_goes_on_is_told_by_its_last_attempt(project: Project) -> None:
    journal(at_work(project), at(900, "started", planned_steps=1000), at(890, "progress", step=100, loss=5.0))
    journal(at_work(project), at(20, "started", planned_steps=2000), at(10, "progress", step=110, loss=4.0))
    assert "110/2,000 steps, loss 4.000" in looked(project)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]\n", '{"time": 3, "event": "progress"}\n', '{"time": "2026-01-01", "event": "progress", "step": 1}\n'],
)
def test_a_journal_that_says_nothing_is_no_reason_to_fail(project: Project, text: str) -> None:
    path = journal_of(at_work(project))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert "dense · pretrain · tiny · seed 2: 0/" in looked(project)


def test_what_failed_is_named_with_its_reason_and_the_exit_code_says_so(project: Project) -> None:
    told = project.cli("watch", "--variant", "dense", "--once")
    assert told.code == 1
    assert "dense · pretrain · tiny · seed 3: without a word" in told.out


def test_it_ends_when_all_is_done(project: Project) -> None:
    told = project.cli("watch", "--variant", "dense", "--seed", "1")
    assert (told.code, "1 of 1 done" in told.out) == (0, True)


def test_it_ends_when_nothing_has_been_at_work_for_a_while(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_PATIENCE", 0.02)
    told = project.cli("watch", "--variant", "dense", "--interval", "0.01")
    assert "nothing has been at work" in told.err


def test_in_a_pipe_a_line_is_written_when_something_changes_and_no_escape_sequence(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_PATIENCE", 0.2)
    store = RunStore(project.path("runs"))
    steps = project.plan("dense").steps
    looks = iter([lambda: None, lambda: None, lambda: recorded(steps[1], store, {})])
    with ExitStack() as stack:
        stack.enter_context(only_one(lock_of(at_work(project)), "it"))
        real = watch.RunStates

        def states(*arguments: object) -> object:
            next(looks, lambda: None)()
            return real(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(watch, "RunStates", states)
        told = project.cli("watch", "--variant", "dense", "--interval", "0.01").out
    counts = [line.partition(" ")[2] for line in told.splitlines() if " done" in line]
    assert counts == ["1 of 3 done, 1 running, 1 failed", "2 of 3 done, 1 failed"]
    assert told.count("failed: dense") == 1
    assert "\x1b" not in told


def test_a_whole_that_can_be_foreseen_says_how_long_it_takes(project: Project) -> None:
    journal(
        at_work(project),
        at(60, "started", planned_steps=102_060),
        at(50, "progress", step=10, loss=5.0),
        at(0, "progress", step=60, loss=2.5),
    )
    assert "about 1 d 4 h left" in looked(project), "100,000 steps at one a second, and a failed run made anew"


@pytest.mark.parametrize("interval", ["0", "-1", "inf", "nan", "x"])
def test_an_interval_is_a_number_of_seconds(project: Project, interval: str) -> None:
    told = project.cli("watch", "--interval", interval)
    assert told.code == 2
    assert f"{interval} is no number of seconds" in told.err
