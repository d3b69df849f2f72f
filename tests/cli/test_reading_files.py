"""Whoever waits for a large file to be read is told which, and how far it is; of the rest nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.cli.terminal import reading_files
from tests.support.local_project import LocalProject


@pytest.fixture(autouse=True)
def _fresh(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr("framework.evidence.remembering.file_state._SETTLED", -1)


def test_a_plan_names_the_large_files_that_it_reads_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_files, "_A_WHILE", 0.0)
    project = LocalProject(tmp_path)
    project.write("nets/small/model.safetensors", bytes(3 << 20))
    first = project.cli("plan", "--variant", "dense")
    assert first.err == "reads model.safetensors (3 MB) once, to know it by its content\n"
    assert project.cli("plan", "--variant", "dense").err == ""


def test_what_is_quick_is_not_told(tmp_path: Path) -> None:
    assert LocalProject(tmp_path).cli("plan", "--variant", "dense").err == ""
