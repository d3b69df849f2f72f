"""What changed is redone with a shown reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.planning.reasons import Reasons, why_anew
from framework.stages.run.run_states import RunStates
from tests.support.evidence import Evidence
from tests.support.project import Project


def reasons(project: Project) -> dict[str, str]:
    experiment, store = project.load(), RunStore(project.load().runs)
    steps = project.plan(seeds=[1]).steps
    assert experiment.runs.name == "runs"
    found = RunStates(project.plan(seeds=[1]), store)
    return {f"{step.variant} {step.name}": str(found.of(step)) for step in steps}


def test_without_runs_every_step_is_new(tmp_path: Path) -> None:
    assert set(reasons(Project(tmp_path)).values()) == {"not run: new"}


def test_finished_runs_are_done(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, seeds=[1])
    assert set(reasons(project).values()) == {"done"}


def test_a_changed_clause_is_the_reason_and_descendants_follow(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, seeds=[1])
    project.replace("    epochs: 4\n", "    epochs: 3\n")
    found = reasons(project)
    assert found["dense pretrain"] == "stale: changed: phase.epochs: 4 -> 3"
    assert found["reordered permute"] == "stale: what it starts from is made anew"
    assert found["pruned finetune"] == "stale: what it starts from is made anew"


def test_the_arguments_of_a_command_that_did_not_change_are_no_change() -> None:
    """A plan has them as a tuple, a record as a list."""
    old = {"command": {"argv": ["python", "train.py"]}, "does": {"phase": {"epochs": 2}}}
    new = {"command": {"argv": ("python", "train.py")}, "does": {"phase": {"epochs": 3}}}
    assert why_anew([old], [new]) == "changed: phase.epochs: 2 -> 3"
    assert why_anew([old], [new | {"command": {"argv": ("python", "other.py")}}]).endswith("(and 1 more)")


def test_a_change_of_a_later_step_leaves_the_earlier_ones_done(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, seeds=[1])
    project.replace("rank: 2", "rank: 3")
    found = reasons(project)
    assert found["dense pretrain"] == found["masked pretrain"] == found["pruned prune"] == "done"
    assert found["pruned finetune"] == "stale: changed: adapter.lora.rank: 2 -> 3"


def test_the_runs_are_read_once_however_many_steps_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    Evidence(project)
    read: list[Path] = []
    real = RunRecord.read

    def counted(folder: Path) -> RunRecord:
        read.append(folder)
        return real(folder)

    monkeypatch.setattr(RunRecord, "read", counted)
    steps = project.plan().steps
    found = Reasons(RunStore(project.load().runs, listed=True))
    for step in steps:
        found.of(replace(step, key="0" * 64))
    assert len(read) == len(set(read))
