"""Rules that need not look again: a file that says the same as one that passed passes, too.

A project's config files mostly say the same in all that a rule reads, and differ in a seed, a name or a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from framework.conformance import Finding, Status, Verdict
from framework.conformance.matrix import Conforming, Keys
from framework.stages.config.bound import BoundFile, Look

if TYPE_CHECKING:
    from framework.stages.config.context import ConfigContext

_MOST = 4096


class _Precedents:
    """The words of files of one plan that passed a rule, with the verdicts that all who say the same get."""

    __slots__ = ("_pick", "passed")

    def __init__(self, places: Sequence[int]):
        self._pick: Callable[[Any], Any] = itemgetter(*places) if places else lambda words: ()
        self.passed: dict[Hashable, Conforming] = {}

    def case(self, bound: BoundFile) -> Hashable:
        found: Hashable = self._pick(bound.document.words())
        return found


def by_precedent(
    context: ConfigContext,
    rule: str,
    bound: BoundFile,
    places: Callable[[], Sequence[int]],
    look: Callable[[], Iterable[Verdict | Finding]],
) -> Iterator[Verdict | Finding]:
    """What ``look`` sees in a file; not asked where the file says the same as one that passed, at all ``places`` (of
    its leaves).

    To pass is to conform in every verdict, and to give no finding. ``look`` must read nothing of the file but its
    keys and the values at the places: then files of one plan that agree there pass together, and differ only in where
    they say so, which :class:`~framework.stages.config.bound.Look` works out for each. What did not pass is looked at
    in each file, since findings name places. A dialect reads all values: its files have no precedents.
    """
    if bound.by_dialect:
        yield from _told(context, bound, list(look()))
        return
    memo = bound.plan.memo
    precedents = memo.get(rule)
    if precedents is None:
        precedents = memo[rule] = _Precedents(places())
    case = precedents.case(bound)
    passed = precedents.passed.get(case)
    if passed is None:
        seen = list(look())
        yield from _told(context, bound, seen)
        keys = _passing(seen)
        if keys is not None and len(precedents.passed) < _MOST:
            precedents.passed[case] = context.conforming[keys]
    elif passed.keys:
        passed.files.append(bound)


def _told(context: ConfigContext, bound: BoundFile, seen: list[Verdict | Finding]) -> Iterator[Verdict | Finding]:
    """What was seen; a pass is only noted, together with those of other files."""
    keys = _passing(seen)
    if keys is None:
        yield from seen
    else:
        context.conforms(bound, keys)


def _passing(seen: list[Verdict | Finding]) -> Keys | None:
    """What conforms, if everything does."""
    keys = []
    for each in seen:
        if isinstance(each, Finding) or each.status is not Status.CONFORMS or not isinstance(each.evidence, Look):
            return None
        keys.append((each.clause, each.reason, each.evidence.path))
    return tuple(keys)
