"""The factors of a batch must multiply to the declared one: micro batch x accumulation x processes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product as product_of
from typing import TYPE_CHECKING, Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said, unknowable
from framework.manifest.clauses import Clause
from framework.names import Path
from framework.reading.nodes import AnyNode
from framework.stages.config.alike_files import by_precedent
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.meaning.clause_targets import BATCH_PARTS, Target, Translation
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


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    for bound in bounds:
        yield from _held(context, bound)


def _held(context: ConfigContext, bound: BoundFile) -> Iterator[Verdict | Finding]:
    factors = bound.by_keys("factors", lambda: _factors(bound))
    if factors:
        yield from by_precedent(
            context,
            "batch",
            bound,
            lambda: bound.leaves_of(key for _, keys in factors for key in keys.values()),
            lambda: (_verdict(context, bound, clause, keys) for clause, keys in factors),
        )


def _factors(bound: BoundFile) -> list[tuple[Clause, dict[str, str]]]:
    """Each clause of which keys state factors, and the keys by what they state."""
    clauses: dict[str, tuple[Clause, dict[str, str]]] = {}
    for key, target in bound.targets.items():
        if target.facet in BATCH_PARTS:
            clauses.setdefault(target.clause.id, (target.clause, {}))[1][target.facet] = key
    return list(clauses.values())


def _verdict(context: ConfigContext, bound: BoundFile, clause: Clause, keys: dict[str, str]) -> Verdict:
    factors: dict[str | None, int] = {}
    places: list[tuple[Path, AnyNode]] = []
    spaces: dict[str | None, Searched] = {}
    for part, key in keys.items():
        found = bound.find(key)
        if found is None:
            reason = f"{bound.document.file} has no {key}: the batch cannot be multiplied out"
            return context.judge.unverified(clause, context.stage, reason, bound.document.file)
        value = bound.document.value(found[1])
        meant = bound.targets[key].translation
        unknown = meant.reason if meant is not None and meant.reason else unknowable(value)
        if unknown is not None:
            return unresolved(context, bound, bound.targets[key], found[0], found[1], unknown)
        if (space := _space(meant)) is not None:
            spaces[part] = space
            places.append(found)
            continue
        if type(value) is not int or value < 1:
            name = bound.document.location(found[1], found[0]).key
            message = f"{name} is {said(value)}: not a whole number of at least 1"
            return _violated(context, bound, clause, found, message, value)
        factors[part] = value
        places.append(found)
    assumed = bound.dialect.assumed if bound.dialect is not None else ()
    for each in assumed:
        if each.target.clause == clause and each.target.facet in BATCH_PARTS and each.target.facet not in spaces:
            if each.target.facet in factors:
                continue
            if _yields(context, bound, each.default.yields):
                why = f"no {each.default.key}: the trainer's own arguments state it"
                return context.judge.unverified(clause, context.stage, why, bound.document.file)
            if type(each.default.value) is not int:
                path, node = places[0]
                why = f"no {each.default.key}: {getattr(each.default.value, 'reason', 'it is not known')}"
                return unresolved(context, bound, Target(clause), path, node, why)
            factors[each.target.facet] = each.default.value
    if "processes" not in factors and "processes" not in spaces:
        factors["processes"] = context.experiment.stated.hardware.count
    product = 1
    for value in factors.values():
        product *= value
    parts: dict[str | None, Any] = {**spaces, **factors}
    spelled = " x ".join(f"{value} ({part})" for part, value in parts.items())
    evidence = bound.look(places[0][0])
    if spaces and _can_be(list(spaces.values()), product, clause.value, len(parts) == len(BATCH_PARTS)):
        context.searched = True
        reason = f"searched: {spelled}; which of them a run took is not known here"
        return context.judge.unverified(clause, context.stage, reason, str(evidence))
    if spaces:
        message = f"no value of {spelled} makes the declared batch of {clause.value}"
        return _violated(context, bound, clause, places[0], message, spelled)
    if len(factors) == len(BATCH_PARTS) and product == clause.value:
        return context.judge.conforms(clause, context.stage, spelled, evidence)
    if len(factors) < len(BATCH_PARTS):
        if clause.value % product == 0:
            missing = next(part for part in BATCH_PARTS if part not in factors)
            reason = f"{spelled} leaves {missing} = {clause.value // product}; no key says so"
            return context.judge.unverified(clause, context.stage, reason, str(evidence))
        message = f"{spelled} does not divide the declared batch of {clause.value}"
    else:
        message = f"{spelled} = {product}; the manifest states {clause.id} = {clause.value}"
    return _violated(context, bound, clause, places[0], message, product)


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


def _space(meant: Translation | None) -> Searched | None:
    """The values of a factor that is searched."""
    if meant is None:
        return None
    from framework.dialects.terms import Searched

    return meant.value if isinstance(meant.value, Searched) else None


def _can_be(spaces: list[Searched], rest: int, batch: int, is_whole: bool) -> bool:
    """Whether some values of factors that are searched make the batch with the others, or divide it."""
    known = [[value for value in space.values if type(value) is int and value > 0] for space in spaces]
    if any(len(each) < max(1, len(space.values)) for each, space in zip(known, spaces, strict=True)):
        return True  # a range, or a value that only its program knows
    found = (math.prod(each) * rest for each in product_of(*known))
    return any(each == batch if is_whole else batch % each == 0 for each in found)
