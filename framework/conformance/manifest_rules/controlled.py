"""Controlled comparisons: variants that may differ in one thing must not differ in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance.check import ManifestContext
from framework.conformance.meaning import said
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.loading import Experiment
from framework.manifest.statements import DifferOnlyIn
from framework.manifest.variants import phase_of
from framework.names import Path, format_path
from framework.planning.overrides import with_settings

MORE = Rule("M110", "differs-in-more", Severity.ERROR, Stage.MANIFEST, "variants differ in more than their rule admits")
ALIKE = Rule(
    "M111", "differs-in-nothing", Severity.ERROR, Stage.MANIFEST, "variants that are compared are one and the same run"
)


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
    one, two = _flat(context.experiment, first), _flat(context.experiment, other)
    apart = sorted((path for path in {*one, *two} if one.get(path) != two.get(path)), key=format_path)
    beyond = [path for path in apart if not any(_within(path, allowed) for allowed in spec.clauses)]
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
        return context.judge.violated(
            clause, Finding(ALIKE, message, clause.id, location=where, declared=clause.location)
        )
    return context.judge.conforms(clause, Stage.MANIFEST, f"{len(apart)} differences, all admitted")


def _within(path: Path, allowed: str) -> bool:
    """Whether a path lies at or below the allowed one, the step's number and phase aside."""
    inner = format_path(path[2:])
    return any(
        name == allowed or name.startswith((f"{allowed}.", f"{allowed}[")) for name in (inner, format_path(path))
    )


def _flat(experiment: Experiment, variant: str) -> dict[Path, Any]:
    """All that a variant does, by (step number, phase or transform, path within it)."""
    spec = experiment.stated.variants[variant]
    found: dict[Path, Any] = {("from", "variant"): spec.from_} if spec.from_ else {}
    for index, step in enumerate(spec.steps):
        phase = phase_of(step)
        if phase is None:
            data: dict[str, Any] = step.model_dump(mode="json")  # type: ignore[union-attr]
            found.update(_leaves(data, (index,)))
            continue
        name, use = phase
        place: Path = ("variants", variant, "steps", index, name, "set")
        resolved = with_settings(experiment.stated.phases[name], use.set, experiment, place)
        data = {**resolved.model_dump(mode="json"), **use.model_dump(mode="json", include={"mask", "adapter"})}
        data["schedule"]["min_learning_rate"] = resolved.min_learning_rate()
        found.update(_leaves(data, (index, name)))
    return found


def _leaves(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif data is not None:
        yield path, data
