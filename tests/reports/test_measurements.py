"""Measurements in the rendered documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.evidence.record import RunRecord
from framework.planning import measured_checkpoints as measuring
from tests.support.evidence import Evidence
from tests.support.project import MANIFEST, Project
from tests.support.run_folders import change_record

SETUP, COMPLIANCE = "documents/EXPERIMENTAL_SETUP.md", "documents/COMPLIANCE.md"
MEASURED = """\
measurements:
  speed:
    measure: [latency, peak_memory, parameters]
    variants: [dense, pruned]
    batch_sizes: [4]
    sequence_lengths: [8]
    warmup: 2
    repeats: 5
    adapters: [merged, unmerged]
"""
HERE: dict[str, Any] = {"processor": "a | processor", "cores": 4, "accelerators": ["NVIDIA A100"] * 2}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(measuring, "machine", lambda: HERE)
    project = Project(tmp_path, MANIFEST + MEASURED)
    evidence = Evidence(project, seeds=[1])

    def measured(record: RunRecord) -> None:
        record.environment["hardware"]["threads"] = 3
        latency, memory, parameters = record.measurements[:3]
        latency["unit"], latency["quartiles"] = "ms/token", [0.25, 0.5]
        memory |= {"value": None, "missing": "no counter", "what": "allocated on the device"}
        parameters |= {"value": 2608, "unit": "parameters"}

    for variant in ("dense", "pruned"):
        change_record(evidence.folder(variant, "measure-speed"), measured)
    assert project.cli("docs").code == 0
    return project


def rows(project: Project, name: str) -> list[list[str]]:
    section = project.read(name).split("\n## Measurements\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if "|" in line]


def test_the_report_shows_each_figure_with_unit_spread_and_passes(project: Project) -> None:
    found = rows(project, COMPLIANCE)
    latency = next(row for row in found if row[0] == "dense" and row[4] == "latency")
    assert latency[5:] == ["-", "4", "8", "0.375 ms/token", "0.25 to 0.5", "median of 5 after 2, fp32"]
    assert [row[8] for row in found if row[0] == "dense" and row[4] == "parameters"] == ["2,608"]
    assert {row[5] for row in found if row[0] == "pruned"} == {"merged", "unmerged"}


def test_what_is_missing_has_its_reason_in_the_place_of_a_number(project: Project) -> None:
    found = next(row for row in rows(project, COMPLIANCE) if row[0] == "dense" and row[4] == "peak memory")
    assert found[8] == "missing: no counter"


def test_the_report_names_the_machine_and_what_is_counted(project: Project) -> None:
    text = project.read(COMPLIANCE)
    assert "Measured on 2 x NVIDIA A100, 4 cores of a | processor; 3 threads.\n" in text
    assert "- peak memory: allocated on the device\n" in text


def test_the_report_is_the_same_on_another_machine(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "machine", lambda: {**HERE, "cores": 1})
    assert project.cli("docs", "--check").code == 0


def test_the_setup_says_what_is_measured_and_how(project: Project) -> None:
    assert rows(project, SETUP)[2] == [
        "speed",
        "latency, peak memory, parameters",
        "dense, pruned",
        "merged, unmerged",
        "batches of 4, sequences of 8 tokens; the median of 5 passes after 2; fp32",
    ]


def test_without_measurements_there_is_no_section(tmp_path: Path) -> None:
    project = Project(tmp_path / "none")
    assert project.cli("docs").code == 0
    assert "Measurements" not in project.read(SETUP) + project.read(COMPLIANCE)
