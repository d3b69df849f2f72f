"""What a word of a script becomes: arguments in chunks, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from framework.reading.shell.files.sourced import Home
from framework.reading.shell.tokens import Word

MOST_TURNS = 1000
"""Turns of a loop, above which its values are not listed."""
_KEYED = re.compile(r"\[([^]\[]+)\]=")
_SPACE = re.compile(r"\s+")
_BRACES = re.compile(r"\{(-?\d{1,9})\.\.(-?\d{1,9})(?:\.\.([1-9]\d{0,8}))?\}")
_SEQ = re.compile(r"(?:\$\(|`)\s*seq\s+(-?\d{1,9})(?:\s+(-?\d{1,9}))?(?:\s+(-?\d{1,9}))?\s*[)`]")


@dataclass(slots=True, frozen=True)
class Chunk:
    """Text that stands in one piece in the script. ``via`` is the place of the variable that it came through."""

    text: str
    at: int
    """Where the text starts."""
    start: int
    stop: int
    """Where it stands with its quotes."""
    via: tuple[int, int] | None = None
    computed: bool = False
    """Whether the script's text there is an expression, and ``text`` what it comes to."""
    home: Home | None = None
    """The script that it stands in, where that is one that the script takes in."""

    def cut(self, begin: int, end: int | None = None) -> Chunk:
        """A part of it."""
        end = len(self.text) if end is None else end
        if (begin == 0 and end == len(self.text)) or self.computed:
            return self if end > begin else replace(self, text="")
        return Chunk(self.text[begin:end], self.at + begin, self.at + begin, self.at + end, self.via, home=self.home)


@dataclass(slots=True)
class Field:
    """One argument as the program gets it, in chunks; ``unknown`` is why its text is not certain."""

    start: int
    stop: int
    chunks: list[Chunk] = field(default_factory=list)
    unknown: str | None = None
    default: str | None = None
    """The text for the case that nothing outside decides: of `${LR:-1e-4}`."""
    each: tuple[str, ...] = ()
    """Its texts where a loop gives it one after the other."""
    bare: bool = False
    """Whether it is nothing but an unquoted variable, which may also be no argument, or several."""

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)


@dataclass(slots=True)
class Value:
    """What a variable holds: one field, or for an array several."""

    fields: list[Field]
    array: bool = False
    keys: tuple[str, ...] | None = None
    """Of an array whose elements are written with their keys (`[a]=1`): the key of each field."""


def keyed(element: Word) -> tuple[str, Word] | None:
    """The key and the rest of `[key]=value`."""
    first = element.pieces[0] if element.pieces else None
    match = _KEYED.match(first.text) if first is not None and first.kind == "text" and not first.quoted else None
    if match is None or first is None:
        return None
    length = match.end()
    rest = replace(first, text=first.text[length:], start=first.start + length, inner=first.inner + length)
    return match[1], Word(rest.start, element.stop, ([rest] if rest.text else []) + element.pieces[1:])


def counted(word: Word) -> list[Field]:
    """What `{1..5}` or `$(seq 1 5)` counts; empty for any other word."""
    if len(word.pieces) != 1 or word.pieces[0].quoted:
        return []
    text = word.pieces[0].text
    if (match := _BRACES.fullmatch(text)) is not None:
        first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
        step = step if last >= first else -step
    elif (match := _SEQ.fullmatch(text)) is not None:
        given = [int(part) for part in match.groups() if part is not None]
        first, last = (given[0] if len(given) > 1 else 1), given[-1]
        step = given[1] if len(given) > 2 else 1
    else:
        return []
    if not step or abs(last - first) // abs(step) > MOST_TURNS:
        return []
    numbers = range(first, last + (1 if step > 0 else -1), step)
    chunks = [Chunk(str(number), word.start, word.start, word.stop, computed=True) for number in numbers]
    return [Field(word.start, word.stop, [chunk]) for chunk in chunks]


def split(item: Field) -> list[Field]:
    """An unquoted expansion is split at its spaces."""
    fields: list[Field] = []
    current: Field | None = None
    for chunk in item.chunks:
        position = 0
        for gap in _SPACE.finditer(chunk.text):
            if gap.start() > position:
                current = current or Field(item.start, item.stop)
                current.chunks.append(chunk.cut(position, gap.start()))
            if current is not None:
                fields.append(current)
                current = None
            position = gap.end()
        if position < len(chunk.text):
            current = current or Field(item.start, item.stop)
            current.chunks.append(chunk.cut(position))
    return [*fields, current] if current is not None else fields
