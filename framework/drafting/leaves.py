"""The values of a draft, each with the comment that says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framework.drafting.stated import Evidence, groups
from framework.manifest.clauses import shown

TODO = "TODO: no file states it"
"""The comment of a value that stands there because a manifest needs one."""


@dataclass(frozen=True)
class Leaf:
    """A value of the draft, and the comment that says where it comes from."""

    value: Any
    comment: str = ""


Tree = dict[str, Any]
"""Nested mappings and lists of :class:`Leaf`."""


def chosen(evidence: list[Evidence]) -> Leaf:
    """The value that most files state, and who else says what."""
    sorted_groups = groups(evidence)
    first = sorted_groups[0][0]
    note = f"; {first.note}" if first.note else ""
    return Leaf(first.value, f"from {first.where}" + note + differing(sorted_groups))


def differing(found: list[list[Evidence]]) -> str:
    """The other values, for a comment; empty where all agree."""
    others = [f"{group[0].where} says {shown(group[0].value)}" for group in found[1:]]
    return f"; DISAGREES: {listed(others)}" if others else ""


MOST = 8
"""Places that a comment lists."""


def listed(places: list[str]) -> str:
    """Places for a comment, as many as fit into a line that people read."""
    rest = f"; and {len(places) - MOST} more" if len(places) > MOST else ""
    return "; ".join(places[:MOST]) + rest
