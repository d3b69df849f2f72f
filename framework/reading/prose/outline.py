"""The tree of a document: its headings, lists and tables as sections, its labels as keys.

A value stands under the headings above it. A label that stands several times in one section is numbered (`lr#1`,
`lr#2`). A binding may leave out what stands above a label where the rest names one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from framework.names import Path, format_path
from framework.reading.marks import LazyLines, SpanMapping, SpanScalar
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode

OWN = "="
"""The key of what a label itself states, where further values stand below it; YAML 1.1's key of a default value."""
MOST_WAYS = 8
"""Parts of a path above which no shorter names of it are made."""
DEEPEST = 60
_SCALE = re.compile(
    r"[(\[][^)\]]*(?:[×%^]|\\times|\\%|thousand|million|billion|\b[kKMB]\b|\b1e-?\d)[^)\]]*[)\]]|(?:[×*]|\\times|\bx)\s*\$?1(?:0|e)"
)
"""Labels and titles that multiply what stands below them: `Learning rate (×10⁻⁴)`, `Warmup (%)`, `Steps (k)`."""
_NUMBERED = re.compile(r"#\d+$")


@dataclass(slots=True)
class Entry:
    """A label with what it states, and what stands below it."""

    label: str
    start: int
    stop: int
    node: AnyNode | None = None
    below: list[Entry] = field(default_factory=list)
    also: tuple[str, ...] = ()
    """Further names: of a table's cell, its column before its row."""
    is_row: bool = False
    """Whether it is one of several rows of a table, or an item that only names what stands below it."""

    def add(self, entry: Entry) -> Entry:
        self.below.append(entry)
        return entry

    def states(self) -> bool:
        """Whether there is any value here or below."""
        pending = [self]
        while pending:
            entry = pending.pop()
            if entry.node is not None:
                return True
            pending += entry.below
        return False


class Outline:
    """Collects the entries of a document and makes its tree."""

    def __init__(self, document: Document):
        self.document = document
        self.lines = LazyLines(document.text)
        self.root = Entry("", 0, len(document.text))
        self.levels: list[tuple[int, Entry]] = [(0, self.root)]
        self.title: Entry | None = None
        self.titles = 0
        self.above = ""
        """The document's own title, which a binding may name, too."""

    @property
    def section(self) -> Entry:
        """Where what comes next stands."""
        return self.levels[-1][1]

    def heading(self, level: int, label: str, start: int, stop: int) -> None:
        """A further section."""
        while len(self.levels) > 1 and self.levels[-1][0] >= level:
            self.levels.pop()
        entry = self.section.add(Entry(label, start, stop))
        self.levels.append((level, entry))
        if level == 1:
            self.titles += 1
            self.title = entry

    def finish(self, extra: list[Entry] | None = None) -> None:
        """Make the document's tree of all entries."""
        if self.titles == 1 and self.title is not None and self.title in self.root.below:
            at = self.root.below.index(self.title)  # the document's own title says nothing about its values
            self.root.below[at : at + 1] = self.title.below
            self.above = self.title.label
        self.root.below += extra or []
        names: dict[str, list[Path]] = {}
        root = self._mapping(self.root, (), names)
        if root.items:
            root.stop = len(self.document.text)
            self.document.root = root
        self._shortcuts(names)

    def _in_units(self, node: AnyNode, label: str) -> AnyNode:
        """A number whose label says in which unit it counts, which may or may not be the one that is meant."""
        value = self.document.value(node) if isinstance(node, ScalarNode) else None
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return node
        text = self.document.text[node.start : node.stop]
        return ComputedNode(node, text, Opaque(text, f"{label!r} says in which unit it counts", value))

    def _mapping(self, entry: Entry, path: Path, names: dict[str, list[Path]]) -> MappingNode:
        row = entry.label if entry.is_row else ""
        made = SpanMapping(self.lines, entry.start)
        made.stop = entry.stop
        entries = [each for each in entry.below if each.states()]
        if entry.node is not None:
            entries.insert(0, Entry(OWN, entry.start, entry.stop, entry.node))
        counts: dict[str, int] = {}
        for each in entries:
            counts[each.label] = counts.get(each.label, 0) + 1
        taken = {label for label, times in counts.items() if times == 1}
        last: dict[str, int] = {}
        for each in entries:
            name = each.label
            if counts[name] > 1:
                number = last.get(name, 0) + 1
                while f"{each.label}#{number}" in taken:  # a block has a second command of that name
                    number += 1
                last[name], name = number, f"{name}#{number}"
                taken.add(name)
            key = SpanScalar(self.lines, each.start, each.stop, name, True)
            here = (*path, name)
            node: AnyNode
            if each.below and len(here) < DEEPEST and (each.node is None or any(one.states() for one in each.below)):
                node = self._mapping(each, here, names)
                if not isinstance(node, MappingNode) or not node.items:
                    continue
            elif each.node is None:
                continue
            else:
                node = each.node
            if (scaled := next((label for label in (each.label, row) if _SCALE.search(label)), None)) is not None:
                node = self._in_units(node, scaled)
            made.add(key, node)
            if each.is_row:
                self.document.rows.add(here)
            made.stop = max(made.stop, node.stop)
            for place in (here, *_below(node, here)) if not each.below else (here,):
                ways = [*_ways(place, each.also if place is here else ())]
                for way in (*ways, f"{self.above}.{'.'.join(map(str, place))}") if self.above else ways:
                    names.setdefault(way, []).append(place)
                    if (bare := _NUMBERED.sub("", way)) != way:
                        names.setdefault(bare, []).append(place)
        return made

    def _shortcuts(self, names: dict[str, list[Path]]) -> None:
        places: dict[str, list[Path]] = {}
        for name, paths in names.items():
            places.setdefault(name.casefold(), []).extend(paths)
        for name in names:
            found = list(dict.fromkeys(places[name.casefold()]))
            leaves = [path for path in found if not isinstance(self.document.node(path), MappingNode)]
            found = leaves or found
            if len(found) == 1:
                self.document.shortcuts[name.casefold()] = found[0]
            else:
                spelled = ", ".join(format_path(path) for path in found[:4])
                self.document.absent[name] = f"{len(found)} places are called so: name one of {spelled}"


def _below(node: AnyNode, path: Path) -> Iterator[Path]:
    """The named places below a node of a block."""
    if isinstance(node, MappingNode):
        for name, child in node.children():
            yield (*path, name)
            yield from _below(child, (*path, name))


def _ways(path: Path, also: tuple[str, ...]) -> Iterator[str]:
    """The names that a place may be called by: its own, with ever more of what stands above."""
    parts = [str(part) for part in path]
    if parts[-1] == OWN and len(parts) > 1:
        yield from _endings(parts[:-1])
    yield from _endings(parts)
    yield from also


def _endings(parts: list[str]) -> Iterator[str]:
    for first in range(max(0, len(parts) - MOST_WAYS), len(parts)):
        yield ".".join(parts[first:])


Values = Callable[[int, int], tuple[AnyNode | None, list[Entry]]]
"""What the text between two places states: a value, and labelled values within it."""
