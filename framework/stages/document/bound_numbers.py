"""The numbers of a document that its author has bound: by a label, cell or macro, by a pattern, by a comment behind
them (`<!-- framework: accuracy(M_sdm, sst2) -->`, `% framework: phases.train.epochs`)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from framework.locations import Location
from framework.manifest.sections.bindings import BoundDocument
from framework.names import Path, exact_path, find_path
from framework.reading.nodes import Document
from framework.reading.prose.number_literals import Literal, literals_in

_ANCHOR = {
    "latex": re.compile(r"(?<!\\)%+[ \t]*framework:[ \t]*(?P<what>[^\n]*)"),
    "markdown": re.compile(r"<!--[ \t]*framework:[ \t]*(?P<what>[^\n]*?)[ \t]*-->"),
}
_FENCE = re.compile(r"^[ \t>]*(?P<mark>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t>]*(?P=mark)|\Z)", re.MULTILINE | re.DOTALL)
_BEFORE = re.compile(r"(?<!\\)[|&]|-->")
"""The beginning of a cell, and the end of another comment."""
_SPREAD = re.compile(r"(?:±|\\pm)[\s{]*\Z")

_RESERVED = re.compile(
    r"(?:[~≈∼≤≥<>]|\\(?:approx|sim|leq?|geq?)|\b(?:about|around|approximately|roughly|nearly|almost|over|under|"
    r"(?:more|less|fewer) than|up to|at least|at most))[\s$*_{]*\Z",
    re.IGNORECASE,
)
_LONGEST_RESERVATION = 40


@dataclass(frozen=True, slots=True)
class BoundNumber:
    """A number, what it is said to be, and where; the place's key is what it was bound by."""

    written: Literal
    text: str
    what: str
    where: Location
    reserved: bool = False
    """Whether it is said to be about that, or a bound."""


@dataclass(slots=True)
class Found:
    """The bound numbers of a document, and what is bound and not there: where, and what is wrong."""

    numbers: list[BoundNumber] = field(default_factory=list)
    gone: list[tuple[Location, str]] = field(default_factory=list)
    unread: list[tuple[Location, str]] = field(default_factory=list)
    """What is there and in no form that is known: where, and what it is."""


def bound_numbers(document: Document, binding: BoundDocument) -> Found:
    """All of them, each once, in the order of the text."""
    found, lines = Found(), _Lines(document)
    for key, what in binding.keys.items():
        _by_key(document, lines, key, what, found)
    for pattern, what in binding.patterns.items():
        matches = list(re.finditer(pattern, document.text, re.MULTILINE))
        for match in matches:
            group = "value" if "value" in match.re.groupindex else _first_unnamed(match)
            meant = _filled(what, match, binding.words)
            _add(document, lines, match.span(group), meant, pattern, found)
        if not matches:
            found.gone.append((Location(document.file, 1, 1), f"the pattern {pattern!r} matches nothing"))
    for span, what in _anchors(document):
        _by_anchor(document, lines, span, what, found)
    found.numbers = list({(each.written.start, each.what): each for each in found.numbers}.values())
    found.numbers.sort(key=lambda each: each.written.start)
    return found


class _Lines:
    """Lines and columns of a text's characters."""

    def __init__(self, document: Document):
        self.file = document.file
        self.starts = [0, *(match.end() for match in re.finditer("\n", document.text))]

    def location(self, start: int, stop: int, key: str | None = None) -> Location:
        line = bisect_right(self.starts, start)
        return Location(self.file, line, start - self.starts[line - 1] + 1, key, max(1, stop - start))


def _by_key(document: Document, lines: _Lines, key: str, what: str, found: Found) -> None:
    root = document.root
    path: Path | None = document.shortcut(key) or exact_path(key)
    if not path or document.node(path) is None:
        path = find_path(document.value(root), key) if root is not None else None
    node = document.node(path) if path else None
    if node is None:
        reason = document.absent.get(key, "")
        found.gone.append((Location(document.file, 1, 1), f"no {key!r}" + (f": {reason}" if reason else "")))
        return
    node = document.origin(node)
    _add(document, lines, (node.start, node.stop), what, key, found)


def _add(document: Document, lines: _Lines, span: tuple[int, int], what: str, key: str, found: Found) -> None:
    """The first number of a span: what stands behind it (`± 0.4`) is another one."""
    if span[0] >= 0 and (written := next(literals_in(document.text, *span, document.format), None)) is not None:
        found.numbers.append(_number(document, lines, written, what, key))
        return
    text = document.text[max(span[0], 0) : max(span[1], 1)]
    where = lines.location(max(span[0], 0), max(span[1], 1))
    if any(map(str.isdigit, text)):
        found.unread.append((where, f"{key!r} is {' '.join(text.split())!r}: no form of a number that is known"))
    else:
        found.gone.append((where, f"{key!r} has no number"))


def _number(document: Document, lines: _Lines, written: Literal, what: str, key: str) -> BoundNumber:
    text = document.text[written.start : written.stop]
    before = document.text[max(0, written.start - _LONGEST_RESERVATION) : written.start]
    # To LaTeX `~` is a space.
    reserved = _RESERVED.search(before.replace("~", " ") if document.format == "latex" else before) is not None
    return BoundNumber(written, text, what, lines.location(written.start, written.stop, key), reserved)


def _anchors(document: Document) -> Iterator[tuple[tuple[int, int], str]]:
    """The comments that bind, outside blocks of code, where they are shown."""
    fences = [] if document.format == "latex" else [match.span() for match in _FENCE.finditer(document.text)]
    for match in _ANCHOR["latex" if document.format == "latex" else "markdown"].finditer(document.text):
        if not any(start <= match.start() < stop for start, stop in fences):
            yield match.span(), match["what"].strip()


def _by_anchor(document: Document, lines: _Lines, span: tuple[int, int], what: str, found: Found) -> None:
    """A comment is about the last number before it in its line or cell; with `;` about as many as it names. What stands
    behind `±` is one only for a comment that names a deviation."""
    names = [each.strip() for each in what.split(";")]
    text, start = document.text, span[0]
    line = text.rfind("\n", 0, start) + 1
    begin = max((match.end() for match in _BEFORE.finditer(text, line, start)), default=line)
    numbers = list(literals_in(text, begin, start, document.format))
    if not any("deviation(" in name for name in names):
        numbers = [each for each in numbers if not _SPREAD.search(text, begin, each.start)]
    if len(numbers) < len(names) or not all(names):
        message = f"no number before the comment {what!r}" if not numbers else f"too few numbers before {what!r}"
        found.gone.append((lines.location(*span), message))
        return
    for written, name in zip(numbers[-len(names) :], names, strict=True):
        found.numbers.append(_number(document, lines, written, name, name))


def _first_unnamed(match: re.Match[str]) -> int:
    named = set(match.re.groupindex.values())
    return next(number for number in range(1, match.re.groups + 1) if number not in named)


def _filled(what: str, match: re.Match[str], words: dict[str, str]) -> str:
    said = {name: " ".join((text or "").split()) for name, text in match.groupdict().items()}
    return re.sub(r"\{(\w+)\}", lambda name: words.get(text := said.get(name[1], name[0]), text), what)
