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
from framework.adoption.naming import is_meant, spelled, words_of
from framework.adoption.placing import Place, Placing
from framework.adoption.sources import result_table
from framework.adoption.sources.registry import names, source_of
from framework.adoption.sources.result_table import Row
from framework.adoption.sources.source import Left, LeftOut, Source, Store, Stored
from framework.adoption.written_run import write_run
from framework.errors import InputError, Problem, UsageError
from framework.evidence.logs.log import Reading
from framework.evidence.logs.trainer_settings import as_recorded
from framework.evidence.record import ADOPTED, RunRecord, sha256_of
from framework.evidence.store import RunStore
from framework.locations import Location
from framework.manifest.experiment import Experiment
from framework.manifest.sections.adopted import Adopted
from framework.manifest.sections.base import dumped
from framework.names import did_you_mean
from framework.planning.build import build

_MOST_NAMES = 8
"""Of what a run says of itself, in an advice."""
Status = Literal["adopted", "unchanged", "changed", "left out"]


class Outcome(NamedTuple):
    """One run that was taken in: from where, as which step's, and whether it was before. Of what was left out the
    label says how many runs there are, and why."""

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
    """What one run is taken from: a path, and which of the runs in a file it is."""

    kind: str
    where: Location
    part: str = ""
    stored: Stored | None = None


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
        source = None if adopted.format == result_table.NAME else source_of(path, adopted.format)
        is_table = path.is_file() and path.suffix.lower() in result_table.SUFFIXES
        stated = bool(adopted.columns) or adopted.across is not None
        rows = adopted.format is None and stated and is_table and not isinstance(source, Store)
        if adopted.format != result_table.NAME and source is None and not rows:
            advice = "say `format: table` for a table of results" if is_table else "name the folder with its log"
            beside = path.is_file() and not is_table and not (self.root / adopted.path).exists()
            if beside:  # what a pattern matches that lies among the runs
                yield Outcome(self._below(path), "no program is known that leaves this", "", "left out")
            else:
                yield Problem(f"{path}: no program is known that leaves this", where, advice)
            return
        others, known = 0, set[str]()
        for run in self._rows(adopted, path) if rows or source is None else self._runs(source, adopted, path):
            if isinstance(run, Problem):
                yield run
            elif isinstance(run, LeftOut):
                yield Outcome(self._below(path), run.why, "", "left out")
            elif not is_meant(adopted, run[1].names):
                others, known = others + 1, known | set(run[1].names)
            else:
                yield self._one(adopted, ways, *run)
                known |= set(adopted.only)
        if others and (unknown := next((name for name in adopted.only if name not in known), None)) is not None:
            yield Problem(f"{path}: no run says {unknown!r}, which `only` names", where, did_you_mean(unknown, known))
        elif others:
            yield Outcome(self._below(path), f"{_several(others)}: `only` means others", "", "left out")

    def _rows(self, adopted: Adopted, path: Path) -> Iterator[tuple[_Origin, Left] | Problem | LeftOut]:
        known = () if adopted.across is None else self.placing.words(adopted.across)
        lines = set[int]()
        for row in result_table.rows(path, adopted, known):
            if isinstance(row, Row):
                line, column = row.where.line, row.where.column
                part = f"{line}:{column}" if adopted.across is not None or line in lines else str(line)
                lines.add(line)  # of JSON in one line, several rows begin there
                yield _Origin(result_table.NAME, row.where, part), row.left
            else:
                yield row

    @staticmethod
    def _runs(source: Source | Store, adopted: Adopted, path: Path) -> Iterator[tuple[_Origin, Left] | LeftOut]:
        counted = source.first_step(path) if isinstance(source, Source) else 1
        first = counted if adopted.steps_from is None else adopted.steps_from
        reading = Reading(dict(adopted.names), first, inherit=adopted.inherit)
        where = Location(str(path), 1, 1)
        if isinstance(source, Source):
            left = source.read(path, reading)
            left.names = {**as_recorded(left.settings or {}), **left.names}
            if left.no_evidence:
                yield LeftOut(left.no_evidence)
            else:
                yield _Origin(source.name, where), left
            return
        for stored in source.runs(path, reading):
            if isinstance(stored, LeftOut):
                yield stored
            else:
                yield _Origin(source.name, where, stored.part, stored), stored.left

    def _one(self, adopted: Adopted, ways: Sequence[dict[str, str]], origin: _Origin, left: Left) -> Outcome | Problem:
        named = self._below(Path(origin.where.file)) + (f":{origin.part}" if origin.part else "")
        try:
            words = words_of(adopted, left.names, usual=bool(origin.part))
        except LookupError as problem:
            advice = "`only` says which runs are meant, where others lie there too"
            return Problem(f"{_called(named, left)}: {problem.args[0]}", origin.where, advice)
        own = {} if origin.part else self.placing.known_words(adopted, left.names)
        placed = [
            self.placing.place(adopted, {**more, **words, **way}, left.seed)
            for more in ([{}, own] if own else [{}])
            for way in ways
        ]
        place = next((each for each in placed if isinstance(each, Place)), None)
        if place is None:
            message = f"{_called(origin.part, left)}: {placed[0]}" if origin.stored else str(placed[0])
            unsaid = self.placing.unsaid(adopted, {**own, **words, **ways[0]})
            return Problem(message, origin.where, _how_to_tell(left, unsaid))
        step = place.step.of(place.variants)
        identity = identity_of(step, place.variants, place.position)
        key = key_of(identity)
        if key in self.taken:
            message = f"{step.label} is adopted from {self.taken[key]}, and from this too"
            return Problem(message, origin.where, "let the pattern leave one of them out")
        self.taken[key] = named
        facts: dict[str, Any] = {
            "format": origin.kind,
            "from": named,
            "sources": self._sources(left, origin.stored),
            "reading": {name: value for name, value in dumped(adopted).items() if value not in (None, False, {})},
        }
        before = self.store.find(key)
        if before is not None and before.record.observed.get(ADOPTED) == facts:
            return Outcome(named, step.label, before.folder.name, "unchanged", notes=tuple(left.notes))
        step = replace(step, key=key)
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
        write_run(self.store.root / record.folder, record, left, adopted, step, origin.where, origin.stored)
        if before is not None and before.folder.name != record.folder:
            shutil.rmtree(before.folder)  # its step has another number now
        changed = () if before is None else _changed(before.record, facts["sources"])
        status: Status = "adopted" if before is None else "changed"
        return Outcome(named, step.label, record.folder, status, changed, tuple(left.notes))

    def _sources(self, left: Left, stored: Stored | None) -> list[dict[str, Any]]:
        """What was read, each with its hash: of a file that holds many runs, what it holds of this one."""
        if stored is not None:
            facts = {"part": stored.part, "sha256": stored.sha256, "bytes": len(stored.text)}
            return [{"file": self._below(file), **facts} for file in left.files]
        return [
            {"file": self._below(file), "sha256": sha256_of(file), "bytes": file.stat().st_size} for file in left.files
        ]

    def _below(self, path: Path) -> str:
        return os.path.relpath(path, self.root)


def _changed(record: RunRecord, sources: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The sources that are not what the record was made from."""
    before = {each.get("file"): each.get("sha256") for each in sources_of(record)}
    now = {each["file"]: each["sha256"] for each in sources}
    return tuple(sorted(name for name in {*before, *now} if before.get(name) != now.get(name)))


def _called(what: str, left: Left) -> str:
    """A run as its program calls it, with its name."""
    name = left.names.get("run")
    return what if name is None else f"{what} ({name})"


def _how_to_tell(left: Left, parts: Sequence[str]) -> str:
    """What to state where a run's step is not clear: ``parts`` are what tells the planned ones apart."""
    names = [name for name, value in left.names.items() if isinstance(value, str | int) and spelled(value)]
    if not names or not parts:
        return "`captures` translates what names say"
    shown = f"{', '.join(sorted(map(str, names))[:_MOST_NAMES])}{', ...' if len(names) > _MOST_NAMES else ''}"
    return (
        f"`columns: {{{parts[0]}: NAME}}` takes it from what the run says of itself ({shown}), `{{{parts[0]}}}` in the "
        "path from its name; `captures` translates either"
    )


def _several(count: int) -> str:
    return f"{count} {'run' if count == 1 else 'runs'}"
