"""The measured example: its manifest conforms, and its plan is one pruning and two trainings for each level."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from framework.manifest.sections.methods import Prune
from framework.planning.build import build
from tests.support.project import Project

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "minilm_sparsity"


class Copy(Project):
    def __init__(self, root: Path):
        self.root = root
        shutil.copy(EXAMPLE / "experiment.yaml", root)
        shutil.copytree(EXAMPLE / "configs", root / "configs")


@pytest.fixture
def project(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_it_conforms_and_every_key_is_bound(project: Copy) -> None:
    done = project.cli("check")
    assert done.code == 0, done.out
    assert "18 of 18 keys bound, 100 %" in done.out


@pytest.mark.parametrize("profile", [None, "offline"])
def test_each_level_is_pruned_once_for_both_tasks(project: Copy, profile: str | None) -> None:
    steps = build(project.load(profile)).steps
    assert [step.work.sparsity for step in steps if isinstance(step.work, Prune)] == [0, 0.3, 0.5, 0.7, 0.9]
    assert [step.task for step in steps if step.name == "finetune"] == 5 * ["sst2", "mrpc"]


def test_what_is_not_there_is_named_with_its_place(project: Copy) -> None:
    refused = project.cli("run", "--all", "--profile", "offline")
    assert refused.code == 2
    for words in ("models.minilm.path = checkpoint", "datasets.sst2.path = data/sst2", "datasets.mrpc.path"):
        assert words in refused.err
