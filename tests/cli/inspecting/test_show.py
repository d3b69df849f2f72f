"""`framework show RUN`: one run, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.evidence.store import RunStore
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.searched import recorded


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("show"))
    Evidence(project)
    return project


def test_what_was_asked_observed_and_left_is_shown(project: Project) -> None:
    step = project.plan("dense").steps[0]
    told = project.cli("show", step.folder)
    assert told.code == 0
    for line in ("variants  dense", "phase.optimizer.learning_rate", "0.0002", "steps.jsonl", "optimizer_steps"):
        assert line in told.out
    assert told.out.splitlines()[1].startswith("done")


def test_a_run_is_named_by_its_key_or_by_how_its_name_begins(project: Project) -> None:
    step = project.plan("dense").steps[0]
    whole = project.cli("show", step.folder).out
    assert project.cli("show", step.key[:8]).out == whole
    assert project.cli("show", f"runs/{step.folder}/").out == whole
    assert project.cli("show", step.folder[:-6]).out == whole


def test_what_it_started_from_is_named_by_its_folder(project: Project) -> None:
    child = next(step for step in project.plan().steps if step.parent and step.name == "prune")
    parent = project.plan().step(child.parent or "")
    assert f"parent   {parent.folder}".replace("   ", "") in project.cli("show", child.folder).out.replace("   ", "")
    assert "same_as" in project.cli("show", child.folder).out


def test_a_record_in_json_is_whole(project: Project) -> None:
    step = project.plan("dense").steps[0]
    found = project.cli("show", step.folder, "--format", "json").json
    assert found["state"] == {"word": "done", "why": ""}
    assert found["record"]["key"] == step.key


@pytest.mark.parametrize(("name", "said"), [("nothing", "no run 'nothing'"), ("dense", "runs begin with 'dense'")])
def test_a_name_of_no_run_or_of_several_is_refused(project: Project, name: str, said: str) -> None:
    told = project.cli("show", name)
    assert (told.code, said in told.err, told.out) == (2, True, "")


def test_an_error_and_a_missing_parent_are_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    step = next(step for step in project.plan("pruned").steps if step.parent)
    store = RunStore(tmp_path / "runs")
    recorded(step, store, {}, "failed")
    change_record(store.folder(step.folder), lambda record: setattr(record, "error", "no [memory]\nleft"))
    change_record(store.folder(step.folder), lambda record: setattr(record, "parent", "f" * 64))
    told = project.cli("show", step.folder).out
    assert "no [memory]" in told
    assert "ffffffffff, which is not here" in told
