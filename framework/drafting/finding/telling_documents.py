"""Documents that state a training in words: bound beside the configs, and never the source of a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path as FilePath

from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.drafting.finding.candidates import DOCUMENTS, candidates
from framework.drafting.finding.discovery import TELLING
from framework.drafting.leaves import Leaf, Tree
from framework.errors import InputError
from framework.names import format_path
from framework.reading.formats import read
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, SequenceNode

_FEWEST = 2
"""Facts of a training by which a document is one about it."""


@dataclass(frozen=True)
class Told:
    """One document."""

    name: str
    facts: int
    """How many facts its labels state."""
    blocks: list[str] = field(default_factory=list)
    """The keys of its commands and configs: examples, of which nobody knows the run."""

    def binding(self, phases: list[str]) -> Tree:
        """Its entry under `configs`."""
        made: Tree = {"file": Leaf(self.name), "dialect": Leaf("generic", "labels in words")}
        if len(phases) == 1:
            made["describes"] = Leaf(f"phases.{phases[0]}")
        if self.blocks:
            made["ignore"] = Leaf(self.blocks, "examples in it: bind those that are of this training")
        return made


def documents(root: FilePath, without: frozenset[FilePath]) -> list[Told]:
    """The documents below a folder whose labels state a training."""
    found = []
    for path in candidates(root, DOCUMENTS):
        if path.resolve() in without:
            continue
        name = path.relative_to(root).as_posix()
        try:
            document = read(path, name)
        except InputError:
            continue
        if isinstance(document.root, MappingNode) and (facts := _facts(document)) >= _FEWEST:
            found.append(Told(name, facts, list(_blocks(document))))
    return found


def _facts(document: Document) -> int:
    """How many facts of a training the labels of a document state, its blocks and the rows of its tables aside."""
    assert document.root is not None
    facts = set()
    for each in said(dialect("generic"), document.value(document.root)).statements:
        node = document.node(each.path)
        if node is None or _is_of_a_block(node) or each.path[:-1] in document.rows or each.named:
            continue
        facts.add(each.fact)
    return len(facts & TELLING)


def _blocks(document: Document) -> list[str]:
    """The outermost places below which everything is a block's."""
    found: list[str] = []
    pending: list[tuple[tuple[str, ...], AnyNode]] = [((), document.root)] if document.root is not None else []
    while pending:
        path, node = pending.pop()
        if path and _is_of_a_block(node):
            found.append(format_path(path))
        elif isinstance(node, MappingNode):
            pending += [((*path, name), child) for name, child in node.children()]
    return sorted(found)


def _is_of_a_block(node: AnyNode) -> bool:
    if isinstance(node, MappingNode):
        return all(_is_of_a_block(child) for _, child in node.children())
    if isinstance(node, SequenceNode):
        return all(_is_of_a_block(item) for item in node.items)
    return isinstance(node, ComputedNode)
