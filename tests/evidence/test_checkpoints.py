"""Checkpoints on disk: one file, or shards and their index, read in pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.errors import InputError
from framework.evidence.checkpoints import CheckpointFiles
from tests.support.tensors import save_tensors, stored


def sharded(folder: Path, placed: dict[str, Any] | None = None, **shards: dict[str, Any]) -> Path:
    for shard, tensors in shards.items():
        save_tensors(folder / f"{shard}.safetensors", {name: stored(values) for name, values in tensors.items()})
    own = {name: f"{shard}.safetensors" for shard, tensors in shards.items() for name in tensors}
    index = {"weight_map": own if placed is None else placed}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_a_file_a_folder_a_run_and_shards_are_read_alike(tmp_path: Path) -> None:
    values = numpy.arange(40.0).reshape(5, 8)
    one = save_tensors(tmp_path / "run" / "model" / "model.safetensors", {"a": stored(values), "b": stored([1.0])})
    shards = sharded(tmp_path / "shards", x={"b": [1.0]}, y={"a": values})
    for path in (one, one.parent, one.parent.parent, shards):
        files = CheckpointFiles(path)
        assert list(files.tensors) == ["a", "b"]
        buffer = numpy.empty(10, "<u4")
        files.read("a", 7, 16, buffer)
        assert buffer[:9].view("<f4").tolist() == list(range(7, 16))
        assert files.bits("a").view("<f4").tolist() == values.tolist()
        files.close()


def test_the_configuration_lies_beside(tmp_path: Path) -> None:
    save_tensors(tmp_path / "model.safetensors", {"a": stored([1.0])})
    assert CheckpointFiles(tmp_path).config() == {}
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    assert CheckpointFiles(tmp_path / "model.safetensors").config() == {"model_type": "gpt2"}
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        CheckpointFiles(tmp_path).config()


BROKEN: dict[str, tuple[dict[str, str], str]] = {
    "a missing shard": ({"a": "z.safetensors"}, "no such file"),
    "a shard elsewhere": ({"a": "../x.safetensors"}, "outside of the folder"),
    "a tensor that is not there": ({"c": "x.safetensors"}, "lacks c"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_index_is_named(tmp_path: Path, case: str) -> None:
    placed, message = BROKEN[case]
    with pytest.raises(InputError, match=message):
        CheckpointFiles(sharded(tmp_path, placed, x={"a": [1.0]}))


def test_an_index_that_is_none(tmp_path: Path) -> None:
    for text in ("[]", "{", '{"weight_map": 3}'):
        (tmp_path / "model.safetensors.index.json").write_text(text)
        with pytest.raises(InputError, match="not an index of shards"):
            CheckpointFiles(tmp_path)


def test_a_tensor_in_two_shards_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a is in .*x\.safetensors too"):
        CheckpointFiles(
            sharded(tmp_path, {"a": "x.safetensors", "b": "y.safetensors"}, x={"a": [1]}, y={"a": [1], "b": [1]})
        )


def test_no_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint here"):
        CheckpointFiles(tmp_path)


def test_a_file_that_shrinks_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = save_tensors(tmp_path / "a.safetensors", {"a": stored(numpy.ones(100))})
    files = CheckpointFiles(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match="truncated while it was read"):
        files.read("a", 0, 100, numpy.empty(100, "<u4"))
