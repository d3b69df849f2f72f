"""What a shell script's variables hold where that is certain: straight-line assignments, and nothing from outside."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from framework.errors import InputError
from framework.locations import Location
from framework.reading.shell.arithmetic import evaluate
from framework.reading.shell.tokens import Piece, Word

MOST_CHUNKS = 200_000
"""Pieces that a script's variables may expand to, all together."""
LONGEST = 100_000
"""Characters of a value, after which it is not followed."""
MOST_TURNS = 1000
"""Turns of a loop, above which its values are not listed."""
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

    def cut(self, begin: int, end: int | None = None) -> Chunk:
        """A part of it."""
        end = len(self.text) if end is None else end
        if (begin == 0 and end == len(self.text)) or self.computed:
            return self if end > begin else replace(self, text="")
        return Chunk(self.text[begin:end], self.at + begin, self.at + begin, self.at + end, self.via)


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


class Variables:
    """The variables in the order of the script."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.budget = MOST_CHUNKS
        self.known: dict[str, Value] = {}
        self.spoiled: dict[str, str] = {}
        """Names that are assigned where it is not certain that, or how often, it happens; and where."""

    def assign(self, name: str, word: Word, append: bool) -> Field | None:
        """Take an assignment; the field that it gives, or None for an array."""
        if word.array is not None:
            fields = [item for element in word.array for item in self.expand(element)]
            earlier = self.known[name].fields if append and name in self.known else []
            self.known[name] = Value([*earlier, *fields], array=True)
            return None
        first = word.pieces[0]
        equals = first.text.index("=") + 1
        rest = replace(first, text=first.text[equals:], start=first.start + equals, inner=first.inner + equals)
        whole = Word(rest.start, word.stop, ([rest] if rest.text else []) + word.pieces[1:])
        given = self._joined(whole)
        if append:
            before = self.known.get(name)
            if before is None or before.array or not before.fields:
                given = Field(given.start, given.stop, unknown=f"{name} is not set before")
            else:
                old = before.fields[0]
                given = Field(given.start, given.stop, old.chunks + given.chunks, old.unknown or given.unknown)
        if len(given.text) > LONGEST or len(given.chunks) > LONGEST:
            given = Field(given.start, given.stop, unknown="its text is very long")
        self.known[name] = Value([given])
        return given

    def loop(self, name: str, words: list[Word], whole: bool) -> None:
        """Take the head of a loop: the one value that it gives its variable, or all of them. ``whole`` is whether the
        loop runs to its end."""
        fields = [item for word in words for item in (_counted(word) or self.expand(word))]
        self.spoiled.pop(name, None)
        if len(fields) == 1 and not fields[0].unknown:
            self.known[name] = Value(fields)
            return
        given = Field(words[0].start, words[-1].stop) if words else Field(0, 0)
        given.unknown = "a loop gives it its values"
        if fields and whole and not any(item.unknown for item in fields) and len(fields) <= MOST_TURNS:
            given.each = tuple(item.text for item in fields)
        self.known[name] = Value([given])

    def assume(self, name: str, piece: Piece) -> Field:
        """Take `${NAME:=200}`: the variable is set from here on, to this where nothing outside set it."""
        value = self._of(piece).fields[0]
        self.known.setdefault(name, Value([value]))
        return value

    def _joined(self, word: Word) -> Field:
        """A word without splitting, as in an assignment."""
        quoted = Word(word.start, word.stop, [replace(piece, quoted=True) for piece in word.pieces])
        fields = self.expand(quoted)
        return fields[0] if fields else Field(word.start, word.stop)

    def expand(self, word: Word) -> list[Field]:
        """The arguments that a word becomes."""
        fields: list[Field] = []
        current: Field | None = None
        for piece in word.pieces:
            if piece.kind == "text":
                current = current or Field(word.start, word.stop)
                current.chunks.append(Chunk(piece.text, piece.inner, piece.start, piece.stop))
                current.each = tuple(text + piece.text for text in current.each)
                continue
            value = self._of(piece)
            place = (piece.start, piece.stop)
            if len(value.fields) == 1 and (value.fields[0].unknown or piece.quoted):
                current = current or Field(word.start, word.stop)
                self._append(current, value.fields[0], place)
                current.bare = not piece.quoted and len(word.pieces) == 1
                continue
            whole = value.array and piece.quoted
            parts = value.fields if whole else [part for item in value.fields for part in _split(item)]
            for index, item in enumerate(parts):
                if index > 0 and current is not None:
                    fields.append(current)
                    current = None
                current = current or Field(word.start, word.stop)
                self._append(current, item, place)
        return [*fields, current] if current is not None else fields

    def _append(self, target: Field, source: Field, place: tuple[int, int]) -> None:
        self.budget -= len(source.chunks) + 1
        if self.budget < 0:
            raise InputError.at(Location(self.shown, 1, 1), "its variables expand beyond all measure")
        if source.each:
            target.each = () if target.unknown else tuple(target.text + text for text in source.each)
        else:
            target.each = () if source.unknown else tuple(text + source.text for text in target.each)
        target.chunks += [replace(chunk, via=place) for chunk in source.chunks]
        if source.unknown and not target.unknown:
            if source.default is not None:
                target.default = target.text + source.default
            target.unknown = source.unknown
        elif source.unknown:
            target.default = None

    def _number(self, name: str) -> str | None:
        """The text of a variable, where it is certain."""
        known = self.known.get(name)
        if known is None or known.array or name in self.spoiled or known.fields[0].unknown:
            return None
        return known.fields[0].text

    def _of(self, piece: Piece) -> Value:
        name = piece.text
        if piece.kind == "unknown":
            if (number := evaluate(name, self._number)) is not None:
                chunk = Chunk(str(number), piece.start, piece.start, piece.stop, computed=True)
                return Value([Field(piece.start, piece.stop, [chunk])])
            substituted = not name or name.startswith(("$(", "`"))
            said = "a substitution" if substituted else f"{name} comes from outside"
            return Value([Field(piece.start, piece.stop, unknown=said)])
        known = self.known.get(name)
        reason = self.spoiled.get(name)
        if known is not None and reason is None:
            if known.array and not piece.every:
                return Value(known.fields[:1])
            if piece.default is None or any(item.text or item.each for item in known.fields):
                return known
        default = None
        if piece.default is not None:
            expanded = self._joined(Word(piece.start, piece.stop, piece.default))
            default = None if expanded.unknown else expanded.text
        return Value([Field(piece.start, piece.stop, unknown=reason or f"{name} comes from outside", default=default)])


def _counted(word: Word) -> list[Field]:
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


def _split(item: Field) -> list[Field]:
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
