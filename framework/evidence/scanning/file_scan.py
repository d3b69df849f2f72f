"""One file, read once: its SHA-256, and whoever looks at its tensors."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from framework.errors import InputError
from framework.evidence.remembering.file_state import FileState
from framework.evidence.remembering.known_files import Seen
from framework.evidence.scanning.carriers import Carrier
from framework.evidence.scanning.chunks import Chunk, chunks_of
from framework.evidence.scanning.windows import Watcher
from framework.evidence.tensors import kind_of
from framework.locations import Location

Watching = tuple[Sequence[Carrier], FileState | None, Sequence[Watcher]]


class FileScan:
    """A file to be read once.

    Args:
        watching: Makes those who look at its weights, just before it is read; with the stored tensors that carry
            these, and the state that the file had when its header was read (None: as it is found).
        done: Told what was seen, or why it could not be.
    """

    def __init__(
        self,
        path: Path,
        size: int,
        done: Callable[[Seen | InputError], None],
        watching: Callable[[], Watching] | None = None,
    ):
        self.path, self.size, self.left = path, size, size
        self._done, self._watching = done, watching
        self._watchers: Sequence[Watcher] = ()
        self._failed: InputError | None = None
        self._digest = hashlib.sha256()
        self._handle: int | None = None
        self._chunks: Iterator[Chunk] = iter(())
        self.looks = 0
        """How many chunks are still to be looked at."""
        self.read_all = self.ended = False

    def next_chunk(self, most: int) -> Chunk | None:
        """What is to be read next; opens the file.

        Raises:
            InputError: it cannot be opened, or its header is none.
        """
        if self._handle is None:
            self._open(most)
        try:
            return next(self._chunks, None)
        except ValueError as problem:
            raise InputError.at(self._place, f"not a safetensors file: {problem}") from None

    def _open(self, most: int) -> None:
        carriers: Sequence[Carrier] = ()
        state = None
        if self._watching is not None:
            carriers, state, self._watchers = self._watching()
        try:
            self._handle = os.open(self.path, os.O_RDONLY)
            self._state = FileState.of(os.fstat(self._handle))
            self._settled = self._state.settled
        except OSError as problem:
            raise InputError.at(self._place, f"cannot be read: {problem.strerror or problem}") from None
        if state is not None and state != self._state:
            raise self._changed()
        self._aligned = min((each.tensor.start for each in carriers), default=0) % 8
        self.size = self.left = self._state.size
        self._chunks = chunks_of(self._state.size, carriers, most)

    def read(self, chunk: Chunk, buffer: bytearray) -> memoryview:
        """The bytes of a chunk, so placed that the first tensor's elements lie where processors like them.

        Raises:
            InputError: the file is shorter now, or cannot be read.
        """
        assert self._handle is not None
        size, shift = chunk.stop - chunk.start, (chunk.start - self._aligned) % 8
        if len(buffer) < size + 8:
            buffer = bytearray(size + 8)
        view = memoryview(buffer)[shift : shift + size]
        at = 0
        while at < size:
            try:
                got = os.preadv(self._handle, [view[at:]], chunk.start + at)
            except OSError as problem:
                raise InputError.at(self._place, f"cannot be read: {problem.strerror or problem}") from None
            if got == 0:
                raise InputError.at(self._place, f"truncated while it was read: it ends at byte {chunk.start + at}")
            at += got
        self.left -= size
        return view

    def hash(self, data: memoryview) -> None:
        self._digest.update(data)

    def look(self, chunk: Chunk, data: memoryview) -> None:
        """Show the parts of a chunk to whoever wants to see them; what cannot be read of a form ends the reading."""
        import numpy

        try:
            for carrier, first, last, at in chunk.parts:
                kind = kind_of(carrier.tensor.dtype)
                bits = numpy.frombuffer(data, kind, last - first, at - chunk.start)
                for window in carrier.windows(first, bits):
                    for watcher in self._watchers:
                        if window.tensor.name in watcher.units:
                            watcher.look(window)
        except InputError as problem:
            self._failed = self._failed or problem

    def end(self, failure: InputError | None = None) -> None:
        """Tell what was seen; afterwards nothing is open."""
        if self.ended:
            return
        self.ended = True
        failure = failure or self._failed
        if failure is None and not self._stood_still():
            failure = self._changed()
        if self._handle is not None:
            os.close(self._handle)
        self._handle, self._watchers = None, ()
        self._done(failure if failure is not None else Seen(self._state, self._digest.hexdigest(), self._settled))

    def _stood_still(self) -> bool:
        try:
            return FileState.of(os.stat(self.path)) == self._state
        except OSError:
            return False

    def _changed(self) -> InputError:
        return InputError.at(self._place, "changed while it was read", "verify again when nothing writes to it")

    @property
    def _place(self) -> Location:
        return Location(str(self.path), 1, 1)
