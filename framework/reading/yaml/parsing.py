"""YAML to nodes, from the parser's events: every value keeps its place.

PyYAML's loaders give no positions, and its constructors would run what a tag asks for; only its parser is used, and
for the plain kind of file not even that (:mod:`framework.reading.yaml.lines`).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path as FilePath
from typing import Any

import yaml

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.nodes import AnyNode, Document, MappingNode, ScalarNode, SequenceNode
from framework.reading.repeats import repeated_keys
from framework.reading.scalars import Rules
from framework.reading.yaml.lines import Laid

DEEPEST = 100
"""Levels of nesting above which a file is refused."""
LARGEST_EXPANSION = 1_000_000
"""Nodes above which a file is refused, aliases counted as often as they are used (a 'YAML bomb')."""

_Parser: Any = vars(yaml.cyaml)["CParser"] if yaml.__with_libyaml__ else yaml.SafeLoader


def read_yaml(path: FilePath | str, shown: str, rules: Rules = "yaml-1.2") -> Document:
    """Parse one YAML file. Several documents in it make a list of them (:attr:`Document.several`).

    Raises:
        InputError: it cannot be read, is not YAML, expands beyond all measure, or holds several documents and its
            reader takes one only.
    """
    return parse_yaml(read_text(path, shown), shown, rules)


_FEW = 12
"""So many files of a process go to the real parser: the pattern of plain lines costs more to compile."""
_WIDEST = 4_096
"""Characters of a line up to which its values are found by matching it anew for each: twice as wide takes four times as
long."""
_parsed = count()


def parse_yaml(text: str, shown: str, rules: Rules = "yaml-1.2") -> Document:
    """As :func:`read_yaml`, for text."""
    if next(_parsed) < _FEW or "${" in text or "\r" in text or _is_wide(text):
        return _parsed_by_events(text, shown, rules)[0]
    laid = Laid(text)
    root = laid.root(lambda: _parsed_by_events(text, shown, rules)[0].root)
    if root is not None:
        return Document(shown, text, root, rules)
    document, spread = _parsed_by_events(text, shown, rules)
    laid.learn(None if spread or document.several or document.duplicates else document.root)
    return document


def _is_wide(text: str) -> bool:
    return len(text) > _WIDEST and max(map(len, text.split("\n"))) > _WIDEST


def _parsed_by_events(text: str, shown: str, rules: Rules) -> tuple[Document, bool]:
    """The document, and whether a scalar or a flow collection of it goes over the end of a line."""
    builder = _Builder(shown, rules in ("manifest", "omegaconf"))
    parser = None
    try:
        parser = _Parser(text)
        builder.build(parser.get_event)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = Location(shown, mark.line + 1, mark.column + 1) if mark else Location(shown, 1, 1)
        raise InputError.at(where, *_explained(problem, text, where)) from None
    except yaml.YAMLError as problem:
        raise InputError.at(_place_of(text, problem, shown), f"not YAML: {_first_line(problem)}") from None
    finally:
        if parser is not None:
            parser.dispose()
    several = len(builder.roots) > 1
    root: AnyNode | None = builder.roots[0] if builder.roots else None
    if several:
        first, last = builder.roots[0], builder.roots[-1]
        root = SequenceNode(first.line, first.column, first.start, last.stop, None, builder.roots)
    duplicates = repeated_keys(root) if root is not None and builder.repeated else []
    return Document(shown, text, root, rules, duplicates, several=several), builder.spread


def _first_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0]


def _place_of(text: str, problem: yaml.YAMLError, shown: str) -> Location:
    position = getattr(problem, "position", None)
    if not isinstance(position, int) or position < 0:
        return Location(shown, 1, 1)
    before = text.encode("utf-8")[:position].decode("utf-8", "ignore")
    return Location(shown, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _explained(problem: yaml.MarkedYAMLError, text: str, where: Location) -> tuple[str, str | None]:
    lines = text.split("\n")
    line = lines[where.line - 1] if where.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return "a tab in the indentation: YAML allows only spaces there", "replace the tab by spaces"
    message = problem.problem or "cannot be parsed"
    context = f" {problem.context}" if problem.context else ""
    return f"not YAML: {message}{context}", None


class _Builder:
    """Turns events into nodes; holds nesting and expansion to their bounds."""

    def __init__(self, shown: str, single: bool):
        self.shown = shown
        self.single = single
        self.roots: list[AnyNode] = []
        self.repeated = False
        self.spread = False
        self._anchors: dict[str, tuple[AnyNode, int, int]] = {}
        self._aliases = False

    def build(self, next_event: Callable[[], Any]) -> None:
        """Take all events. The state of the innermost collection is in locals, that of the outer ones on a stack."""
        stack: list[tuple[MappingNode | SequenceNode | None, str | None, ScalarNode | None, int, int]] = []
        here: MappingNode | SequenceNode | None = None
        here_anchor: str | None = None
        key: ScalarNode | None = None
        size = height = tall = 0
        total = documents = last = 0
        node: AnyNode
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                start, end, implicit = event.start_mark, event.end_mark, event.implicit
                node = ScalarNode(
                    start.line + 1,
                    start.column + 1,
                    start.index,
                    end.index,
                    None if implicit[0] or implicit[1] else event.tag,
                    event.value,
                    implicit[0],
                )
                if start.line != end.line or event.style == "|" or event.style == ">":
                    self.spread = True
                anchor, weight, tall, last = event.anchor, 1, 0, node.stop
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                start = event.start_mark
                if len(stack) >= DEEPEST:
                    raise self._error(start, f"nested deeper than {DEEPEST} levels")
                if key is None and type(here) is MappingNode:
                    raise self._error(start, "a key that is not a scalar")
                stack.append((here, here_anchor, key, size, height))
                make = MappingNode if kind is yaml.MappingStartEvent else SequenceNode
                tag = None if event.implicit else event.tag
                here = make(start.line + 1, start.column + 1, start.index, -1 if event.flow_style else start.index, tag)
                here_anchor, key, size, height = event.anchor, None, 1, 0
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                assert here is not None
                if here.stop < 0:
                    last = event.end_mark.index
                    self.spread = self.spread or event.end_mark.line + 1 != here.line
                # A block collection ends where its last value does, not where the parser notices.
                here.stop = last
                if type(here) is MappingNode and (here.merged or len(here.pairs()) < len(here.items)):
                    self.repeated = True
                node, anchor, weight, tall = here, here_anchor, size, height + 1
                here, here_anchor, key, size, height = stack.pop()
            elif kind is yaml.AliasEvent:
                self._aliases = True
                if event.anchor not in self._anchors:
                    raise self._error(event.start_mark, f"the alias *{event.anchor} has no anchor before it")
                node, weight, tall = self._anchors[event.anchor]
                anchor, last = None, event.end_mark.index
                if len(stack) + tall > DEEPEST:
                    raise self._error(event.start_mark, f"nested deeper than {DEEPEST} levels")
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                self._anchors.clear()
                if documents > 1 and self.single:
                    raise self._error(event.start_mark, "a second document in one file: only one is read")
                continue
            else:
                continue
            if anchor is not None:
                self._anchors[anchor] = (node, weight, tall)
            size += weight
            if tall > height:
                height = tall
            if total + size > LARGEST_EXPANSION:
                message = f"holds more than {LARGEST_EXPANSION:,} values"
                if self._aliases:
                    message = f"expands to more than {LARGEST_EXPANSION:,} values through its aliases"
                raise self._error(event.start_mark, message)
            if type(here) is MappingNode:
                if key is None:
                    if not isinstance(node, ScalarNode):
                        raise self._error(event.start_mark, "a key that is not a scalar")
                    key = node
                    continue
                if key.text == "<<" and key.plain:
                    self._merge(here, key, node)
                else:
                    here.items.append((key, node))
                key = None
            elif here is not None:
                here.items.append(node)  # type: ignore[arg-type]
            else:
                self.roots.append(node)
                total, size = total + size, 0

    def _error(self, mark: Any, message: str) -> InputError:
        return InputError.at(Location(self.shown, mark.line + 1, mark.column + 1), message)

    def _merge(self, parent: MappingNode, key: ScalarNode, node: AnyNode) -> None:
        sources = node.items if isinstance(node, SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, MappingNode):
                raise InputError.at(Location(self.shown, key.line, key.column), "`<<` merges only mappings")
            parent.merged.append(source)
