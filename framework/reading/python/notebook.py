"""Jupyter notebooks to nodes: their code cells, in their order, as one Python file; places are the notebook's own.

Lines that only IPython reads (`%matplotlib inline`, `obj?`) state nothing, what `x = !ls` gives is not known, and cells
of another language (`%%html`) or that are no Python are left out. Commands (`!python train.py --lr 1e-4`, `%%bash`) are
read as a script's, each in a shell of its own; `{lr}` and `$lr` are Python's values there. The syntax is IPython 9's
(`IPython.core.inputtransformer2`, `IPython.core.magics.script`). Nothing is run, and outputs are not looked at.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain
from pathlib import Path as FilePath
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.json_file import parse_json
from framework.reading.marks import LazyLines, Lines, SpanScalar
from framework.reading.moved import Moved
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Node, SequenceNode
from framework.reading.python.reader import parse_python
from framework.reading.scalars import Rules

SUFFIXES = (".ipynb",)
READERS = ("notebook",)

_PIECE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_MAGIC = re.compile(r"^([ \t]*)((?:[%!?]|[\w.*%]+\?{1,2}[ \t]*$)(?:[^\n]*\\\n)*[^\n]*)$", re.MULTILINE)
_ASSIGNED = re.compile(r"^([ \t]*[A-Za-z_][\w., ]*=[ \t]*)([!%](?:[^\n]*\\\n)*[^\n]*)$", re.MULTILINE)
_CELL_MAGIC = re.compile(r"\s*%%([\w!]+)[ \t]*([^\n]*)(?:\n|\Z)")
_PYTHON_CELLS = frozenset(["time", "timeit", "capture", "prun", "python", "python3", "mprun", "memit"])
_SHELL_CELLS = frozenset(["bash", "sh", "!", "sx", "system"])
_FILLED_IN = re.compile(r"\{[^{}\n]*\}")


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
    commands = Commands(shown)
    for cell in cells[1].items:
        source, places = _source(outer, cell)
        source = _as_python(source, places, commands)
        if _is_python(source):
            code.append(source + "\n")
            offsets += [*places, places[-1] if places else 0]
    python = parse_python("".join(code), shown, reader)
    document = python.over(python.root)
    document.text, document.format = text, "notebook"
    _moved(python, offsets, Lines(text))
    commands.put_into(document)
    return document


class Commands:
    """The commands of a notebook, read as one script in which each has a shell of its own."""

    def __init__(self, shown: str):
        self.shown = shown
        self.text = ""
        self.offsets: list[int] = []

    def add(self, text: str, places: list[int]) -> None:
        """One more command, or the commands of a cell; what no shell would take is left out."""
        from framework.reading.shell.reader import parse_shell

        # What Python fills in is no text of the command: a variable that no shell knows, of the same length.
        text = _FILLED_IN.sub(lambda match: "$" + "_" * (len(match[0]) - 1), text)
        try:
            parse_shell(text, self.shown)
        except InputError:
            return
        if text.strip():
            last = places[-1] if places else 0
            self.text += f"(\n{text}\n)\n"
            self.offsets += [last, last, *places, last, last, last]

    def put_into(self, document: Document) -> None:
        """Add what the commands state to a notebook's own."""
        if not self.text:
            return
        from framework.reading.shell.reader import parse_shell

        script = parse_shell(self.text, self.shown)
        if not isinstance(script.root, MappingNode):
            return
        moved = Moved(script, self.offsets, LazyLines(document.text))
        root = document.root
        if not isinstance(root, MappingNode):
            root = document.root = MappingNode(1, 1, 0, len(document.text))
        for key, value in script.root.pairs().values():
            if root.get(key.text) is None:
                root.add(SpanScalar(moved.lines, *moved.span(key), key.text, True), moved.node(value))
        document.absent.update(script.absent)


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
    return text, places


def _as_python(source: str, places: list[int], commands: Commands) -> str:
    """A cell as Python alone, as long as before, so that places stay: what IPython alone reads becomes a number that
    nobody uses, and its commands are put aside. Nothing where the cell is of another language."""
    if _is_python(source):
        return source  # a line that begins with `%` may be half of a sum
    if cell := _CELL_MAGIC.match(source):
        shell = cell[1] in _SHELL_CELLS or (cell[1] == "script" and cell[2].split()[:1] in (["bash"], ["sh"]))
        if shell:
            commands.add(source[cell.end() :], places[cell.end() :])
        if cell[1] not in _PYTHON_CELLS:
            return ""

    def hidden(match: re.Match[str]) -> str:
        if match[2].startswith("!") and match.re is _MAGIC:
            start = match.start(2) + len(match[2]) - len(match[2].lstrip("!"))
            commands.add(source[start : match.end()], places[start : match.end()])
        rest = match[0][len(match[1]) :]
        if match.re is _ASSIGNED:
            return match[1] + "o()" + re.sub(r"[^\n]", "#", rest[3:]).replace("\n", "#") if len(rest) > 2 else match[0]
        return match[1] + "0" + "#" * (len(rest) - 1)  # a statement, so that a block may consist of it

    return _MAGIC.sub(hidden, _ASSIGNED.sub(hidden, source))


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
    for default in chain.from_iterable(python.replaced.values()):
        move(default)
