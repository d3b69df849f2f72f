"""`framework verify`: what really ran, and the tensors on disk, held to the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from framework.adoption.adopted_runs import adopted_runs
from framework.conformance import Finding, Severity, Stage, Verdict
from framework.conformance.matrix import Matrix
from framework.conformance.registry import apply
from framework.conformance.waivers import Judge
from framework.errors import InputError
from framework.evidence.standing.run_state import State, Word
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.steps import Measure
from framework.stages.check import CheckResult, check
from framework.stages.checkpoint import rules as checkpoint_rules
from framework.stages.claim.verdicts import claim_verdicts
from framework.stages.damaged_runs import damaged
from framework.stages.plan.verdicts import plan_verdicts
from framework.stages.run import rules as run_rules
from framework.stages.run.measured_runs import measured_runs
from framework.stages.run.observed import EvidenceContext, Observed
from framework.stages.run.rules.adopted_settings import unsettled
from framework.stages.run.run_states import RunStates, count_words
from framework.stages.run.shared_steps import for_all_variants
from framework.stages.run.unreadable import readable, unreadable_records

_STAGES = ((run_rules, Stage.RUN), (checkpoint_rules, Stage.CHECKPOINT))


@dataclass
class VerifyResult:
    """What `framework verify` found."""

    experiment: Experiment
    plan: Plan
    steps: list[Observed]
    matrix: Matrix
    findings: list[Finding]
    checked: CheckResult | None
    states: dict[str, State]
    """How it stands with each planned step's run, by the step's key."""
    stale: list[State] = field(default_factory=list)
    """Runs of what is planned, of values that the manifest no longer states."""

    @property
    def failed(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def finished(self) -> int:
        """How many of the planned steps have a finished run."""
        return sum(observed.run is not None for observed in self.steps)

    @property
    def adopted(self) -> int:
        """How many of these were made elsewhere, and taken in."""
        return sum(observed.adopted for observed in self.steps)

    def summary(self) -> dict[str, Any]:
        stages = {str(stage): {str(status): n for status, n in self.matrix.count(stage).items()} for stage in Stage}
        runs = {str(word): n for word, n in count_words(list(self.states.values())).items()}
        there = {"finished": self.finished, "adopted": self.adopted, "stale": len(self.stale)}
        return {"steps": len(self.steps), **there, "runs": runs, "stages": stages}

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
    store = RunStore(experiment.runs, listed=True)
    measured = measured_runs(plan, store)
    taken = adopted_runs(plan, store)
    steps = [
        Observed(step, measured.get(step.key) or store.finished(step.key) or taken.get(step.key)) for step in plan.steps
    ]
    unreadable = {damaged.step.key: (damaged, finding) for damaged, finding in unreadable_records(steps, store)}
    seen = [unreadable[each.step.key][0] if each.step.key in unreadable else each for each in steps]
    told = RunStates(plan, store)
    states = {each.step.key: told.of(each.step) for each in steps}
    seen = [replace(each, word=str(states[each.step.key].word)) for each in seen]
    matrix = Matrix(experiment.clauses)
    checked = None
    findings: list[Finding] = [finding for _, finding in unreadable.values()]
    try:
        checked = check(experiment.as_stated, today)
    except InputError as failure:
        if experiment.stated.configs:
            raise failure from None
    if checked is not None:
        matrix.merge(checked.matrix)
        known = list(matrix.findings())
        findings += [finding for finding in checked.findings if finding not in known]
    matrix.add(plan_verdicts(experiment, plan, judge))

    def hold(seen: list[Observed]) -> list[tuple[list[Verdict], list[Finding]]]:
        held = [observed for observed in seen if not only or observed.step.key in only]
        models = [observed for observed in held if not isinstance(observed.step.work, Measure)]
        measures = [observed for observed in held if isinstance(observed.step.work, Measure)]
        lookup = {observed.step.key: observed for observed in seen}
        return [
            apply(package, EvidenceContext(experiment, judge, plan, models, stage, lookup, measures))
            for package, stage in _STAGES
        ]

    outcomes, seen, broken = readable(hold, seen)
    for verdicts, more in outcomes:
        matrix.add(for_all_variants(experiment, plan, unsettled(verdicts), judge))
        findings += more
    findings += broken
    for held in claim_verdicts(experiment, seen, judge):
        if isinstance(held, Finding):
            findings.append(held)
        else:
            matrix.add([held])
    findings = [*matrix.findings(), *findings]
    states |= {key: state for key, state in damaged(findings, steps).items() if states[key].word is not Word.DAMAGED}
    return VerifyResult(experiment, plan, steps, matrix, findings, checked, states, told.stale())
