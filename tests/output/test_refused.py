"""What programs are told when the question could not be asked: a document of their format, which is no answer."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def broken(tmp_path: Path) -> Project:
    """Two things are wrong with its manifest."""
    return Project(tmp_path).replace("epochs: 4", "epochs: some").replace("batch_size: 2", "batch_siz: 2")


QUESTIONS = {
    "check": ("check",),
    "verify": ("verify",),
    "plan": ("plan",),
    "check of a variant that is none": ("plan", "--variant", "none"),
    "mask stats": ("mask", "stats", "none.safetensors"),
    "explain": ("explain", "X999"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_json_is_printed_at_exit_code_2(project: Project, question: str) -> None:
    if question in ("check", "verify", "plan"):
        project.replace("epochs: 4", "epochs: some")
    done = project.cli(*QUESTIONS[question], "--format", "json")
    assert done.code == 2
    refused = json.loads(done.out)["refused"]
    assert refused
    assert all(each["message"] in " ".join(done.err.split()) for each in refused)


def test_an_answer_is_not_followed_by_a_refusal(project: Project) -> None:
    """Nothing has been run, which is exit code 2, and what was looked at is told all the same."""
    done = project.cli("verify", "--format", "json")
    assert (done.code, done.json["summary"]["finished"]) == (2, 0)


def test_every_problem_of_a_manifest_is_there(broken: Project) -> None:
    data = json.loads(broken.cli("check", "--format", "json").out)
    assert "findings" not in data
    places = {(each["location"]["file"], each["location"]["key"]) for each in data["refused"]}
    assert places == {("experiment.yaml", "phases.pretrain.epochs"), ("experiment.yaml", "phases.finetune.batch_siz")}


def test_gitlab_shows_what_keeps_it_from_looking(broken: Project) -> None:
    issues = json.loads(broken.cli("check", "--format", "gitlab").out)
    assert [(each["severity"], each["location"]["path"]) for each in issues] == [("blocker", "experiment.yaml")] * 2
    assert len({each["fingerprint"] for each in issues}) == 2


def test_sarif_says_that_the_run_failed(broken: Project) -> None:
    (run,) = json.loads(broken.cli("check", "--format", "sarif").out)["runs"]
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], run["results"]) == (False, [])
    notes = invocation["toolConfigurationNotifications"]
    assert [note["level"] for note in notes] == ["error", "error"]
    assert notes[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "experiment.yaml"


def test_junit_has_an_error_for_each(broken: Project) -> None:
    suites = ElementTree.fromstring(broken.cli("check", "--format", "junit").out)
    assert suites.attrib["errors"] == "2"
    assert [len(case.findall("error")) for case in suites.iter("testcase")] == [1, 1]


def test_annotations_are_on_the_lines(broken: Project) -> None:
    lines = broken.cli("check", "--format", "github").out.splitlines()
    assert [line.partition(" file=experiment.yaml,line=")[0] for line in lines] == ["::error", "::error"]


def test_a_comment_says_that_nothing_was_compared(broken: Project) -> None:
    out = broken.cli("check", "--format", "markdown").out
    assert out.startswith("<!-- framework check -->")
    assert "Nothing was compared." in out
    assert out.count("\n- ") == 2


def test_an_earlier_report_does_not_stay_where_this_one_was_asked_for(project: Project) -> None:
    project.cli("check", "--format", "json", "--output", "report.json")
    assert json.loads(project.read("report.json"))["findings"] == []
    project.replace("epochs: 4", "epochs: some")
    assert project.cli("check", "--format", "json", "--output", "report.json").code == 2
    assert list(json.loads(project.read("report.json"))) == ["refused"]


def test_people_read_no_format(broken: Project) -> None:
    assert broken.cli("check").out == ""


def test_what_is_to_be_computed_is_not_overwritten_by_a_refusal(project: Project) -> None:
    project.write("mask.safetensors", b"kept")
    project.cli("mask", "compute", "none", "--sparsity", "0.5", "--output", "mask.safetensors", "--format", "json")
    assert project.path("mask.safetensors").read_bytes() == b"kept"
