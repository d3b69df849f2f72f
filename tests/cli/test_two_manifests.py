"""Two manifests in one folder have their own runs and documents."""

from __future__ import annotations

import shutil
from contextlib import chdir
from pathlib import Path

from framework import api
from framework.manifest.loading import load
from framework.planning.build import build
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record


def two(tmp_path: Path) -> tuple[Evidence, Path]:
    """A project with runs of `experiment.yaml`, beside `more.v2.yaml` that says another rate."""
    evidence = Evidence(Project(tmp_path), variants=["dense"], seeds=[1])
    other = tmp_path / "more.v2.yaml"
    shutil.copy(tmp_path / "experiment.yaml", other)
    return evidence, other


def test_the_runs_of_one_are_none_of_the_other(tmp_path: Path) -> None:
    evidence, other = two(tmp_path)
    assert load(other).runs == tmp_path / "runs" / "more-v2"
    shown = evidence.project.cli("runs", "--manifest", other.name, "--format", "json")
    assert (shown.code, shown.json["runs"]) == (0, [])
    assert "nothing has been run" in evidence.project.cli("verify", "--manifest", other.name).err
    assert len(evidence.project.cli("runs", "--format", "json").json["runs"]) == 1


def test_a_finding_names_the_folder_of_its_own_runs(tmp_path: Path) -> None:
    evidence, other = two(tmp_path)
    folder = evidence.folder("dense", "pretrain")
    own = tmp_path / "runs" / "more-v2" / folder.name
    shutil.copytree(folder, own)
    change_record(own, lambda record: record.observed.update(seed=9))
    with chdir(tmp_path):
        experiment = load(other.name)
        result = api.verify(experiment, build(experiment, ["dense"], seeds=[1]))
    files = {finding.location.file for finding in result.findings if finding.location}
    assert f"runs/more-v2/{folder.name}/record.json" in files
    outcome = evidence.project.cli("verify", "--variant", "dense", "--seed", "1")
    assert outcome.code == 0, outcome.out


def test_each_has_its_own_documents(tmp_path: Path) -> None:
    evidence, other = two(tmp_path)
    assert evidence.project.cli("docs", "setup", "--manifest", other.name).code == 0
    assert list((tmp_path / "documents" / "more-v2").iterdir())
    assert evidence.project.cli("docs", "setup").code == 0
    assert {path.is_dir() for path in (tmp_path / "documents").iterdir()} == {True, False}
