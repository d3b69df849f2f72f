"""A declared number of parameters against the one that follows from the architecture's numbers."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import same
from framework.manifest.architectures import SIZES
from framework.manifest.sections.values.quantities import whole
from framework.stages.manifest.context import ManifestContext
from framework.stages.manifest.parameter_counts import counts

PARAMETERS = Rule(
    "M160",
    "parameter-count",
    Severity.ERROR,
    Stage.MANIFEST,
    "a declared parameter count is not what the declared sizes give",
)


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    for name, model in context.experiment.stated.models.items():
        clause = context.experiment.by_path.get(("models", name, "parameters"))
        admitted = counts(model)
        if clause is None or model.parameters is None or not admitted:
            continue
        stated = whole(model.parameters)
        if any(same(model.parameters, count) for count, _ in admitted) or stated is None:
            continue
        count, kind = min(admitted, key=lambda found: abs(found[0] - stated))
        sizes = ", ".join(f"{field} {value:,}" for field in SIZES if (value := getattr(model, field)) is not None)
        given = model.parameters if isinstance(model.parameters, str) else f"{stated:,}"
        message = f"{name} states {given} parameters; a {model.family} of {sizes} has {count:,} ({kind})"
        advice = f"write {count:_}, or correct the size that is wrong (apart by {stated - count:+,})"
        where = clause.location
        declared = context.experiment.location(("models", name))
        finding = Finding(PARAMETERS, message, clause.id, count, model.parameters, where, declared, advice)
        yield context.judge.violated(clause, finding)
