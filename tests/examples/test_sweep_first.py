"""The sweep-first study: its manifest conforms, and production waits for two searches with equal budgets."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from framework.manifest.loading import load
from framework.searching.studies import studies_of
from tests.support.project import Project

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sweep_first"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, (EXAMPLE / "experiment.yaml").read_text())
    shutil.rmtree(tmp_path / "configs")
    shutil.copytree(EXAMPLE / "configs", tmp_path / "configs")
    return made


def test_it_conforms_and_every_key_is_bound(project: Project) -> None:
    done = project.cli("check")
    assert done.code == 0, done.out
    assert "7 of 7 keys bound, 100 %" in done.out
    reasons = {verdict.reason for verdict in project.check().matrix.verdicts}
    assert "selected on validation data" in reasons
    assert "as much as full: 20 completed trials over 1 search seed" in reasons


@pytest.mark.parametrize(("profile", "tasks", "seeds", "trials"), [("offline", 3, 5, 20), ("smoke", 2, 3, 6)])
def test_production_waits_for_the_searches(project: Project, profile: str, tasks: int, seeds: int, trials: int) -> None:
    studies = studies_of(load(project.manifest, profile))
    assert len(studies) == 2 * tasks
    assert {study.search.budget.amount for study in studies if study.search.budget} == {trials}
    rows = project.cli("plan", "--profile", profile, "--format", "json").json["searches"]
    assert [(row["runs"], row["waiting"]) for row in rows] == [(seeds, seeds)] * 2 * tasks
    assert {row["next"] for row in rows} == {"framework sweep full", "framework sweep lora"}
    refused = project.cli("run", "--all", "--profile", profile)
    assert refused.code == 2
    assert "not searched yet" in refused.err
