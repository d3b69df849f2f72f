"""How two statements, or two runs, differ in meaning: `2e-4` and `0.0002` do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.conformance.finding import plain
from framework.conformance.meaning import same
from framework.evidence.record import RunRecord
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.loading import experiment_of, load, under
from framework.names import format_path
from framework.reading.revisions import text_at
from framework.reading.yaml.parsing import parse_yaml

ABSENT = "not stated"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: its path, and what each side has."""

    path: str
    one: Any
    other: Any

    def as_dict(self) -> dict[str, Any]:
        return {"path": self.path, "one": plain(self.one), "other": plain(self.other)}


def between_manifests(one: Experiment, other: Experiment) -> Iterator[Difference]:
    """The clauses that differ in meaning, in the order of the first manifest and then of the second."""
    theirs = {clause.path: clause for clause in other.clauses}
    for clause in one.clauses:
        match = theirs.pop(clause.path, None)
        if match is None:
            yield Difference(clause.id, clause.effective, ABSENT)
        elif not _same(clause, match):
            yield Difference(clause.id, clause.effective, match.effective)
    for clause in theirs.values():
        yield Difference(clause.id, ABSENT, clause.effective)


def _same(one: Clause, other: Clause) -> bool:
    return same(plain(one.effective), plain(other.effective))


def between_runs(one: RunRecord, other: RunRecord) -> Iterator[Difference]:
    """What was asked, what was observed, with what, on what data, and what came out."""
    for section in ("identity", "observed", "data", "parameters", "adapter", "sparsity", "environment", "metrics"):
        yield from nested_differences((section,), getattr(one, section), getattr(other, section))


def nested_differences(path: tuple[str, ...], one: Any, other: Any) -> Iterator[Difference]:
    """The leaves of nested data that differ in meaning, by their paths."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from nested_differences((*path, key), one.get(key, ABSENT), other.get(key, ABSENT))
    elif not same(one, other):
        yield Difference(format_path(path), one, other)


def statement(name: str, manifest: Path, profile: str | None) -> Experiment:
    """A manifest by its path, or the project's own at a git revision.

    Raises:
        UsageError: there is neither a file nor a revision of that name.
        InputError: it is not a valid manifest.
    """
    path = Path(name)
    if path.exists():
        return load(path, profile)
    document = parse_yaml(text_at(manifest, name), f"{name}:{manifest.name}", "manifest")
    experiment = experiment_of(manifest, document)
    return experiment if profile is None else under(experiment, profile)
