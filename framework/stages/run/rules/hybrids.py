"""Hybrid adapters as the run recorded them; the checkpoint stage looks at what was saved."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.sections.methods import SGH
from framework.stages.run.observed import EvidenceContext, Observed, recorded

HYBRID = Rule(
    "R143", "hybrid-adapter", Severity.ERROR, Stage.RUN, "hybrid adapters were set up otherwise than declared"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        if work.adapter is None or not isinstance(spec := work.adapter.chosen[1], SGH):
            continue
        for name in type(spec).model_fields:
            clause = context.clause(observed.step, f"adapter.sgh.{name}")
            wanted = getattr(spec, name)
            if name == "targets":
                seen = partial(_targets, spec)
                yield from context.hold(HYBRID, observed, clause, sorted(wanted), seen, "SGH targets")
            else:
                yield from context.hold(HYBRID, observed, clause, wanted, recorded("adapter", name), f"SGH {name}")


def _targets(spec: SGH, observed: Observed) -> list[str]:
    """The targets of the modules that the run had in its groups, frozen ones included; of others the last name."""
    names = [f".{name}" for name in observed.recorded("adapter", "modules")]
    known = {target for target in spec.targets if any(name.endswith(f".{target}") for name in names)}
    others = {name.rsplit(".", 1)[-1] for name in names if not name.endswith(tuple(f".{each}" for each in known))}
    return sorted(known | others)
