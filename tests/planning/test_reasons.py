"""What changed is redone with a shown reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.planning.reasons import Reasons
from tests.support.evidence import Evidence
from tests.support.project import Project


def reasons(project: Project) -> dict[str, str]:
    experiment, store = project.load(), RunStore(project.load().runs)
    steps = project.plan(seeds=[1]).steps
    assert experiment.runs.name == "runs"
    found = Reasons(store)
    return {f"{step.variant} {step.name}": found.of(step) for step in steps}


def test_without_runs_every_step_is_new(tmp_path: Path) -> None:
    assert set(reasons(Project(tmp_path)).values()) == {"new"}


def test_finished_runs_are_done(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, seeds=[1])
    assert set(reasons(project).values()) == {"done"}


def test_a_changed_clause_is_the_reason_and_descendants_follow(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, seeds=[1])
    project.replace("    epochs: 4\n", "    epochs: 3\n")
    found = reasons(project)
    assert found["dense pretrain"] == "changed: phase.epochs: 4 -> 3"
    assert found["reordered permute"] == "what it starts from is made anew"
    assert found["pruned finetune"] == "what it starts from is made anew"


def test_a_change_of_a_later_step_leaves_the_earlier_ones_done(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, seeds=[1])
    project.replace("rank: 2", "rank: 3")
    found = reasons(project)
    assert found["dense pretrain"] == found["masked pretrain"] == found["pruned prune"] == "done"
    assert found["pruned finetune"] == "changed: adapter.lora.rank: 2 -> 3"


def test_cut_off_failed_and_damaged_runs_say_so(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project, seeds=[1])
    for (variant, name), status in {("dense", "pretrain"): "running", ("masked", "pretrain"): "failed"}.items():
        record = RunRecord.read(evidence.folder(variant, name))
        record.status = status  # type: ignore[assignment]
        record.write(evidence.folder(variant, name))
    (evidence.folder("pruned", "prune") / "model" / "model.safetensors").unlink()
    found = reasons(project)
    assert found["dense pretrain"] == "it was cut off before"
    assert found["masked pretrain"] == "it failed before"
    assert found["pruned prune"] == "its files are missing or changed in size"


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


def test_a_record_that_cannot_be_read_ends_no_plan(tmp_path: Path) -> None:
    folder = tmp_path / "runs/dense.0-pretrain.0123456789"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text("{")
    assert set(reasons(Project(tmp_path)).values()) == {"new"}
