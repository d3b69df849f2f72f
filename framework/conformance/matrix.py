"""The conformance matrix: what was found of each clause at each stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from framework.conformance.finding import Finding
from framework.conformance.stage import UNDER_PROFILE, Stage, applies
from framework.conformance.verdict import Status, Verdict
from framework.manifest.clauses import Clause
from framework.names import Path

_PLACE = re.compile(r":\d+(?::\d+)?$")
_ORDER = [Status.VIOLATED, Status.UNVERIFIED, Status.WAIVED, Status.CONFORMS]


def worst(statuses: Iterable[Status]) -> Status | None:
    """The status that a group of verdicts has together."""
    return min(statuses, key=_ORDER.index, default=None)


class HasPlaces(Protocol):
    """A file that tells where in it a value stands."""

    file: str
    """Its name, as messages show it."""

    def look(self, path: Path) -> object:
        """What becomes `file:line:column` when somebody asks for its `str`."""


def file_of(verdict: Verdict) -> str:
    """The file that a look was into; empty where it was into none."""
    if verdict.finding is not None and verdict.finding.location is not None:
        return verdict.finding.location.file
    return "" if verdict.evidence is None else _PLACE.sub("", str(verdict.evidence))


Keys = tuple[tuple[str, str, Path], ...]
"""Clause, reason, and the place in the file, of each of some verdicts."""


class Conforming(NamedTuple):
    """Verdicts that differ only in where they looked, kept as one: these clauses conform in all these files."""

    stage: Stage
    keys: Keys
    files: list[HasPlaces]

    def verdicts(self, only: str | None = None) -> Iterator[Verdict]:
        """All of them, or those of one clause."""
        keys = [key for key in self.keys if only in (None, key[0])]
        for file in self.files if keys else ():
            for clause, reason, path in keys:
                yield Verdict(clause, self.stage, Status.CONFORMS, reason, file.look(path))


@dataclass(slots=True, eq=False, repr=False)
class Matrix:
    """The conformance matrix."""

    clauses: tuple[Clause, ...]
    _cells: dict[tuple[str, Stage], list[Verdict]] = field(default_factory=dict)
    _conforming: list[Conforming] = field(default_factory=list)
    _passed: set[tuple[str, Stage]] = field(default_factory=set)

    def add(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            self._cells.setdefault((verdict.clause, verdict.stage), []).append(verdict)

    def add_conforming(self, conforming: Iterable[Conforming]) -> None:
        for each in conforming:
            self._conforming.append(each)
            self._passed.update((clause, each.stage) for clause, _, _ in each.keys)

    def revise(self, stage: Stage, revised: Callable[[Verdict], Verdict]) -> None:
        """Put another verdict in the place of each violated one of a stage, or the same."""
        for (_, at), cell in self._cells.items():
            if at is stage:
                cell[:] = [revised(each) if each.status is Status.VIOLATED else each for each in cell]

    def merge(self, other: Matrix) -> None:
        """Add all that another matrix holds."""
        for cell in other._cells.values():
            self.add(cell)
        self.add_conforming(other._conforming)

    def copy(self) -> Matrix:
        """Another matrix with the same verdicts, to add to."""
        fresh = Matrix(self.clauses)
        fresh.merge(self)
        return fresh

    @property
    def verdicts(self) -> list[Verdict]:
        """All verdicts, by clause and stage as they were first looked at."""
        shared = (verdict for each in self._conforming for verdict in each.verdicts())
        return [*(verdict for cell in self._cells.values() for verdict in cell), *shared]

    def looks(self, clause: Clause, stage: Stage) -> list[Verdict]:
        """All verdicts of a cell."""
        own = self._cells.get((clause.id, stage), [])
        if (clause.id, stage) not in self._passed:
            return own
        shared = (verdict for each in self._conforming if each.stage is stage for verdict in each.verdicts(clause.id))
        return [*own, *shared]

    def seen(self, clause: Clause, stage: Stage) -> Status | None:
        """The worst of a cell's verdicts, None without any."""
        statuses = {verdict.status for verdict in self._cells.get((clause.id, stage), ())}
        if (clause.id, stage) in self._passed:
            statuses.add(Status.CONFORMS)
        return worst(statuses)

    def looked_at(self, stage: Stage) -> bool:
        """Whether anything at all was held at a stage."""
        looks = (verdict for (_, at), cell in self._cells.items() if at is stage for verdict in cell)
        return any(at is stage for _, at in self._passed) or any(v.status is not Status.UNVERIFIED for v in looks)

    def status(self, clause: Clause, stage: Stage) -> Status | None:
        """The worst of a cell's verdicts, `unverified` without any, None where the stage does not apply."""
        seen = self.seen(clause, stage)
        if seen is not None:
            return seen
        if not applies(clause, stage):
            return None
        removed = clause.deviation is not None and clause.deviation.value is None
        return Status.WAIVED if removed and stage in UNDER_PROFILE else Status.UNVERIFIED

    def findings(self) -> Iterator[Finding]:
        """The findings of violated verdicts, each once."""
        seen: dict[tuple[Any, ...], list[Finding]] = {}
        for cell in self._cells.values():
            for verdict in cell:
                finding = verdict.finding
                if verdict.status is not Status.VIOLATED or finding is None:
                    continue
                alike = seen.setdefault((finding.rule.code, finding.location, finding.message), [])
                if finding not in alike:
                    alike.append(finding)
                    yield finding

    def unsettled(self, of_one_run: Callable[[str, Iterable[str]], bool] | None = None) -> Iterator[Finding]:
        """What rules have to say of clauses that nothing settles where they look: of each file and clause, the first.

        A clause is settled in a file that some other look settles it in, and where ``of_one_run`` says that such a
        file and this one configure one run; without that, where any look settles it.
        """
        for cell, looks in self._cells.items():
            open_ones = [look for look in looks if look.status is Status.UNVERIFIED and look.finding is not None]
            if not open_ones:
                continue
            settled = self._settled_in(*cell, looks)
            if settled and of_one_run is None:
                continue
            told: set[str] = set()
            for look in open_ones:
                file = file_of(look)
                if file not in told and file not in settled and not (of_one_run and of_one_run(file, settled)):
                    told.add(file)
                    assert look.finding is not None
                    yield look.finding

    def _settled_in(self, clause: str, stage: Stage, looks: Iterable[Verdict]) -> set[str]:
        """The files in which a look settles a clause."""
        settled = {file_of(look) for look in looks if look.status is not Status.UNVERIFIED}
        if (clause, stage) in self._passed:
            for each in self._conforming:
                if each.stage is stage and any(key[0] == clause for key in each.keys):
                    settled.update(file.file for file in each.files)
        return settled

    def by_file(self, clause: Clause, stage: Stage) -> dict[str, Status]:
        """The worst that was found of a clause in each file that was looked into, by name."""
        found: dict[str, set[Status]] = {}
        for look in self._cells.get((clause.id, stage), ()):
            if file := file_of(look):
                found.setdefault(file, set()).add(look.status)
        if (clause.id, stage) in self._passed:
            for each in self._conforming:
                if each.stage is stage and any(key[0] == clause.id for key in each.keys):
                    for file_ in each.files:
                        found.setdefault(file_.file, set()).add(Status.CONFORMS)
        return {file: worst(found[file]) or Status.UNVERIFIED for file in sorted(found)}

    def count(self, stage: Stage) -> dict[Status, int]:
        """How many clauses have each status at a stage."""
        counts = dict.fromkeys(Status, 0)
        for clause in self.clauses:
            status = self.status(clause, stage)
            if status is not None:
                counts[status] += 1
        return counts
