"""`framework verify`: what really ran, and the tensors on disk, held to the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from framework.conformance.check import CheckResult, check
from framework.conformance.claims import claim_verdicts
from framework.conformance.model import Finding, Matrix, Severity, Stage
from framework.conformance.observing import EvidenceContext, Observed
from framework.conformance.planned import plan_verdicts
from framework.conformance.registry import apply
from framework.conformance.waivers import Judge
from framework.errors import InputError
from framework.evidence.store import RunStore
from framework.manifest.loading import Experiment
from framework.planning.build import Plan


@dataclass
class VerifyResult:
    """What `framework verify` found."""

    experiment: Experiment
    plan: Plan
    steps: list[Observed]
    matrix: Matrix
    findings: list[Finding]
    checked: CheckResult | None

    @property
    def failed(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def finished(self) -> int:
        """How many of the planned steps have a finished run."""
        return sum(observed.run is not None for observed in self.steps)

    def summary(self) -> dict[str, Any]:
        stages = {str(stage): {str(status): n for status, n in self.matrix.count(stage).items()} for stage in Stage}
        return {"steps": len(self.steps), "finished": self.finished, "stages": stages}

    def as_dict(self) -> dict[str, Any]:
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "summary": self.summary(),
            "verdicts": [verdict.as_dict() for verdict in self.matrix.verdicts],
        }


def verify(experiment: Experiment, plan: Plan, only: Sequence[str] = (), today: date | None = None) -> VerifyResult:
    """Hold the evidence of a plan's steps to the manifest, at every stage that has any.

    ``only`` restricts the run and checkpoint stages to runs of these keys; other clauses stay `unverified`.
    """
    judge = Judge(experiment, today)
    store = RunStore(experiment.runs)
    steps = [Observed(step, store.finished(step.key)) for step in plan.steps]
    held = [observed for observed in steps if not only or observed.step.key in only]
    matrix = Matrix(experiment.clauses)
    checked = None
    findings: list[Finding] = []
    try:
        checked = check(experiment.as_stated, today)
    except InputError as failure:
        if experiment.stated.configs:
            raise failure from None
    if checked is not None:
        matrix.add(checked.matrix.verdicts)
        findings += [finding for finding in checked.findings if finding not in list(matrix.findings())]
    matrix.add(plan_verdicts(experiment, plan, judge))
    for package, stage in (("run_rules", Stage.RUN), ("checkpoint_rules", Stage.CHECKPOINT)):
        context = EvidenceContext(experiment, judge, plan, held, stage, lookup={o.step.key: o for o in steps})
        verdicts, more = apply(package, context)
        matrix.add(verdicts)
        findings += more
    matrix.add(claim_verdicts(experiment, steps, judge))
    findings = [*matrix.findings(), *findings]
    return VerifyResult(experiment, plan, steps, matrix, findings, checked)
