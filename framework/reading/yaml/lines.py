"""YAML by the line: each distinct line of a project is taken apart once, and each arrangement of lines parsed once.

The files of a project repeat their lines, and a line means the same wherever it stands. A *plain* line is one that the
pattern of :mod:`framework.reading.yaml.plain_tree` knows: a key, a dash, a value of one line. Any other line (an
anchor, a flow mapping, a tag) is *foreign*, and stands for itself alone. Files have one *layout* when their plain lines
agree in all but their values, and their foreign lines in every letter. Such files make the same tree but for the plain
values: its paths are worked out once for all of them, and the tree itself only for a file of which somebody asks for a
node.
`tests/reading/test_layouts.py` holds all this to the real parser.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from framework.reading.shapes import Shape, leaves_of
from framework.reading.tree import AnyNode, MappingNode
from framework.reading.yaml.plain_tree import Line, Page, RowMapping, item_pattern, row_pattern, starts_of, tree_of

EMPTY_LIST = "[]"
"""The word of a list without values; no scalar is written so."""
_LONGEST_LINE, _MOST_LINES = 300, 1 << 14
_LONGEST_FILE, _MOST_LAYOUTS = 2_000, 1 << 10
_structure, _words = itemgetter(0), itemgetter(1)


class Layout:
    """What files of one layout share: their shape, and where among the words of their lines those of the leaves are.

    ``constants`` are the leaves that stand in foreign lines; None where there is no such line.
    """

    __slots__ = ("_pick", "constants", "shape")

    def __init__(self, shape: Shape, places: Sequence[int], constants: Sequence[AnyNode] | None):
        self.shape = shape
        self.constants = constants
        self._pick: Callable[[Sequence[Hashable]], Any] = itemgetter(*places)

    def words(self, lines: Sequence[Line]) -> tuple[Hashable, ...]:
        """What each leaf says, in the order of the shape: a text where a plain line states it, else its node."""
        found = self._pick([*chain.from_iterable(map(_words, lines)), *(self.constants or ())])
        return found if len(self.shape) > 1 else (found,)


class _Lines(dict[str, "Line | None"]):
    """Lines by their text: None for an empty one or a comment."""

    def __init__(self) -> None:
        super().__init__()
        self.structures: dict[tuple[object, ...], int] = {}
        self.foreign: set[int] = set()
        """The structures of foreign lines: one for each text."""
        self.layouts: dict[tuple[int, ...], Layout | None] = {}
        """By the structures of all lines; None where the real parser is needed for each file."""
        self.once: set[tuple[int, ...]] = set()
        """Arrangements with foreign lines that were seen once: a second file makes them worth a layout."""

    def __missing__(self, text: str) -> Line | None:
        line = self._apart(text)
        if len(text) <= _LONGEST_LINE:
            self[text] = line
        return line

    def _apart(self, text: str) -> Line | None:
        match = row_pattern().fullmatch(text)
        if match is None:
            return self._alien(text)
        spaces, dash, key, value = match.groups("")
        if not key and not dash:
            return self._alien(text) if value else None
        words: tuple[str, ...] = (value,)
        kind = -1 if value else -2
        if value[:1] == "[":
            words = tuple(item_pattern().findall(value, 1, len(value) - 1)) or (EMPTY_LIST,)
            kind = 0 if words[0] is EMPTY_LIST else len(words)
        structure = (len(spaces), len(dash), key, kind)
        number = self.structures.setdefault(structure, len(self.structures))
        return Line(number, words, len(spaces), len(dash), key, value)

    def _alien(self, text: str) -> Line:
        number = self.structures.setdefault((text,), len(self.structures))
        self.foreign.add(number)
        return Line(number, (), 0, 0, "", "")

    def make_room(self) -> None:
        """Forget everything where there is too much of it: all at once, and never within a file, since a structure's
        number must not change its meaning."""
        if len(self) > _MOST_LINES or max(len(self.layouts), len(self.once)) > _MOST_LAYOUTS:
            self.clear()
            for each in (self.structures, self.foreign, self.layouts, self.once):
                each.clear()


_lines = _Lines()


def _of(text: str) -> list[Line | None]:
    return list(map(_lines.__getitem__, text.split("\n")))


class Laid:
    """A text by its lines. ``layout`` is None where the real parser is needed."""

    __slots__ = ("_every", "_structures", "layout", "lines", "text")

    def __init__(self, text: str):
        _lines.make_room()
        self.text = text
        self._every = _of(text)
        self.lines = [line for line in self._every if line is not None]
        self._structures = tuple(map(_structure, self.lines))
        self.layout = _lines.layouts.get(self._structures)
        if self.layout is None and _lines.foreign.isdisjoint(self._structures) and self._is_unknown():
            tree = tree_of(Page(text), self._every)
            self._keep(None if tree is None else self._learned(tree, foreign=False))

    def root(self, parse: Callable[[], AnyNode | None]) -> RowRoot | ParsedRoot | None:
        """The root of the tree, which is made when it is needed: by ``parse`` where there are foreign lines."""
        if self.layout is None:
            return None
        return RowRoot(self, self.layout) if self.layout.constants is None else ParsedRoot(self, self.layout, parse)

    def learn(self, root: AnyNode | None) -> None:
        """Learn from what the real parser made of the text how others like it are laid out.

        ``root`` is None where that is not to be learned: a scalar or a flow collection goes over the end of a line
        (what looks like a plain line may then be part of it), a key stands twice, or there are several documents.
        """
        if self._is_unknown():
            if self._structures in _lines.once:
                self._keep(self._learned(root, foreign=True) if isinstance(root, MappingNode) else None)
            else:
                _lines.once.add(self._structures)

    def _is_unknown(self) -> bool:
        return self._structures not in _lines.layouts and len(self.lines) <= _LONGEST_FILE

    def _keep(self, layout: Layout | None) -> None:
        self.layout = _lines.layouts[self._structures] = layout

    def _learned(self, root: AnyNode, foreign: bool) -> Layout | None:
        """The layout, from a tree; None unless each value of a plain line is a leaf of it, where it stands."""
        page, count = Page(self.text), 0
        known: dict[int, tuple[int, str]] = {}
        for row, line in enumerate(self._every):
            if line is not None and line.words:
                for start, word in zip(starts_of(page, row, line), line.words, strict=True):
                    known[start] = count, word
                    count += 1
        shape, leaves = leaves_of(root)
        places: list[int] = []
        constants: list[AnyNode] = []
        for leaf in leaves:
            stated = known.get(leaf.start)
            if stated is None:
                places.append(count + len(constants))
                constants.append(leaf)
                continue
            place, word = stated
            if word is not EMPTY_LIST and self.text[leaf.start : leaf.stop] != word:
                return None
            places.append(place)
        found = set(places)
        if any(word and place not in found for place, word in known.values()):
            return None
        return Layout(shape, places, constants if foreign else None)


class RowRoot(RowMapping):
    """The outermost mapping of a file of plain lines."""

    __slots__ = ("shape", "words")

    def __init__(self, laid: Laid, layout: Layout):
        self.page = Page(laid.text)
        self.shape = layout.shape
        self.words = layout.words(laid.lines)

    def __getattr__(self, name: str) -> Any:
        if name in ("entries", "rows", "row", "indent"):
            tree = tree_of(self.page, _of(self.page.text))
            assert tree is not None
            self.entries, self.rows, self.row, self.indent = tree.entries, tree.rows, tree.row, tree.indent
        return super().__getattr__(name)


class ParsedRoot(MappingNode):
    """The outermost mapping of a file that also has foreign lines."""

    __slots__ = ("_parse", "shape", "words")

    def __init__(self, laid: Laid, layout: Layout, parse: Callable[[], AnyNode | None]):
        self.shape = layout.shape
        self.words = layout.words(laid.lines)
        self._parse = parse

    def __getattr__(self, name: str) -> Any:
        if name in MappingNode.__slots__ or name in ("line", "column", "start", "stop", "tag"):
            root = self._parse()
            assert isinstance(root, MappingNode)
            self.line, self.column, self.start, self.stop = root.line, root.column, root.start, root.stop
            self.tag, self.items, self.merged, self._pairs = root.tag, root.items, root.merged, None
        return object.__getattribute__(self, name)


def parse_rows(text: str) -> RowRoot | None:
    """The root of a text of plain lines only, None for any other text."""
    root = Laid(text).root(lambda: None)
    return root if isinstance(root, RowRoot) else None
