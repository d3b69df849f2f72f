"""Finished runs of local files that hold something else now: found, named, and no evidence of what they are not of."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord
from framework.stages.verify import VerifyResult
from tests.support.evidence import Evidence
from tests.support.local_project import LocalProject
from tests.support.run_folders import change_record
from tests.support.statuses import status_of

ALL = 15


def told(result: VerifyResult, code: str = "R137") -> set[str]:
    return {finding.message for finding in result.findings if finding.code == code}


def looks(result: VerifyResult, clause: str) -> dict[Status, set[str]]:
    """What was seen of a clause at the run stage, by verdict."""
    found: dict[Status, set[str]] = {}
    for verdict in result.matrix.verdicts:
        if verdict.clause == clause and verdict.stage is Stage.RUN:
            found.setdefault(verdict.status, set()).add(verdict.reason or "")
    return found


@pytest.fixture
def project(tmp_path: Path) -> LocalProject:
    found = LocalProject(tmp_path)
    Evidence(found)
    return found


def test_runs_of_the_files_of_today_say_so(project: LocalProject) -> None:
    result = project.verify()
    assert (told(result), result.finished) == (set(), ALL)
    for clause, said in {
        "datasets.manual.path": "data/manual/train.txt and 1 more: what the run read, to the byte",
        "datasets.topics.path": "data/topics/train.jsonl and 1 more: what the run read, to the byte",
        "models.tiny.path": "nets/small/config.json and 1 more: what the run read, to the byte",
        "models.tiny.tokenizer": "words/tokenizer.json: what the run read, to the byte",
    }.items():
        assert said in looks(result, clause)[Status.CONFORMS]


CHANGES = {
    # the file, the clause that is blamed, the finished runs that are left, the steps that are named
    "data/topics/train.jsonl": ("datasets.topics.path", 12, {"pruned · finetune[topics]"}),
    "data/manual/validation.txt": ("datasets.manual.path", 0, {"dense · pretrain", "masked · pretrain", "reordered"}),
    "nets/small/model.safetensors": ("models.tiny.path", 0, {"dense · pretrain", "masked · pretrain"}),
    "words/tokenizer.json": ("models.tiny.tokenizer", 0, {"dense · pretrain", "masked · pretrain"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_finished_runs_of_other_files_are_findings(project: LocalProject, name: str) -> None:
    clause, left, steps = CHANGES[name]
    project.write(name, f"{name.upper()}\n")
    result = project.verify()
    assert (result.failed, result.finished) == (True, left)
    messages = told(result)
    assert len(messages) == 3 * len(steps)
    assert all(message.endswith(f"was run, and then changed: {name}") for message in messages)
    assert all(any(message.startswith(step) for step in steps) for message in messages)
    assert {finding.clause for finding in result.findings if finding.code == "R137"} == {clause}
    assert Status.VIOLATED in looks(result, clause)


def test_what_builds_on_such_a_run_is_unverified_and_says_why(project: LocalProject) -> None:
    project.write("nets/small/model.safetensors", "other")
    result = project.verify()
    reasons = {verdict.reason for verdict in result.matrix.verdicts if verdict.stage is Stage.RUN and verdict.reason}
    assert any("pruned · finetune[topics]" in each and "starts from a run of other files" in each for each in reasons)
    assert any("its finished run is of other files: nets/small/model.safetensors" in each for each in reasons)


def again(project: LocalProject, *seeds: int) -> None:
    """Run the fine-tuning once more."""
    evidence = Evidence(project, there=True)
    evidence.masked = dict.fromkeys((step.key for step in evidence.plan.steps), True)
    for seed in seeds:
        evidence._fabricate(evidence.step("pruned", "finetune", seed))


def test_a_run_of_the_new_files_is_the_evidence_and_the_old_ones_no_finding(project: LocalProject) -> None:
    """The one that is right is not blamed for the others."""
    project.write("data/topics/train.jsonl", "other\n")
    again(project, 1)
    messages = told(project.verify())
    assert {message[-40:] for message in messages} == {"un, and then changed: data/topics/train.jsonl"[-40:]}
    assert not any("seed 1" in message for message in messages)
    again(project, 2, 3)
    assert (told(project.verify()), told(project.verify(), "R133")) == (set(), set())


def test_files_that_are_not_here_are_unverified_and_no_finding(project: LocalProject) -> None:
    project.path("data").rename(project.path("elsewhere"))
    result = project.verify()
    assert (told(result), result.finished) == (set(), ALL)
    reasons = looks(result, "datasets.manual.path")[Status.UNVERIFIED]
    assert reasons == {"not here, so that it is not known whether it still is what the run read: data/manual"}


def test_a_change_can_be_waived_at_the_clause_that_states_the_files(project: LocalProject) -> None:
    project.write("data/topics/train.jsonl", "other\n")
    waiver = "{clause: datasets.topics.path, stage: run, reason: a comma, owner: lab, until: 2027-01-01}"
    project.replace("claims:", f"waivers:\n  - {waiver}\nclaims:")
    result = project.verify()
    assert told(result) == set()
    assert Status.WAIVED in looks(result, "datasets.topics.path")


def test_files_that_changed_while_a_step_ran_are_a_finding(project: LocalProject) -> None:
    folder = Evidence(project, there=True).folder("dense", "pretrain")
    change_record(folder, lambda record: record.observed.update(changed_while_running=["data/manual/train.txt"]))
    (message,) = told(project.verify())
    assert message.startswith("dense · pretrain · tiny · seed 1: changed while it ran, so that it is not known")
    assert status_of(project.verify(), "datasets.manual.path", Stage.RUN) is Status.VIOLATED


def test_a_run_that_recorded_no_content_is_none_and_no_finding(project: LocalProject) -> None:
    evidence = Evidence(project, there=True)
    for seed in (1, 2, 3):
        folder = evidence.folder("pruned", "finetune", seed)
        record = RunRecord.read(folder)
        record.key = str(seed) * 64
        del record.identity["content"]
        record.write(folder)
    result = project.verify()
    assert told(result) == set()
    reasons = {each.reason for each in result.matrix.verdicts if each.stage is Stage.RUN}
    assert any("did not record the content of data/topics/train.jsonl and 1 more" in str(each) for each in reasons)


# One dataset, several fingerprints


def differing(project: LocalProject, fingerprint: str = "other") -> set[str]:
    folder = Evidence(project, there=True).folder("masked", "pretrain", 2)
    change_record(folder, lambda record: record.data.update(fingerprint=fingerprint))
    return told(project.verify(), "R133")


def test_differing_data_name_all_sides_with_what_each_read(project: LocalProject) -> None:
    (message,) = differing(project)
    assert message.startswith("training data of 'manual' differ, by fingerprint: dense · pretrain · tiny · seed 1 and ")
    assert "masked · pretrain · tiny · seed 2 saw other (" in message
    assert message.count("of the files of today") == 2  # the same files: other versions read them otherwise


def test_of_files_that_changed_meanwhile_the_other_side_is_the_one_of_today(project: LocalProject) -> None:
    folder = Evidence(project, there=True).folder("masked", "pretrain", 2)
    change_record(folder, lambda record: record.observed.update(changed_while_running=["data/manual/train.txt"]))
    (message,) = differing(project)
    first, second = message.split("; masked")
    assert "of the files of today" in first
    assert "files were changed while it ran" in second
    (finding,) = {
        each for each in project.verify().findings if each.code == "R133" and each.clause == "datasets.manual.path"
    }
    assert finding.location is not None
    assert "masked" in finding.location.file


def test_files_that_are_not_here_leave_it_open_which_side_is_right(project: LocalProject) -> None:
    project.path("data").rename(project.path("elsewhere"))
    (message,) = differing(project)
    assert message.count("the files that it read are not here") == 2
