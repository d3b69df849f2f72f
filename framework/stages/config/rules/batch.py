"""The factors of a batch must multiply to the declared one: micro batch x accumulation x processes.

They may stand in several files of one run: the micro batch in a DeepSpeed JSON, the accumulation in the trainer's
arguments, the processes in the launcher.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said, unknowable
from framework.manifest.clauses import Clause
from framework.names import Path
from framework.reading.nodes import AnyNode
from framework.stages.config.absent_keys import section_of
from framework.stages.config.alike_files import by_precedent
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.meaning.clause_targets import BATCH_PARTS, Target
from framework.stages.config.meaning.searched_factors import can_make, space_of
from framework.stages.config.near_keys import near_verdict, nearest
from framework.stages.config.rules import drift
from framework.stages.config.runtime_values import unresolved

if TYPE_CHECKING:
    from framework.dialects.terms import Searched

PRODUCT = Rule(
    "C110",
    "batch-product",
    Severity.ERROR,
    Stage.CONFIG,
    "micro batch x accumulation x processes is not the declared batch",
)

_OWN = ("micro", "accumulation")
"""The factors that a file must know to be judged alone; the processes are else the declared devices."""


class Factors(NamedTuple):
    """What one file states of a batch."""

    bound: BoundFile
    clause: Clause
    stated: dict[str, int]
    defaults: dict[str, int]
    """What its trainer takes for the others, where that is known."""
    place: tuple[Path, AnyNode]
    """Where the first of them stands."""


class _Keys(NamedTuple):
    """The keys of a file that state factors of one batch, by which, and those that it lacks."""

    clause: Clause
    stated: dict[str, list[str]]
    missing: list[str]


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    for bound in bounds:
        yield from _held(context, bound)


def check(context: ConfigContext) -> Iterator[Verdict]:
    """What no file could tell alone."""
    told: set[object] = set()
    for own in context.cache.get("partial batches", ()):
        others = _of_run(context, own)
        together = (own.clause.id, frozenset(each.bound.file for each in (own, *others)))
        verdict = _with_others(context, own, others)
        if verdict.finding is None or together not in told:  # of several parts the first tells
            yield verdict
        if verdict.finding is not None:
            told.add(together)


def _held(context: ConfigContext, bound: BoundFile) -> Iterator[Verdict | Finding]:
    every = bound.by_keys("factors", lambda: _keys(bound))
    whole = [keys for keys in every if not keys.missing and all(part in keys.stated for part in _OWN)]
    if whole:
        late: list[tuple[Verdict, Factors]] = []
        looks = by_precedent(
            context,
            "batch",
            bound,
            lambda: bound.leaves_of(key for keys in whole for part in keys.stated.values() for key in part),
            lambda: [verdict for keys in whole for verdict in _alone(context, bound, keys, late)],
        )
        for look in looks:
            partial = next((factors for verdict, factors in late if verdict is look), None)
            if partial is None:
                yield look
            else:
                context.cache.setdefault("partial batches", []).append(partial)
    for keys in every:
        if keys not in whole:
            yield from _part(context, bound, keys)


def _keys(bound: BoundFile) -> list[_Keys]:
    clauses: dict[str, _Keys] = {}
    for key, target in bound.targets.items():
        if target.facet in BATCH_PARTS:
            keys = clauses.setdefault(target.clause.id, _Keys(target.clause, {}, []))
            if bound.find(key) is None:
                keys.missing.append(key)
            else:
                keys.stated.setdefault(str(target.facet), []).append(key)
    return list(clauses.values())


def _alone(
    context: ConfigContext, bound: BoundFile, keys: _Keys, late: list[tuple[Verdict, Factors]]
) -> Iterator[Verdict]:
    """The verdict on a file that states enough; ``late`` are those that a launcher's number of processes may change."""
    for each in _read(context, bound, keys):
        if isinstance(each, Verdict):
            yield each
            continue
        _note(context, each)
        verdict = _verdict(context, each, each.stated)
        if verdict.finding is not None and "processes" not in each.stated:
            late.append((verdict, each))
        yield verdict


