"""Files of finished runs that are spoiled: values of another kind in the place of one, bytes that are cut or changed,
and things that are no files. Whatever is left must be answered with a finding, and the rest be judged."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from framework.errors import FrameworkError
from framework.evidence.record import RECORD
from tests.fuzz.forging import Files, Forger, header_of, leaves, put, resealed

VALUES: tuple[str, ...] = (
    *("null", "true", "false", "0", "-1", "1.5", "1e308", "-1e308", "1e400", "NaN", "Infinity", "-Infinity"),
    *('""', '"text"', '"\\u0000"', '"\\ud800"', '"' + "x" * 5000 + '"'),
    *("[]", "{}", "[null]", '{"a": null}', '["a", 1]', "[" * 60 + "]" * 60, "[" * 3000 + "]" * 3000),
    *("1" + "0" * 400, "-1" + "0" * 30, "9" * 5000, "18446744073709551616"),
)
"""JSON texts that are put in the place of a value."""
_PLACE = "\ue000PLACE\ue000"
SLOWEST = 5.0
"""Seconds that one question may take."""


class Hang(BaseException):
    """It took too long."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Spoiling:
    """One spoiled file of a run."""

    folder: str
    what: str
    spoil: Callable[[Files], None]


def spoilings(folder: str, files: Files, chance: random.Random) -> Iterator[Spoiling]:
    """Spoilings of one run without end, drawn by chance."""
    names = sorted(files)
    while True:
        name = chance.choice(names)
        ways = [_cut, _flipped, _inserted]
        if name.endswith((".json", ".jsonl")):
            ways = [_valued, _valued, _valued, _valued, _renamed, *ways]
        elif name.endswith(".safetensors"):
            ways = [_headed, _headed, _headed, *ways]
        yield chance.choice(ways)(folder, name, files[name], chance)


def _valued(folder: str, name: str, data: bytes, chance: random.Random) -> Spoiling:
    """Another JSON text in the place of a value, or of a whole branch."""
    lines = name.endswith(".jsonl")
    parsed = [json.loads(line) for line in data.splitlines()] if lines else json.loads(data)
    places = list(leaves(parsed))
    place = chance.choice(places)
    place = place[: chance.randint(1, len(place))] if place and chance.random() < 0.4 else place
    text = chance.choice(VALUES)

    def spoil(files: Files) -> None:
        found = put(json.loads(json.dumps(parsed)), place, _PLACE)
        rows = found if lines else [found]
        spoiled = "\n".join(json.dumps(row) for row in rows).replace(json.dumps(_PLACE), text) + "\n"
        files[name] = spoiled.encode("utf-8", "surrogatepass")
        _sealed(files, name)

    return Spoiling(folder, f"{name}:{'.'.join(map(str, place))} = {text[:30]}", spoil)


def _renamed(folder: str, name: str, data: bytes, chance: random.Random) -> Spoiling:
    """A key that is gone, or called otherwise."""
    lines = name.endswith(".jsonl")
    parsed = [json.loads(line) for line in data.splitlines()] if lines else json.loads(data)
    place = chance.choice(list(leaves(parsed)))
    cut = chance.randint(1, len(place)) if place else 0

    def spoil(files: Files) -> None:
        found = json.loads(json.dumps(parsed))
        holder = found
        for key in place[: cut - 1]:
            holder = holder[key]
        if cut and isinstance(holder, dict):
            value = holder.pop(place[cut - 1])
            if chance.random() < 0.3:
                holder["x"] = value
        rows = found if lines else [found]
        files[name] = ("\n".join(json.dumps(row) for row in rows) + "\n").encode()
        _sealed(files, name)

    return Spoiling(folder, f"{name}:{'.'.join(map(str, place[:cut]))} gone", spoil)


def _headed(folder: str, name: str, data: bytes, chance: random.Random) -> Spoiling:
    """A value in the header of a file of tensors."""
    header, start = header_of(data)
    place = chance.choice(list(leaves(header)))
    place = place[: chance.randint(1, len(place))]
    text = chance.choice(VALUES)

    def spoil(files: Files) -> None:
        found = put(json.loads(json.dumps(header)), place, _PLACE)
        spoiled = json.dumps(found).replace(json.dumps(_PLACE), text).encode("utf-8", "surrogatepass")
        files[name] = len(spoiled).to_bytes(8, "little") + spoiled + data[start:]
        _sealed(files, name)

    return Spoiling(folder, f"{name}:header.{'.'.join(map(str, place))} = {text[:30]}", spoil)


def _cut(folder: str, name: str, data: bytes, chance: random.Random) -> Spoiling:
    size = chance.randint(0, max(0, len(data) - 1))
    return Spoiling(folder, f"{name} cut to {size}", lambda files: _bytes(files, name, data[:size]))


def _flipped(folder: str, name: str, data: bytes, chance: random.Random) -> Spoiling:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(min(len(changed), 4096))] = chance.randrange(256)
    return Spoiling(folder, f"{name} with other bytes", lambda files: _bytes(files, name, bytes(changed)))


def _inserted(folder: str, name: str, data: bytes, chance: random.Random) -> Spoiling:
    at = chance.randint(0, min(len(data), 4096))
    more = chance.choice((b"\0", b"\xff\xfe", b"{", b"}", b'"', b"\n\n", b"[" * 100_000, os.urandom(8)))
    spoiled = data[:at] + more + data[at:]
    return Spoiling(folder, f"{name} with {more[:4]!r} at {at}", lambda files: _bytes(files, name, spoiled))


def _bytes(files: Files, name: str, data: bytes) -> None:
    files[name] = data
    _sealed(files, name)


def _sealed(files: Files, name: str) -> None:
    """Where the record itself can still be read, its hashes are those of the files."""
    if name != RECORD:
        resealed(files)


def answered(forger: Forger, spoiling: Spoiling) -> str | None:
    """What a verification of a spoiled run ended in, if in anything but an answer: a traceback, or that it hung."""
    with forger.changed(spoiling.folder, spoiling.spoil):
        return asked(lambda: forger.seen(spoiling.folder))


def asked(question: Callable[[], object], seconds: float = SLOWEST) -> str | None:
    """What a question ended in, if in anything but an answer or an error with its place."""
    try:
        with at_most(seconds):
            question()
    except FrameworkError:
        return "verify ended: " + traceback.format_exc().strip().splitlines()[-1][:300]
    except Hang as hang:
        return f"hang: {hang}"
    except Exception:
        found = traceback.extract_tb(sys.exc_info()[2])[-1]
        last = traceback.format_exc().strip().splitlines()[-1]
        return f"{Path(found.filename).name}:{found.lineno}: {last[:200]}"
    return None


def no_files(path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Things that are no regular files, made in the place of one that was removed."""
    yield "a pipe", lambda: os.mkfifo(path)
    yield "a device", lambda: path.symlink_to("/dev/zero")
    yield "a folder", path.mkdir
    yield "a link to nowhere", lambda: path.symlink_to(path.with_name("nowhere"))
    yield "a link to itself", lambda: path.symlink_to(path)
