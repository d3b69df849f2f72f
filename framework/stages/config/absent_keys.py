"""Where in a file a key would stand that it does not have."""

from __future__ import annotations

from framework.locations import Location
from framework.names import Path, parse_path
from framework.stages.config.bound import BoundFile
from framework.stages.config.companions import inner_path
from framework.stages.config.key_products import keys_in


def section_of(bound: BoundFile, key: str) -> Location:
    """Where a key would stand: at the nearest section above it that the file has."""
    try:
        parts = parse_path(next((part for part in keys_in(key) if bound.find(part) is None), key))
    except ValueError:  # a key that no path spells, such as a header with spaces
        parts = (key,)
    return nearest_section(bound, parts[:-1])


def home_of(bound: BoundFile, clause: Path, key: str | None = None) -> Location:
    """Where a key would stand that states a clause: in the section that the key itself names, else beside the keys that
    state what stands beside the clause in the manifest."""
    if key is not None:
        try:
            above = parse_path(key)[:-1]
        except ValueError:
            above = ()
        if above and bound.document.walk(above) is not None:
            return nearest_section(bound, above)
    return nearest_section(bound, _among_neighbours(bound, clause))


def _among_neighbours(bound: BoundFile, clause: Path) -> Path:
    """The section of keys that state what stands beside the clause in the manifest, or beside what holds it; else the
    one that holds keys about different things."""
    stated = [
        (_inner(target.clause.path)[:-1], place[0][:-1])
        for key, target in bound.targets.items()
        if (place := bound.find(key)) is not None
    ]
    wanted = _inner(clause)
    for length in range(len(wanted) - 1, 1, -1):
        found = next((section for above, section in stated if above == wanted[:length]), None)
        if found is not None:
            return found
    if len({above for above, _ in stated}) < 2:
        return ()
    first = stated[0][1]
    return first[: min(_shared(first, section) for _, section in stated)]


def _shared(one: Path, two: Path) -> int:
    """How many parts two paths begin with together."""
    return next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _inner(path: Path) -> Path:
    """A clause by its phase and what it is there, wherever it is stated."""
    found = inner_path(path)
    return path if found is None else ("phases", found[0], *found[1])


def nearest_section(bound: BoundFile, path: Path) -> Location:
    """The section at a path, or the nearest one above it that the file has."""
    root = bound.document.root
    if root is None:
        return Location(bound.file, 1, 1)
    for length in range(len(path), 0, -1):
        found = bound.document.walk(path[:length])
        if found is not None:
            return bound.document.location(found[0] or found[1], path[:length])
    return bound.document.location(root)
