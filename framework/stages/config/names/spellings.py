"""Other spellings of the names of variants: in another case, or with other separators.

A name that could be a word of the language (`base`, `low-rank`) is looked for only where the text speaks of a
variant (`--variant Base`, `variant: low_rank`): an identifier must write `low_rank`, and a flag `--low-rank`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Kind = Literal["shell", "python", "make"]

_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ-+. ", "abcdefghijklmnopqrstuvwxyz____")
_FOLD_BYTES = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-+. ", b"abcdefghijklmnopqrstuvwxyz____")
_TOKEN = r"[A-Za-z0-9]+(?:[-_+]+[A-Za-z0-9]+)*"
_WORDS = re.compile(rf"(?<![\w$@{{-])({_TOKEN})(?![\w-]*=(?!=)|\w)")
_NAME = re.compile(_TOKEN)
_ASKED = re.compile(rf"(?i:(?<![a-z])variants?)\b[\"']?\s*(?:=|:|\s)\s*[\"']?({_TOKEN})(?![\w])")
_QUOTED = re.compile(r"""(?<!["'])(["'])([^"'\\\s]+)\1(?!["'])""")


class Found(NamedTuple):
    """A misspelled name, at a place in the text."""

    written: str
    name: str
    start: int


class Spellings:
    """The names of the variants, and how to find others that only look like them."""

    def __init__(self, names: Iterable[str]):
        self.names = set(names)
        self._all = {name.translate(_FOLD): name for name in sorted(self.names)}
        self._telling = {folded: name for folded, name in self._all.items() if _is_telling(name)}
        self._probes = [(folded.encode(), name.encode()) for folded, name in self._telling.items()]
        self._ordinary = len(self._telling) < len(self._all)

    def __bool__(self) -> bool:
        return bool(self._all)

    def _other(self, written: str, asked: bool) -> str | None:
        """The variant that is meant by another spelling; None for its own spelling and for any other word."""
        if written in self.names:
            return None
        return (self._all if asked else self._telling).get(written.translate(_FOLD))

    def suspects(self, data: bytes) -> bool:
        """Whether it is worth looking closer: a telling name in another spelling than its own, or, where a name is an
        ordinary word, the word `variant`. Fast, and never a false no."""
        flat = data.translate(_FOLD_BYTES)
        if self._ordinary and b"variant" in flat:
            return True
        return any(probe in flat and flat.count(probe) > data.count(own) for probe, own in self._probes)

    def in_value(self, text: str, asked: bool) -> Iterator[tuple[str, str]]:
        """Misspelled names in a config's key or value: the whole of it, or a part of a path."""
        if asked and (name := self._other(text.strip(), True)):
            yield text.strip(), name
            return
        if any(character.isspace() for character in text):
            return
        for match in _WORDS.finditer(text):
            if name := self._other(match[1], False):
                yield match[1], name

    def in_name(self, file: str) -> Iterator[tuple[str, str]]:
        """Misspelled names in a file's name, which may also join them to other words with dots."""
        for match in _NAME.finditer(file):
            if name := self._other(match[0], False):
                yield match[0], name

    def in_script(self, text: str, kind: Kind) -> Iterator[Found]:
        """Misspelled names in a script: as arguments, quoted strings and parts of paths; not in comments, and not as
        identifiers."""
        starts = set()
        for match in _ASKED.finditer(text) if self._ordinary else ():
            if name := self._other(match[1], True):
                starts.add(match.start(1))
                yield Found(match[1], name, match.start(1))
        for start, part in self._parts(text, kind):
            for match in _WORDS.finditer(part):
                place = start + match.start(1)
                if place not in starts and (name := self._other(match[1], False)):
                    yield Found(match[1], name, place)

    def _parts(self, text: str, kind: Kind) -> Iterator[tuple[int, str]]:
        if kind == "python":
            yield from ((match.start(2), match[2]) for match in _QUOTED.finditer(text))
        else:
            yield 0, text


def _is_telling(name: str) -> bool:
    """Whether a name is no ordinary word: it has a separator, and a capital, a digit or a `+` beside it."""
    return bool(re.search(r"[-_+]", name)) and bool(re.search(r"[A-Z0-9+]", name))
