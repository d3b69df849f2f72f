"""Variants that must be alike in a budget or a clause, and that the manifest states apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.sections.statements import Equal
from framework.stages.manifest.context import ManifestContext

if TYPE_CHECKING:  # few manifests have such a rule: what it takes is loaded where there is one
    from framework.stages.manifest.courses import Courses
    from framework.stages.manifest.likeness import Likeness

UNEQUAL = Rule("M113", "unequal", Severity.ERROR, Stage.MANIFEST, "variants that must be alike in something are not")


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    stated = [(index, *rule.chosen) for index, rule in enumerate(experiment.stated.rules)]
    if not any(isinstance(spec, Equal) for *_, spec in stated):
        return
    from framework.stages.manifest.courses import Courses

    courses = Courses(experiment.as_stated)
    for index, kind, spec in stated:
        if not isinstance(spec, Equal):
            continue
        clause = experiment.by_path["rules", index, kind, "of"]
        first, *others = spec.variants
        for other in others:
            for of in spec.of:
                yield _verdict(context, clause, spec, of, other, _worst(courses, spec, of, first, other))


def _worst(courses: Courses, spec: Equal, of: str, first: str, other: str) -> Likeness:
    """What tells most of two variants: that they are apart, else that something is not known."""
    from framework.stages.manifest.likeness import likenesses

    found = list(likenesses(courses, spec, of, first, other))
    return min(found, key=lambda each: (each.alike is not False, each.alike is not None))


def apart(courses: Courses, spec: Equal, first: str, other: str) -> list[str]:
    """In what two variants are surely not alike."""
    return [of for of in spec.of if _worst(courses, spec, of, first, other).alike is False]


def _verdict(context: ManifestContext, clause: Clause, spec: Equal, of: str, other: str, seen: Likeness) -> Verdict:
    first, slack = spec.variants[0], "" if spec.within is None else f" within {100 * spec.within:g}%"
    if seen.alike is None:
        return context.judge.unverified(clause, context.stage, f"{of} of {first} and {other}: {seen.why}")
    if seen.alike:
        return context.judge.conforms(clause, context.stage, f"{of} of {first} and {other}: {seen.why}")
    finding = Finding(
        UNEQUAL,
        f"{first} and {other} must be equal in {of}{slack}, and state {seen.why}",
        clause.id,
        expected=seen.first,
        actual=seen.second,
        location=context.experiment.location(("variants", other)),
        declared=clause.location,
        advice=f"state it alike for both, or take {of} out of the rule",
    )
    return context.judge.violated(clause, finding)
