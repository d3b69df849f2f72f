"""What `framework plan` and `verify` say of a script's run that is not done: it runs, or it failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import framework
from tests.recording.training import Script, project
from tests.support.commands import called


def states(root: Path) -> dict[int, tuple[str, str]]:
    """By seed, what the plan says of it."""
    outcome = called(root, "plan", "--format", "json")
    return {step["seed"]: (step["status"], step["reason"]) for step in json.loads(outcome.out)["steps"]}


def failed_attempt(root: Path) -> None:
    with (
        pytest.raises(RuntimeError),
        framework.record(variant="dense", seed=1, manifest=root / "experiment.yaml"),
    ):
        raise RuntimeError("out of memory")


def test_an_attempt_that_failed_is_shown_with_its_error(tmp_path: Path) -> None:
    project(tmp_path)
    failed_attempt(tmp_path)
    found = states(tmp_path)
    word, why = found[1]
    assert word == "failed"
    assert why.startswith("recorded by ")
    assert why.endswith("RuntimeError: out of memory")
    assert found[2] == ("not run", "new")
    assert "1 failed" in called(tmp_path, "verify").out


def test_of_an_error_that_announces_an_end_the_end_is_shown(tmp_path: Path) -> None:
    """A command's error is a line about its file, and then what stands last in that."""
    project(tmp_path)
    with (
        pytest.raises(RuntimeError),
        framework.record(variant="dense", seed=1, manifest=tmp_path / "experiment.yaml"),
    ):
        raise RuntimeError("exit code 3; the end of stderr.log:\nTraceback\nValueError: no such file\n")
    assert states(tmp_path)[1][1].endswith("the end of stderr.log: ValueError: no such file")


def test_an_attempt_that_runs_is_shown(tmp_path: Path) -> None:
    project(tmp_path)
    with framework.record(variant="dense", seed=1, manifest=tmp_path / "experiment.yaml"):
        word, why = states(tmp_path)[1]
        assert word == "running"
        assert "process" in why
    assert states(tmp_path)[1][0] == "recorded"


def test_the_last_done_attempt_counts_and_the_later_one_is_said(tmp_path: Path) -> None:
    project(tmp_path)
    Script().train(tmp_path)
    failed_attempt(tmp_path)
    word, why = states(tmp_path)[1]
    assert word == "recorded"
    assert "since then, failed: recorded by" in why
    assert "attempt 2: RuntimeError: out of memory" in why
    Script().train(tmp_path)
    assert "since then" not in states(tmp_path)[1][1]
