"""Where in a file a key would stand that it does not have."""

from __future__ import annotations

from framework.locations import Location
from framework.names import Path, parse_path
from framework.stages.config.bound import BoundFile
from framework.stages.config.key_products import keys_in


def section_of(bound: BoundFile, key: str) -> Location:
    """Where a key would stand: at the nearest section above it that the file has."""
    try:
        parts = parse_path(next((part for part in keys_in(key) if bound.find(part) is None), key))
    except ValueError:  # a key that no path spells, such as a header with spaces
        parts = (key,)
    return nearest_section(bound, parts[:-1])


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
