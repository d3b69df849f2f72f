"""Writes that either happened or did not: a reader never sees half a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from framework.evidence import atomic


def test_what_is_written_is_there_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.txt"
    atomic.write_text(path, "é\n")
    assert path.read_bytes() == "é\n".encode()
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("broken", ["os.replace", "os.fsync", "os.fdopen", "os.chmod"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, exists: bool
) -> None:
    path = tmp_path / "file.txt"
    if exists:
        path.write_text("old")

    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken.removeprefix("os."), fail)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_text(path, "new")
    assert [each.name for each in tmp_path.iterdir()] == (["file.txt"] if exists else [])
    assert not exists or path.read_text() == "old"


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file.sh"
    path.write_text("old")
    path.chmod(0o750)
    atomic.write_text(path, "new")
    assert path.stat().st_mode & 0o7777 == 0o750


def test_a_new_file_has_the_mode_that_the_user_s_mask_gives(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        atomic.write_text(tmp_path / "file.txt", "new")
    finally:
        os.umask(mask)
    assert (tmp_path / "file.txt").stat().st_mode & 0o7777 == 0o640


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_knows_no_nan_and_no_infinity(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic.write_json(tmp_path / "file.json", {"a": [value]})
    assert list(tmp_path.iterdir()) == []


def test_json_is_written_the_same_whatever_the_order(tmp_path: Path) -> None:
    atomic.write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    atomic.write_json(tmp_path / "b.json", {"a": "é", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
