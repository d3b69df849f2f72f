"""One hyperparameter, stated twice with two values: in two keys of a file, or in two files about the same training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from framework.conformance.check import BoundFile, ConfigContext
from framework.conformance.facts import Fact, facts_of
from framework.conformance.hyperparameters import KNOBS, folded
from framework.conformance.meaning import compare, said, same
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import shown

TWICE = Rule(
    "C105", "stated-twice", Severity.ERROR, Stage.CONFIG, "one hyperparameter is stated with two values in one project"
)

_OF_A_RUN = {"seed"}
"""What differs between two files of one training by its nature."""

Place = tuple[BoundFile, Fact]


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    bindings: dict[tuple[object, ...], set[int]] = {}
    abouts: dict[str, set[tuple[object, ...]]] = {}
    for bound in context.files:
        about = (bound.binding.describes, bound.binding.variant)
        bindings.setdefault(about, set()).add(bound.index)
        abouts.setdefault(bound.document.file, set()).add(about)
    across: dict[tuple[object, ...], list[Place]] = {}
    seen: set[tuple[object, ...]] = set()
    for bound in context.files:
        about = (bound.binding.describes, bound.binding.variant)
        facts = [fact for fact in facts_of(context, bound) if _is_plain(fact)]
        within: dict[tuple[object, ...], list[Place]] = {}
        for fact in facts:
            within.setdefault((fact.scope, fact.knob), []).append((bound, fact))
            if about[0] and len(bindings[about]) > 1 and fact.knob not in _OF_A_RUN:
                across.setdefault((*about, fact.scope, fact.knob), []).append((bound, fact))
        if len(within) < len(facts):
            for places in within.values():
                yield from _apart(context, places, abouts, seen)
    for places in across.values():
        yield from _apart(context, places, abouts, seen)


def _is_plain(fact: Fact) -> bool:
    """Whether a key says by its name what it states: a bound `base_lr` may be the base of `lr`; and a rate of 0 holds
    a place for one that is computed."""
    return bool(KNOBS[fact.path[-1]] == fact.knob and not (fact.knob == "learning_rate" and fact.value == 0))


def _apart(
    context: ConfigContext,
    places: list[Place],
    abouts: dict[str, set[tuple[object, ...]]],
    seen: set[tuple[object, ...]],
) -> Iterator[Verdict | Finding]:
    """A finding for each place that contradicts the first one; a bound place comes before an unbound one."""
    files = {bound.document.file for bound, _ in places}
    if len(files) > 1 and any(len(abouts[file]) > 1 for file in files):
        return
    ordered = sorted(places, key=lambda place: place[1].target is None)
    first = ordered[0]
    for other in ordered[1:]:
        one, two = first[1], other[1]
        key = (one.location, two.location)
        if one.location == two.location or key in seen or same(one.value, two.value):
            continue
        seen.add(key)
        if not _judged_apart(one, two) and not _siblings(context, first[0], other[0]):
            yield _found(context, other[0], one, two)


def _judged_apart(one: Fact, two: Fact) -> bool:
    """Whether the keys are bound to two clauses, or to one that already tells which of them is wrong."""
    if one.target is None or two.target is None:
        return False
    if one.target != two.target:
        return True
    clause, facet = one.target.clause, one.target.facet
    return any(compare(clause.path, clause.value, fact.value, facet).same is False for fact in (one, two))


def _siblings(context: ConfigContext, one: BoundFile, two: BoundFile) -> bool:
    """Whether two files are members of one pattern, or are called after two tasks, models, datasets or variants."""
    if one.document.file == two.document.file:
        return False
    return one.index == two.index or _named(context, one) != _named(context, two)


def _named(context: ConfigContext, bound: BoundFile) -> set[str]:
    manifest = context.experiment.stated
    tasks = {task for phase in manifest.phases.values() for task in phase.tasks}
    names = {*tasks, *manifest.models, *manifest.datasets, *manifest.variants, *manifest.profiles}
    stem = folded(PurePath(bound.document.file).stem)
    return {name for name in names if folded(name) in stem}


def _found(context: ConfigContext, bound: BoundFile, one: Fact, two: Fact) -> Verdict | Finding:
    target = one.target or two.target
    clause = target.clause if target else None
    message = (
        f"{two.location.key} is {said(two.value)}; {one.location.key} at {one.location} states the same "
        f"{one.knob.replace('_', ' ')} as {said(one.value)}"
    )
    advice = f"keep one of the two keys, or write {shown(one.value)} here"
    if clause is None:
        advice += f"; bind it under `keys:`, or list what is another knob under `ignore:` of {bound.binding.file}"
    finding = Finding(
        TWICE, message, clause.id if clause else None, one.value, two.value, two.location, one.location, advice
    )
    return context.judge.violated(clause, finding, str(two.location)) if clause else finding
