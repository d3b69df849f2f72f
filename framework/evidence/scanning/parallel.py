"""Files read on all cores: one thread reads and hashes a chunk while another looks at the chunk before it.

At most :data:`CHUNK` bytes of a file are read at a time, into one of :data:`SPARE` more buffers than there are threads;
so memory does not grow with the files. Of the files that are open, the one with the most left is read first, so that
all end together; a file's bytes are read and hashed in their order, and looked at in any.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable

from framework.errors import InputError
from framework.evidence.scanning.chunks import Chunk
from framework.evidence.scanning.file_scan import FileScan

CHUNK = 4 << 20
SPARE = 2
MOST_THREADS = 8
_SMALL = 1 << 20
"""Files up to this size are read by one thread alone: to hand them around would cost more than to read them."""


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def scan(scans: Iterable[FileScan], threads: int | None = None, chunk: int = CHUNK) -> None:
    """Read all of these files, each byte once, and tell each what was seen.

    Args:
        threads: How many work at once, this one included; by default one for each core, at most
            :data:`MOST_THREADS`.
        chunk: The most bytes that are read at a time.
    """
    by_size = sorted(scans, key=lambda each: each.size, reverse=True)
    large = [each for each in by_size if each.size > _SMALL]
    threads = threads or min(cores(), MOST_THREADS)
    for group, count in ((large, threads), (by_size[len(large) :], 1)):
        if group:
            _Crew(group, count, chunk).work()


class _Crew:
    def __init__(self, scans: list[FileScan], threads: int, chunk: int):
        self._waiting, self._idle = deque(scans), list[FileScan]()
        self._busy = 0
        self._looks = deque[tuple[FileScan, Chunk, memoryview, bytearray]]()
        self._threads, self._chunk = threads, chunk
        self._room = min(max(each.size for each in scans), chunk) + 8
        self._buffers = [bytearray(self._room) for _ in range(threads + SPARE)]
        self._held: dict[int, int] = {}
        self._turn = threading.Condition()
        self._failure: BaseException | None = None

    def work(self) -> None:
        others = [threading.Thread(target=self._work, daemon=True) for _ in range(self._threads - 1)]
        for thread in others:
            thread.start()
        self._work()
        for thread in others:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            while True:
                with self._turn:
                    while (task := self._task()) is None:
                        if self._failure is not None or self._finished:
                            self._turn.notify_all()
                            return
                        self._turn.wait()
                if isinstance(task, FileScan):
                    self._read(task)
                else:
                    self._look(*task)
        except BaseException as failure:
            with self._turn:
                self._failure = self._failure or failure
                self._turn.notify_all()

    @property
    def _finished(self) -> bool:
        return not (self._waiting or self._idle or self._busy or self._looks)

    def _task(self) -> FileScan | tuple[FileScan, Chunk, memoryview, bytearray] | None:
        """What to do next: look at what is read, so that its buffer is free again; or read on."""
        if self._failure is not None:
            return None
        if self._looks:
            return self._looks.popleft()
        if not self._buffers:
            return None
        if self._waiting and len(self._idle) + self._busy < self._threads + SPARE:
            self._idle.append(self._waiting.popleft())
        if not self._idle:
            return None
        found = max(self._idle, key=lambda each: each.left)
        self._idle.remove(found)
        self._busy += 1
        return found

    def _read(self, scan: FileScan) -> None:
        with self._turn:
            buffer = self._buffers.pop() if self._buffers else bytearray(self._room)
        failure, chunk = None, None
        try:
            chunk = scan.next_chunk(self._chunk)
            if chunk is not None:
                data = scan.read(chunk, buffer)
                if chunk.parts:
                    with self._turn:
                        scan.looks += 1
                        self._held[id(buffer)] = 2
                        self._looks.append((scan, chunk, data, buffer))
                        self._turn.notify()
                scan.hash(data)
        except InputError as problem:
            failure, chunk = problem, None
        with self._turn:
            self._busy -= 1
            self._free(buffer)
            if chunk is not None:
                self._idle.append(scan)
            elif failure is not None:
                scan.end(failure)
            else:
                scan.read_all = True
                if not scan.looks:
                    scan.end()
            self._turn.notify_all()

    def _look(self, scan: FileScan, chunk: Chunk, data: memoryview, buffer: bytearray) -> None:
        if not scan.ended:
            scan.look(chunk, data)
        with self._turn:
            scan.looks -= 1
            self._free(buffer)
            if scan.read_all and not scan.looks:
                scan.end()
            self._turn.notify_all()

    def _free(self, buffer: bytearray) -> None:
        left = self._held.get(id(buffer), 1) - 1
        if left:
            self._held[id(buffer)] = left
        else:
            self._held.pop(id(buffer), None)
            self._buffers.append(buffer)
