"""Controlled comparisons: variants that may differ in one thing must not differ in another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.clauses import Clause
from framework.manifest.sections.statements import DifferOnlyIn
from framework.names import Path, format_path
from framework.stages.manifest.context import ManifestContext
from framework.stages.manifest.resolved_variants import flat, follows

MORE = Rule("M110", "differs-in-more", Severity.ERROR, Stage.MANIFEST, "variants differ in more than their rule admits")
ALIKE = Rule(
    "M111", "differs-in-nothing", Severity.ERROR, Stage.MANIFEST, "variants that are compared are one and the same run"
)

Flat = Mapping[Path, Any]
"""What a variant does; see :func:`~framework.stages.manifest.resolved_variants.flat`."""


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    for index, rule in enumerate(experiment.stated.rules):
        kind, spec = rule.chosen
        if not isinstance(spec, DifferOnlyIn):
            continue
        clause = experiment.by_path["rules", index, kind, "clauses"]
        first, *others = spec.variants
        for other in others:
            yield _verdict(context, clause, spec, first, other)


def _verdict(context: ManifestContext, clause: Clause, spec: DifferOnlyIn, first: str, other: str) -> Verdict:
    one, two = flat(context.experiment, first), flat(context.experiment, other)
    apart, beyond = compared(one, two, spec, follows(context.experiment, first, other))
    if beyond:
        path = beyond[0]
        more = f" (and in {len(beyond) - 1} more)" if len(beyond) > 1 else ""
        name = format_path(path)
        message = (
            f"{first} and {other} may differ only in {', '.join(spec.clauses)}, but differ in {name}: "
            f"{said(one.get(path))} and {said(two.get(path))}{more}"
        )
        finding = Finding(
            MORE,
            message,
            clause.id,
            expected=one.get(path),
            actual=two.get(path),
            location=context.experiment.location(("variants", other)),
            declared=clause.location,
            advice="state it alike for both, or admit the difference in the rule",
        )
        return context.judge.violated(clause, finding)
    if not apart:
        where = context.experiment.location(("variants", other))
        message = f"{first} and {other} are compared, and state the same run"
        advice = "state what differs, or take one of the two out of the rule"
        return context.judge.violated(
            clause, Finding(ALIKE, message, clause.id, location=where, declared=clause.location, advice=advice)
        )
    return context.judge.conforms(clause, Stage.MANIFEST, f"{len(apart)} differences, all admitted")


def compared(
    one: Flat, two: Flat, spec: DifferOnlyIn, following: Collection[Path] = ()
) -> tuple[list[Path], list[Path]]:
    """Where two variants differ, and which of these places the rule does not admit; ``following`` are derived alike
    from what may differ, and are no differences of their own."""
    apart = sorted(
        (path for path in {*one, *two}.difference(following) if one.get(path) != two.get(path)), key=format_path
    )
    return apart, [path for path in apart if not any(_within(path, allowed) for allowed in spec.clauses)]


def _within(path: Path, allowed: str) -> bool:
    """Whether a path lies at or below the allowed one, the step's number and phase aside."""
    inner = format_path(path[2:])
    return any(
        name == allowed or name.startswith((f"{allowed}.", f"{allowed}[")) for name in (inner, format_path(path))
    )
