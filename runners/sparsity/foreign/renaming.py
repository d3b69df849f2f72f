"""Which tensor a mask of another program belongs to: its name without what that program adds, or a stated one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from framework.errors import InputError, UsageError
from framework.evidence.architectures.renamed import canonical
from framework.locations import Location
from framework.names import did_you_mean
from framework.reading.formats import read
from framework.reading.nodes import MappingNode, ScalarNode
from runners.sparsity.foreign.sources import ForeignMasks

_SUFFIXES = ("_mask", ".mask")
Renames = Mapping[str, tuple[str, Location | None]]
"""The new name for each old one, with the place where it is stated; `*` stands for the same text in both."""


def renames_of(stated: Sequence[str], file: Path | None) -> Renames:
    """What `--rename OLD=NEW` and a file of such a mapping say.

    Raises:
        UsageError: a text is no OLD=NEW.
        InputError: the file is no mapping of names to names.
    """
    found: dict[str, tuple[str, Location | None]] = {}
    for text in stated:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise UsageError(f"--rename {text}: not OLD=NEW")
        found[old] = (new, None)
    if file is not None:
        document = read(file, str(file))
        if not isinstance(document.root, MappingNode):
            raise InputError.at(Location(str(file), 1, 1), "no mapping of names", "`OLD: NEW` on each line")
        for key, value in document.root.items:
            if not isinstance(value, ScalarNode) or not value.text:
                raise InputError.at(document.location(value), f"{key.text} is renamed to no name")
            found[key.text] = (value.text, document.location(key))
    for old, (new, place) in found.items():
        if old.count("*") != new.count("*"):
            raise InputError.at(place, f"{old} and {new} have unequally many `*`")
    return found


def renamed(source: ForeignMasks, renames: Renames) -> dict[str, str]:
    """The name of the tensor that each mask says it is for, by the name in the file.

    Raises:
        InputError: a renaming that no mask has, or two masks for one tensor.
    """
    found: dict[str, str] = {}
    used = set()
    for name in source.masks:
        plain = _plain(name)
        for old, (new, _) in renames.items():
            match = next((m for each in (name, plain) if (m := _pattern(old).fullmatch(each))), None)
            if match:
                texts = iter(match.groups())
                plain = re.sub(r"\*", lambda _, texts=texts: next(texts), new)  # type: ignore[misc]
                used.add(old)
                break
        found[name] = plain
    for old, (_, place) in renames.items():
        if old not in used:
            raise InputError.at(place, f"no mask is called {old!r}: {did_you_mean(old, sorted(found))}")
    firsts: dict[str, str] = {}
    for name, new in found.items():
        if new in firsts:
            raise InputError.at(source.place, f"{firsts[new]} and {name} are both masks of {new}")
        firsts[new] = name
    return found


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(re.escape(part) for part in text.split("*")))


def _plain(name: str) -> str:
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return canonical(name)