def _part(context: ConfigContext, bound: BoundFile, keys: _Keys) -> Iterator[Verdict]:
    """Nothing yet of a file that states a part, unless it lacks a key that its binding names."""
    for key in keys.missing:
        yield _missing(context, bound, keys.clause, key)
    if keys.missing or not keys.stated:
        return
    for each in _read(context, bound, keys):
        if isinstance(each, Verdict):
            yield each
        else:
            _note(context, each)
            context.cache.setdefault("partial batches", []).append(each)


def _note(context: ConfigContext, factors: Factors) -> None:
    notes: dict[str, list[Factors]] = context.cache.setdefault("batch factors", {})
    notes.setdefault(factors.clause.id, []).append(factors)


def _missing(context: ConfigContext, bound: BoundFile, clause: Clause, key: str) -> Verdict:
    file, target = bound.file, bound.targets[key]
    reason = bound.document.absent.get(key) or bound.document.absent.get("", "")
    if not bound.binding.required or reason:
        why = f"{file} has no {key}: {reason or 'the batch cannot be multiplied out'}"
        return context.judge.unverified(clause, context.stage, why, file)
    if not bound.document.is_prose and (near := nearest(bound, key)) is not None:
        return near_verdict(context, bound, key, target, near)
    finding = Finding(
        drift.MISSING,
        f"{file} has no {key!r} ({target.facet}); the manifest states {clause.id} = {said(clause.value)}",
        clause.id,
        expected=clause.value,
        location=section_of(bound, key),
        declared=clause.location,
        advice=f"add `{key}:` with the factor that makes {said(clause.value)}, or say `required: false` in the binding",
    )
    return context.judge.violated(clause, finding, file)


def _read(context: ConfigContext, bound: BoundFile, keys: _Keys) -> Iterator[Verdict | Factors]:
    """What a file says of a batch: once for each key, where two state one factor, or the verdict where it is no
    number."""
    for choice in product(*keys.stated.values()):
        yield _one(context, bound, keys.clause, dict(zip(keys.stated, choice, strict=True)))


def _one(context: ConfigContext, bound: BoundFile, clause: Clause, keys: dict[str, str]) -> Verdict | Factors:
    factors: dict[str, int] = {}
    places: list[tuple[Path, AnyNode]] = []
    spaces: dict[str, Searched] = {}
    for part, key in keys.items():
        found = bound.find(key)
        assert found is not None
        value = bound.document.value(found[1])
        meant = bound.targets[key].translation
        unknown = meant.reason if meant is not None and meant.reason else unknowable(value)
        if unknown is not None:
            return unresolved(context, bound, bound.targets[key], found[0], found[1], unknown)
        if (space := space_of(meant)) is not None:
            spaces[part] = space
            places.append(found)
            continue
        value = meant.value if meant is not None and meant.value is not None else value
        if type(value) is not int or value < 1:
            name = bound.document.location(found[1], found[0]).key
            message = f"{name} is {said(value)}: not a whole number of at least 1"
            return _violated(context, bound, clause, found, message, value)
        factors[part] = value
        places.append(found)
    defaults: dict[str, int] = {}
    assumed = bound.dialect.assumed if bound.dialect is not None else ()
    for each in assumed:
        facet = each.target.facet
        if each.target.clause == clause and facet in BATCH_PARTS and facet not in spaces and facet not in factors:
            if _yields(context, bound, each.default.yields):
                continue  # the trainer's own arguments state it
            if type(each.default.value) is not int:
                path, node = places[0]
                why = f"no {each.default.key}: {getattr(each.default.value, 'reason', 'it is not known')}"
                return unresolved(context, bound, Target(clause), path, node, why)
            defaults[str(facet)] = each.default.value
    if not spaces:
        return Factors(bound, clause, factors, defaults, places[0])
    factors |= defaults
    if "processes" not in factors and "processes" not in spaces:
        factors["processes"] = context.experiment.stated.hardware.count
    size = prod(factors.values())
    parts: dict[str, Any] = {**spaces, **factors}
    spelled = " x ".join(f"{value} ({part})" for part, value in parts.items())
    evidence = bound.look(places[0][0])
    if can_make(list(spaces.values()), size, clause.value, len(parts) == len(BATCH_PARTS)):
        context.searched = True
        reason = f"searched: {spelled}; which of them a run took is not known here"
        return context.judge.unverified(clause, context.stage, reason, str(evidence))
    message = f"no value of {spelled} makes the declared batch of {clause.value}"
    return _violated(context, bound, clause, places[0], message, spelled)


