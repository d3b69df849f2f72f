"""Consistent forgeries of finished runs: one fact of a run is changed, and every hash over it is made right again.

A forgery that `framework verify` sees changes what it finds. Which ones it does not see is compared by the tests with
those that the documentation names.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy

from framework.evidence.mask_layout import FORMAT, digest
from framework.evidence.record import RECORD
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.stages.verify import VerifyResult, verify

Files = dict[str, bytes]
"""The files of a run folder by their path in it."""
Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Forgery:
    """One changed fact: the step's folder, the file, the place in it, and what the folder then holds."""

    folder: str
    file: str
    place: str
    forged: Callable[[Files], None] = field(repr=False)

    @property
    def fact(self) -> str:
        return f"{self.file}:{self.place}"


class Forger:
    """The finished runs of a plan, and what `verify` finds when one of them is forged."""

    def __init__(self, experiment: Experiment, plan: Plan):
        self.experiment, self.plan, self.runs = experiment, plan, experiment.runs
        self.steps = {step.folder: step for step in plan.steps}
        self._files = {folder: self._read(folder) for folder in self.steps}
        children: dict[str, list[str]] = {step.key: [step.key] for step in plan.steps}
        for step in plan.steps:
            for other in {step.parent, *step.references.values()} - {None}:
                children[other].append(step.key)  # type: ignore[index]
        self._near = children

    def files(self, folder: str) -> Files:
        return dict(self._files[folder])

    def seen(self, folder: str) -> frozenset[str]:
        """What `verify` says of a run and of those that build on it."""
        return said(verify(self.experiment, self.plan, only=self._near[self.steps[folder].key]))

    @cached_property
    def honest(self) -> Mapping[str, frozenset[str]]:
        return {folder: self.seen(folder) for folder in self.steps}

    def noticed(self, forgery: Forgery) -> frozenset[str]:
        """What is said of a forged run, and was not of the honest one."""
        honest = self.honest[forgery.folder]  # before anything is forged
        with self.changed(forgery.folder, forgery.forged):
            return self.seen(forgery.folder) - honest

    @contextmanager
    def changed(self, folder: str, change: Callable[[Files], None]) -> Iterator[None]:
        """The run's folder with other files, for as long as the block runs."""
        files = self.files(folder)
        change(files)
        try:
            self._write(folder, files)
            yield
        finally:
            self._write(folder, self._files[folder])

    def _read(self, folder: str) -> Files:
        root = self.runs / folder
        return {
            path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
        }

    def _write(self, folder: str, files: Files) -> None:
        root = self.runs / folder
        for name in self._read(folder).keys() - files.keys():
            (root / name).unlink()
        for name, data in files.items():
            path = root / name
            if not path.is_file() or path.read_bytes() != data:
                path.write_bytes(data)


def said(result: VerifyResult) -> frozenset[str]:
    """The findings and the violated verdicts, as text."""
    return frozenset(f"{finding.code} {finding.message}" for finding in result.findings)


def forgeries(folder: str, files: Files) -> Iterator[Forgery]:
    """Every single-fact forgery of a run: of its record, its lines, its JSON files and its tensors."""
    for name, data in files.items():
        if name.endswith(".jsonl"):
            yield from _lines(folder, name, data)
        elif name == "model/tokenizer.json":
            yield from list(_json(folder, name, data))[-2:]
        elif name.endswith(".json"):
            yield from _json(folder, name, data)
        elif name.endswith(".safetensors"):
            yield from _tensors(folder, name, data)
        if name != RECORD:
            yield Forgery(folder, name, "(gone)", lambda files, name=name: _without(files, name))  # type: ignore[misc]


def leaves(data: Any, place: Where = ()) -> Iterator[Where]:
    """The places of all values of JSON data that hold no others, empty containers included."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = [(key, value) for key, value in items]
    if not found:
        yield place
    for key, value in found:
        yield from leaves(value, (*place, key))


def at(data: Any, place: Where) -> Any:
    for key in place:
        data = data[key]
    return data


def put(data: Any, place: Where, value: Any) -> Any:
    """The data with another value at a place."""
    if not place:
        return value
    at(data, place[:-1])[place[-1]] = value
    return data


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.1 + 0.01
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    return {} if value == [] else [] if value == {} else 1


def resealed(files: Files) -> None:
    """Make the record's hashes and sizes those of the files."""
    record = json.loads(files[RECORD])
    record["artefacts"] = {
        name: {"sha256": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])}
        for name in record["artefacts"]
        if name in files
    }
    files[RECORD] = json.dumps(record, indent=2, sort_keys=True).encode()


def _json(folder: str, name: str, data: bytes) -> Iterator[Forgery]:
    parsed = json.loads(data)
    for place in leaves(parsed):
        if name == RECORD and place[:1] == ("artefacts",):
            continue  # what is protected by a hash has tests of its own
        if at(parsed, place) in ([], {}):
            continue  # an empty list and an empty mapping say the same

        def forged(files: Files, place: Where = place) -> None:
            found = json.loads(files[name])
            files[name] = json.dumps(put(found, place, other(at(found, place)))).encode()
            resealed(files)

        yield Forgery(folder, name, ".".join(map(str, place)), forged)


