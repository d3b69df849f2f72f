"""A prepared store: arrays of fixed-width integers in a folder, with an index that says what they must be.

A store is written to a temporary folder, flushed and renamed, under a lock that the system releases when a process
ends: of several processes that want it one makes it and the others wait. Who opens it holds its files to the digests of
the index; a store that is torn or was edited is made anew. In which state the files were found whole is remembered, so
that nobody has to read them again for that.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from framework.errors import FrameworkError
from framework.evidence.atomic import of_partial, partial_of, whole_folder
from framework.evidence.remembering.file_state import state_of
from framework.evidence.remembering.kept_facts import recalled, remember, sum_of
from runners.data.store.data_folder import data_folder

if TYPE_CHECKING:  # a plan asks which stores are there, and reads none
    import numpy as np

FORMAT = 1
INDEX = "index.json"
VIEWS = "views"
_CHECKED = "checked.json"
_PATIENCE = 0.1


class Store:
    """An opened store. ``facts`` are what its maker said of it."""

    def __init__(self, folder: Path, index: dict[str, Any]):
        self.folder, self.facts = folder, index["facts"]
        self._arrays: dict[str, dict[str, Any]] = index["arrays"]

    def array(self, name: str) -> np.ndarray:
        """One of its arrays, [entries], memory-mapped and read-only."""
        import numpy as np

        stated = self._arrays[name]
        if stated["bytes"] == 0:
            return np.empty(0, stated["dtype"])
        return np.asarray(np.memmap(self.folder / f"{name}.bin", stated["dtype"], mode="r"))

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return sum(stated["bytes"] for stated in self._arrays.values())

    def remembered(self, view: str, work_out: Callable[[], str]) -> str:
        """What ``work_out`` gives for a view of the store, worked out once."""
        path = self.folder / VIEWS / f"{hashlib.sha256(view.encode()).hexdigest()[:32]}.json"
        if (known := recalled(path)) is not None and known.get("view") == view:
            return str(known["value"])
        value = work_out()
        remember(path, {"view": view, "value": value})
        return value


class ArrayFile:
    """An array that is written entry by entry, and digested on the way."""

    def __init__(self, path: Path, dtype: str):
        import numpy as np

        self._stream: BinaryIO = path.open("wb", buffering=1 << 20)
        self._digest, self.dtype, self.entries = hashlib.sha256(), np.dtype(dtype).newbyteorder("<"), 0

    def add(self, values: Any) -> None:
        """Append numbers, which must fit into the type."""
        import numpy as np

        found = np.asarray(values)
        if found.size == 0:
            return
        limits = np.iinfo(self.dtype)
        if found.min() < limits.min or found.max() > limits.max:
            raise FrameworkError(
                f"{found.max()} does not fit into {self.dtype}: the tokenizer has more tokens than said"
            )
        data = np.ascontiguousarray(found, dtype=self.dtype).data.cast("B")
        self._digest.update(data)
        self._stream.write(data)
        self.entries += found.size

    def close(self) -> dict[str, Any]:
        self._stream.close()
        size = self.entries * self.dtype.itemsize
        return {"dtype": self.dtype.str, "bytes": size, "sha256": self._digest.hexdigest()}


class Making:
    """A store that is being written."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._open: dict[str, ArrayFile] = {}

    def array(self, name: str, dtype: str) -> ArrayFile:
        self._open[name] = ArrayFile(self.folder / f"{name}.bin", dtype)
        return self._open[name]

    def close(self, facts: dict[str, Any]) -> None:
        index = {"format": FORMAT, "facts": facts, "arrays": {name: each.close() for name, each in self._open.items()}}
        (self.folder / INDEX).write_text(json.dumps({**index, "sum": sum_of(index)}, indent=1), "utf-8")


def key_of(identity: dict[str, Any]) -> str:
    """The name of the store of a content, read in one way."""
    return sum_of({"format": FORMAT, **identity})[:40]


def found(key: str) -> Store | None:
    """The store of that name, where it is whole."""
    folder = data_folder() / key
    index = recalled(folder / INDEX)
    if index is None or index.get("format") != FORMAT or not _whole(folder, index["arrays"]):
        return None
    return Store(folder, index)


def is_there(key: str) -> bool:
    """Whether the store of that name lies there with all its bytes; :func:`found` holds them to their digests too."""
    folder = data_folder() / key
    index = recalled(folder / INDEX)
    return index is not None and index.get("format") == FORMAT and _sized(folder, index["arrays"]) is not None


