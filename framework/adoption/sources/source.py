"""What is read off a finished run of another program. What it does not say is not there, and stays unverified."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from framework.evidence.logs.log import Log, Reading


@dataclass(slots=True)
class Left:
    """One finished run, as what is left of it tells.

    ``files`` are what was read, in order; ``settings`` what the program wrote of its own settings, in the words of
    ``dialect`` (those that most programs use where it is None). ``metrics`` are the final ones by their plain names,
    ``raw`` all final figures as the program calls them. ``observed`` and ``environment`` are facts by the names of a
    run record. ``model`` is the folder with its checkpoint in safetensors. ``names`` are what the run is called and
    tagged with beside its settings. ``notes`` tell what was not taken.
    """

    files: list[Path] = field(default_factory=list)
    log: Log | None = None
    settings: Mapping[str, Any] | None = None
    dialect: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    raw: dict[str, float] = field(default_factory=dict)
    observed: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    model: Path | None = None
    names: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    no_evidence: str = ""
    """Why it is none of a finished training, where the program says so."""
    is_row: bool = False
    """Whether it is a row of a table: what other columns say is no program's settings."""

    @property
    def seed(self) -> int | None:
        """The seed, where the program wrote it at the top of its settings."""
        found = (self.settings or {}).get("seed")
        return found if type(found) is int else None


class LeftOut(NamedTuple):
    """Runs that are no evidence: how many, and why."""

    why: str


@dataclass(slots=True)
class Stored:
    """One of the runs that a file holds. ``part`` is how the file calls it. ``kept`` is all that was read of it, as
    JSON data: it stands for the run, since the file changes with every other run that is put into it."""

    part: str
    kept: dict[str, Any]
    left: Left

    @property
    def text(self) -> bytes:
        """The data as it is kept and hashed: the same for the same content."""
        return json.dumps(self.kept, sort_keys=True, ensure_ascii=False).encode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True, slots=True)
class Source:
    """One program: whether it left a folder (or file), and what it left there.

    ``read`` raises :class:`framework.errors.InputError` for a file that is damaged. It reads only, and executes
    nothing.
    """

    name: str
    matches: Callable[[Path], bool]
    read: Callable[[Path, Reading], Left]
    first_step: Callable[[Path], int] = lambda path: 1
    """The number that the program gives the first optimizer step."""


@dataclass(frozen=True, slots=True)
class Store:
    """One program that keeps many runs in one file: whether a file is one of its own, and the runs in it.

    ``runs`` raises :class:`framework.errors.InputError` for a file that is damaged. It reads only, and locks nothing.
    """

    name: str
    matches: Callable[[Path], bool]
    runs: Callable[[Path, Reading], Iterator[Stored | LeftOut]]
