"""A bound key must say what its clause says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import Comparison, compare, is_absence, said
from framework.manifest.clauses import shown, written
from framework.manifest.lengths import phases_of, scale_under, totals_of
from framework.manifest.sections.values.quantities import number
from framework.names import did_you_mean
from framework.reading.nodes import AnyNode, ScalarNode
from framework.reading.scalars import resolve
from framework.stages.config.absent_keys import section_of
from framework.stages.config.alike_files import by_precedent
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.key_products import factors
from framework.stages.config.meaning.clause_targets import BATCH_PARTS, Target, Translation
from framework.stages.config.meaning.owning_variants import owners, whose
from framework.stages.config.meaning.shares import named_share
from framework.stages.config.near_keys import near_verdict, nearest
from framework.stages.config.runtime_values import UNRESOLVED, unresolved

T = TypeVar("T")

DRIFT = Rule("C101", "drift", Severity.ERROR, Stage.CONFIG, "a config file states another value than the manifest")
MISSING = Rule(
    "C102", "missing-key", Severity.ERROR, Stage.CONFIG, "a config file lacks a key that is bound to a clause"
)
WRONG_TYPE = Rule("C103", "wrong-type", Severity.ERROR, Stage.CONFIG, "the file's reader takes a number for a string")
__all__ = ["DRIFT", "MISSING", "UNRESOLVED", "WRONG_TYPE", "check_file"]


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    for bound in bounds:
        yield from _held(context, bound)


def _held(context: ConfigContext, bound: BoundFile) -> Iterator[Verdict | Finding]:
    def held() -> list[tuple[str, Target]]:
        return [(key, target) for key, target in bound.targets.items() if target.facet not in BATCH_PARTS]

    yield from by_precedent(
        context,
        "drift",
        bound,
        lambda: bound.leaves_of(key for key, _ in held()),
        lambda: (_verdict(context, bound, key, target) for key, target in held()),
    )


def _verdict(context: ConfigContext, bound: BoundFile, key: str, target: Target) -> Verdict:
    clause, file = target.clause, bound.file
    found = bound.find(key)
    if found is None:
        if is_absence(target.declared) and key not in bound.document.absent:
            return context.judge.conforms(clause, context.stage, f"{file} has no {key}, and none is stated", file)
        in_words = bound.document.is_prose
        if not in_words and (near := nearest(bound, key)) is not None:
            return near_verdict(context, bound, key, target, near)
        reason = bound.document.absent.get(key) or bound.document.absent.get("", "")
        if not bound.binding.required or (reason and key not in bound.document.absent):
            why = f"{file} has no {key}" + (f": {reason}" if reason else "")
            return context.judge.unverified(clause, context.stage, why, file)
        known = f" ({reason})" if reason else ""
        message = f"{file} has no {key!r}{known}; the manifest states {clause.id} = {said(clause.value)}"
        finding = Finding(
            MISSING,
            message,
            clause.id,
            expected=clause.value,
            location=section_of(bound, key),
            declared=clause.location,
            advice="name the one that counts under `keys:`"
            if reason
            else f"name a label of it under `keys:`{_labels_near(bound, key)}, or say `required: false` in the binding"
            if in_words
            else f"add `{key}: {shown(clause.value)}`, or say `required: false` in the binding",
        )
        return context.judge.violated(clause, finding, file)
    path, node = found
    if (best := context.experiment.best.of(clause.path)) is not None and best.is_open:
        context.searched = True
        place = bound.document.place(node)
        return context.judge.unverified(clause, context.stage, f"{place}: {best.reason}", place)
    stated, meant = bound.document.value(node), target.translation
    if meant is not None and meant.reason:
        if meant.inherent:
            context.searched = True
            place = bound.document.place(node)
            return context.judge.unverified(clause, context.stage, f"{place}: {meant.reason}", place)
        return unresolved(context, bound, target, path, node, meant.reason)
    repeated = bound.document.format == "shell" and path in bound.document.overruled
    if repeated and isinstance(target.declared, (list, tuple)):
        several = "it is given several times: whether the last or all of them count is its program's matter"
        return unresolved(context, bound, target, path, node, several)
    value = stated if meant is None else meant.value
    if bound.document.is_prose:
        from framework.stages.config.meaning.prose_words import compared

        comparison = compared(context.experiment, bound.binding, target, node, value)
    else:
        comparison = _compared(context, bound, key, target, value)
    if (apart := _read_apart(bound, node, comparison.same)) is not None:
        return unresolved(context, bound, target, path, node, apart)
    if comparison.same is None and _is_space(meant):
        context.searched = True
        place = bound.document.place(node)
        return context.judge.unverified(clause, context.stage, f"{place}: {comparison.reason}", place)
    if comparison.same is None:
        return unresolved(context, bound, target, path, node, comparison.reason)
    if comparison.same:
        return context.judge.conforms(clause, context.stage, evidence=bound.look(path))
    if stated is None and bound.document.format in ("python", "notebook") and str(path[-1]).startswith("--"):
        return unresolved(context, bound, target, path, node, "the parser has no default of its own for it")
    where = bound.document.location(node, path)
    if bound.starts or bound.hands:  # one value that goes before another is told once
        told: set[tuple[str, str]] = context.cache.setdefault("told at scripts", set())
        if (clause.id, str(where)) in told:
            return context.judge.unverified(clause, context.stage, f"{where} goes before it", str(where))
        told.add((clause.id, str(where)))
    word = said(stated) if meant is None else f"{said(meant.word)}, which means {said(meant.value)}"
    label = key if factors(key) else where.key
    message = f"{label} is {word}; the manifest states {target.name} = {said(comparison.expected)}"
    advice = f"write {shown(comparison.expected)}, or change the manifest if the paper changed"
    if comparison.wrong_type:
        message = f"{where.key}: {comparison.reason}; the manifest states the number {said(comparison.expected)}"
        advice = f"write {written(comparison.expected)}, or change the manifest if the paper changed"
    elif meant is not None:
        advice = f"write what means {shown(comparison.expected)} there, or change the manifest if the paper changed"
    if possible := _owners(context, bound, target, value):
        advice = f"{whose(bound.file, possible)}; else {advice}"
    finding = Finding(
        WRONG_TYPE if comparison.wrong_type else DRIFT,
        message,
        clause.id,
        expected=comparison.expected,
        actual=stated,
        location=where,
        declared=clause.location,
        advice=advice,
        repairable=meant is None and not possible and not factors(key) and _is_whole(bound, key, node),
    )
    return context.judge.violated(clause, finding, str(where))


_APART = re.compile(r"[-+]?0[0-9_]+|[-+]?[0-9][0-9_:.]*[_:][0-9_:.]*|0[ob][0-9_]+|on|off|yes|no", re.IGNORECASE)
"""What YAML 1.2 and PyYAML's YAML 1.1 may read otherwise."""


