"""`framework run` says what it is about to do before it imports what takes seconds, and imports nothing for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework import api
from framework.errors import UsageError
from tests.support.evidence import Evidence
from tests.support.project import Project

SELECTED = ("--variant", "dense", "--seed", "1")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runners that a command asked for; it gets none."""
    names: list[str] = []

    def refused(name: str) -> Any:
        names.append(name)
        raise UsageError(f"{name} is asked for")

    monkeypatch.setattr(api, "own", refused)
    return names


@pytest.mark.parametrize("command", [("run",), ("run", "--jobs", "2")])
def test_the_first_line_comes_before_the_imports(tmp_path: Path, asked: list[str], command: tuple[str, ...]) -> None:
    told = Project(tmp_path).cli(*command, *SELECTED)
    assert len(asked) == 1
    assert told.out == "1 steps: 0 done, 1 to run; loading PyTorch\n"


@pytest.mark.parametrize("command", [("run",), ("run", "--jobs", "2")])
def test_where_nothing_is_left_nothing_is_imported(tmp_path: Path, asked: list[str], command: tuple[str, ...]) -> None:
    project = Project(tmp_path)
    Evidence(project, variants=["dense"], seeds=[1])
    told = project.cli(*command, *SELECTED)
    assert (told.code, asked) == (0, []), told.err
    assert told.out.startswith("1 steps: 1 done, 0 to run\n")
    assert "perplexity" in told.out
