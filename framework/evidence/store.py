"""The folder of runs, found by content key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from framework.errors import InputError, Problem
from framework.evidence.bundles.left_out import is_left_out
from framework.evidence.record import RECORD, REMOVED, RunRecord

_DIGITS = 10
"""How much of its key the name of a run's folder ends with."""


def shown(folder: Path) -> str:
    """A run's folder as the project's folder sees it: below `runs/`, or below another manifest's own folder there."""
    above = folder.parent.name
    return f"runs/{folder.name}" if above == "runs" else f"runs/{above}/{folder.name}"


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder and its record."""

    folder: Path
    record: RunRecord


class RunStore:
    """Runs below one folder.

    ``listed`` looks into the folder once and reads each record once, for whoever asks for many runs and starts none:
    what appears or changes later is not seen.
    """

    def __init__(self, root: Path, listed: bool = False):
        self.root = root
        self._records: dict[Path, RunRecord] = {}
        self._names: dict[str, list[str]] | None = {} if listed else None
        if self._names is not None and root.is_dir():
            for name in sorted(os.listdir(root)):
                self._names.setdefault(name.rpartition(".")[2], []).append(name)

    def folder(self, name: str) -> Path:
        return self.root / name

    def runs(self) -> Iterator[Run]:
        """Every run that has a readable record, by folder name."""
        if not self.root.is_dir():
            return
        for path in sorted(self.root.iterdir()):
            if (path / RECORD).is_file():
                yield Run(path, self.read(path))

    def read(self, folder: Path) -> RunRecord:
        """The record in a folder.

        Raises:
            InputError: it cannot be read.
        """
        if folder not in self._records:
            record = RunRecord.read(folder)
            if self._names is None:
                return record
            self._records[folder] = record
        return self._records[folder]

    def readable(self, pattern: str = "*") -> Iterator[Run]:
        """The same, without those whose record cannot be read, which are no evidence of anything; of folders whose
        names match a pattern."""
        for path in sorted(self.root.glob(f"{pattern}/{RECORD}")):
            try:
                yield Run(path.parent, self.read(path.parent))
            except InputError:
                continue

    def find(self, key: str) -> Run | None:
        """The run with this content key, whatever its folder is called after a renamed variant."""
        for path in self.folders_of(key):
            try:
                record = self.read(path)
            except InputError:
                continue
            if record.key == key:
                return Run(path, record)
        return None

    def unreadable(self, folders: Iterable[Path]) -> Iterator[tuple[Path, Problem]]:
        """Those of some folders whose record is there and cannot be read, and why not."""
        for path in folders:
            try:
                self.read(path)
            except InputError as failure:
                yield path, failure.problems[0]

    def folders_of(self, key: str) -> list[Path]:
        """The folders that are named after a content key and hold a record, or something in its place, by name."""
        digits = key[:_DIGITS]
        if self._names is None:
            found = sorted(self.root.glob(f"*.{digits}"))
        else:
            found = [self.root / name for name in self._names.get(digits, ())]
        return [path for path in found if os.path.lexists(path / RECORD)]

    def finished(self, key: str) -> Run | None:
        """The finished run with this key, whatever became of its files since."""
        run = self.find(key)
        return run if run is not None and run.record.status == "done" else None

    def done(self, key: str) -> Run | None:
        """The finished run with this key that others can start from: its artefacts are there in the sizes that the
        record states, and none was removed after a trial."""
        run = self.finished(key)
        whole = run is not None and REMOVED not in run.record.observed and not any(broken_artefacts(run))
        return run if whole else None


def broken_artefacts(run: Run) -> Iterator[str]:
    """What is to say of each artefact that is missing, or of another size than the record states."""
    folder = str(run.folder)
    for name, facts in run.record.artefacts.items():
        try:
            found = os.stat(f"{folder}{os.sep}{name}")
        except (OSError, ValueError):  # not there, or no name of a file, or a link to itself
            found = None
        if found is None and is_left_out(f"{folder}{os.sep}{name}"):
            continue
        if found is None or not S_ISREG(found.st_mode):
            yield f"{name} is missing"
        elif found.st_size != facts["bytes"]:
            yield f"{name} has {found.st_size:,} bytes, not {facts['bytes']:,}"
