"""What a shell script is made of: words of pieces, and operators, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

PREFIXES = frozenset(("if", "while", "until", "elif", "then", "else", "do", "!", "{", "time"))
"""Words before a command that are none themselves."""
DECLARING = frozenset(("export", "declare", "local", "typeset", "readonly"))
_OPENING = re.compile(r"\$\(\s*cat\s*<<(-?)[ \t]*(['\"]?)\\?(\w+)\2[ \t]*\r?\n")
_CLOSING = re.compile(r"\s*\)")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=", re.ASCII)


@dataclass(slots=True)
class Heredoc:
    """The text behind `<<`: where it stands, and whether nothing in it is expanded."""

    start: int
    stop: int
    literal: bool
    stripped: bool = False
    """Whether the tabs before each line are no part of it: `<<-`."""


@dataclass(slots=True)
class Piece:
    """A part of a word: literal text, a variable, or what only running the script could tell."""

    kind: Literal["text", "variable", "unknown"]
    text: str
    """The literal text as the program gets it, or the variable's name."""
    start: int
    stop: int
    """Where it stands, with its quotes if they hold nothing else."""
    quoted: bool = False
    inner: int = 0
    """Where the text itself starts."""
    default: list[Piece] | None = None
    assigns: bool = False
    """Whether the default is kept: `${NAME:=200}`."""
    every: bool = False
    """Whether it is all of an array: `${NAME[@]}`."""
    index: str | None = None
    """The text between the brackets of `${NAME[...]}`."""
    heredoc: Heredoc | None = None
    """The text that `$(cat <<EOF ...)` comes to."""


@dataclass(slots=True)
class Word:
    start: int
    stop: int
    pieces: list[Piece] = field(default_factory=list)
    array: list[Word] | None = None
    heredoc: Heredoc | None = None
    """The here-document behind this word."""
    output: Word | None = None
    """The file that the command's output goes to, as it stands behind this word: `> config.yaml`."""
    appends: bool = False
    """Whether it goes behind what is there: `>>`."""

    @property
    def literal(self) -> str | None:
        """The word's text, if it is nothing but text."""
        return "".join(piece.text for piece in self.pieces) if all(p.kind == "text" for p in self.pieces) else None

    @property
    def assignment(self) -> tuple[str, bool] | None:
        """The name that it assigns to, and whether it appends."""
        if not self.pieces or self.pieces[0].kind != "text" or self.pieces[0].quoted:
            return None
        match = _ASSIGNMENT.match(self.pieces[0].text)
        return (match[1], bool(match[2])) if match else None


@dataclass(slots=True)
class Operator:
    text: str
    start: int


def end_of_heredoc(text: str, position: int, delimiter: str, stripped: bool) -> tuple[int, int]:
    """Where the text of a here-document ends, and where the script goes on."""
    while (start := position) < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end].rstrip("\r")
        position = min(end + 1, len(text))
        if (line.lstrip("\t") if stripped else line) == delimiter:
            return start, position
    return position, position


def printed(text: str, start: int) -> tuple[Heredoc, int] | None:
    """The text that `$(cat <<EOF ...)` at a place comes to, without the ends of lines behind it, and where the
    substitution ends; None for any other one."""
    opening = _OPENING.match(text, start)
    if opening is None:
        return None
    begin = opening.end()
    stop, after = end_of_heredoc(text, begin, opening[3], bool(opening[1]))
    closing = _CLOSING.match(text, after)
    if closing is None:
        return None
    literal = bool(opening[2]) or f"\\{opening[3]}" in opening[0]
    return Heredoc(begin, begin + len(text[begin:stop].rstrip("\r\n")), literal, bool(opening[1])), closing.end()
