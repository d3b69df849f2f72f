"""Take finished runs of other programs in: each becomes a run folder with a record, which says that it is adopted.

What the source says is recorded; nothing of this machine is. The source is only read, and what was read of it is kept
beside the record. Taking the same in twice changes nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from framework.adoption.adopted_runs import identity_of, key_of, sources_of
from framework.adoption.found_paths import found
from framework.adoption.placing import Place, Placing
from framework.adoption.sources import result_table
from framework.adoption.sources.registry import source_of
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


def adopt(experiment: Experiment, sources: Sequence[Adopted]) -> tuple[list[Outcome], list[Problem]]:
    """Take in what the sources name; and what could not be, which leaves the rest.

    Raises:
        UsageError: a format that is not known.
    """
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    taking = _Taking(experiment)
    for index, adopted in enumerate(sources):
        stated = adopted in experiment.stated.adopted
        where = experiment.location(("adopted", index, "path") if stated else ("adopted",))
        for each in taking.take(adopted, where):
            outcomes.append(each) if isinstance(each, Outcome) else problems.append(each)
    return outcomes, problems


class _Taking:
    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.placing = Placing(build(experiment), list(experiment.manifest.variants))
        self.store = RunStore(experiment.runs)
        self.taken: dict[str, str] = {}

    def take(self, adopted: Adopted, where: Location) -> Iterator[Outcome | Problem]:
        try:
            for path, ways in found(adopted, self.experiment.root, where):
                try:
                    yield from self._one(adopted, path, ways, where)
                except InputError as failure:
                    yield from failure.problems
        except InputError as failure:
            yield from failure.problems

    def _one(
        self, adopted: Adopted, path: Path, ways: list[dict[str, str]], where: Location
    ) -> Iterator[Outcome | Problem]:
        if adopted.format == result_table.NAME or (adopted.format is None and adopted.columns):
            for row in result_table.rows(path, adopted):
                if isinstance(row, Problem):
                    yield row
                    continue
                yield self._taken_in(adopted, [{**way, **row.words} for way in ways], row.left, row.where, True)
            return
        source = source_of(path, adopted.format)
        if source is None:
            advice = (
                "say `format: table` for a table of results" if path.suffix else "name the folder that holds its log"
            )
            yield Problem(f"{path}: no program is known that leaves this", where, advice)
            return
        left = source.read(path, Reading(dict(adopted.names), adopted.steps_from))
        yield self._taken_in(adopted, ways, left, Location(str(path), 1, 1), False, source.name)

    def _taken_in(
        self,
        adopted: Adopted,
        ways: Sequence[dict[str, str]],
        left: Left,
        where: Location,
        is_row: bool,
        kind: str = result_table.NAME,
    ) -> Outcome | Problem:
        placed = [self.placing.place(adopted, way, left.said) for way in ways]
        place = next((each for each in placed if isinstance(each, Place)), None)
        if place is None:
            return Problem(str(placed[0]), where, "")
        identity = identity_of(place.step, place.variants)
        key = key_of(identity)
        named = f"{where.file}:{where.line}" if is_row else where.file
        if key in self.taken:
            message = f"{place.step.label} is adopted from {self.taken[key]}, and from this too"
            return Problem(message, where, "let the pattern leave one of them out")
        self.taken[key] = named
        root = self.experiment.root
        sources = [
            {"file": os.path.relpath(file, root), "sha256": sha256_of(file), "bytes": file.stat().st_size}
            for file in left.files
        ]
        facts = {
            "format": kind,
            "from": os.path.relpath(where.file, root),
            **({"line": where.line} if is_row else {}),
            "sources": sources,
            "reading": dumped(adopted),
            "known": list(place.known),
            "notes": list(left.notes),
        }
        before = self.store.find(key)
        earlier = None if before is None else before.record
        changed = () if earlier is None else _changed(earlier, sources)
        if earlier is not None and not changed and earlier.observed.get(ADOPTED) == _plain(facts):
            assert before is not None
            return Outcome(named, place.step.label, before.folder.name, "unchanged")
        step, variants = place.step, list(place.variants)
        folder = f"{ADOPTED}.{step.folder.rpartition('.')[0]}.{key[:10]}".replace(step.variant, variants[0], 1)
        record = RunRecord(
            key=key,
            folder=folder,
            step=step.name,
            variants=variants,
            model=step.model_name,
            task=step.task,
            seed=step.seed,
            profile=step.profile,
            identity=identity,
            status="done",
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        record.observed = {ADOPTED: facts}
        if before is not None and before.folder.name != folder:
            shutil.rmtree(before.folder)
        write_run(self.store.root / folder, record, left, adopted, step, is_row)
        status: Status = "adopted" if earlier is None else "changed"
        return Outcome(named, step.label, folder, status, changed, tuple(left.notes))


def _changed(record: RunRecord, sources: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The sources that are not what the record was made from."""
    before = {each.get("file"): each.get("sha256") for each in sources_of(record)}
    now = {each["file"]: each["sha256"] for each in sources}
    return tuple(sorted(name for name in {*before, *now} if before.get(name) != now.get(name)))


def _plain(facts: dict[str, Any]) -> Any:
    """Facts as a record holds them after it was written and read."""
    import json

    return json.loads(json.dumps(facts))


def known_format(name: str) -> str:
    """A format's name.

    Raises:
        UsageError: there is none of that name.
    """
    from framework.adoption.sources.registry import names

    if name not in (known := names()):
        raise UsageError(f"unknown format {name!r}: {did_you_mean(name, known)}")
    return name
