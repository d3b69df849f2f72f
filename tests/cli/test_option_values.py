"""An option's value that cannot be read: the message speaks of the value, never of the program's own functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.mark.parametrize(
    "arguments",
    [
        ("watch", "--interval"),
        ("run", "--all", "--jobs"),
        ("sweep", "--jobs"),
        ("find", "batch-size", "--memory-gb"),
        ("mask", "compute", "--sparsity"),
        ("mask", "compute", "--memory"),
        ("runs", "--status"),
        ("run", "--all", "--shard"),
    ],
)
def test_a_value_that_cannot_be_read_is_told_in_words(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = Project(tmp_path).cli(*arguments, "x")
    assert told.code == 2
    assert "x" in told.err
    assert "invalid _" not in told.err
