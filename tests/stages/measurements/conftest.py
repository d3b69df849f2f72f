"""A small project with measurements, and its runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from framework.planning import measured_checkpoints as measuring
from tests.support.evidence import Evidence
from tests.support.measured import HERE, SPEED, on
from tests.support.project import MANIFEST, Project


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "machine", lambda: HERE)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST + SPEED)


@pytest.fixture(scope="package")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        on(HERE, patch)
        return Evidence(Project(tmp_path_factory.mktemp("measured"), MANIFEST + SPEED)).experiment.runs


@pytest.fixture
def evidence(project: Project, runs: Path) -> Evidence:
    shutil.copytree(runs, project.path("runs"))
    return Evidence(project, there=True)
