"""What a profile makes of the manifest: the data with its deviations, and the clauses that deviate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.errors import InputError, Problem
from framework.manifest.clauses import Clause, Deviation, leaves_of, meaning_at
from framework.manifest.profiles import Overlay, overlay
from framework.manifest.sections.root import CLAUSE_SECTIONS, Manifest
from framework.manifest.stated_places import origin_of, place_in
from framework.names import Path, format_path
from framework.reading.nodes import Document


def overlaid(data: dict[str, Any], document: Document, stated: Manifest, profile: str) -> Overlay:
    settings = stated.profiles[profile].set
    try:
        return overlay(data, settings)
    except ValueError as together:
        problems = []
        for entry in settings:
            try:
                overlay(data, {entry: settings[entry]})
            except ValueError as problem:
                place = place_in(document, ("profiles", profile, "set", entry), key=True)
                problems.append(Problem(f"profile {profile}: {problem}", place))
        # Each by itself may be in order, and one take away what the next one sets.
        whole = Problem(f"profile {profile}: {together}", place_in(document, ("profiles", profile, "set")))
        raise InputError(problems or [whole]) from None


def deviating(
    clauses: tuple[Clause, ...],
    stated: Manifest,
    manifest: Manifest,
    changed: Overlay,
    document: Document,
    profile: str,
) -> Iterator[Clause]:
    """The clauses under a profile: those that it changes say so, and those that only it states come last."""
    reason = stated.profiles[profile].reason
    for clause in clauses:
        try:
            value = meaning_at(manifest, clause.path)
        except LookupError:
            value = None
        if value == clause.value:
            yield clause
            continue
        origin = origin_of(clause.path, document, changed, profile)
        yield clause._replace(deviation=Deviation(profile, reason, value, origin))
    known = {clause.path for clause in clauses}
    for prefix, _ in changed.origins:
        if prefix[0] not in CLAUSE_SECTIONS or not _holds(changed.data, prefix):
            continue
        for path in leaves_of(_value(changed.data, prefix), prefix):
            if path not in known and not _covered(path, known):
                known.add(path)
                where = origin_of(path, document, changed, profile)
                deviation = Deviation(profile, reason, meaning_at(manifest, path), where)
                yield Clause(format_path(path), path, None, where, deviation, added=True)


def _covered(path: Path, known: set[Path]) -> bool:
    """Whether a clause stands above the path: a value that became a mapping is that clause's deviation."""
    return any(path[:length] in known for length in range(1, len(path)))


def _value(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _holds(data: Any, path: Path) -> bool:
    try:
        _value(data, path)
    except LookupError:
        return False
    return True
