"""`--watch` checks again when a file changes, and ends with the exit code of the last check."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.cli.checking import watching
from tests.support.project import Project


def watched(project: Project, monkeypatch: pytest.MonkeyPatch, steps: list[Callable[[], object]]) -> tuple[int, str]:
    """Watch, with something happening at each look; then Ctrl-C."""
    left = iter(steps)

    def sleep(_: float) -> None:
        step = next(left, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    monkeypatch.setattr(watching.time, "sleep", sleep)
    monkeypatch.setattr(watching.watch, "__defaults__", (sleep,))
    done = project.cli("check", "--watch")
    return done.code, done.out + done.err


def touch(project: Project, name: str, text: str) -> None:
    path = project.write(name, text)
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 10_000_000))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_it_checks_once_and_then_after_each_change(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "configs/pretrain.yaml"
    good = project.read(name)
    bad = good.replace("2e-4", "3e-4")
    steps = [lambda: None, lambda: touch(project, name, bad), lambda: None]
    code, said = watched(project, monkeypatch, steps)
    assert code == 1
    assert said.count("conforms: ") == 1
    assert said.count("drifted: ") == 1
    assert "changed: pretrain.yaml" in said
    assert "stopped watching" in said


def test_a_broken_manifest_does_not_end_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    good = project.read()
    steps = [lambda: touch(project, "experiment.yaml", "version: ["), lambda: touch(project, "experiment.yaml", good)]
    code, said = watched(project, monkeypatch, steps)
    assert code == 0
    assert said.count("conforms: ") == 2
    assert "not YAML" in said


def test_a_new_file_of_a_pattern_is_seen(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.replace("configs/pretrain.yaml", "configs/*.yaml")
    text = project.read("configs/pretrain.yaml").replace("epochs: 4", "epochs: 5")
    code, said = watched(project, monkeypatch, [lambda: touch(project, "configs/b.yaml", text)])
    assert code == 1
    assert "changed: b.yaml" in said


def test_it_only_looks(project: Project) -> None:
    for option in (["--fix"], ["--write-baseline"], ["--output", "x"]):
        assert project.cli("check", "--watch", *option).code == 2
    assert project.cli("check", "--diff").code == 2
