"""A project with one drift of each kind that the formats have to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that conforms."""
    return Project(tmp_path)


@pytest.fixture
def drifted(project: Project) -> Project:
    """A drifted value, a key that nothing covers with a value full of markup, and a waived drift."""
    project.config("  lr: 2e-4", "  lr: 3e-4  # note")
    project.append("odd: '::x|<b>@me`](y),%'\n", "configs/pretrain.yaml")
    project.config("epochs: 4", "epochs: 5")
    project.append(
        "waivers:\n  - {clause: phases.pretrain.epochs, reason: 'a <b> & c', owner: lab, until: 2999-01-01}\n"
    )
    return project
