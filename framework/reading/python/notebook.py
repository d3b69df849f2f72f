"""Jupyter notebooks to nodes: their code cells, in their order, as one Python file; places are the notebook's own.

Lines that only IPython reads (`%matplotlib inline`, `!pip install x`) state nothing; a cell that is no Python is left
out. Nothing is run, and outputs are not looked at.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.json_file import parse_json
from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Node, SequenceNode
from framework.reading.python.reader import parse_python
from framework.reading.scalars import Rules

SUFFIXES = (".ipynb",)
READERS = ("notebook",)

_PIECE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_MAGIC = re.compile(r"^(\s*)[%!?].*$", re.MULTILINE)


def read(path: FilePath, shown: str, reader: Rules) -> Document:
    """The format's entry.

    Raises:
        InputError: it cannot be read, or is no notebook.
    """
    return parse_notebook(read_text(path, shown), shown, reader)


def parse_notebook(text: str, shown: str, reader: Rules = "notebook") -> Document:
    """As :func:`read`, for text."""
    outer = parse_json(text, shown)
    cells = outer.walk(("cells",)) if isinstance(outer.root, MappingNode) else None
    if cells is None or not isinstance(cells[1], SequenceNode):
        raise InputError.at(Location(shown, 1, 1), "not a notebook: it has no list of `cells`")
    code: list[str] = []
    offsets: list[int] = []
    for cell in cells[1].items:
        source, places = _source(outer, cell)
        if _is_python(source):
            code.append(source + "\n")
            offsets += [*places, places[-1] if places else 0]
    python = parse_python("".join(code), shown, reader)
    document = Document(shown, text, python.root, reader, format="notebook", notes=python.notes)
    document.duplicates, document.absent = python.duplicates, python.absent
    _moved(python, offsets, Lines(text))
    return document


def _source(outer: Document, cell: AnyNode) -> tuple[str, list[int]]:
    """A code cell's text, and the place of each of its characters in the notebook; nothing for another cell."""
    if not isinstance(cell, MappingNode):
        return "", []
    kind, found = cell.get("cell_type"), cell.get("source")
    if kind is None or outer.value(kind[1]) != "code" or found is None:
        return "", []
    parts = found[1].items if isinstance(found[1], SequenceNode) else [found[1]]
    text, places = "", list[int]()
    for part in parts:
        for character, place in _characters(outer.text, part):
            text += character
            places.append(place)
    # As long as before, so that places stay: what IPython alone reads becomes a comment.
    return _MAGIC.sub(lambda match: match[1] + "#" * (len(match[0]) - len(match[1])), text), places


def _characters(text: str, node: AnyNode) -> Iterator[tuple[str, int]]:
    for piece in _PIECE.finditer(text, node.start + 1, node.stop - 1):
        yield json.loads(f'"{piece[0]}"') if piece[0].startswith("\\") else piece[0], piece.start()


def _is_python(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(source.strip())


def _moved(python: Document, offsets: list[int], lines: Lines) -> None:
    """Move every node from its place in the code to its place in the notebook."""
    seen: set[int] = set()

    def move(node: Any) -> None:
        if not isinstance(node, Node) or id(node) in seen:
            return
        seen.add(id(node))
        last = len(offsets) - 1
        start, stop = (offsets[min(at, last)] if offsets else 0 for at in (node.start, max(node.start, node.stop - 1)))
        node.start, node.stop = start, stop + 1
        node.line = bisect_right(lines.starts, start)
        node.column = start - lines.starts[node.line - 1] + 1
        if isinstance(node, MappingNode):
            for key, value in node.items:
                move(key)
                move(value)
        elif isinstance(node, SequenceNode):
            for item in node.items:
                move(item)
        elif isinstance(node, ComputedNode):
            move(node.origin)

    move(python.root)
    for duplicate in python.duplicates:
        move(duplicate.first)
        move(duplicate.second)
    for note in python.notes:
        move(note.node)
