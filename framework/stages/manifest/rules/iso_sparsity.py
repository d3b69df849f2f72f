"""Variants that must be equally sparse, and whose stated sparsities are two numbers."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said, same
from framework.manifest.sections.statements import IsoSparsity
from framework.names import format_path
from framework.stages.manifest.context import ManifestContext
from framework.stages.manifest.resolved_variants import sparsity_of

DISAGREE = Rule(
    "M150",
    "iso-sparsity-targets",
    Severity.ERROR,
    Stage.MANIFEST,
    "variants that must be equally sparse state two sparsities, or none",
)


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    for index, rule in enumerate(experiment.stated.rules):
        kind, spec = rule.chosen
        if not isinstance(spec, IsoSparsity):
            continue
        clause = experiment.by_path["rules", index, kind, "variants"]
        stated = {name: sparsity_of(experiment.stated, name) for name in spec.variants}
        first = next(((name, found) for name, found in stated.items() if found), None)
        for name, found in stated.items():
            if found is None:
                message = f"{name} must be as sparse as {_others(spec, name)}, and no step of it makes it sparse"
                where = experiment.location(("variants", name))
                advice = f"give {name} a mask or a `prune` step, or take it out of the rule"
                finding = Finding(DISAGREE, message, clause.id, None, None, where, clause.location, advice)
            elif first and not same(first[1][0], found[0]):
                place = format_path(first[1][1])
                message = (
                    f"{name} and {first[0]} must be equally sparse, and state {said(found[0])} and {said(first[1][0])}"
                )
                where, other = experiment.location(found[1]), experiment.location(first[1][1])
                advice = f"write {said(first[1][0])}, as {place} has it, or `{{same_as: {first[0]}}}`"
                finding = Finding(DISAGREE, message, clause.id, first[1][0], found[0], where, other, advice)
            else:
                continue
            yield context.judge.violated(clause, finding)


def _others(spec: IsoSparsity, name: str) -> str:
    return " and ".join(other for other in spec.variants if other != name)
