"""A figure as people set it in a table: `**84.1%**`, `\\textbf{79.3}`, `$79.3^{\\dagger}$`, or why it is none."""

from __future__ import annotations

import re
from typing import Any

from framework.evidence.logs.logged_names import number
from framework.reading.prose.written_values import resolve_prose

_MARKS = r"(?:\\(?:dagger|ddagger|ast|asteriskcentered|star|ddag|dag|S|P|circ)|[*†‡§¶★]|[a-z]|,)"
_NOTES = (
    re.compile(rf"\^\{{\s*(?:{_MARKS}\s*)+\}}|\^{_MARKS}(?![A-Za-z])"),
    re.compile(r"\\(?:textsuperscript|tnote|footnotemark|footnote|tablefootnote)\s*(?:\[[^\]]*\])?(?:\{[^{}]*\})?"),
    re.compile(r"\\(?:dagger|ddagger|dag|ddag|ast|star)(?![A-Za-z])"),
    re.compile(r"<sup>[^<>]*</sup>|[*†‡§¶★]+$"),
)
"""Marks that say something of the figure, and change nothing in it."""
_NOTHING = frozenset(("", "-", "–", "—", "--", "---", "n/a", "na", "nan", "none", "null", "oom", "\\textemdash"))
_SHARE = re.compile(r"\(\s*\\?%\s*\)|\[\s*\\?%\s*\]|\\?%\s*$")
_SPACES = re.compile(r"\\[,;:!]|\s")
_SPREAD = re.compile(r"±|\\pm(?![A-Za-z])|\+/-|\+-|\\std\b")


def figure_of(value: Any, title: str = "") -> float | None:
    """A cell's number, of a percentage the share, also where the title of the column says `(%)`; None for an empty
    cell.

    Raises:
        ValueError: it is no number of one run; the message says why.
    """
    if type(value) in (int, float):
        return _shared(number(value), title)
    text = str(value).strip().strip("*_ ") if isinstance(value, str) else "" if value is None else str(value)
    if _SPACES.sub("", text.strip("$ ")).casefold() in _NOTHING:
        return None
    if _SPREAD.search(text):
        raise ValueError("a mean with its spread, of several runs")
    plain = text
    for notes in _NOTES:
        plain = notes.sub("", plain)
    plain = plain.replace("$", "").replace("{}", "").strip("*_ ")
    while plain.startswith("{") and plain.endswith("}"):
        plain = plain[1:-1].strip()
    found = number(plain)
    found = resolve_prose(plain) if found is None else found
    if type(found) not in (int, float):
        raise ValueError("no number")
    return float(found) if "%" in plain else _shared(found, title)


def _shared(found: float | None, title: str) -> float | None:
    return found if found is None else float(found) / 100 if _SHARE.search(title) else float(found)
