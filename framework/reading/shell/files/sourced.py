"""Scripts that a script takes in: `source env.sh`, `. "$(dirname "$0")/env.sh"`."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path as FilePath
from typing import TypeVar

from framework.errors import InputError
from framework.reading.decoding import read_text
from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, Document
from framework.reading.shell.tokens import Word
from framework.reading.shell.words import Lexer

_Node = TypeVar("_Node", bound=AnyNode)
DEEPEST = 10
"""Scripts that take in one another, after which they are not followed."""
_ITSELF = r"(?:0|BASH_SOURCE(?:\[0\])?)"
_OWN_FOLDER = re.compile(
    rf"""["']?(?:\$\(dirname\s+(?:--\s+)?"?\$(?:\{{{_ITSELF}\}}|{_ITSELF})"?\)|\$\{{{_ITSELF}%/\*\}})"?/([\w./-]+)["']?"""
)


class Home:
    """A script that another one takes in, with the nodes that stand in it."""

    def __init__(self, path: FilePath, shown: str):
        self.path = path
        self.lexer = Lexer(read_text(path, shown), shown)
        self.document = Document(shown, self.lexer.text, None, "shell", format="shell")
        self.nodes: list[AnyNode] = []


class Sources:
    """Finds and reads what a script takes in; ``path`` is None for text that is no file's."""

    def __init__(self, path: FilePath | None):
        self.path = path
        self.homes: list[Home] = []
        self._trail: list[FilePath] = []

    def open(self, word: Word, lexer: Lexer) -> Home | None:
        """The script that a word names; None where it is not there, or cannot be followed."""
        path = self.path if not self._trail else self._trail[-1]
        found = None if path is None else _found(word, lexer, path)
        if found is None or found[0].resolve() in self._trail or len(self._trail) >= DEEPEST:
            return None
        try:
            home = Home(*found)
            home.lexer.tokens()
        except InputError:
            return None
        home.lexer.position = 0
        self.homes.append(home)
        return home

    def enter(self, home: Home) -> None:
        """Read what follows as that script's."""
        self._trail.append(home.path.resolve())

    def leave(self) -> None:
        """Go back to the script that took it in."""
        self._trail.pop()


def standing(home: Home | None, node: _Node) -> _Node:
    """The node, noted as one of the script that it stands in."""
    if home is not None:
        home.nodes.append(node)
    return node


def lines_of(home: Home | None, lines: Lines) -> Lines:
    """The lines of the script that something stands in; ``lines`` are those of the one that takes in others."""
    return lines if home is None else home.lexer.lines


def _found(word: Word, lexer: Lexer, path: FilePath) -> tuple[FilePath, str] | None:
    """The file, and its name in messages. A plain name is looked up from where the script is started: the project's
    folder or the script's own; where it is in both, nobody knows."""
    folder, shown = path.parent, posixpath.dirname(lexer.shown)
    if (own := _OWN_FOLDER.fullmatch(lexer.text[word.start : word.stop])) is not None:
        places = [(folder / own[1], posixpath.join(shown, own[1]))]
    elif word.literal and not word.literal.startswith(("/", "~")):
        root = folder
        for _ in [part for part in shown.split("/") if part not in ("", ".")]:
            root = root.parent
        places = [(folder / word.literal, posixpath.join(shown, word.literal)), (root / word.literal, word.literal)]
    else:
        return None
    there = {place.resolve(): (place, posixpath.normpath(name)) for place, name in places if os.path.isfile(place)}
    return next(iter(there.values())) if len(there) == 1 else None
