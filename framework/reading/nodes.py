"""A file as a tree that knows where each value stands."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from framework.locations import Location
from framework.names import Path, exact_path, find_path, format_path
from framework.reading.scalars import Rules, resolve, table, within_floats
from framework.reading.shapes import Shape, leaves_of
from framework.reading.tree import (
    UNSET,
    AnyNode,
    ComputedNode,
    Duplicate,
    MappingNode,
    Node,
    Opaque,
    ScalarNode,
    SequenceNode,
)
from framework.reading.yaml.lines import EMPTY_LIST, ParsedRoot, RowRoot
from framework.reading.yaml.plain_tree import RowMapping, RowScalar

__all__ = [
    "UNSET",
    "AnyNode",
    "ComputedNode",
    "Document",
    "Duplicate",
    "MappingNode",
    "Node",
    "Note",
    "Opaque",
    "ScalarNode",
    "SequenceNode",
]


class Note(NamedTuple):
    """What a reader noticed about a value that is no error, such as an argument without a type."""

    kind: str
    path: Path
    node: AnyNode
    message: str


class CommandLine(NamedTuple):
    """A command of a script: its arguments with their places, what they state, and where a launcher's program stands
    among them (None where there is no launcher)."""

    words: list[tuple[str, int]]
    stated: list[tuple[ScalarNode, AnyNode]]
    program: int | None
    launched: bool


@dataclass(slots=True)
class Document:
    """One parsed file. ``file`` is its name in messages; ``root`` is None when it is empty."""

    file: str
    text: str
    root: AnyNode | None
    rules: Rules
    duplicates: list[Duplicate] = field(default_factory=list)
    format: str = "yaml"
    """Which reader made it: `yaml`, `json`, `toml`, `ini`, `gin`, `shell`, `python`, `notebook`, `markdown` or `latex`,
    or a third party's."""
    several: bool = False
    """Whether the file holds several YAML documents: the root is then the list of them."""
    notes: list[Note] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    """Keys that one might look for in vain, and why: a flag that two commands state. Under the empty key: why any key
    may be missing here."""
    shortcuts: dict[str, Path] = field(default_factory=dict)
    """Of a document in prose: further names of its places (folded), without what stands above them."""
    rows: set[Path] = field(default_factory=set)
    """Of a document in prose: rows of tables and items of lists, each of which is about what its label names."""
    programs: list[str] = field(default_factory=list)
    """Of a script: the programs that it starts with arguments, `trl sft` or `torchrun pretrain_gpt.py`. Of a program:
    `unsloth`, where it imports that, which changes other packages."""
    commands: list[CommandLine] = field(default_factory=list)
    """Of a script: what it starts with arguments."""
    variables: frozenset[str] = frozenset()
    """The keys that are a script's variables, and neither flags nor overrides."""
    overruled: dict[Path, list[AnyNode]] = field(default_factory=dict)
    """What a value goes before, by its place: of a flag what the same command gives it earlier, of a file over others
    what these state."""
    evaluating: set[Path] = field(default_factory=set)
    """Of a program: the calls that load the data of an evaluation, whose arguments say nothing of the training."""
    replaced: dict[Path, list[AnyNode]] = field(default_factory=dict)
    """Of a program: the defaults that its calls replace by the value at the place, in their order."""
    unused: set[Path] = field(default_factory=set)
    """Of a program: the values of dictionaries that are only copied, each copy with another value instead."""
    unread: set[Path] = field(default_factory=set)
    """Of a program: the names of the module that it never reads."""
    homes: dict[int, Document] = field(default_factory=dict)
    """By `id`, the nodes that stand in another file, as a Hydra config group's do."""
    kept: list[Node] = field(default_factory=list)
    """The nodes of :attr:`homes`, so that no other node is given their `id`."""
    composed: list[tuple[FilePath, tuple[int, int]]] = field(default_factory=list)
    """The other files that it is made of, or would be if they existed; with their state when they were read."""

    _shape: Shape | None = field(default=None, repr=False, compare=False)
    _leaves: tuple[AnyNode, ...] | None = field(default=None, repr=False, compare=False)

    def over(self, root: AnyNode | None) -> Document:
        """The same file with other values: all else that its reader noticed stays."""
        homes, kept, duplicates = dict(self.homes), list(self.kept), list(self.duplicates)
        return replace(self, root=root, homes=homes, kept=kept, duplicates=duplicates, _shape=None, _leaves=None)

    def home(self, node: Node) -> Document:
        """The document in whose text the node stands: this one, if nothing was composed into it."""
        return self.homes.get(id(node), self) if self.homes else self

    def location(self, node: Node, path: Path = ()) -> Location:
        if self.homes and (home := self.home(node)) is not self:
            return home.location(node, path)
        end = self.text.find("\n", node.start)
        width = min(node.stop, len(self.text) if end < 0 else end) - node.start
        return Location(self.file, node.line, node.column, format_path(path) if path else None, max(1, width))

    def origin(self, node: AnyNode) -> AnyNode:
        """The node that states the value: another one for a variable or an interpolation, else the node itself."""
        seen = {id(node)}
        while isinstance(node, ComputedNode) and node.origin is not None and id(node.origin) not in seen:
            node = node.origin
            seen.add(id(node))
        return node

    def editable(self, node: AnyNode) -> bool:
        """Whether another token in place of the node's own changes this value and no other meaning of the text."""
        return not isinstance(node, ComputedNode) or node.literal

    def quote(self, node: AnyNode) -> str | None:
        """The quote character that the value's token starts with, or None where it is plain."""
        text = self.home(node).text
        first = text[node.start] if node.start < min(node.stop, len(text)) else ""
        return first if first and first in "\"'" and isinstance(node, ScalarNode) else None

    def value(self, node: AnyNode) -> Any:
        """The node as plain data, each scalar as the file's reader takes it."""
        kind = type(node)
        if kind is RowScalar:
            return table(self.rules)[node.raw]  # type: ignore[union-attr]
        if kind is RowMapping or kind is RowRoot:
            values = table(self.rules)
            return {
                name: values[child.raw] if type(child) is RowScalar else self.value(child)
                for name, child in node.entries.items()  # type: ignore[union-attr]
            }
        if kind is ComputedNode:
            return within_floats(node.value)  # type: ignore[union-attr]
        tag = node.tag
        if tag is not None and tag not in CORE_TAGS:
            return Opaque(tag)
        if isinstance(node, ScalarNode):
            if tag is not None and tag.startswith(CORE):
                return _tagged(node.text, tag.removeprefix(CORE), self.rules)
            return table(self.rules)[node.text] if node.plain else node.text
        if isinstance(node, SequenceNode):
            return [self.value(item) for item in node.items]
        return {name: self.value(value) for name, value in node.children()}

    def leaves(self) -> list[tuple[Path, AnyNode]]:
        """Every scalar, and every empty mapping or sequence, with its path."""
        return list(zip(self.shape(), self.leaf_nodes(), strict=True))

    def shape(self) -> Shape:
        """The paths of all leaves. Files with the same keys share one object: what follows from the keys alone needs
        to be worked out only once for all of them."""
        if self._shape is None:
            if isinstance(self.root, (RowRoot, ParsedRoot)):
                self._shape = self.root.shape
            else:
                self._shape, self._leaves = leaves_of(self.root)
        return self._shape

    def leaf_nodes(self) -> tuple[AnyNode, ...]:
        """The leaves, in the order of :meth:`shape`."""
        if self._leaves is None:
            shape, self._leaves = leaves_of(self.root)
            self._shape = self._shape or shape
        return self._leaves

    def words(self) -> tuple[Hashable, ...]:
        """What each leaf says, in the order of :meth:`shape`. In two files of one shape that are read by the same
        rules, the same word says the same value; one value may be written as several words (`2e-4`, `0.0002`)."""
        if isinstance(self.root, (RowRoot, ParsedRoot)):
            return self.root.words
        if self.is_prose:  # `10%` and `0.1` are one value, and not one word
            return tuple(node.text if isinstance(node, ScalarNode) else () for node in self.leaf_nodes())
        values = map(self.value, self.leaf_nodes())
        return tuple((type(value), value if value.__hash__ else None) for value in values)

    def leaf_values(self) -> list[Any]:
        """The value of each leaf, in the order of :meth:`shape`."""
        if isinstance(self.root, (RowRoot, ParsedRoot)):
            return [self._meant(word) for word in self.root.words]
        return [self.value(leaf) for leaf in self.leaf_nodes()]

    def _meant(self, word: Any) -> Any:
        if type(word) is not str:
            return self.value(word)
        return [] if word is EMPTY_LIST else table(self.rules)[word]

    def place(self, node: Node) -> str:
        """Where a value stands, as :meth:`location` says it."""
        home = self.home(node) if self.homes else self
        return f"{home.file}:{node.line}:{node.column}"

    @property
    def is_prose(self) -> bool:
        """Whether people, and no program, read it: what it says in words may mean more than its value."""
        return self.format in ("markdown", "latex")

    def called(self, name: str, data: Any) -> Path | None:
        """The place that a binding's key names; ``data`` is the document as plain data."""
        return self.shortcut(name) or find_path(data, name)

    def shortcut(self, name: str) -> Path | None:
        """The place that a document in prose calls so, whatever the case of the letters."""
        if not self.shortcuts:
            return None
        parts = exact_path(name)
        whole = len(parts)
        while whole and isinstance(parts[whole - 1], int):  # an item of a list
            whole -= 1
        plain = ".".join(map(str, parts[:whole])) if parts else name
        found = self.shortcuts.get(" ".join(plain.split()).casefold())
        return None if found is None else (*found, *parts[whole:])

    def node(self, path: Path) -> AnyNode | None:
        """The value at a path, or None."""
        node = self.root
        for part in path:
            if type(node) is RowMapping or type(node) is RowRoot:
                node = node.entries.get(part)  # type: ignore[arg-type]
            elif isinstance(node, MappingNode) and isinstance(part, str):
                pair = node.get(part)
                node = None if pair is None else pair[1]
            elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
            else:
                return None
        return node

    def walk(self, path: Path) -> tuple[ScalarNode | None, AnyNode] | None:
        """The key (None in a sequence, and for the root) and the value at a path, or None."""
        key: ScalarNode | None = None
        node = self.root
        for part in path:
            if isinstance(node, MappingNode) and isinstance(part, str):
                pair = node.get(part)
                if pair is None:
                    return None
                key, node = pair
            elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
                key, node = None, node.items[part]
            else:
                return None
        return None if node is None else (key, node)


CORE = "tag:yaml.org,2002:"
CORE_TAGS = {"!", *(CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))}


def _tagged(text: str, kind: str, rules: Rules) -> Any:
    if kind == "str":
        return text
    value = resolve(text, rules)
    if kind == "float" and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return text
    return value
