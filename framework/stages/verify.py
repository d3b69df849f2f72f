"""`framework verify`: what really ran, and the tensors on disk, held to the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from framework.conformance import Finding, Severity, Stage, Verdict
from framework.conformance.matrix import Matrix
from framework.conformance.registry import apply
from framework.conformance.waivers import Judge
from framework.evidence.standing.run_state import State, Word
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.steps import Measure, Step
from framework.stages.check import CheckResult, check, held_to_itself
from framework.stages.checkpoint import rules as checkpoint_rules
from framework.stages.checkpoint.reading_once import Spared, read_once
from framework.stages.claim.verdicts import claim_verdicts
from framework.stages.damaged_runs import damaged
from framework.stages.document.bound_verdicts import DocumentCounts, bound_document_verdicts
from framework.stages.plan.verdicts import plan_verdicts
from framework.stages.run import rules as run_rules
from framework.stages.run.observed import EvidenceContext, Observed, Related
from framework.stages.run.observed_steps import observed_steps
from framework.stages.run.other_contents import with_others
from framework.stages.run.rules.adopted_settings import unsettled
from framework.stages.run.run_folders import misplaced, others
from framework.stages.run.run_states import RunStates, count_words
from framework.stages.run.sealed_evidence import ANYBODY, Sealed, Trust, held_seals, seal_findings
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
    states: list[State]
    """How it stands with the run of each of ``steps``."""
    stale: list[State] = field(default_factory=list)
    """Runs of what is planned, of values that the manifest no longer states."""
    documents: DocumentCounts | None = None
    """Of the numbers in the author's own documents; None where none are bound."""
    spared: Spared | None = None
    """What a quick verification did not read again; None of one that read everything."""
    seals: list[Sealed] = field(default_factory=list)
    """Who sealed what, the earliest first."""

    @property
    def failed(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def planned(self) -> int:
        """How many runs are planned: one for each step, or for each of its variants that has a run of its own."""
        return sum(observed.counts for observed in self.steps)

    @property
    def planned_states(self) -> list[tuple[Step, State]]:
        """How it stands with each of these."""
        pairs = zip(self.steps, self.states, strict=True)
        return [(observed.step, state) for observed, state in pairs if observed.counts]

    @property
    def finished(self) -> int:
        """How many of these are there."""
        return sum(observed.counts and observed.run is not None for observed in self.steps)

    @property
    def adopted(self) -> int:
        """How many of these were made elsewhere, and taken in."""
        return sum(observed.counts and observed.adopted for observed in self.steps)

    @property
    def recorded(self) -> int:
        """How many of these scripts of the user's own recorded."""
        return sum(observed.counts and observed.scripted for observed in self.steps)

    def summary(self) -> dict[str, Any]:
        stages = {str(stage): {str(status): n for status, n in self.matrix.count(stage).items()} for stage in Stage}
        words = {str(word): n for word, n in count_words([state for _, state in self.planned_states]).items()}
        there = {"finished": self.finished, "adopted": self.adopted, "recorded": self.recorded}
        found = {"steps": self.planned, **there, "stale": len(self.stale), "runs": words, "stages": stages}
        if self.documents is not None:
            found["documents"] = asdict(self.documents)
        return found if self.spared is None else {**found, "not_read_again": self.spared._asdict()}

    def as_dict(self) -> dict[str, Any]:
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "seals": [seal.as_dict() for seal in self.seals],
            "summary": self.summary(),
            "verdicts": [verdict.as_dict() for verdict in self.matrix.verdicts],
        }


def verify(
    experiment: Experiment,
    plan: Plan,
    only: Sequence[str] = (),
    today: date | None = None,
    quick: bool = False,
    trust: Trust = ANYBODY,
) -> VerifyResult:
    """Hold the evidence of a plan's steps to the manifest, at every stage that has any.

    ``only`` restricts the run and checkpoint stages to runs of these keys; other clauses stay `unverified`. ``quick``
    leaves out large files that are as they were when an earlier verification read them. Seals are held where all runs
    are, with ``trust`` for whose they are.
    """
    judge = Judge(experiment, today)
    store = RunStore(experiment.runs, listed=True)
    steps = with_others(observed_steps(experiment, plan, store), plan, store)
    told = RunStates(plan, store)
    states = [told.of(each.step) if each.counts or each.run is None else told.of_run(each.run) for each in steps]
    steps = [replace(each, word=str(state.word)) for each, state in zip(steps, states, strict=True)]
    seen, findings = unreadable_records(steps, store)
    matrix = Matrix(experiment.clauses)
    checked = None
    findings += [*misplaced(steps, store), *others(steps, store)]
    if experiment.stated.configs:
        checked = check(experiment, today)
        stated, found = checked.matrix, checked.findings
    else:
        stated, found = held_to_itself(experiment, today)
    matrix.merge(stated)
    known = list(matrix.findings())
    findings += [finding for finding in found if finding not in known]
    matrix.add(plan_verdicts(experiment, plan, judge))

    def hold(seen: list[Observed]) -> list[tuple[list[Verdict], list[Finding]]]:
        held = [observed for observed in seen if not only or observed.step.key in only or _key_of(observed) in only]
        models = [observed for observed in held if not isinstance(observed.step.work, Measure)]
        measures = [observed for observed in held if isinstance(observed.step.work, Measure)]
        related = Related(experiment.manifest, seen)
        return [
            apply(package, EvidenceContext(experiment, judge, plan, models, stage, related, measures))
            for package, stage in _STAGES
        ]

    asked = [each for each in seen if not only or each.step.key in only or _key_of(each) in only]
    spared = read_once(asked, Related(experiment.manifest, seen), quick)
    outcomes, seen, broken = readable(hold, seen)
    for verdicts, more in outcomes:
        matrix.add(for_all_variants(experiment, seen, unsettled(verdicts), judge))
        findings += more
    findings += broken
    counts = DocumentCounts() if experiment.stated.documents.bound else None
    documents = bound_document_verdicts(experiment, seen, judge, counts) if counts is not None else ()
    for held in (*claim_verdicts(experiment, seen, judge), *documents):
        if isinstance(held, Finding):
            findings.append(held)
        else:
            matrix.add([held])
    finished = [] if only else [run.folder.name for run in store.readable() if run.record.status == "done"]
    seals = [] if only else held_seals(experiment.path, experiment.runs, finished, trust)
    sealed = [] if only else seal_findings(seals, experiment.runs, finished, trust)
    findings = [*matrix.findings(), *findings, *sealed]
    worse = damaged(findings, steps)
    states = [_worse(state, worse) for state in states]
    not_read = spared if quick else None
    stale = told.stale(experiment.stated.variants)
    return VerifyResult(experiment, plan, steps, matrix, findings, checked, states, stale, counts, not_read, seals)


def _key_of(observed: Observed) -> str | None:
    """The key of the run itself: that of a run which was made elsewhere is not the planned one."""
    return None if observed.run is None else observed.run.record.key


def _worse(state: State, worse: Mapping[Path, State]) -> State:
    """The state of a run, of which reading its files may have told that it is damaged."""
    return state if state.folder is None or state.word is Word.DAMAGED else worse.get(state.folder, state)
