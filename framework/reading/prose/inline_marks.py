"""Marks inside a line of prose: emphasis, code, links, and where a label ends and its value begins."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s[^()]*)?\)|\[[^\[\]]*\])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_RAISED = re.compile(r"<sup>([^<>]*)</sup>")
_MATH = re.compile(r"\\\((.*?)\\\)")
_OPEN_TAG = re.compile(r"<[A-Za-z/][^<>]*\Z")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|~<>-])")
_EMPHASIS = (
    re.compile(r"(`+)(.+?)\1"),
    re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"),
    re.compile(r"(?<![\w*])(\*)(?=[^\s*])(.+?)(?<=[^\s*])\1(?![\w*])"),
    re.compile(r"(?<!\w)(_)(?=[^\s_])(.+?)(?<=[^\s_])\1(?!\w)"),
)
_OPENING = ("**", "__", "``", "*", "_", "`", "<b>", "<code>", "<strong>", "<em>", "<i>")
_CLOSING = {"<b>": "</b>", "<code>": "</code>", "<strong>": "</strong>", "<em>": "</em>", "<i>": "</i>"}
_SEPARATOR = re.compile(r":(?=[\s*_`]|$)|(?<![<>=!:+*/-])=(?![=>])|\s[–—→]\s")
_LETTER = re.compile(r"[^\W\d_]")
LONGEST_LABEL, MOST_WORDS = 80, 8
LONGEST_LINE = 2_000
"""Characters above which a line is a text, and no label with a value."""


class Span(NamedTuple):
    """A part of the text."""

    start: int
    stop: int


def plain(text: str) -> str:
    """A text as it is shown: without emphasis, code marks, links' addresses and tags."""
    if text.isalnum():
        return text
    text = _RAISED.sub(r"^\1", _LINK.sub(r"\1", text[:LONGEST_LINE]))
    text = _MATH.sub(r"$\1$", _TAG.sub(" ", text))
    if "$" not in text:
        for pattern in _EMPHASIS:
            text = pattern.sub(r"\2", text)
    return " ".join(_ESCAPE.sub(r"\1", text).split())


def label_of(text: str) -> str:
    """A label as it is shown; of one whose emphasis goes on behind it (`**Learning rate:** 2e-4`), too."""
    return plain(text).strip("*_` :")[:LONGEST_LABEL].rstrip()


def inner(text: str, span: Span) -> Span:
    """The span without blanks and marks around all of it: of `**2e-4**` the number."""
    start, stop = span
    while start < stop:
        while start < stop and text[start].isspace():
            start += 1
        while start < stop and text[stop - 1].isspace():
            stop -= 1
        for mark in _OPENING:
            close = _CLOSING.get(mark, mark)
            first, last = start + len(mark), stop - len(close)
            around = first < last and text.startswith(mark, start) and text.endswith(close, start, stop)
            if around and close not in text[first:last]:
                start, stop = first, last
                break
        else:
            break
    return Span(start, stop)


def pair(text: str, span: Span) -> tuple[Span, Span] | None:
    """The label and the value of a line such as `**Learning rate:** 2e-4`; None where it is no such line."""
    start, stop = span
    if stop - start > LONGEST_LINE:
        return None
    for found in _SEPARATOR.finditer(text, start, min(stop, start + LONGEST_LABEL + 8)):
        if _is_open(text[start : found.start()]):
            continue
        label = Span(start, found.start())
        shown = label_of(text[label.start : label.stop])
        most = 4 if found[0] == "=" else MOST_WORDS
        if len(shown) > LONGEST_LABEL or len(shown.split()) > most or not _LETTER.search(shown):
            return None
        after = found.end()
        # A mark that opened before the label closes behind the separator: `**Learning rate:** 2e-4`.
        while after < stop and text[after] in "*_`" and text[start : found.start()].count(text[after]) % 2:
            after += 1
        if text.startswith("**", start) and text.startswith("**", after):
            after += 2
        value = trimmed(text, Span(after, stop))
        return (label, value) if value.start < value.stop else None
    return None


def trimmed(text: str, span: Span) -> Span:
    """A value without the full stop or comma behind it."""
    span = inner(text, span)
    while span.stop - span.start > 1 and text[span.stop - 1] in ".;," and text[span.stop - 2] not in ".…":
        span = inner(text, Span(span.start, span.stop - 1))
    return span


def _is_open(text: str) -> bool:
    """Whether a bracket, a tag or a code mark is still open at the end of a text."""
    brackets = text.count("(") > text.count(")") or text.count("[") > text.count("]")
    brackets = brackets or text.count("{") > text.count("}")
    marks = text.count("`") % 2 == 1 or text.count("$") % 2 == 1
    return brackets or marks or _OPEN_TAG.search(text) is not None
