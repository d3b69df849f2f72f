"""The same fact in many files is one finding with many places, for people; programs get each by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.conformance import Finding, Rule, Severity, Stage
from framework.locations import Location
from framework.output.alike import tally, together
from framework.output.ansi import Ink
from framework.output.file_places import Places
from framework.output.formats.text import blocks
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A grid}
phases:
  train:
    optimizer: {name: adamw, learning_rate: 1e-4, weight_decay: 0.1}
    batch_size: 16
    epochs: 3
configs:
  - {file: "**/run*.yaml", dialect: hf-training-arguments, describes: phases.train}
"""
RIGHT = "learning_rate: 0.0001\nweight_decay: 0.1\nnum_train_epochs: 3\nper_device_train_batch_size: 16\n"


def grid(folder: Path, count: int, *drift: tuple[str, str]) -> Project:
    project = Project(folder, MANIFEST)
    project.path("configs/pretrain.yaml").unlink()
    for number in range(count):
        text = RIGHT
        for old, new in drift:
            text = text.replace(old, new)
        project.write(f"configs/{'abc'[number % 3]}/run{number:02}.yaml", text)
    return project


def test_one_fact_that_drifted_in_many_files_is_read_once(tmp_path: Path) -> None:
    out = grid(tmp_path, 63, ("0.0001", "0.0003")).cli("check").out
    assert out.count("error[C101]") == 1
    assert "1 error at 63 places, 0 warnings\n" in out
    assert "--> configs/a/run00.yaml:1:16" in out
    assert "configs/a/run03.yaml:1:16," in out
    assert "and 50 more (" in " ".join(out.split())
    assert "--format json lists all)" in " ".join(out.split())
    assert len(out.splitlines()) < 20


def test_few_places_are_all_named(tmp_path: Path) -> None:
    out = " ".join(grid(tmp_path, 5, ("0.0001", "0.0003")).cli("check").out.split())
    assert (
        "and configs/a/run03.yaml:1:16, configs/b/run01.yaml:1:16, configs/b/run04.yaml:1:16, configs/c/run02.yaml:1:16"
    ) in out


def test_what_a_file_does_not_say_is_one_finding_too(tmp_path: Path) -> None:
    """The message names the file, and it is the same message all the same."""
    out = grid(tmp_path, 9, ("weight_decay: 0.1\n", "")).cli("check").out
    assert out.count("error[C131]") == 1
    assert "1 error at 9 places" in out


@pytest.mark.parametrize("kind", ["another value", "another key", "another clause"])
def test_another_fact_is_another_finding(tmp_path: Path, kind: str) -> None:
    project = grid(tmp_path, 4, ("0.0001", "0.0003"))
    old, new = {
        "another value": ("0.0003", "0.0007"),
        "another key": ("learning_rate: 0.0003", "lr_rate: 0.0003"),
        "another clause": ("learning_rate: 0.0003\nweight_decay: 0.1", "learning_rate: 0.0001\nweight_decay: 0.2"),
    }[kind]
    project.replace(old, new, "configs/b/run01.yaml")
    report = json.loads(project.cli("check", "--format", "json").out)
    out = project.cli("check").out
    assert len({finding["message"] for finding in report["findings"]}) > 1
    shown = sum(out.count(f"{severity}[") for severity in ("error", "warning"))
    named = {finding["message"].replace(finding["location"]["file"], "") for finding in report["findings"]}
    assert shown == len(named)


def test_programs_get_each_place(tmp_path: Path) -> None:
    project = grid(tmp_path, 63, ("0.0001", "0.0003"))
    report = json.loads(project.cli("check", "--format", "json").out)
    assert len({finding["location"]["file"] for finding in report["findings"]}) == 63
    assert project.cli("check", "--format", "github").out.count("::error ") == 63
    sarif = json.loads(project.cli("check", "--format", "sarif").out)
    assert len(sarif["runs"][0]["results"]) == 63


def test_a_comment_has_a_row_for_each_fact(tmp_path: Path) -> None:
    out = grid(tmp_path, 63, ("0.0001", "0.0003"), ("0.1", "0.2")).cli("check", "--format", "markdown").out
    assert out.count("| ❌ C101 |") == 2
    assert out.count("</code> and 62 more |") == 2
    assert "2 errors at 126 places" in out


def test_one_line_that_breaks_several_clauses_is_read_once() -> None:
    """What a run did otherwise in one step may be each part of its schedule: one line, and where each is stated."""
    rule = Rule("R110", "learning-rate-trace", Severity.ERROR, Stage.RUN, "a step was made with another rate")
    place = Location("runs/a/steps.jsonl", 3, 1)
    found = [
        Finding(rule, "step 3 used 0.1, not 0.2", clause, location=place, declared=Location("experiment.yaml", line, 5))
        for line, clause in enumerate(["optimizer.learning_rate", "schedule.name", "schedule.warmup"], start=7)
    ]
    (alike,) = together(found)
    assert (alike.places, alike.further) == (1, [])
    assert [each.line for each in alike.declared] == [7, 8, 9]
    assert tally(found) == "1 error, 0 warnings"
    text = "\n".join(blocks(found, Places(Path()), Ink(False)))
    assert text.count("error[R110]") == 1
    assert "and experiment.yaml:8:5, experiment.yaml:9:5" in text
