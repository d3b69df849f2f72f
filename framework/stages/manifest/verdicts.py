"""The manifest, held to itself."""

from __future__ import annotations

from framework.conformance import Finding, Stage, Status
from framework.conformance.matrix import Matrix
from framework.conformance.registry import apply
from framework.conformance.waivers import Judge
from framework.manifest.experiment import Experiment
from framework.stages.manifest import rules
from framework.stages.manifest.context import ManifestContext


def hold(experiment: Experiment, judge: Judge, matrix: Matrix) -> list[Finding]:
    """Add the verdicts of the manifest stage to a matrix: what no rule blames is valid. Gives the findings that belong
    to no clause."""
    verdicts, findings = apply(rules, ManifestContext(experiment, judge))
    matrix.add(verdicts)
    blamed = {verdict.clause for verdict in verdicts if verdict.status is not Status.CONFORMS}
    stated = [clause for clause in experiment.clauses if not clause.added]
    matrix.add(judge.conforms(clause, Stage.MANIFEST, "valid") for clause in stated if clause.id not in blamed)
    return findings
