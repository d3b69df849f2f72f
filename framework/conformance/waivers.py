"""Verdicts under declared deviations: waivers of the manifest, and the profile's own."""

from __future__ import annotations

from datetime import date

from framework.conformance.finding import Finding
from framework.conformance.stage import Stage
from framework.conformance.verdict import Status, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.sections.statements import Waiver
from framework.names import find_path


class Judge:
    """Turns what a rule saw into verdicts. One judge serves one pass over an experiment on one day."""

    def __init__(self, experiment: Experiment, today: date | None = None):
        self.today = today or date.today()
        self._waivers = [
            (find_path(experiment.raw, waiver.clause) or (), waiver) for waiver in experiment.stated.waivers
        ]
        self.used: set[int] = set()

    def waiver(self, clause: Clause, stage: Stage) -> Waiver | None:
        """The waiver in force for a clause at a stage."""
        for index, (path, waiver) in enumerate(self._waivers):
            if (
                path
                and clause.path[: len(path)] == path
                and waiver.stage in (None, stage)
                and waiver.until >= self.today
            ):
                self.used.add(index)
                return waiver
        return None

    def conforms(self, clause: Clause, stage: Stage, reason: str = "", evidence: object = None) -> Verdict:
        """The clause holds; where a profile changes it, what holds is the deviation: `waived`, never `conforms`."""
        if clause.deviation and stage not in (Stage.MANIFEST, Stage.CONFIG):
            note = f"profile {clause.deviation.profile}: {clause.deviation.reason}"
            return Verdict(clause.id, stage, Status.WAIVED, note, evidence)
        return Verdict(clause.id, stage, Status.CONFORMS, reason, evidence)

    def violated(self, clause: Clause, finding: Finding, evidence: str | None = None) -> Verdict:
        """The clause does not hold, unless a waiver covers it."""
        stage = finding.rule.stage
        waiver = self.waiver(clause, stage)
        if waiver is not None:
            reason = f"{waiver.reason} ({waiver.owner}, until {waiver.until})"
            return Verdict(clause.id, stage, Status.WAIVED, reason, evidence, finding)
        return Verdict(clause.id, stage, Status.VIOLATED, finding.message, evidence, finding)

    def unverified(
        self, clause: Clause, stage: Stage, reason: str, evidence: str | None = None, finding: Finding | None = None
    ) -> Verdict:
        """Nobody could look, and why. ``finding`` is what to say of it where no other look settles the clause."""
        return Verdict(clause.id, stage, Status.UNVERIFIED, reason, evidence, finding)
