"""A plan in shares, for machines that share nothing: each executes one, and their run folders are put together after.

Steps that start from one another, or refer to one another, stay together, so that no machine waits for another and no
run is made twice. A share is chosen by the content of what its steps begin with (rendezvous hashing: Thaler &
Ravishankar 1998, *IEEE/ACM Transactions on Networking* 6:1): a further variant, seed or task moves none of the others,
unless it ties two groups together; a further machine takes its part from all.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from framework.errors import UsageError
from framework.planning.build import Plan

_SPELLED = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Share ``number``, from 1 on, of ``of``."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def shard(text: str) -> Shard:
    """A share as it is written: `2/3`.

    Raises:
        UsageError: it is none.
    """
    found = _SPELLED.fullmatch(text)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise UsageError(
            f"{text!r} is no share of a plan: write 1/3, 2/3 or 3/3 on the first, second and third of three"
        )
    return Shard(number, of)


def shared(whole: Plan, chosen: Plan, share: Shard) -> Plan:
    """The steps of a selection that are in a share.

    Args:
        whole: The plan of all that the manifest states, by which shares are made: what a selection leaves out moves no
            step.
    """
    groups = _groups(whole)
    return Plan(
        tuple(step for step in chosen.steps if _takes(groups.get(step.key, step.key), share.of) == share.number)
    )


def _takes(group: str, of: int) -> int:
    """The share, from 1 on, that a group belongs to."""
    return max(range(1, of + 1), key=lambda number: hashlib.sha256(f"{group} {number}".encode()).digest())


def _groups(plan: Plan) -> dict[str, str]:
    """By step, the least key of what its group begins with."""
    above: dict[str, str] = {step.key: step.key for step in plan.steps}

    def top(key: str) -> str:
        while above[key] != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    for step in plan.steps:
        for other in (step.parent, *step.references.values()):
            if other is not None and other in above:
                one, two = sorted((top(step.key), top(other)))
                above[two] = one
    begins: dict[str, str] = {}
    for step in plan.steps:
        if step.parent is None and not step.references:
            group = top(step.key)
            begins[group] = min(begins.get(group, step.key), step.key)
    return {key: begins.get(top(key), top(key)) for key in above}
