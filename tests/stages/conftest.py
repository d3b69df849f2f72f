"""A project that conforms, and its runs as they should be, to break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.evidence import Evidence
from tests.support.project import Project

pytest.register_assert_rewrite("tests.stages.breaking")


def conforming(folder: Path) -> Project:
    return Project(folder).replace("{permute: csp}", "{permute: {method: csp, dimension: channel}}")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return conforming(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of the project, all as they should be."""
    return Evidence(conforming(tmp_path_factory.mktemp("finished"))).experiment.runs


@pytest.fixture
def evidence(project: Project, finished: Path) -> Evidence:
    """A copy of these runs, to break."""
    shutil.copytree(finished, project.path("runs"))
    return Evidence(project, there=True)
