"""Whether two variants are alike in a budget or a clause, as far as the manifest says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from framework.conformance.meaning import said, same
from framework.manifest.lengths import batch_of
from framework.manifest.sections.base import dumped
from framework.manifest.sections.quantities import About, Formula
from framework.manifest.sections.statements import COUNTED, Equal
from framework.names import find_path
from framework.stages.manifest.budgets import Amount, amount_of, parameters_of, trainable_of
from framework.stages.manifest.courses import Course, Courses, Done

_METHODS = ("mask", "adapter")
"""What a step without it does not do: elsewhere, what is not stated is not known."""


class Likeness(NamedTuple):
    """``alike`` is None where it is not known, and ``why`` says what is missing."""

    alike: bool | None
    why: str = ""
    first: Any = None
    second: Any = None


def likenesses(courses: Courses, spec: Equal, of: str, one: str, other: str) -> Iterator[Likeness]:
    """Of two variants: one for each model, and each task that both have."""
    devices = courses.experiment.manifest.hardware.count
    for model in courses.models:
        pairs = list(courses.pairs(one, other, model))
        if not pairs:
            yield Likeness(None, f"{one} and {other} have no task in common")
        for task, first, second in pairs:
            seen = _likeness(courses, of, (one, first), (other, second), devices, spec.within)
            named = [model] if len(courses.models) > 1 else []
            where = ", ".join([*named, *([task] if task else [])])
            yield seen._replace(why=f"{seen.why} ({where})") if where else seen


def _likeness(
    courses: Courses, of: str, one: tuple[str, Course], other: tuple[str, Course], devices: int, within: float | None
) -> Likeness:
    (name, first), (second_name, second) = one, other
    if of == "parameters":
        return _counted([parameters_of(done.key[2], done.model) for done in (first[-1], second[-1])], within)
    if of == "trainable_parameters":
        last = [next((done for done in reversed(course) if done.phase), None) for course in (first, second)]
        if None in last:
            return Likeness(None, f"{name if last[0] is None else second_name} trains nothing")
        return _counted([trainable_of(done) for done in last if done], within)
    # What both start from is one and the same run, and takes what it takes of both.
    shared = {done.key for done in first} & {done.key for done in second}
    mine, theirs = ([done for done in _trainings(each) if done.key not in shared] for each in (first, second))
    if of == "data":
        return _data(mine, theirs, devices)
    if of in COUNTED:
        common = [amount_of(of, done, devices) for done in _trainings(first) if done.key in shared]
        own, others = ([amount_of(of, done, devices) for done in each] for each in (mine, theirs))
        return _spent(common, own, others, within)
    variants = courses.experiment.manifest.variants
    stated = [_at(dumped(variants[each]), of) for each in (name, second_name)]
    if stated != [None, None]:
        return _clause(of, [(name, stated[0], second_name, stated[1])])
    return _clause(of, list(_matched(of, first, second)))


def _trainings(course: Course) -> Iterator[Done]:
    return (done for done in course if done.phase is not None)


def _spent(common: list[Amount], first: list[Amount], second: list[Amount], within: float | None) -> Likeness:
    """Sums, without the unknown amounts that are surely alike in both."""
    alike = _deciding(first) & _deciding(second)
    rest = [list(_without(amounts, alike)) for amounts in (first, second)]
    for amount in (*rest[0], *rest[1]):
        if amount.value is None:
            return Likeness(None, amount.unknown)
    own = [sum(amount.value or 0 for amount in amounts) for amounts in rest]
    open_ = [amount for amount in (*common, *first) if amount.value is None]
    if open_ and own[0] != own[1] and within:  # what share of the whole they lie apart is not known
        return Likeness(None, open_[0].unknown)
    known = sum(amount.value or 0 for amount in common)
    return near(known + own[0], known + own[1], within)


def _deciding(amounts: Iterable[Amount]) -> Counter[Any]:
    return Counter(each.decided_by for each in amounts if each.value is None and each.decided_by is not None)


def _without(amounts: Iterable[Amount], alike: Counter[Any]) -> Iterator[Amount]:
    left = alike.copy()
    for amount in amounts:
        if amount.value is None and left[amount.decided_by] > 0:
            left[amount.decided_by] -= 1
        else:
            yield amount


def _counted(amounts: list[Amount], within: float | None) -> Likeness:
    first, second = amounts
    return _spent([], [first], [second], within)


def near(first: float, second: float, within: float | None) -> Likeness:
    """Whether two counts are equal, or lie no further apart than a share of the first."""
    close = abs(first - second) <= (within or 0) * abs(first) * (1 + 1e-9)
    return Likeness(close, f"{first:,.12g} and {second:,.12g}", first, second)


def _data(first: list[Done], second: list[Done], devices: int) -> Likeness:
    """The same examples in the same order: one dataset under the same limits, in sequences of one length, in batches of
    one size. The seeds are the manifest's, and the same for all variants."""
    if len(first) != len(second):
        spelled = [", ".join(done.place for done in each) or "nothing more" for each in (first, second)]
        return Likeness(False, f"training in {spelled[0]} and in {spelled[1]}", *spelled)
    for one, other in zip(first, second, strict=True):
        facts = [_drawn(done, devices) for done in (one, other)]
        for what, value in facts[0].items():
            if value is not None and facts[1][what] is not None and value != facts[1][what]:
                return Likeness(False, f"{what} {said(value)} and {said(facts[1][what])}", value, facts[1][what])
        for done, known in zip((one, other), facts, strict=True):
            missing = next((what for what, value in known.items() if value is None), None)
            if missing is not None:
                return Likeness(None, f"{done.place} states no {missing}")
    return Likeness(True, "the same data in the same order")


def _drawn(done: Done, devices: int) -> dict[str, Any]:
    phase = done.phase
    assert phase is not None
    batch = batch_of(phase, devices)
    exact = None if isinstance(phase.batch_size, About) else batch or phase.batch_size
    found = {"dataset": phase.dataset, "batch_size": exact, "sequence_length": phase.sequence_length}
    limit = {"limit": done.dataset.limit or "none"} if done.dataset is not None else {}
    return {**found, **limit}


def _at(data: Any, name: str) -> Any:
    path = find_path(data, name)
    for part in path or ():
        data = data[part]
    return data if path else None


def _numbered(course: Course) -> dict[tuple[str, int], Done]:
    """The steps by their name, and which of that name they are."""
    seen: Counter[str] = Counter()
    found = {}
    for done in course:
        seen[done.name] += 1
        found[done.name, seen[done.name]] = done
    return found


def _matched(of: str, first: Course, second: Course) -> Iterator[tuple[str, Any, str, Any]]:
    """What steps of one name state in both: the place and the value of each."""
    one, other = _numbered(first), _numbered(second)
    for key in one:
        if key in other:
            stated = _at(one[key].data, of), _at(other[key].data, of)
            if stated != (None, None):
                yield one[key].place, stated[0], other[key].place, stated[1]


def _clause(of: str, pairs: list[tuple[str, Any, str, Any]]) -> Likeness:
    if not pairs:
        return Likeness(None, f"no step that both do states {of}")
    for place, value, other_place, other in pairs:
        absent = value is None or other is None
        if absent and of.partition(".")[0] not in _METHODS:
            return Likeness(None, f"{place if value is None else other_place} states no {of}")
        if isinstance(value, Formula) or isinstance(other, Formula):
            return Likeness(None, f"what {of} follows from is not all stated")
        if not (same(value, other) or same(other, value)):
            return Likeness(False, f"{said(value)} and {said(other)}", value, other)
    return Likeness(True, ", ".join(said(value) for _, value, _, _ in pairs))
