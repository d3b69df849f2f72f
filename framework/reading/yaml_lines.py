"""The plain kind of YAML, read by the line, as configs mostly are.

A file with any line that the pattern of :mod:`framework.reading.yaml_rows` does not know is left to the real parser:
anchors, tags, block scalars, flow mappings, tabs, values over several lines. What is taken is read exactly as that
parser reads it (`tests/reading/test_fuzz.py` holds the two together), in a fraction of the time, for two reasons. The
files of a project repeat their lines, and a line means the same wherever it stands: each is taken apart once. And
lines of the same structures make the same tree but for its values: its paths are worked out once, and the tree itself
only for a file of which somebody asks for a node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from framework.reading.shapes import Shape, leaves_of
from framework.reading.tree import AnyNode
from framework.reading.yaml_rows import (
    Line,
    Page,
    RowItem,
    RowList,
    RowMapping,
    RowScalar,
    item_pattern,
    row_pattern,
    tree_of,
)

EMPTY_LIST = "[]"
"""The word of a list without values; no scalar is written so."""
_FOREIGN = Line(-1, (), 0, 0, "", "")
"""Any line that the pattern does not know."""
_LONGEST_LINE, _MOST_LINES = 300, 1 << 14
_LONGEST_FILE, _MOST_LAYOUTS = 2_000, 1 << 10
_structure, _words = itemgetter(0), itemgetter(1)


class Layout:
    """What files share whose lines have the same structures."""

    __slots__ = ("_pick", "shape")

    def __init__(self, shape: Shape, places: Sequence[int]):
        self.shape = shape
        self._pick: Callable[[Sequence[str]], Any] = itemgetter(*places)

    def words(self, lines: Sequence[Line]) -> tuple[str, ...]:
        """The words of all leaves, in the order of the shape."""
        found = self._pick(list(chain.from_iterable(map(_words, lines))))
        return found if len(self.shape) > 1 else (found,)


class _Lines(dict[str, "Line | None"]):
    """Lines by their text: None for an empty one or a comment."""

    def __init__(self) -> None:
        super().__init__()
        self.structures: dict[tuple[object, ...], int] = {}
        self.layouts: dict[tuple[int, ...], Layout | None] = {}
        """What files of these structures share; None where the real parser is needed."""

    def __missing__(self, text: str) -> Line | None:
        line = self._apart(text)
        if len(text) <= _LONGEST_LINE:
            self[text] = line
        return line

    def _apart(self, text: str) -> Line | None:
        match = row_pattern().fullmatch(text)
        if match is None:
            return _FOREIGN
        spaces, dash, key, value = match.groups("")
        if not key and not dash:
            return _FOREIGN if value else None
        words: tuple[str, ...] = (value,)
        kind = -1 if value else -2
        if value[:1] == "[":
            words = tuple(item_pattern().findall(value, 1, len(value) - 1)) or (EMPTY_LIST,)
            kind = 0 if words[0] is EMPTY_LIST else len(words)
        structure = (len(spaces), len(dash), key, kind)
        number = self.structures.setdefault(structure, len(self.structures))
        return Line(number, words, len(spaces), len(dash), key, value)

    def forget(self) -> None:
        """Start anew. All at once, and never within a file: a structure's number must not change its meaning."""
        self.clear()
        self.structures.clear()
        self.layouts.clear()


_lines = _Lines()


class RowRoot(RowMapping):
    """The outermost mapping of a file: the values of its leaves are known, the tree is made on the first question."""

    __slots__ = ("layout", "words")

    def __init__(self, page: Page, layout: Layout, words: tuple[str, ...]):
        self.page = page
        self.layout = layout
        self.words = words

    def __getattr__(self, name: str) -> Any:
        if name in ("entries", "rows", "row", "indent"):
            tree = tree_of(self.page, _of(self.page.text))
            assert tree is not None
            self.entries, self.rows, self.row, self.indent = tree.entries, tree.rows, tree.row, tree.indent
        return super().__getattr__(name)


def parse_rows(text: str) -> RowMapping | None:
    """The root of a text of plain lines, or None where the real parser is needed: also for every error."""
    if len(_lines) > _MOST_LINES or len(_lines.layouts) > _MOST_LAYOUTS:
        _lines.forget()
    found = _of(text)
    lines = [line for line in found if line is not None]
    structures = tuple(map(_structure, lines))
    if _FOREIGN.structure in structures:
        return None
    if len(lines) > _LONGEST_FILE:
        return tree_of(Page(text), found)
    try:
        layout = _lines.layouts[structures]
    except KeyError:
        tree = tree_of(Page(text), found)
        layout = _lines.layouts[structures] = None if tree is None else _layout(tree, found)
    return None if layout is None else RowRoot(Page(text), layout, layout.words(lines))


def _of(text: str) -> list[Line | None]:
    return list(map(_lines.__getitem__, text.split("\n")))


def _layout(tree: RowMapping, lines: Sequence[Line | None]) -> Layout:
    starts, count = [], 0
    for line in lines:
        starts.append(count)
        count += 0 if line is None else len(line.words)
    shape, leaves = leaves_of(tree)
    return Layout(shape, [_place(node, starts, path[-1]) for path, node in zip(shape, leaves, strict=True)])


def _place(leaf: AnyNode, starts: Sequence[int], last: str | int) -> int:
    """Where a leaf's word stands among all words of the file."""
    if isinstance(leaf, RowItem):
        assert isinstance(last, int)
        return starts[leaf.row] + last
    assert isinstance(leaf, (RowScalar, RowList))
    return starts[leaf.row]