def _read_apart(bound: BoundFile, node: AnyNode, same: bool | None) -> str | None:
    """Why a plain scalar of a home-grown YAML is not known: its program may read it with PyYAML or as YAML 1.2, and
    they differ about it. Text that a program makes the same number of is no such case, unless it is drift."""
    if bound.binding.reader is not None or bound.binding.dialect not in (None, "generic"):
        return None
    if not isinstance(node, ScalarNode) or not node.plain or bound.document.rules != "yaml-1.2":
        return None
    if not _APART.fullmatch(node.text):
        return None
    ours, theirs = resolve(node.text, "yaml-1.2"), resolve(node.text, "pyyaml")
    if (type(ours) is type(theirs) and ours == theirs) or (isinstance(ours, str) and same is not False):
        return None
    if isinstance(theirs, str) and _number_of(theirs) == ours:
        return None  # `08` is text to PyYAML, of which a program makes the number
    return f"YAML 1.2 reads {said(ours)}, PyYAML {said(theirs)}: say in the binding which `reader` its program has"


def _number_of(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compared(context: ConfigContext, bound: BoundFile, key: str, target: Target, value: Any) -> Comparison:
    """The comparison of one value; many files say the same under one binding, and are compared once."""

    def compared() -> Comparison:
        totals = totals_of(context.experiment, bound.binding, target.clause)
        scale = scale_under(context.experiment, bound.binding, target.clause)

        def one(each: Any) -> Comparison:
            found = compare(target.clause.path, target.declared, each, target.unit, totals, scale)
            if found.same is False and target.clause.path[-1] == "min_learning_rate" and named_share(key):
                meant = _of_peak(context, bound, each)
                return found if meant is None else compare(target.clause.path, target.declared, meant)
            return found

        if not _is_space(target.translation):
            return one(value)
        from framework.stages.config.meaning.search_spaces import compared as searched

        return searched(value, one)

    return compared() if bound.dialect is not None else _once(context, "compared", bound, key, value, compared)


def _of_peak(context: ConfigContext, bound: BoundFile, share: Any) -> float | None:
    """What a share of the peak is, as the file's phase states the peak; None where that is not known."""
    peaks = {number(phase.optimizer.learning_rate) for phase in phases_of(context.experiment, bound.binding).values()}
    peak = peaks.pop() if len(peaks) == 1 else None
    return None if peak is None or not isinstance(share, (int, float)) or isinstance(share, bool) else share * peak


def _is_space(meant: Translation | None) -> bool:
    """Whether a dialect takes a key's values for those of a search."""
    if meant is None:
        return False
    from framework.dialects.terms import Searched

    return isinstance(meant.value, Searched)


def _labels_near(bound: BoundFile, key: str) -> str:
    """The labels of a document that may be meant."""
    said = did_you_mean(key.casefold(), bound.document.shortcuts)
    return f" ({said})" if said.startswith("did") else ""


def _is_whole(bound: BoundFile, key: str, node: AnyNode) -> bool:
    """Whether a value's own text is all that it says. In a document only the binding tells which run a label is about,
    and a share's unit is gone with another number in its place."""
    if not bound.document.is_prose:
        return True
    return key in bound.pattern.targets and not (isinstance(node, ScalarNode) and "%" in node.text)


def _owners(context: ConfigContext, bound: BoundFile, target: Target, value: Any) -> list[str]:
    """The variants whose file it may be, as far as the value goes."""
    return _once(
        context, "owners", bound, target.key, value, lambda: owners(context.experiment, bound.binding, target, value)
    )


def _once(context: ConfigContext, what: str, bound: BoundFile, key: str, value: Any, make: Callable[[], T]) -> T:
    """What follows from a binding, a key and a value, worked out once for all files that agree in them."""
    if type(value) not in (int, float, str, bool):
        return make()
    known = (what, bound.index, key, type(value), value)
    if known not in context.cache:
        context.cache[known] = make()
    found: T = context.cache[known]
    return found