def _lines(folder: str, name: str, data: bytes) -> Iterator[Forgery]:
    lines = [json.loads(line) for line in data.splitlines()]
    for index, line in enumerate(lines):
        for place in leaves(line):

            def forged(files: Files, index: int = index, place: Where = place) -> None:
                found = [json.loads(each) for each in files[name].splitlines()]
                put(found[index], place, other(at(found[index], place)))
                _write_lines(files, name, found)

            yield Forgery(folder, name, f"{index + 1}.{'.'.join(map(str, place))}", forged)

        def dropped(files: Files, index: int = index) -> None:
            found = [json.loads(each) for each in files[name].splitlines()]
            _write_lines(files, name, found[:index] + found[index + 1 :])

        def twice(files: Files, index: int = index) -> None:
            found = [json.loads(each) for each in files[name].splitlines()]
            _write_lines(files, name, found[: index + 1] + found[index:])

        yield Forgery(folder, name, f"{index + 1} (dropped)", dropped)
        yield Forgery(folder, name, f"{index + 1} (twice)", twice)


def _write_lines(files: Files, name: str, lines: list[Any]) -> None:
    files[name] = "".join(json.dumps(line) + "\n" for line in lines).encode()
    resealed(files)


def _without(files: Files, name: str) -> None:
    del files[name]
    resealed(files)


def header_of(data: bytes) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file, and where its tensors begin."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), 8 + length


def with_header(header: Mapping[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


KINDS = {"F64": "<f8", "F32": "<f4", "U8": "|u1", "I64": "<i8", "BOOL": "|u1"}


def _tensors(folder: str, name: str, data: bytes) -> Iterator[Forgery]:
    header, _ = header_of(data)
    for tensor in sorted(header):
        if tensor == "__metadata__":
            for key in header[tensor]:
                if key not in ("sha256", "shapes"):
                    yield Forgery(folder, name, f"metadata.{key}", _changed(name, _metadata(key)))
            continue
        yield Forgery(folder, name, f"{tensor} (gone)", _changed(name, _gone(tensor)))
        changes = (
            _MASKS if header[tensor]["dtype"] == "U8" else _ORDERS if header[tensor]["dtype"] == "I64" else _WEIGHTS
        )
        for what, change in changes.items():
            yield Forgery(folder, name, f"{tensor} ({what})", _changed(name, _values(tensor, change)))


Change = Callable[[dict[str, Any], bytearray, int], None]


def _changed(name: str, change: Change) -> Callable[[Files], None]:
    def forged(files: Files) -> None:
        header, start = header_of(files[name])
        body = bytearray(files[name][start:])
        change(header, body, start)
        _own_digest(header, bytes(body))
        files[name] = with_header(header, bytes(body))
        resealed(files)

    return forged


def _own_digest(header: dict[str, Any], body: bytes) -> None:
    """Make the digest that a mask file states of itself that of what it holds."""
    metadata = header.get("__metadata__", {})
    if metadata.get("format") != FORMAT:
        return
    shapes = {each: tuple(shape) for each, shape in json.loads(metadata["shapes"]).items() if each in header}
    metadata["shapes"] = json.dumps(shapes)

    def bits(each: str) -> list[Any]:
        begin, end = header[each]["data_offsets"]
        return [numpy.frombuffer(body[begin:end], "u1")]

    metadata["sha256"] = digest(json.loads(metadata["facts"]), shapes, bits)


def _metadata(key: str) -> Change:
    def change(header: dict[str, Any], body: bytearray, start: int) -> None:
        stated = header["__metadata__"][key]
        if key == "facts":
            facts = json.loads(stated)
            places = [place for place in leaves(facts) if isinstance(at(facts, place), int | float)]
            place = places[0] if places else next(iter(leaves(facts)))
            stated = json.dumps(put(facts, place, other(at(facts, place))), sort_keys=True)
        header["__metadata__"][key] = stated if key == "facts" else other(stated)

    return change


def _gone(tensor: str) -> Change:
    def change(header: dict[str, Any], body: bytearray, start: int) -> None:
        begin, end = header.pop(tensor)["data_offsets"]
        del body[begin:end]
        for name, facts in header.items():
            if name != "__metadata__" and facts["data_offsets"][0] >= end:
                facts["data_offsets"] = [offset - (end - begin) for offset in facts["data_offsets"]]

    return change


def _values(tensor: str, change: Callable[[Any], None]) -> Change:
    def changed(header: dict[str, Any], body: bytearray, start: int) -> None:
        begin, end = header[tensor]["data_offsets"]
        values = numpy.frombuffer(bytes(body[begin:end]), KINDS[header[tensor]["dtype"]]).copy()
        change(values)
        body[begin:end] = values.tobytes()

    return changed


def _one_weight(values: Any) -> None:
    values[numpy.flatnonzero(values)[-1:]] *= 1.5
    if not values.any():
        values[-1] = 0.25


def _nan(values: Any) -> None:
    values[-1] = numpy.nan


def _noise(values: Any) -> None:
    values[values != 0] = numpy.random.default_rng(0).normal(size=int((values != 0).sum()))


def _zero(values: Any) -> None:
    values[numpy.flatnonzero(values)[-1:]] = 0


def _kept(values: Any) -> None:
    values[:] = 255


def _one_bit(values: Any) -> None:
    values[0] ^= 1


def _identity(values: Any) -> None:
    values[:] = numpy.arange(len(values))


_WEIGHTS = {"one weight": _one_weight, "one NaN": _nan, "noise": _noise, "one more zero": _zero}
_MASKS = {"all kept": _kept, "one bit": _one_bit}
_ORDERS = {"identity": _identity}
