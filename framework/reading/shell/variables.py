"""What a shell script's variables hold where that is certain: straight-line assignments, and nothing from outside."""

from __future__ import annotations

from dataclasses import replace

from framework.errors import InputError
from framework.locations import Location
from framework.reading.shell.elements import element, numbers
from framework.reading.shell.fields import MOST_TURNS, Chunk, Field, Value, counted, keyed, split
from framework.reading.shell.files.heredocs import word_of
from framework.reading.shell.files.sourced import Home
from framework.reading.shell.tokens import Piece, Word

MOST_CHUNKS = 200_000
"""Pieces that a script's variables may expand to, all together."""
LONGEST = 100_000
"""Characters of a value, after which it is not followed."""


class Variables:
    """The variables in the order of the script."""

    def __init__(self, text: str, shown: str) -> None:
        self.text, self.shown = text, shown
        self.home: Home | None = None
        """The script that is read, where that is one that the script takes in."""
        self.budget = MOST_CHUNKS
        self.known: dict[str, Value] = {}
        self.spoiled: dict[str, str] = {}
        """Names that are assigned where it is not certain that, or how often, it happens; and where."""
        self.lasting: set[str] = set()
        """Names that functions set, which may be called at any time."""
        self.sourced = ""
        """The last command that took in another script, which may set anything."""

    def assign(self, name: str, word: Word, append: bool) -> Field | None:
        """Take an assignment; the field that it gives, or None for an array."""
        if word.array is not None:
            self.known[name] = self._array(word.array, self.known.get(name) if append else None)
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

    def _array(self, elements: list[Word], earlier: Value | None) -> Value:
        by_key = [found for word in elements if (found := keyed(word)) is not None]
        if by_key and len(by_key) == len(elements) and earlier is None:
            return Value([self._joined(word) for _, word in by_key], True, tuple(key for key, _ in by_key))
        fields = [item for word in elements for item in self.expand(word)]
        if by_key or (earlier is not None and (earlier.keys is not None or not earlier.array)):
            unknown = Field(elements[0].start, elements[-1].stop) if elements else Field(0, 0)
            unknown.unknown = "its elements are set one by one"
            return Value([unknown], True)
        return Value([*(earlier.fields if earlier else ()), *fields], True)

    def loop(self, name: str, words: list[Word], whole: bool) -> None:
        """Take the head of a loop: the one value that it gives its variable, or all of them. ``whole`` is whether the
        loop runs to its end."""
        fields = [item for word in words for item in (counted(word) or self.expand(word))]
        self.spoiled.pop(name, None)
        if len(fields) == 1 and not fields[0].unknown:
            self.known[name] = Value(fields)
            return
        given = Field(words[0].start, words[-1].stop) if words else Field(0, 0)
        given.unknown = "a loop gives it its values"
        if fields and whole and not any(item.unknown for item in fields) and len(fields) <= MOST_TURNS:
            given.each = tuple(item.text for item in fields)
        self.known[name] = Value([given])

    def hold(self, name: str, word: Word) -> None:
        """Take what `read -d ''` puts into a variable: all of a text."""
        self.known[name] = Value([self._joined(word)])
        if name not in self.lasting:
            self.spoiled.pop(name, None)

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
                current.chunks.append(Chunk(piece.text, piece.inner, piece.start, piece.stop, home=self.home))
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
            parts = value.fields if whole else [part for item in value.fields for part in split(item)]
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

    def certain(self, name: str) -> Value | None:
        """What a variable holds, where that is certain."""
        return None if name in self.spoiled else self.known.get(name)

    def _outside(self, name: str) -> str:
        return f"{name} comes from outside" + (f", or from {self.sourced}" if self.sourced else "")

    def _of(self, piece: Piece) -> Value:
        name = piece.text
        if piece.heredoc is not None:
            return Value([self._joined(word_of(self.text, self.shown, piece.heredoc))])
        if piece.kind == "unknown":
            return Value([self._worked_out(piece)])
        known = self.known.get(name)
        reason = self.spoiled.get(name)
        if known is not None and reason is None:
            if piece.index is not None or (known.array and not piece.every):
                return Value([element(piece, known, self.certain)])
            if piece.default is None or any(item.text or item.each for item in known.fields):
                return known
        default = None
        if piece.default is not None:
            expanded = self._joined(Word(piece.start, piece.stop, piece.default))
            default = None if expanded.unknown else expanded.text
        return Value([Field(piece.start, piece.stop, unknown=reason or self._outside(name), default=default)])

    def _worked_out(self, piece: Piece) -> Field:
        """Arithmetic and substitutions."""
        found = numbers(piece.text, self.certain)
        start, stop = piece.start, piece.stop
        if len(found) == 1:
            return Field(start, stop, [Chunk(found[0], start, start, stop, computed=True, home=self.home)])
        if found:
            return Field(start, stop, unknown="a loop gives it its values", each=tuple(found))
        said = "a substitution"
        if piece.text.startswith("${"):
            said = "the shell works it out of what the variable holds"
        elif piece.text and not piece.text.startswith(("$(", "`")):
            said = self._outside(piece.text)
        return Field(piece.start, piece.stop, unknown=said)
