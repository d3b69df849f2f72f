"""Take finished runs of other programs in: each becomes a run folder with a record, which says that it is adopted.

What the source says is recorded; nothing of this machine is. The source is only read, and what was read of it is kept
beside the record. Taking the same in twice changes nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from framework.adoption.adopted_runs import identity_of, key_of, sources_of
from framework.adoption.found_paths import found
from framework.adoption.placing import Place, Placing
from framework.adoption.sources import result_table
from framework.adoption.sources.registry import names, source_of
from framework.adoption.sources.source import Left
from framework.adoption.written_run import write_run
from framework.errors import InputError, Problem, UsageError
from framework.evidence.logs.log import Reading
from framework.evidence.record import ADOPTED, RunRecord, sha256_of
from framework.evidence.store import RunStore
from framework.locations import Location
from framework.manifest.experiment import Experiment
from framework.manifest.sections.adopted import Adopted
from framework.manifest.sections.base import dumped
from framework.names import did_you_mean
from framework.planning.build import build

Status = Literal["adopted", "unchanged", "changed"]


class Outcome(NamedTuple):
    """One run that was taken in: from where, as which step's, and whether it was before."""

    source: str
    label: str
    folder: str
    status: Status
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def adopt(experiment: Experiment, asked: Adopted | None = None) -> tuple[list[Outcome], list[Problem]]:
    """Take in what the manifest states, or what is asked for; and what could not be, which leaves the rest.

    Raises:
        UsageError: a format that is not known.
    """
    sources = experiment.manifest.adopted if asked is None else [asked]
    for each in sources:
        if each.format is not None and each.format not in (known := names()):
            raise UsageError(f"unknown format {each.format!r}: {did_you_mean(each.format, known)}")
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    taking = _Taking(experiment)
    for index, adopted in enumerate(sources):
        where = experiment.location(("adopted", index, "path")) if asked is None else None
        for outcome in taking.take(adopted, where):
            if isinstance(outcome, Outcome):
                outcomes.append(outcome)
            else:
                problems.append(outcome)
    return outcomes, problems


class _Origin(NamedTuple):
    """What one run is taken from: a path, or a row of a table."""

    kind: str
    where: Location
    is_row: bool = False


class _Taking:
    def __init__(self, experiment: Experiment):
        self.root = experiment.root
        self.placing = Placing(build(experiment), list(experiment.manifest.variants))
        self.store = RunStore(experiment.runs, listed=True)
        self.taken: dict[str, str] = {}

    def take(self, adopted: Adopted, where: Location | None) -> Iterator[Outcome | Problem]:
        paths = list(found(adopted, self.root))
        if not paths:
            message = f"{adopted.path!r} matches nothing below {self.root}"
            yield Problem(message, where, "say where the runs lie")
        for path, ways in paths:
            try:
                yield from self._at(adopted, path, ways, where)
            except InputError as failure:
                yield from failure.problems
            except OSError as problem:
                message = f"cannot be read: {problem.strerror or problem}"
                yield Problem(message, Location(str(problem.filename or path), 1, 1))

    def _at(
        self, adopted: Adopted, path: Path, ways: list[dict[str, str]], where: Location | None
    ) -> Iterator[Outcome | Problem]:
        if adopted.format == result_table.NAME or (adopted.format is None and adopted.columns):
            for row in result_table.rows(path, adopted):
                if isinstance(row, Problem):
                    yield row
                else:
                    named = [{**way, **row.words} for way in ways]
                    yield self._one(adopted, named, row.left, _Origin(result_table.NAME, row.where, is_row=True))
            return
        source = source_of(path, adopted.format)
        if source is None:
            table = path.suffix in result_table.SUFFIXES
            advice = "say `format: table` for a table of results" if table else "name the folder with its log"
            yield Problem(f"{path}: no program is known that leaves this", where, advice)
            return
        left = source.read(path, Reading(dict(adopted.names), adopted.steps_from))
        yield self._one(adopted, ways, left, _Origin(source.name, Location(str(path), 1, 1)))

    def _one(self, adopted: Adopted, ways: Sequence[dict[str, str]], left: Left, origin: _Origin) -> Outcome | Problem:
        placed = [self.placing.place(adopted, way, left.seed) for way in ways]
        place = next((each for each in placed if isinstance(each, Place)), None)
        if place is None:
            return Problem(str(placed[0]), origin.where)
        identity = identity_of(place.step, place.variants)
        key = key_of(identity)
        named = self._below(Path(origin.where.file)) + (f":{origin.where.line}" if origin.is_row else "")
        if key in self.taken:
            message = f"{place.step.label} is adopted from {self.taken[key]}, and from this too"
            return Problem(message, origin.where, "let the pattern leave one of them out")
        self.taken[key] = named
        facts = {
            "format": origin.kind,
            "from": named,
            "sources": [
                {"file": self._below(file), "sha256": sha256_of(file), "bytes": file.stat().st_size}
                for file in left.files
            ],
            "reading": dumped(adopted),
        }
        before = self.store.find(key)
        if before is not None and before.record.observed.get(ADOPTED) == facts:
            return Outcome(named, place.step.label, before.folder.name, "unchanged", notes=tuple(left.notes))
        step = replace(place.step, variants=place.variants, key=key)
        record = RunRecord(
            key=key,
            folder=f"{ADOPTED}.{step.folder}",
            step=step.name,
            variants=list(step.variants),
            model=step.model_name,
            task=step.task,
            seed=step.seed,
            profile=step.profile,
            identity=identity,
            status="done",
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            observed={ADOPTED: facts},
        )
        write_run(self.store.root / record.folder, record, left, adopted, step, origin.where)
        if before is not None and before.folder.name != record.folder:
            shutil.rmtree(before.folder)  # its step has another number now
        changed = () if before is None else _changed(before.record, facts["sources"])
        status: Status = "adopted" if before is None else "changed"
        return Outcome(named, step.label, record.folder, status, changed, tuple(left.notes))

    def _below(self, path: Path) -> str:
        return os.path.relpath(path, self.root)


def _changed(record: RunRecord, sources: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The sources that are not what the record was made from."""
    before = {each.get("file"): each.get("sha256") for each in sources_of(record)}
    now = {each["file"]: each["sha256"] for each in sources}
    return tuple(sorted(name for name in {*before, *now} if before.get(name) != now.get(name)))
