"""Mask files say the same in every container and layout, and what is damaged or strange is a named error."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file

from framework.errors import InputError, UsageError
from framework.evidence.mask_layout import HEADER, LAYOUTS, packed
from framework.evidence.masks import MaskFile
from runners.sparsity.mask_files import StreamedMasks, open_masks, write_mask_file
from runners.sparsity.masks import load_masks, read_masks, save_masks

SHAPES = {"b.weight": (3, 17), "a.weight": (8, 16), "experts.up": (2, 3, 5)}
FACTS = {"score": "magnitude", "asked": 0.3, "exclude": ["lm_head"], "seed": 4}
SUFFIXES = (".safetensors", ".npz", ".pt")


def masks() -> dict[str, numpy.ndarray]:
    source = numpy.random.default_rng(0)
    return {name: source.random(shape) < 0.6 for name, shape in SHAPES.items()}


def written(path: Path, layout: str = "packed") -> Path:
    own = masks()
    write_mask_file(path, SHAPES, FACTS, lambda name: packed(own[name]), layout)
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_file_says_the_same(tmp_path: Path, suffix: str, layout: str) -> None:
    file = open_masks(written(tmp_path / f"m{suffix}", layout))
    reference = open_masks(written(tmp_path / "reference.safetensors"))
    assert file.sha256 == file.header.sha256 == reference.sha256
    assert file.facts == FACTS
    assert {name: tensor.shape for name, tensor in file.tensors.items()} == SHAPES
    for name, mask in masks().items():
        assert numpy.array_equal(file.mask(name), mask)
        assert numpy.array_equal(file.packed(name), packed(mask))
        assert file.zeros(name) == int((~mask).sum())
        assert numpy.array_equal(file.is_zero(name), ~mask)
    assert all(torch.equal(mask, torch.from_numpy(masks()[name])) for name, mask in read_masks(file.path).items())


def test_the_streamed_file_is_the_same(tmp_path: Path) -> None:
    stream = StreamedMasks(tmp_path / "streamed.safetensors", SHAPES, FACTS)
    for name, mask in masks().items():
        bits = packed(mask & False)
        stream.write(name, 0, bits[:1])
        stream.write(name, 8, bits[1:])
        stream.keep(name, numpy.flatnonzero(mask))
        assert stream.kept(name) == int(mask.sum())
    assert not stream.path.exists()
    assert stream.finish(FACTS) == open_masks(written(tmp_path / "reference.safetensors")).sha256
    assert all(numpy.array_equal(MaskFile(stream.path).mask(name), mask) for name, mask in masks().items())


def test_an_abandoned_stream_leaves_nothing(tmp_path: Path) -> None:
    StreamedMasks(tmp_path / "a.safetensors", SHAPES, FACTS).discard()
    assert list(tmp_path.iterdir()) == []


def test_others_read_the_packed_form(tmp_path: Path) -> None:
    tensors = load_file(written(tmp_path / "m.safetensors"))
    for name, mask in masks().items():
        bits = tensors[name].numpy()
        assert numpy.array_equal(numpy.unpackbits(bits, count=mask.size, bitorder="little").reshape(mask.shape), mask)


def test_others_read_the_boolean_form(tmp_path: Path) -> None:
    for suffix, load in ((".safetensors", load_file), (".npz", numpy.load)):
        found = load(written(tmp_path / f"m{suffix}", "boolean"))
        assert all(numpy.array_equal(numpy.asarray(found[name]), mask) for name, mask in masks().items())
    found = torch.load(written(tmp_path / "m.pt", "boolean"), weights_only=True)["masks"]
    assert all(torch.equal(found[name], torch.from_numpy(mask)) for name, mask in masks().items())


def test_the_bitmask_form_is_that_of_compressed_tensors(tmp_path: Path) -> None:
    """`NAME.bitmask` holds the rows packed one by one, the lowest bit first, and `NAME.shape` the shape."""
    tensors = load_file(written(tmp_path / "m.safetensors", "bitmask"))
    assert set(tensors) == {f"{name}.{part}" for name in SHAPES for part in ("bitmask", "shape")}
    for name, mask in masks().items():
        shape = tensors[f"{name}.shape"].tolist()
        rows = numpy.unpackbits(tensors[f"{name}.bitmask"].numpy(), axis=-1, count=shape[-1], bitorder="little")
        assert tuple(shape) == mask.shape
        assert numpy.array_equal(rows, mask)


def test_a_bitmask_needs_rows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds matrices"):
        write_mask_file(
            tmp_path / "m.safetensors", {"a": (4,)}, {}, lambda name: packed(numpy.ones(4, bool)), "bitmask"
        )


def test_plain_booleans_are_masks(tmp_path: Path) -> None:
    own = {name: torch.from_numpy(mask) for name, mask in masks().items()}
    save_file(own, tmp_path / "m.safetensors")
    torch.save(own, tmp_path / "m.pt")
    numpy.savez(tmp_path / "m.npz", **masks())
    for suffix in SUFFIXES:
        file = open_masks(tmp_path / f"m{suffix}")
        assert file.header.sha256 is None
        assert all(numpy.array_equal(file.mask(name), mask) for name, mask in masks().items())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_wrong_bit_is_found(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"m{suffix}")
    if suffix == ".safetensors":
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    elif suffix == ".npz":
        arrays = dict(numpy.load(path))
        arrays["a.weight"][0] ^= 1
        numpy.savez(path, **arrays)
    else:
        found = torch.load(path, weights_only=True)
        found["masks"]["a.weight"][0] ^= 1
        torch.save(found, path)
    with pytest.raises(InputError, match="damaged: its SHA-256"):
        open_masks(path)


def test_an_edited_fact_is_found(tmp_path: Path) -> None:
    path = written(tmp_path / "m.npz")
    arrays = dict(numpy.load(path))
    header = json.loads(arrays[HEADER].tobytes())
    header["facts"] = header["facts"].replace("magnitude", "wanda....")
    arrays[HEADER] = numpy.frombuffer(json.dumps(header).encode(), numpy.uint8)
    numpy.savez(path, **arrays)
    with pytest.raises(InputError, match="damaged: its SHA-256"):
        open_masks(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.98])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str, part: float) -> None:
    path = written(tmp_path / f"m{suffix}")
    os.truncate(path, int(part * path.stat().st_size))
    with pytest.raises(InputError) as refused:
        open_masks(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_masks(tmp_path / f"m{suffix}")


def test_a_later_version_is_named(tmp_path: Path) -> None:
    own = load_file(written(tmp_path / "m.safetensors"))
    metadata = MaskFile(tmp_path / "m.safetensors").header.as_metadata() | {"version": "2"}
    save_file(own, tmp_path / "m.safetensors", metadata=metadata)
    with pytest.raises(InputError, match="its version is '2'"):
        open_masks(tmp_path / "m.safetensors")


def test_a_mask_that_the_header_does_not_know_is_named(tmp_path: Path) -> None:
    own = load_file(written(tmp_path / "m.safetensors"))
    metadata = MaskFile(tmp_path / "m.safetensors").header.as_metadata()
    save_file({**own, "c.weight": own["a.weight"].clone()}, tmp_path / "m.safetensors", metadata=metadata)
    with pytest.raises(InputError, match=r"c\.weight is in its header or in its tensors, not in both"):
        open_masks(tmp_path / "m.safetensors")


def test_weights_are_no_masks(tmp_path: Path) -> None:
    save_file({"a.weight": torch.ones(3)}, tmp_path / "m.safetensors")
    with pytest.raises(InputError, match=r"the mask of a\.weight is F32, not boolean"):
        open_masks(tmp_path / "m.safetensors")


class _Payload:
    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def test_nothing_of_a_stranger_is_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    torch.save({"masks": _Payload(trace)}, tmp_path / "m.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(_Payload(trace), protocol=2))
    numpy.savez(tmp_path / "m.npz", a=numpy.array([_Payload(trace)], dtype=object))
    for name in ("m.pt", "raw.pt", "m.npz"):
        with pytest.raises(InputError, match="not a mask file"):
            open_masks(tmp_path / name)
    assert not trace.exists()


def test_a_run_keeps_its_masks(tmp_path: Path) -> None:
    own = {name: torch.from_numpy(mask) for name, mask in masks().items()}
    save_masks(tmp_path, own, FACTS)
    assert all(torch.equal(mask, own[name]) for name, mask in load_masks(tmp_path).items())
    assert load_masks(tmp_path / "without") == {}
    shutil.copy(tmp_path / "masks.safetensors", tmp_path / "copy.npz")
    with pytest.raises(InputError, match="not a mask file"):
        read_masks(tmp_path / "copy.npz")


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = written(tmp_path / "m.safetensors")
    before = path.read_bytes()

    def fails(name: str) -> numpy.ndarray:
        if name == "b.weight":
            raise OSError("gone")
        return packed(masks()[name])

    with pytest.raises(OSError, match="gone"):
        write_mask_file(path, SHAPES, FACTS, fails)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.safetensors"]
