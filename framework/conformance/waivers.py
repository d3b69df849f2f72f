"""Verdicts under declared deviations: waivers of the manifest, and the profile's own."""

from __future__ import annotations

from datetime import date
from typing import Any

from framework.conformance.finding import Finding
from framework.conformance.stage import Stage
from framework.conformance.verdict import Status, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.derived import is_expression, names_in
from framework.manifest.searched.best_values import BestValue
from framework.manifest.sections.statements import Waiver
from framework.names import Path, find_path


class Judge:
    """Turns what a rule saw into verdicts. One judge serves one pass over an experiment on one day."""

    def __init__(self, experiment: Experiment, today: date | None = None):
        self.today = today or date.today()
        self._waivers = [
            (find_path(experiment.raw, waiver.clause) or (), waiver) for waiver in experiment.stated.waivers
        ]
        self.used: set[int] = set()
        self._best, self._profile, self._raw = experiment.best, experiment.profile, experiment.raw

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
        if (best := self._best.of(clause.path)) is not None:
            if best.is_open:
                return Verdict(clause.id, stage, Status.UNVERIFIED, best.reason, evidence)
            if self._profile is not None:
                note = f"profile {self._profile}: the best of {best.grid} there is {best.variant}"
                return Verdict(clause.id, stage, Status.WAIVED, note, evidence)
        return Verdict(clause.id, stage, Status.CONFORMS, reason, evidence)

    def violated(self, clause: Clause, finding: Finding, evidence: str | None = None) -> Verdict:
        """The clause does not hold, unless a waiver covers it."""
        stage = finding.rule.stage
        if (why := self._rests_on_open(clause)) is not None:
            return Verdict(clause.id, stage, Status.UNVERIFIED, why, evidence)
        waiver = self.waiver(clause, stage)
        if waiver is not None:
            reason = f"{waiver.reason} ({waiver.owner}, until {waiver.until})"
            return Verdict(clause.id, stage, Status.WAIVED, reason, evidence, finding)
        return Verdict(clause.id, stage, Status.VIOLATED, finding.message, evidence, finding)

    def _rests_on_open(self, clause: Clause) -> str | None:
        """Why a clause cannot be violated yet: it is the best of a grid that is open, or derived from such a one."""
        open_values = [each for each in self._best.values.values() if each.is_open]
        if not open_values:
            return None
        best = self._best.of(clause.path)
        if best is not None and best.is_open:
            return best.reason
        node = _at(self._raw, clause.path)
        names = set(names_in(node)) if isinstance(node, str) and is_expression(node) else set()
        return next((each.reason for each in open_values if names & _names_of(each)), None)

    def unverified(
        self, clause: Clause, stage: Stage, reason: str, evidence: str | None = None, finding: Finding | None = None
    ) -> Verdict:
        """Nobody could look, and why. ``finding`` is what to say of it where no other look settles the clause."""
        return Verdict(clause.id, stage, Status.UNVERIFIED, reason, evidence, finding)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            return None
    return data


def _names_of(value: BestValue) -> set[str]:
    """What a formula may call a value: its path within the phase, or its last name."""
    inner = ".".join(map(str, value.path[6 if value.path[2] == "steps" else 3 :]))
    return {inner, inner.rpartition(".")[2]}
