"""`framework runs`: what the run folders say, one row each."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from framework.evidence.record import RunRecord
from framework.evidence.run_index import REGISTRY
from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    steps = project.plan(variants=["dense"]).steps
    for number, (status, error) in enumerate([("done", None), ("failed", "no [memory]\nleft"), ("running", None)]):
        folder = tmp_path / "runs" / f"dense.{number}.{steps[number].key[:10]}"
        folder.mkdir(parents=True)
        record = RunRecord(
            steps[number].key, folder.name, "pretrain", ["dense"], "tiny", None, number, None, {},
            status=status, error=error, metrics={"loss": number / 4} if status == "done" else {},
        )  # fmt: skip
        record.write(folder)
    return project


def test_each_run_has_a_row_with_how_it_ended(project: Project) -> None:
    told = project.cli("runs")
    assert told.code == 0
    assert "no [memory]" in told.out
    assert "3 runs, 1 done, 1 cut off, 1 failed" in told.out


def test_only_the_runs_of_a_status(project: Project) -> None:
    rows = project.cli("runs", "--status", "failed", "--format", "json").json["runs"]
    assert [(row["folder"][:7], row["error"]) for row in rows] == [("dense.1", "no [memory]\nleft")]


def test_a_csv_file_has_a_column_for_each_metric(project: Project) -> None:
    rows = list(csv.DictReader(io.StringIO(project.cli("runs", "--format", "csv").out)))
    assert [row["metrics.loss"] for row in rows] == ["0.0", "", ""]
    assert [row["error"] for row in rows] == ["", "no [memory]\nleft", ""]


def test_a_removed_run_is_listed_no_more(project: Project) -> None:
    project.cli("runs")
    assert project.path(f"runs/{REGISTRY}").is_file()
    next(project.root.glob("runs/dense.1.*/record.json")).unlink()
    assert len(project.cli("runs", "--format", "json").json["runs"]) == 2


def test_without_runs_there_are_none_and_nothing_is_written(tmp_path: Path) -> None:
    project = Project(tmp_path)
    before = project.files()
    assert "0 runs" in project.cli("runs").out
    assert project.files() == before


def test_a_record_that_cannot_be_read_is_told_of(project: Project) -> None:
    project.path("runs").mkdir(exist_ok=True)
    folder = next(project.path("runs").glob("*/record.json"))
    folder.write_text("{")
    assert len(project.cli("runs", "--format", "json").json["unreadable"]) == 1
    assert "not listed" in project.cli("runs").err
