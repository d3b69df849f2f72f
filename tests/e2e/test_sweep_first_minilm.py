"""The sweep-first example at its smallest: a pretrained MiniLM on real data, killed once in each part."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from framework.evidence.store import RunStore
from framework.manifest.loading import load
from framework.searching.studies import studies_of
from framework.searching.trials import read_study
from tests.e2e.test_sweep_first import finished, killed_when
from tests.support.project import Project

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sweep_first"
SMOKE = ("--profile", "smoke")


@pytest.fixture
def project(tmp_path: Path, real_data: Path, minilm: Path) -> Project:
    found = Project(tmp_path, (EXAMPLE / "experiment.yaml").read_text())
    shutil.rmtree(tmp_path / "configs")
    shutil.copytree(EXAMPLE / "configs", tmp_path / "configs")
    (tmp_path / "checkpoint").symlink_to(minilm)
    (tmp_path / "data").symlink_to(real_data / "glue")
    return found


@pytest.mark.slow
def test_the_example_goes_its_whole_way_through_a_kill_in_each_part(project: Project) -> None:
    store = RunStore(project.root / "runs")

    def done() -> int:
        return sum(run.record.status == "done" for run in store.readable())

    killed_when(project, lambda: done() >= 3, "sweep", *SMOKE, "--jobs", "2")
    finished(project, "sweep", *SMOKE, "--jobs", "2")
    searches = done()
    begun = time.monotonic()
    killed_when(project, lambda: time.monotonic() > begun + 0.5, "sweep", "analyze", *SMOKE)
    finished(project, "sweep", "analyze", *SMOKE)
    killed_when(project, lambda: done() >= searches + 3, "run", "--all", *SMOKE, "--jobs", "2")
    finished(project, "run", "--all", *SMOKE, "--jobs", "2")
    experiment = load(project.manifest, "smoke")
    studies = [read_study(study.path(project.root)) for study in studies_of(experiment)]
    assert [stored.count("completed") for stored in studies if stored] == [6] * 4
    assert done() == 4 * 6 + 12
    models = list(project.path("runs").glob("*/model/model.safetensors"))
    assert len(models) == 4 + 12  # of each search the best trial's, and those of production
    finished(project, "verify", "--all", *SMOKE)
