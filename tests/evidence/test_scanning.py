"""Files that are read once: each byte one time, the same answer however they are cut, and bounded memory."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.errors import InputError
from framework.evidence.remembering.file_state import FileState
from framework.evidence.remembering.known_files import Seen
from framework.evidence.scanning.carriers import Carrier, Plain
from framework.evidence.scanning.chunks import chunks_of
from framework.evidence.scanning.file_scan import FileScan
from framework.evidence.scanning.parallel import scan
from framework.evidence.scanning.windows import Window
from framework.evidence.tensors import StoredTensor, TensorFile
from tests.support.tensors import save_tensors, stored

REPOSITORY = Path(__file__).resolve().parents[2]


class Copy:
    """Looks at all tensors, and puts together what it was shown."""

    def __init__(self, file: TensorFile, units: dict[str, int]):
        self.units = units
        self.seen = {name: numpy.zeros(file.tensors[name].elements, file.bits(name).dtype) for name in units}
        self.times = {name: numpy.zeros(file.tensors[name].elements, int) for name in units}
        self.turn = threading.Lock()

    def look(self, window: Window) -> None:
        name = window.tensor.name
        assert window.start % self.units[name] == 0
        assert window.stop == window.tensor.elements or len(window.bits) % self.units[name] == 0
        with self.turn:
            self.seen[name][window.start : window.stop] = window.bits
            self.times[name][window.start : window.stop] += 1


def model(folder: Path, name: str = "a", size: int = 97) -> Path:
    source = numpy.random.default_rng(0)
    tensors = {
        "odd": stored(source.integers(0, 255, 3), "U8"),
        "weight": stored(source.standard_normal((size, 12))),
        "empty": stored(numpy.zeros((0, 4))),
        "half": stored(source.standard_normal((8, size)), "BF16"),
        "double": stored(source.standard_normal(size), "F64"),
    }
    return save_tensors(folder / f"{name}.safetensors", tensors)


def carriers(file: TensorFile) -> list[Carrier]:
    return [Plain(file.tensors[name], unit) for name, unit in UNITS.items()]


UNITS = {"odd": 1, "weight": 24, "half": 8, "double": 1}


def told(path: Path, watcher: Copy | None = None, **options: Any) -> Seen:
    found: list[Seen | InputError] = []
    file = TensorFile(path)
    watching = None if watcher is None else (lambda: (carriers(file), FileState.of(file.stat), [watcher]))
    scan([FileScan(path, path.stat().st_size, found.append, watching)], **options)
    (seen,) = found
    if isinstance(seen, InputError):
        raise seen
    return seen


@pytest.mark.parametrize("chunk", [1, 7, 100, 333, 4096, 1 << 20])
@pytest.mark.parametrize("threads", [1, 3])
def test_however_a_file_is_cut_all_of_it_is_seen_once(
    tmp_path: Path, chunk: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.evidence.scanning.parallel._SMALL", 0)
    path = model(tmp_path)
    file = TensorFile(path)
    watcher = Copy(file, UNITS)
    assert told(path, watcher, threads=threads, chunk=chunk).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for name in UNITS:
        assert (watcher.times[name] == 1).all()
        assert (watcher.seen[name] == file.bits(name).ravel()).all()


@pytest.mark.parametrize("chunk", [1, 50, 1 << 20])
def test_each_byte_is_read_once(tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read, real = model(tmp_path), Counter[int](), os.preadv

    def counted(handle: int, buffers: Any, offset: int) -> int:
        got = real(handle, [buffers[0][: max(len(buffers[0]) // 2, 1)]], offset)  # as a system may: less than asked
        read.update(range(offset, offset + got))
        return got

    monkeypatch.setattr(os, "preadv", counted)
    told(path, Copy(TensorFile(path), UNITS), chunk=chunk)
    assert read == Counter(range(path.stat().st_size))


def test_many_files_in_parallel_are_as_in_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.evidence.scanning.parallel._SMALL", 500)
    paths = [model(tmp_path, f"f{number}", 1 + 13 * number) for number in range(12)]
    found: dict[tuple[Path, int], Any] = {}
    watchers: dict[tuple[Path, int], Copy] = {}
    for threads in (1, 4):
        scans = []
        for path in paths:
            file = TensorFile(path)
            watchers[path, threads] = watcher = Copy(file, UNITS)
            scans.append(
                FileScan(
                    path,
                    path.stat().st_size,
                    lambda seen, key=(path, threads): found.update({key: seen}),  # type: ignore[misc]
                    lambda file=file, watcher=watcher: (carriers(file), None, [watcher]),  # type: ignore[misc]
                )
            )
        scan(scans, threads, 256)
    for path in paths:
        assert found[path, 1] == found[path, 4]
        assert found[path, 1].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        for name in UNITS:
            assert (watchers[path, 1].seen[name] == watchers[path, 4].seen[name]).all()
            assert (watchers[path, 4].times[name] == 1).all()


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(path, ns=(1, 1))


def replace(path: Path) -> None:
    other = path.with_suffix(".other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


CHANGES = {
    "changed": (change, "changed while it was read"),
    "replaced": (replace, "changed while it was read"),
    "removed": (lambda path: path.unlink(), "changed while it was read"),
    "truncated": (lambda path: os.truncate(path, 700), "truncated while it was read: it ends at byte 700"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, what: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.evidence.scanning.parallel._SMALL", 0)
    path, real, reads = model(tmp_path), os.preadv, []
    changed, message = CHANGES[what]

    def reading(handle: int, buffers: Any, offset: int) -> int:
        reads.append(offset)
        if len(reads) == 3:
            changed(path)
        return real(handle, buffers, offset)

    monkeypatch.setattr(os, "preadv", reading)
    with pytest.raises(InputError, match=message):
        told(path, threads=threads, chunk=100)


def test_a_file_that_changed_since_its_header_was_read(tmp_path: Path) -> None:
    path = model(tmp_path)
    file = TensorFile(path)
    found: list[Any] = []
    change(path)
    scan([FileScan(path, 1, found.append, lambda: (carriers(file), FileState.of(file.stat), [Copy(file, UNITS)]))])
    assert "changed while it was read" in str(found[0])


def test_one_that_is_gone_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    found: dict[str, Any] = {}
    scan([FileScan(model(tmp_path, name), 1, lambda seen, name=name: found.update({name: seen})) for name in "ab"])  # type: ignore[misc]
    (tmp_path / "a.safetensors").unlink()
    again: dict[str, Any] = {}
    paths = {name: tmp_path / f"{name}.safetensors" for name in "ab"}
    scan([FileScan(paths[name], 1, lambda seen, name=name: again.update({name: seen})) for name in "ab"])  # type: ignore[misc]
    assert "cannot be read: No such file" in str(again["a"])
    assert again["b"] == found["b"]


def test_what_fails_while_somebody_looks_ends_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.evidence.scanning.parallel._SMALL", 0)
    path = model(tmp_path)
    watcher = Copy(TensorFile(path), UNITS)
    monkeypatch.setattr(watcher, "look", lambda window: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        told(path, watcher, threads=3, chunk=100)


def test_tensors_that_share_bytes_are_no_file_to_read() -> None:
    one, other = StoredTensor("a", "U8", (9,), 8, 17), StoredTensor("b", "U8", (9,), 16, 25)
    with pytest.raises(ValueError, match="a and b share bytes"):
        list(chunks_of(30, [Plain(other, 1), Plain(one, 1)], 5))


MEMORY = """
import resource, sys
from pathlib import Path
import numpy
from framework.evidence.scanning.carriers import Plain
from framework.evidence.remembering.file_state import FileState
from framework.evidence.scanning.file_scan import FileScan
from framework.evidence.scanning.parallel import scan
from framework.evidence.scanning.windows import BYTE
from framework.evidence.tensors import TensorFile
from framework.stages.checkpoint.zeros import UnderMasks
class Masks:
    def __init__(self, tensors): self.tensors = tensors
    def packed_between(self, name, start, stop): return numpy.zeros(-(-(stop - start) // 8), "u1")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = Path(sys.argv[1])
file = TensorFile(path)
watcher = UnderMasks(Masks(file.tensors), file.tensors)
carriers = [Plain(file.tensors["weight"], BYTE)]
scan([FileScan(path, path.stat().st_size, print, lambda: (carriers, FileState.of(file.stat), [watcher]))], 2)
assert watcher.counts == {"weight": [file.tensors["weight"].elements, 0, -1, file.tensors["weight"].elements]}
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is the system's own")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = save_tensors(tmp_path / "a.safetensors", {"weight": ("F32", (0,), b"")})
    header = b'{"weight":{"dtype":"F32","shape":[67108864],"data_offsets":[0,268435456]}}'.ljust(80)
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(path, 88 + (256 << 20))  # a file of holes
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 48
