"""`framework gc`: runs that no plan holds are listed, and removed only when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.evidence.locks import lock_of, only_one
from framework.evidence.record import ADOPTED, RECORDED
from framework.evidence.store import RunStore
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.searched import MANIFEST as SEARCHED
from tests.support.searched import recorded


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Runs of `dense` and of what is made from it, and then another number of epochs in the manifest."""
    project = Project(tmp_path)
    store = RunStore(tmp_path / "runs")
    for step in project.plan("dense", "reordered").steps:
        recorded(step, store, {})
    (store.folder(project.plan("dense").steps[0].folder) / "model").mkdir()
    project.write(f"runs/{project.plan('dense').steps[0].folder}/model/weights", b"x" * 5000)
    return project


def changed(project: Project) -> Project:
    return project.replace("    epochs: 4\n", "    epochs: 3\n").config("epochs: 4", "epochs: 3")


def test_a_run_of_the_plan_is_kept(project: Project) -> None:
    before = project.files()
    told = project.cli("gc", "--remove")
    assert (told.code, "nothing to remove" in told.out) == (0, True)
    assert project.files() == before


def test_what_no_plan_holds_is_listed_with_its_size_and_not_touched(project: Project) -> None:
    before = changed(project).files()
    found = project.cli("gc", "--format", "json").json
    assert len(found["runs"]) == 6
    assert not any(each["removed"] for each in found["runs"])
    assert found["bytes"] > 5000
    assert "6 runs that no plan holds" in project.cli("gc").out
    assert project.files() == before


def test_they_are_removed_when_asked(project: Project) -> None:
    changed(project)
    told = project.cli("gc", "--remove")
    assert (told.code, "6 runs removed" in told.out) == (0, True)
    assert [path.name for path in project.path("runs").iterdir() if not path.name.startswith(".")] == []
    assert "nothing to remove" in project.cli("gc").out


def test_only_those_that_are_named(project: Project) -> None:
    changed(project)
    name = project.cli("gc", "--format", "json").json["runs"][0]["folder"]
    assert "1 run removed" in project.cli("gc", "--remove", name).out
    assert len(project.cli("gc", "--format", "json").json["runs"]) == 5


def test_one_that_is_needed_is_refused_by_name(project: Project) -> None:
    folder = project.plan("dense").steps[0].folder
    told = project.cli("gc", "--remove", folder)
    assert (told.code, "still needed" in told.err, project.path(f"runs/{folder}").is_dir()) == (2, True, True)


def test_runs_of_a_profile_are_held_by_its_plan(tmp_path: Path) -> None:
    project = Project(tmp_path).append("profiles:\n  small: {reason: quick, set: {phases.pretrain.epochs: 2}}\n")
    store = RunStore(tmp_path / "runs")
    for step in project.plan("dense", profile="small").steps:
        recorded(step, store, {})
    assert "nothing to remove" in project.cli("gc").out


@pytest.mark.parametrize("kind", [ADOPTED, RECORDED])
def test_what_others_made_is_never_removed(project: Project, kind: str) -> None:
    for folder in project.path("runs").glob("*.*"):
        if (folder / "record.json").is_file():
            change_record(folder, lambda record: record.identity.update({kind: {}}))
    assert "nothing to remove" in changed(project).cli("gc", "--remove").out


def test_one_that_is_executed_at_this_moment_stays(project: Project) -> None:
    folder = project.path("runs") / project.plan("dense").steps[0].folder
    change_record(folder, lambda record: setattr(record, "status", "running"))
    changed(project)
    with only_one(lock_of(folder), "it"):
        project.cli("gc", "--remove")
    assert folder.is_dir()


def test_what_a_kept_run_started_from_stays(project: Project) -> None:
    """A child whose record names a parent that no plan holds, as after an adopted run's."""
    steps = project.plan("reordered", seeds=[1]).steps
    parent, child = (project.path("runs") / step.folder for step in steps)
    change_record(child, lambda record: record.identity.update({ADOPTED: {}}))
    change_record(child, lambda record: setattr(record, "parent", steps[0].key))
    changed(project)
    left = [each["folder"] for each in project.cli("gc", "--format", "json").json["runs"]]
    assert parent.name not in left
    assert child.name not in left


def test_trials_of_a_search_are_no_waste_and_are_told_as_what_they_are(tmp_path: Path) -> None:
    project = Project(tmp_path, SEARCHED)
    store = RunStore(tmp_path / "runs")
    step = project.plan("lora", seeds=[100]).steps[0]
    recorded(step, store, {"accuracy": 0.5})
    change_record(store.folder(step.folder), lambda record: setattr(record, "key", "ab" * 32))
    facts = f'{{"op_code": 7, "trial_id": 0, "user_attr": {{"facts": {{"runs": ["{"ab" * 32}"]}}}}}}'
    lines = [
        '{"op_code": 2, "study_id": 0, "user_attr": {"declared": {}}}',
        '{"op_code": 4, "study_id": 0, "user_attrs": {"point": {}}}',
        facts.replace('"op_code": 7', '"op_code": 8'),
    ]
    project.write("searches/lr/lora.topics.tiny.journal", "\n".join(lines) + "\n")
    assert "nothing to remove" in project.cli("gc").out
    (row,) = project.cli("runs", "--format", "json").json["runs"]
    assert (row["status"], row["why"]) == ("done", "trial 0 of the search lr")


def test_with_a_journal_that_cannot_be_read_nothing_is_removed(project: Project) -> None:
    changed(project)
    project.write("searches/lr/broken.journal", "no\n")
    told = project.cli("gc", "--remove")
    assert (told.code, "broken.journal:1:1" in told.err) == (2, True)
    assert len(list(project.path("runs").glob("*/record.json"))) == 6


def test_a_removal_that_was_cut_off_is_finished(project: Project) -> None:
    project.write("runs/old.0123456789.removed/model/weights", b"x" * 10)
    assert "its removal was cut off" in project.cli("gc").out
    project.cli("gc", "--remove")
    assert not project.path("runs/old.0123456789.removed").exists()


def test_a_link_in_a_run_is_not_followed(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    precious = tmp_path_factory.mktemp("elsewhere") / "data"
    precious.write_bytes(b"y" * 100_000)
    folder = project.path("runs") / project.plan("dense").steps[0].folder
    (folder / "data").symlink_to(precious)
    found = changed(project).cli("gc", "--format", "json").json
    assert found["bytes"] < 100_000
    project.cli("gc", "--remove")
    assert precious.read_bytes() == b"y" * 100_000
