"""Variants that claim to differ must differ: two that do the same from scratch are one run with two names."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.sections.grids import grid_of
from framework.manifest.sections.statements import DifferOnlyIn
from framework.manifest.sections.variants import lineage
from framework.stages.manifest.context import ManifestContext
from framework.stages.manifest.resolved_variants import identity

SAME_RUN = Rule("M112", "same-run", Severity.ERROR, Stage.MANIFEST, "two variants resolve to one and the same run")


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    first: dict[tuple[str, ...], str] = {}
    for name in experiment.stated.variants:
        if any(experiment.best.of_variant(each) for each in lineage(experiment.stated.variants, name)):
            continue  # the best of a grid is one of its runs, whichever that is
        other = first.setdefault(identity(experiment, name), name)
        if other == name or frozenset((other, name)) in _compared(context) or _of_one_grid(context, name, other):
            continue
        where = experiment.location(("variants", name))
        finding = Finding(
            SAME_RUN,
            f"{name} and {other} are two variants, and resolve to the same run",
            f"variants.{name}",
            expected=f"another run than {other}",
            actual=f"the run of {other}",
            location=where,
            declared=experiment.location(("variants", other)),
            advice=f"state what makes {name} another variant than {other}, or remove one of the two; where both are "
            f"meant, such as runs of either that were made elsewhere, waive `variants.{name}` at the stage manifest",
        )
        clause = _done_by(experiment, name)
        yield context.judge.violated(clause, finding) if clause else finding


def _done_by(experiment: Experiment, variant: str) -> Clause | None:
    """The first clause of what the variant does: the one that a waiver of the variant covers."""
    steps = ("variants", variant, "steps")
    return next((clause for clause in experiment.clauses if clause.path[:3] == steps), None)


def _of_one_grid(context: ManifestContext, name: str, other: str) -> bool:
    """Where a grid's axes meet (at a sparsity of 0 every method is one) its variants are one run, as the plan says; so
    is a variant that is written out and the point of a grid that lies around it."""
    grids = context.experiment.stated.grids
    of = {grid_of(name, grids), grid_of(other, grids)}
    return of != {None} and len(of - {None}) == 1


def _compared(context: ManifestContext) -> set[frozenset[str]]:
    """The pairs that a rule compares: it says so itself when they are alike."""
    specs = [rule.chosen[1] for rule in context.experiment.stated.rules]
    return {
        frozenset((spec.variants[0], other))
        for spec in specs
        if isinstance(spec, DifferOnlyIn)
        for other in spec.variants[1:]
    }
