"""Applying a profile: a declared set of deviations put over the raw manifest."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

from framework.names import Path, find_path, parse_path

_OPEN = "settings"
"""The key below which any names may stand."""


class Overlay(NamedTuple):
    """The raw manifest under a profile, and for each path that was set the `set` entry that did it."""

    data: dict[str, Any]
    origins: tuple[tuple[Path, str], ...]

    def origin(self, path: Path) -> tuple[str, Path] | None:
        """The `set` entry that a path comes from, and the rest of the path below it."""
        best: tuple[str, Path] | None = None
        longest = -1
        for prefix, entry in self.origins:
            if path[: len(prefix)] == prefix and len(prefix) > longest:
                best, longest = (entry, path[len(prefix) :]), len(prefix)
        return best


def place_of(data: Any, text: str) -> Path:
    """The path that a `set` entry names: an existing one, or a new key below an existing mapping.

    Raises:
        ValueError: nothing above the last key exists, or the text is not a path.
    """
    found = find_path(data, text)
    if found is not None:
        return found
    parts = parse_path(text)
    if len(parts) == 1:
        return parts
    if _OPEN in parts[:-1]:
        # Facts of the paper's own may be new at any depth: what stands above them must be there.
        cut = parts.index(_OPEN)
        head = _found(data, parts[:cut])
        if head is not None:
            return (*head, *parts[cut:])
    for cut in range(len(text) - 1, 0, -1):
        if text[cut] not in ".[" or (above := find_path(data, text[:cut])) is None:
            continue
        below = parse_path(text[cut:].removeprefix("."))
        if len(below) == 1 and isinstance(_at(data, above), dict) and isinstance(below[0], str):
            return (*above, *below)
        raise ValueError(f"{text!r} is not in the manifest: {text[:cut]!r} has no {below[0]!r}")
    raise ValueError(f"{text!r} is not in the manifest: it has no {parts[0]!r}")


def _found(data: Any, parts: Path) -> Path | None:
    """The path of these parts, if mappings stand there."""
    for part in parts:
        if not isinstance(data, dict) or part not in data:
            return None
        data = data[part]
    return parts if isinstance(data, dict) else None


def overlay(data: dict[str, Any], settings: dict[str, Any]) -> Overlay:
    """Put settings over a copy of ``data``: mappings merge, other values replace, null removes.

    Raises:
        ValueError: a setting names a place that does not exist.
    """
    changed = deepcopy(data)
    origins = []
    for text, value in settings.items():
        path = place_of(changed, text)
        origins.append((path, text))
        if not path:
            raise ValueError("the whole manifest cannot be set")
        parent = _made(changed, path[:-1])
        if value is None and not _has(parent, path[-1]):
            raise ValueError(f"{text!r} is not in the manifest: there is nothing to remove")
        parent[path[-1]] = _merged(parent[path[-1]] if _has(parent, path[-1]) else None, value)
        if value is None:
            del parent[path[-1]]
    return Overlay(changed, tuple(origins))


def _made(data: Any, path: Path) -> Any:
    """What stands at a path; below `settings`, mappings that are not there yet are made."""
    for position, part in enumerate(path):
        if _OPEN in path[: position + 1] and isinstance(data, dict) and not isinstance(data.get(part), dict):
            data[part] = {}
        data = data[part]
    return data


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _has(parent: Any, key: str | int) -> bool:
    return key in parent if isinstance(parent, dict) else isinstance(key, int) and key < len(parent)


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return deepcopy(new)
    result = dict(old)
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
