"""Where the value at a path of the manifest is stated: in its section, or in the profile that sets it."""

from __future__ import annotations

from framework.locations import Location
from framework.manifest.profiles import Overlay
from framework.names import Path, format_path
from framework.reading.nodes import AnyNode, Document, MappingNode, SequenceNode


def place_in(document: Document, path: Path, key: bool = False) -> Location:
    for length in range(len(path), 0, -1):
        found = document.walk(path[:length])
        if found is not None:
            node: AnyNode = found[0] if key and found[0] is not None and length == len(path) else found[1]
            if isinstance(node, (MappingNode, SequenceNode)) and found[0] is not None:
                node = found[0]
            return document.location(node, path)
    return Location(document.file, 1, 1, format_path(path) or None)


def origin_of(
    path: Path, document: Document, changed: Overlay | None, profile: str | None, key: bool = False
) -> Location:
    """Where the value at a path comes from: the profile's entry, if one set it."""
    found = changed.origin(path) if changed else None
    if found is None or profile is None:
        return place_in(document, path, key)
    entry, rest = found
    return place_in(document, ("profiles", profile, "set", entry, *rest), key)
