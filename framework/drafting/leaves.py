"""The values of a draft, each with the comment that says where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from framework.drafting.clauses_of_trainings import rivals
from framework.drafting.stated import Evidence
from framework.manifest.clauses import shown
from framework.names import Path


@dataclass(frozen=True)
class Leaf:
    """A value of the draft, and the comment that says where it comes from."""

    value: Any
    comment: str = ""


@dataclass(frozen=True)
class Remark:
    """A line of words between the entries of a mapping, under a key that is not written."""

    text: str


Tree = dict[str, Any]
"""Nested mappings and lists of :class:`Leaf`, and remarks between them."""


def first_stated(evidence: list[Evidence]) -> Leaf:
    """What the first place states, and which others say something else: which of them is right only the paper knows."""
    first = evidence[0]
    note = f"; {first.note}" if first.note else ""
    others = [f"{each.where} says {shown(each.value)}" for each in rivals(evidence)]
    differing = f"; DISAGREES: {listed(others)}" if others else ""
    return Leaf(first.value, f"from {first.where}{note}{differing}")


def remark_on(clause: str, evidence: list[Evidence]) -> Remark:
    """What alternatives state differently, where nothing tells what they are."""
    said = [f"{each.home or each.file} says {shown(each.value)}" for each in evidence]
    return Remark(f"differs: {clause}: {listed(said, ', ')}")


def placed(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Each value of a draft with its place."""
    if isinstance(tree, Leaf):
        yield path, tree
    elif isinstance(tree, (dict, list)):
        for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from placed(inner, (*path, key))


def put(tree: Tree, path: Path, leaf: Leaf) -> bool:
    """Set a leaf at a path; False where a value stands in its way."""
    here = tree
    for part in path[:-1]:
        here = here.setdefault(str(part), {})
        if not isinstance(here, dict):
            return False
    last = str(path[-1])
    if last in here:
        return False
    here[last] = leaf
    return True


MOST = 8
"""Places that a comment lists."""


def listed(places: list[str], between: str = "; ") -> str:
    """Places for a comment, as many as fit into a line that people read."""
    rest = f"{between}and {len(places) - MOST} more" if len(places) > MOST else ""
    return between.join(places[:MOST]) + rest
