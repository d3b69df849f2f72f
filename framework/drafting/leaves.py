"""The values of a draft, each with the comment that says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framework.drafting.clauses_of_trainings import rivals
from framework.drafting.stated import Evidence
from framework.manifest.clauses import shown
from framework.names import Path

TODO = "TODO: no file states it"
"""The comment of a value that stands there because a manifest needs one."""


@dataclass(frozen=True)
class Leaf:
    """A value of the draft, and the comment that says where it comes from."""

    value: Any
    comment: str = ""


Tree = dict[str, Any]
"""Nested mappings and lists of :class:`Leaf`."""


def first_stated(evidence: list[Evidence]) -> Leaf:
    """What the first place states, and which others say something else: which of them is right only the paper knows."""
    first = evidence[0]
    note = f"; {first.note}" if first.note else ""
    others = [f"{each.where} says {shown(each.value)}" for each in rivals(evidence)]
    differing = f"; DISAGREES: {listed(others)}" if others else ""
    return Leaf(first.value, f"from {first.where}{note}{differing}")


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


def listed(places: list[str]) -> str:
    """Places for a comment, as many as fit into a line that people read."""
    rest = f"; and {len(places) - MOST} more" if len(places) > MOST else ""
    return "; ".join(places[:MOST]) + rest