def _sized(folder: Path, arrays: dict[str, dict[str, Any]]) -> dict[str, list[int]] | None:
    """The states of an index's files; None where one is not there, or not of its size."""
    try:
        states = {name: state_of(folder / f"{name}.bin") for name in arrays}
    except OSError:
        return None
    return None if any(states[name][0] != stated["bytes"] for name, stated in arrays.items()) else states


def _whole(folder: Path, arrays: dict[str, dict[str, Any]]) -> bool:
    """Whether the files are those of the index. Their digests are worked out unless they are known in this state."""
    states = _sized(folder, arrays)
    if states is None:
        return False
    sums = {name: stated["sha256"] for name, stated in arrays.items()}
    seen = {"states": states, "sums": sums}
    if recalled(folder / _CHECKED) == seen:
        return True
    for name, digest in sums.items():
        try:
            with (folder / f"{name}.bin").open("rb") as stream:
                same = hashlib.file_digest(stream, "sha256").hexdigest() == digest
        except OSError:  # not readable, or a bad block: made anew like one that was edited
            return False
        if not same:
            return False
    remember(folder / _CHECKED, seen)
    return True


def made(
    key: str,
    write: Callable[[Making], dict[str, Any]],
    files: Sequence[Path] = (),
    enough: Callable[[Store], bool] = lambda _: True,
    wait: Callable[[], None] = lambda: None,
) -> Store:
    """The store of that name: as it is, or written now.

    Args:
        write: Writes the arrays, and gives the facts of the index.
        files: What is read for it: if one of them changes meanwhile, nothing is kept.
        enough: Whether a store that is there is as long as is needed now.
        wait: Called once where another process makes it at this moment.

    Raises:
        FrameworkError: there is no room, or a file was changed while it was read.
    """
    store = found(key)
    if store is not None and enough(store):
        return store
    with _room(key), _alone(key, wait):
        store = found(key)
        if store is not None and enough(store):
            return store
        before = [state_of(path) for path in files]
        with whole_folder(data_folder() / key) as folder:
            making = Making(folder)
            facts = write(making)
            making.close({**facts, "made": round(time.time())})
            for path, state in zip(files, before, strict=True):
                if state_of(path) != state:
                    raise FrameworkError(f"{path} was changed while it was read: nothing of it was kept; start again")
    store = found(key)
    assert store is not None, f"{key} was written and is not whole"
    return store


@contextmanager
def _room(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        place = data_folder()
        if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise FrameworkError(
                f"no room for prepared data in {place}: {problem.strerror}; nothing of it was left there. "
                "Make room (`framework data list` and `remove`), or let FRAMEWORK_CACHE_DIR name another disk"
            ) from problem
        if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise FrameworkError(
                f"prepared data cannot be written to {place}: {problem.strerror}; "
                "let FRAMEWORK_CACHE_DIR name a folder that can be written to"
            ) from problem
        raise


@contextmanager
def _alone(key: str, wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a store; where the file system has no locks, whoever renames last has made it."""
    path = data_folder() / "locks" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:  # another user's
        handle = os.open(path, os.O_RDONLY)
    try:
        told = False
        while not _locked(handle):
            if not told:
                wait()
                told = True
            time.sleep(_PATIENCE)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as problem:
        if problem.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EBADF):
            raise
    return True


def keys() -> list[str]:
    """The names of all that is prepared, whole or not, also of what a writer left that was killed."""
    place = data_folder()
    folders = [each for each in place.iterdir() if each.is_dir()] if place.is_dir() else []
    known = {each.name for each in folders if not each.name.startswith(".") and (each / INDEX).is_file()}
    return sorted(known | {key for each in folders if (key := of_partial(each)) and not _busy(key)})


def _busy(key: str) -> bool:
    """Whether a process is writing a store at this moment."""
    with suppress(OSError), (data_folder() / "locks" / key).open("rb") as stream:
        return not _locked(stream.fileno())
    return False


def stores() -> list[Store]:
    """All whole stores, the newest first."""
    opened = [store for key in keys() if (store := found(key)) is not None]
    return sorted(opened, key=lambda store: -store.facts["made"])


def size_of(key: str) -> int:
    """Bytes of a store's files, and of what a killed writer left of it."""
    folder = data_folder() / key
    places = (folder, partial_of(folder))
    return sum(path.stat().st_size for place in places for path in place.rglob("*") if path.is_file())


def removed(key: str) -> int:
    """Remove a store, and how many bytes that gives back; who has it open keeps it until it ends."""
    folder = data_folder() / key
    with _alone(key, lambda: None):
        size = size_of(key)
        for place in (folder, partial_of(folder)):
            if place.exists():
                shutil.rmtree(place)
    return size
