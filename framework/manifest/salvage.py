"""What is left of a manifest without the parts that its sections refuse: so that names that name nothing are told in
the same answer as the values that cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from framework.manifest.references import Dangling, dangling
from framework.manifest.refusals import raw_path
from framework.manifest.sections.root import Manifest
from framework.names import Path

_MOST_ROUNDS = 8
_QUOTED = re.compile(r"'([^']+)'")
_PART = re.compile(r"[^.\[\]]+")
_HEAD: dict[str, Any] = {"version": 1, "paper": {"title": "-"}}
"""What every manifest needs, and nothing else in it names."""


def also_dangling(data: dict[str, Any], failure: ValidationError) -> Iterator[Dangling]:
    """The names that name nothing in a manifest that was refused, as far as that can be told without what was refused.

    ``data`` is the raw manifest. What is said of a name that only the refused parts could have is left out.
    """
    salvaged = _Salvaged(data)
    for _ in range(_MOST_ROUNDS):
        if not salvaged.without(failure):
            return
        try:
            manifest = Manifest.model_validate(salvaged.data)
        except ValidationError as again:
            failure = again
            continue
        for path, message, advice in dangling(manifest, salvaged.data):
            if not salvaged.may_have(message):
                yield salvaged.stated(path), message, advice
        return


class _Salvaged:
    """A copy of the data that loses what is refused."""

    def __init__(self, data: dict[str, Any]):
        self.data = deepcopy(data) | _HEAD
        self.dropped: set[str] = set()
        """The keys that are gone, and those below them: names that others may rightly use."""
        self._places = {key: list(range(len(value))) for key, value in data.items() if isinstance(value, list)}

    def without(self, failure: ValidationError) -> bool:
        """Drop what an error is about each; whether anything was there to drop."""
        errors = failure.errors(include_url=False)
        paths = {raw_path(error["loc"], self.data) for error in errors}
        known = [path for path in sorted(paths, key=_last_first) if path and path[0] not in _HEAD]
        for path in known:
            self._drop(path)
        return len(known) > 0 or any(path and path[0] in _HEAD for path in paths)

    def _drop(self, path: Path) -> None:
        held: list[Any] = [self.data]
        for part in path[:-1]:
            within = held[-1]
            if not (part in within if isinstance(within, dict) else isinstance(part, int) and part < len(within)):
                return  # gone with something above it
            held.append(within[part])
        within, last = held[-1], path[-1]
        if isinstance(within, dict):
            self._note({last: within.pop(last, None)})
        elif len(path) == 2 and isinstance(last, int) and last < len(within):
            self._note(within.pop(last))
            self._places[str(path[0])].pop(last)
        else:  # an item of a list within a section means little without the others
            self._drop(path[:-1])

    def _note(self, value: Any) -> None:
        if isinstance(value, dict):
            self.dropped |= {str(key) for key in value}
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self._note(inner)

    def may_have(self, message: str) -> bool:
        """Whether the name that is said to be unknown, or a part of the path, is in what was dropped; of a grid, there
        are its variants."""
        named = {part for quoted in _QUOTED.findall(message) for part in (quoted, *_PART.findall(quoted))}
        return not named.isdisjoint(self.dropped) or any(f"'{name}/" in message for name in self.dropped)

    def stated(self, path: Path) -> Path:
        """The path in the manifest as it stands."""
        if len(path) > 1 and isinstance(path[1], int) and path[0] in self._places:
            return (path[0], self._places[str(path[0])][path[1]], *path[2:])
        return path


def _last_first(path: Path) -> tuple[Any, ...]:
    """An order in which the items of a list come from its end: the places of the others stay what they are."""
    return tuple(-part if isinstance(part, int) else 0 for part in path)
