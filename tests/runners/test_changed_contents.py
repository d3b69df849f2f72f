"""What a step reads is what it was planned with: held when it begins, and looked at when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framework.errors import FrameworkError
from framework.evidence.record import RunRecord
from framework.planning.commands.command import Command
from framework.planning.contents.digested import Contents
from framework.planning.contents.local_places import Local
from framework.planning.identity import CONTENT
from framework.planning.steps import Step, Training
from runners import execute as executing
from runners.execute import execute
from runners.progress import Silent

DATA = Local(("datasets", "data", "path"), "data", ("train.*",), ("train.*",))


def planned(laboratory: Any, phase: Any) -> Step:
    """A step that reads `data/train.txt`, as a plan would give it."""
    (laboratory.project / "data").mkdir()
    (laboratory.project / "data" / "train.txt").write_text("some text\n")
    content = Contents(laboratory.project).of([DATA])
    step: Step = laboratory.step(Training(phase(), "data", laboratory.text(), None, None), **{CONTENT: content})
    return replace(step, reads=(DATA,))


def executed(
    laboratory: Any, step: Step, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Path], object] | None = None
) -> RunRecord:
    """The record of a step whose work is nothing but what happens meanwhile."""
    monkeypatch.setattr(executing, "_perform", lambda context: meanwhile and meanwhile(context.project))
    execute(step, laboratory.store, laboratory.project, Silent())
    return RunRecord.read(laboratory.store.folder(step.folder))


def test_a_step_of_what_it_was_planned_with_is_executed(
    laboratory: Any, phase: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = executed(laboratory, planned(laboratory, phase), monkeypatch)
    assert (record.status, "changed_while_running" in record.observed) == ("done", False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "data" / "train.txt").write_text("other text"), "changed: data/train.txt"),
        (lambda root: (root / "data" / "train.jsonl").write_text("{}"), "changed: data/train.jsonl is new"),
    ],
)
def test_a_file_that_changed_since_the_plan_is_refused_before_anything_is_done(
    laboratory: Any, phase: Any, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object], said: str
) -> None:
    step = planned(laboratory, phase)
    change(laboratory.project)
    with pytest.raises(FrameworkError, match=f"^{said} since the plan was made"):
        executed(laboratory, step, monkeypatch, lambda root: pytest.fail("it was begun"))
    assert RunRecord.read(laboratory.store.folder(step.folder)).status == "failed"


def test_a_script_that_changed_since_the_plan_is_refused(
    laboratory: Any, phase: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = laboratory.project / "train.py"
    script.write_text("1")
    sources = Contents(laboratory.project).of([Local(("runners", "pretrain"), "train.py")])
    step = planned(laboratory, phase)
    command = Command("pretrain", ("python", "train.py"), {}, {}, sources, None, None, None, 1)  # type: ignore[arg-type]
    step = replace(step, command=command, identity={**step.identity, "command": command.identity()})
    script.write_text("2")
    with pytest.raises(FrameworkError, match=r"changed: train\.py since"):
        executed(laboratory, step, monkeypatch, lambda root: pytest.fail("it was begun"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "data" / "train.txt").write_text("other text"), ["data/train.txt"]),
        (lambda root: (root / "data" / "train.txt").rename(root / "x"), None),  # what is gone is not looked at
        (lambda root: (root / "data" / "train.jsonl").write_text("{}"), None),  # and what came was not read
    ],
)
def test_what_changes_while_it_runs_is_recorded(
    laboratory: Any,
    phase: Any,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], object],
    said: list[str] | None,
) -> None:
    record = executed(laboratory, planned(laboratory, phase), monkeypatch, change)
    assert (record.status, record.observed.get("changed_while_running")) == ("done", said)