def _verdict(context: ConfigContext, own: Factors, stated: dict[str, int], why: str = "no key says so") -> Verdict:
    bound, clause = own.bound, own.clause
    factors = {**stated, "processes": stated.get("processes", context.experiment.stated.hardware.count)}
    size = prod(factors.values())
    spelled = " x ".join(f"{value} ({part})" for part, value in factors.items())
    evidence = bound.look(own.place[0])
    if len(factors) == len(BATCH_PARTS) and size == clause.value:
        return context.judge.conforms(clause, context.stage, spelled, evidence)
    if len(factors) < len(BATCH_PARTS):
        if clause.value % size == 0:
            missing = next(part for part in BATCH_PARTS if part not in factors)
            reason = f"{spelled} leaves {missing} = {clause.value // size}; {why}"
            return context.judge.unverified(clause, context.stage, reason, str(evidence))
        message = f"{spelled} does not divide the declared batch of {clause.value}"
    else:
        message = f"{spelled} = {size}; the manifest states {clause.id} = {clause.value}"
    return _violated(context, bound, clause, own.place, message, size)


def _with_others(context: ConfigContext, own: Factors, others: list[Factors]) -> Verdict:
    """The verdict on a file together with the others of its run; what a trainer takes by itself counts where none of
    them says otherwise."""
    factors = dict(own.stated)
    for part in BATCH_PARTS:
        if part in factors:
            continue
        found = {each.stated[part] for each in others if part in each.stated}
        found = found or {each.defaults[part] for each in (own, *others) if part in each.defaults}
        if len(found) == 1:
            factors[part] = found.pop()
        elif found:
            names = ", ".join(sorted({each.bound.file for each in others if part in each.stated})[:3])
            why = f"{own.bound.file} does not say the {part}, and of {names} each says another"
            return context.judge.unverified(own.clause, context.stage, why, str(own.bound.look(own.place[0])))
    return _verdict(context, own, factors)


def _of_run(context: ConfigContext, own: Factors) -> list[Factors]:
    """What other files say that configure a run with this one: those that are named by it, or name it, else those that
    stand beside it."""
    companions, file = context.companions, own.bound.file
    notes = [each for each in context.cache["batch factors"][own.clause.id] if each is not own]
    named = {*companions.named(file), file}
    if found := [each for each in notes if each.bound.file in named]:
        return found
    beside = companions.beside(companions.group(file))
    return [each for each in notes if companions.group(each.bound.file) in beside]


def _violated(
    context: ConfigContext, bound: BoundFile, clause: Clause, place: tuple[Path, AnyNode], message: str, actual: Any
) -> Verdict:
    where = bound.document.location(place[1], place[0])
    advice = f"factors whose product is {clause.value}"
    finding = Finding(PRODUCT, message, clause.id, clause.value, actual, where, clause.location, advice)
    return context.judge.violated(clause, finding, str(where))


def _yields(context: ConfigContext, bound: BoundFile, dialects: tuple[str, ...]) -> bool:
    """Whether a file of one of the dialects belongs to the same run."""
    own = bound.binding
    return any(
        other.dialect in dialects and (other.variant == own.variant or None in (other.variant, own.variant))
        for other in context.bindings
        if dialects
    )
