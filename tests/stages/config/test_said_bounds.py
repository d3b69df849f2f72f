"""What is bounded is said: keys beyond the thousandth, grids together, files that lie elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from framework.errors import InputError
from framework.stages.config.rules.coverage import MOST_NAMED
from tests.support.project import CONFIG, MANIFEST, Project


def many(root: Path, count: int) -> Project:
    return Project(root, config=CONFIG + "more:\n" + "".join(f"  key{index}: 1\n" for index in range(count)))


def test_keys_beyond_the_thousandth_are_counted(tmp_path: Path) -> None:
    result = many(tmp_path, MOST_NAMED + 1234).check()
    found = [finding for finding in result.findings if finding.code == "C120"]
    assert len(found) == MOST_NAMED + 1
    assert result.unbound == MOST_NAMED + 1234
    assert (
        "covers 1,234 more keys of this file: 1,000 are named"
        in [each for each in found if each.actual == 1234][-1].message
    )


def test_a_thousand_keys_are_all_named(tmp_path: Path) -> None:
    result = many(tmp_path, MOST_NAMED).check()
    assert len([finding for finding in result.findings if finding.code == "C120"]) == result.unbound == MOST_NAMED


def test_grids_are_counted_together(tmp_path: Path) -> None:
    axes = "".join(f"      a{axis}: [{', '.join(map(str, range(1, 11)))}]\n" for axis in range(4))
    step = "    steps: [{pretrain: {set: {seed: $a0}}}]\n"
    grids = "grids:\n" + "".join(f"  g{number}:\n    over:\n{axes}{step}" for number in range(2))
    (tmp_path / "experiment.yaml").write_text(MANIFEST + grids)
    with pytest.raises(InputError, match=r"'g1' states 10,000 variants \(20,000 with those before it\), and at most"):
        Project(tmp_path, MANIFEST + grids).load()


@pytest.mark.parametrize("linked", ["the file", "its folder"])
def test_a_config_that_lies_outside_is_read_and_said(tmp_path: Path, linked: str) -> None:
    project = Project(tmp_path / "project")
    own = project.path("configs/pretrain.yaml") if linked == "the file" else project.path("configs")
    own.rename(elsewhere := tmp_path / "elsewhere")
    own.symlink_to(elsewhere)
    found = [finding for finding in project.check().findings if finding.code == "C125"]
    assert len(found) == 1
    assert (
        f"a link to {os.path.realpath(project.path('configs/pretrain.yaml'))}, outside the project" in found[0].message
    )
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # the repository holds both
    assert not [finding for finding in project.check().findings if finding.code == "C125"]


def test_a_link_within_the_project_is_nothing_to_say(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.path("configs/pretrain.yaml").rename(project.path("kept.yaml"))
    project.path("configs/pretrain.yaml").symlink_to("../kept.yaml")
    assert project.check().findings == []
