"""Saved tensors, read without torch: names, shapes and exact zeros of a safetensors file."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import InputError
from framework.evidence.tensors import TensorFile
from tests.support.tensors import save_tensors, stored

FLOATS = ["F64", "F32", "F16", "BF16"]


def file_of(tmp_path: Path, **tensors: Any) -> TensorFile:
    return TensorFile(save_tensors(tmp_path / "a.safetensors", tensors))


@pytest.mark.parametrize("dtype", FLOATS)
def test_zeros_of_either_sign_are_zeros(tmp_path: Path, dtype: str) -> None:
    file = file_of(tmp_path, a=stored([[0.0, -0.0, 1.0], [-1.0, 2.0, 0.0]], dtype))
    assert file.tensors["a"].shape == (2, 3)
    assert file.zeros("a") == 3
    assert file.is_zero("a").tolist() == [[True, True, False], [False, False, True]]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("value", [float("nan"), -float("nan"), float("inf"), -float("inf")])
def test_what_is_not_a_number_is_not_zero(tmp_path: Path, dtype: str, value: float) -> None:
    assert file_of(tmp_path, a=stored([value, 0.0], dtype)).zeros("a") == 1


@pytest.mark.parametrize(
    ("dtype", "bits"), [("F64", b"\1" + b"\0" * 7), ("F32", b"\1\0\0\0"), ("F16", b"\1\0"), ("BF16", b"\1\0")]
)
def test_the_smallest_number_of_a_type_is_not_zero(tmp_path: Path, dtype: str, bits: bytes) -> None:
    assert file_of(tmp_path, a=(dtype, (1,), bits)).zeros("a") == 0


@pytest.mark.parametrize(
    ("dtype", "values", "zeros"),
    [("BOOL", [True, False, False], 2), ("U8", [0, 128, 255], 1), ("I8", [0, -128, 0], 2), ("I32", [0, -(2**31)], 1)],
)
def test_whole_numbers_and_truth_values_have_one_zero(
    tmp_path: Path, dtype: str, values: list[Any], zeros: int
) -> None:
    assert file_of(tmp_path, a=stored(values, dtype)).zeros("a") == zeros


def test_a_tensor_may_be_empty_or_a_single_number(tmp_path: Path) -> None:
    file = file_of(tmp_path, empty=("F32", (0, 3), b""), number=stored(0.0))
    assert (file.zeros("empty"), file.tensors["empty"].elements) == (0, 0)
    assert (file.zeros("number"), file.tensors["number"].shape) == (1, ())


def test_each_tensor_is_read_from_its_own_place(tmp_path: Path) -> None:
    file = file_of(tmp_path, a=stored([0.0, 1.0]), b=stored([0, 0, 0], "U8"), c=stored([1.0, 1.0, 0.0]))
    assert [file.zeros(name) for name in "abc"] == [1, 3, 1]
    assert [file.tensors[name].elements for name in "abc"] == [2, 3, 3]


@given(st.lists(st.floats(width=32), max_size=20))
def test_zeros_are_what_numpy_counts(values: list[float]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = file_of(Path(folder), a=stored(values))
        assert file.zeros("a") == int((numpy.array(values, numpy.float32) == 0).sum())


def test_metadata_is_no_tensor(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    assert TensorFile(path).tensors == {}
    assert TensorFile(path).metadata == {"format": "pt"}


def written(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(**changes: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "truncated"),
    "half a length": (b"\1\0\0", "truncated"),
    "header longer than the file": (written(entry(), b"\0" * 8, 10_000), "truncated"),
    "header longer than any": (struct.pack("<Q", 2**63) + b"{}", "not a safetensors file, or truncated"),
    "text": (b"a file of text, and long enough for a length", "not a safetensors file, or truncated"),
    "no JSON": (written(b"{not"), "not a safetensors file"),
    "no header": (written(b""), "not a safetensors file"),
    "a list": (written([1]), "not a safetensors file"),
    "nested without end": (written(b"[" * 100_000), "not a safetensors file"),
    "not UTF-8": (written(b'{"\xff": 1}'), "not a safetensors file"),
    "no offsets": (written({"a": {"dtype": "F32", "shape": [2]}}, b"\0" * 8), "not a safetensors file"),
    "no mapping": (written({"a": 1}), "not a safetensors file"),
    "cut off": (written(entry(), b"\0" * 7), "truncated: the bytes of a end at"),
    "before its start": (written(entry(data_offsets=[4, 0]), b"\0" * 8), "truncated"),
    "negative": (written(entry(data_offsets=[-8, 0]), b"\0" * 8), "truncated"),
    "more than its bytes": (written(entry(shape=[100, 100]), b"\0" * 8), "a has 8 bytes"),
    "less than its bytes": (written(entry(shape=[1]), b"\0" * 8), "a has 8 bytes"),
    "negative shape": (written(entry(shape=[-1, -2]), b"\0" * 8), "the shape [-1, -2]"),
    "shape of text": (written(entry(shape=["2"]), b"\0" * 8), "the shape ['2']"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_corrupt_file_is_a_named_error(tmp_path: Path, case: str) -> None:
    data, words = BROKEN[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(InputError) as failure:
        TensorFile(path)
    assert str(failure.value).startswith(f"{path}:1:1: ")
    assert words in str(failure.value)


def test_a_file_that_is_not_there_or_is_none_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        TensorFile(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="cannot be read"):
        TensorFile(tmp_path)


def test_a_type_that_is_not_read_here_is_a_named_error(tmp_path: Path) -> None:
    file = file_of(tmp_path, a=("F8_E4M3", (2,), b"\0\0"))
    with pytest.raises(InputError, match="a has a dtype that is not read here: F8_E4M3"):
        file.zeros("a")
