"""One hyperparameter, stated twice with two values: in two keys of a file, or in two files about the same training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import compare, said, same
from framework.manifest.clauses import shown
from framework.manifest.hyperparameters import KNOBS, folded
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.meaning.clause_targets import BATCH_PARTS
from framework.stages.config.training_facts import Fact, fact_places, facts_of

TWICE = Rule(
    "C105", "stated-twice", Severity.ERROR, Stage.CONFIG, "one hyperparameter is stated with two values in one project"
)

_OF_A_RUN = {"seed"}
"""What differs between two files of one training by its nature."""


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    """Two keys of one file. What several bindings say of one training is gathered for :func:`check`."""
    for bound in bounds:
        about = _about(bound)
        several = about[0] is not None and _bindings(context)[about] > 1
        if several or _may_repeat(context, bound):
            facts = [fact for fact in facts_of(context, bound) if _is_plain(fact)]
            within: dict[tuple[object, ...], list[Fact]] = {}
            for fact in facts:
                within.setdefault((fact.scope, fact.knob), []).append(fact)
                if several and fact.knob not in _OF_A_RUN:
                    across: dict[object, list[Fact]] = context.cache.setdefault("stated across", {})
                    across.setdefault((*about, fact.scope, fact.knob), []).append(fact)
            if len(within) < len(facts):
                for places in within.values():
                    yield from _apart(context, places)


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    for places in context.cache.get("stated across", {}).values():
        yield from _apart(context, places)


def _about(bound: BoundFile) -> tuple[str | None, str | None]:
    return bound.binding.describes, bound.binding.variant


def _bindings(context: ConfigContext) -> Counter[tuple[str | None, str | None]]:
    """How many bindings are about each training."""
    if "bindings about" not in context.cache:
        configs = context.bindings
        context.cache["bindings about"] = Counter((binding.describes, binding.variant) for binding in configs)
    found: Counter[tuple[str | None, str | None]] = context.cache["bindings about"]
    return found


def _may_repeat(context: ConfigContext, bound: BoundFile) -> bool:
    """Whether two keys of a file can state one thing."""
    places = fact_places(context, bound)
    return bound.by_keys("repeats", lambda: len({(place.scope, place.knob) for place in places}) < len(places))


def _is_plain(fact: Fact) -> bool:
    """Whether a key says by its name what it states: a bound `base_lr` may be the base of `lr`; and a rate of 0 holds
    a place for one that is computed."""
    return bool(KNOBS[fact.path[-1]] == fact.knob and not (fact.knob == "learning_rate" and fact.value == 0))


def _apart(context: ConfigContext, places: list[Fact]) -> Iterator[Verdict | Finding]:
    """A finding for each place that contradicts the first one; a bound place comes before an unbound one."""
    files = {fact.bound.file: fact.bound for fact in places}
    if len(files) > 1 and any(len(_abouts(bound)) > 1 for bound in files.values()):
        return
    seen: set[tuple[object, ...]] = context.cache.setdefault("seen apart", set())
    first, *others = sorted(places, key=lambda fact: fact.target is None)
    for other in others:
        pair = (first.bound.file, first.path, other.bound.file, other.path)
        if same(first.value, other.value) or pair[:2] == pair[2:] or pair in seen:
            continue
        seen.add(pair)
        if not _judged_apart(first, other) and not _siblings(context, first.bound, other.bound):
            yield _found(context, first, other)


def _abouts(bound: BoundFile) -> set[tuple[str | None, str | None]]:
    return {_about(each) for each in (bound, *bound.others)}


def _judged_apart(one: Fact, two: Fact) -> bool:
    """Whether the keys are bound to two clauses, or to one that already tells which of them is wrong."""
    if one.target is None or two.target is None:
        return False
    if one.target != two.target:
        return True
    clause, facet = one.target.clause, one.target.facet
    if facet in BATCH_PARTS:
        return False  # a factor may be any: that there are two is the fault
    return any(compare(clause.path, clause.value, fact.value, facet).same is False for fact in (one, two))


def _siblings(context: ConfigContext, one: BoundFile, two: BoundFile) -> bool:
    """Whether two files are members of one pattern, or are called after two tasks, models, datasets or variants."""
    if one.file == two.file:
        return False
    return one.index == two.index or _named(context, one) != _named(context, two)


def _named(context: ConfigContext, bound: BoundFile) -> set[str]:
    manifest = context.experiment.stated
    tasks = {task for phase in manifest.phases.values() for task in phase.tasks}
    names = {*tasks, *manifest.models, *manifest.datasets, *manifest.variants, *manifest.profiles}
    stem = folded(PurePath(bound.file).stem)
    return {name for name in names if folded(name) in stem}


def _found(context: ConfigContext, one: Fact, two: Fact) -> Verdict | Finding:
    target = one.target or two.target
    clause = target.clause if target else None
    message = (
        f"{two.location.key} is {said(two.value)}; {one.location.key} at {one.location} states the same "
        f"{one.knob.replace('_', ' ')} as {said(one.value)}"
    )
    advice = f"keep one of the two keys, or write {shown(one.value)} here"
    if clause is None:
        advice += f"; bind it under `keys:`, or list what is another knob under `ignore:` of {two.bound.binding.file}"
    finding = Finding(
        TWICE, message, clause.id if clause else None, one.value, two.value, two.location, one.location, advice
    )
    return context.judge.violated(clause, finding, str(two.location)) if clause else finding
