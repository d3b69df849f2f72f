"""How refusals are printed: as they are, whatever a terminal library makes of their punctuation."""

from __future__ import annotations

from pathlib import Path

from tests.support.project import Project


def test_a_line_number_between_colons_is_no_emoji(tmp_path: Path) -> None:
    """`:100:` is the code of one, and the place of a problem in line 100."""
    project = Project(tmp_path)
    lines = project.read().count("\n")
    project.append("#\n" * (99 - lines) + "unknown: 1\n")
    assert "experiment.yaml:100:1: error:" in project.cli("check").err
