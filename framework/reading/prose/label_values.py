"""What the value of a label, or a cell of a table, states: one value, a list, and what stands in brackets behind it."""

from __future__ import annotations

import re

from framework.reading.marks import LazyLines, SpanScalar, SpanSequence
from framework.reading.nodes import AnyNode
from framework.reading.prose.inline_marks import Span, inner, label_of, plain, trimmed
from framework.reading.prose.outline import Entry
from framework.reading.prose.written_values import SINGLE, number_in, readable_text

_BEHIND = re.compile(r"\s*[(\[](?=[^()\[\]]*=)|\s*[,;]\s*(?=[^,;=]*=)|\s+(?:with|using)\s+(?=[^,;=]*=)")
_PAIR = re.compile(
    r"\s*(?P<name>[^\W\d][^=,;()\[\]]{0,40}?|\$[^$=]{1,40}\$|\$[^$=]{1,40}?)\s*=(?!=)\s*"
    r"(?P<value>[(\[][^()\[\]]*[)\]]|\$[^$]*\$|[^,;()\[\]$]+?)\s*\$?\s*(?:(?P<end>[,;]|\band\b)|$)"
)
_LIST = re.compile(rf"[(\[]?\s*\$?{SINGLE}\$?(?:\s*[,;]\s*\$?{SINGLE}\$?)+\s*[)\]]?")
_ITEM = re.compile(SINGLE)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_REMARK = re.compile(r"\s+\((?:peak|max|maximum|total|fixed)\)$")
"""What is said behind a number without making it another one."""
MOST_ITEMS = 64


def stated(text: str, span: Span, lines: LazyLines, shown: str | None = None) -> tuple[AnyNode | None, list[Entry]]:
    """The value of a span, and the labelled values within it: `AdamW (β1 = 0.9, β2 = 0.95)`.

    ``shown`` is the span's text without the marks of its language, where that is known better.
    """
    span = trimmed(text, span)
    if span.start >= span.stop:
        return None, []
    source = text[span.start : span.stop]
    if shown is None and len(source) < 400 and "=" in source and (found := _with_pairs(text, span, lines)) is not None:
        return found
    return _value(text, span, lines, shown), []


def _with_pairs(text: str, span: Span, lines: LazyLines) -> tuple[AnyNode | None, list[Entry]] | None:
    behind = _BEHIND.search(text, span.start, span.stop)
    if behind is None or behind.start() == span.start:
        return None
    head = trimmed(text, Span(span.start, behind.start()))
    stop = span.stop
    if behind[0].strip()[:1] in ("(", "["):
        if text[stop - 1] not in ")]":
            return None
        stop -= 1
    entries: list[Entry] = []
    position = behind.end()
    while position < stop:
        match = _PAIR.match(text, position, stop)
        if match is None:
            return None
        name, value = inner(text, Span(*match.span("name"))), trimmed(text, Span(*match.span("value")))
        node = _value(text, value, lines, None)
        entries.append(Entry(label_of(text[name.start : name.stop]).strip("$ "), name.start, name.stop, node))
        position = match.end()
    return (_value(text, head, lines, None), entries) if entries else None


def _value(text: str, span: Span, lines: LazyLines, shown: str | None) -> AnyNode:
    if shown is None and (remark := _REMARK.search(text, span.start, span.stop)) is not None:
        before = inner(text, Span(span.start, remark.start()))
        if is_number(plain(text[before.start : before.stop])):
            span = before
    source = text[span.start : span.stop]
    written = plain(source) if shown is None else shown
    if shown is None and _LIST.fullmatch(source) and not _THOUSANDS.fullmatch(source.strip("([])")):
        items = list(_ITEM.finditer(text, span.start, span.stop))
        if len(items) <= MOST_ITEMS:
            made = SpanSequence(lines, span.start)
            made.stop = span.stop
            made.items = [SpanScalar(lines, each.start(), each.end(), each[0], True) for each in items]
            return made
    return SpanScalar(lines, span.start, span.stop, written, True)


def is_number(text: str) -> bool:
    """Whether a text is a number and nothing else."""
    return number_in(readable_text(text)) is not None
