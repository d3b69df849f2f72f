"""What the compliance report is given: the conformance matrix, the findings, and the runs behind them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from framework.adoption.adopted_runs import how_made
from framework.conformance import Stage, Status
from framework.errors import FrameworkError
from framework.evidence.standing.run_state import MADE_ELSEWHERE
from framework.manifest.clauses import shown
from framework.planning.steps import Measure
from framework.stages.verify import VerifyResult
from reports.analysis.rows import study
from reports.measurements import counted, machines, measurement_rows
from reports.methodology import methodology_rows
from reports.statistics.section import statistics_of

MARKS = {Status.CONFORMS: "✓", Status.VIOLATED: "✗", Status.WAIVED: "w", Status.UNVERIFIED: "?", None: "·"}
"""How a cell of the matrix is shown; the report carries this legend."""


def compliance_context(result: VerifyResult) -> dict[str, Any]:
    experiment, matrix = result.experiment, result.matrix
    profile = experiment.manifest.profiles[experiment.profile] if experiment.profile else None
    below = from_root(result)
    return {
        "paper": experiment.manifest.paper,
        "source": experiment.path.name,
        "profile": experiment.profile,
        "profile_reason": profile.reason if profile else None,
        "stages": [str(stage) for stage in Stage],
        "statuses": [str(status) for status in Status],
        "counts": [
            {"stage": str(stage), "counts": [counts[status] for status in Status]}
            for stage, counts in ((stage, matrix.count(stage)) for stage in Stage)
        ],
        "matrix": [
            {
                "id": clause.id,
                "value": _value(clause),
                "cells": [MARKS[matrix.status(clause, stage)] for stage in Stage],
            }
            for clause in matrix.clauses
        ],
        "marks": [
            {"mark": mark, "status": str(status) if status else "does not apply"} for status, mark in MARKS.items()
        ],
        "findings": [
            {
                "code": finding.code,
                "name": finding.rule.name,
                "severity": str(finding.severity),
                "message": below(finding.message),
                "location": below(str(finding.location)) if finding.location else "-",
                "declared": below(str(finding.declared)) if finding.declared else "-",
            }
            for finding in result.findings
        ],
        "waived": list(_waived(result)),
        "planned": result.planned,
        "finished": result.finished,
        "runs": list(_runs(result)),
        "sparse": list(_sparse(result)),
        "measurements": list(measurement_rows(result)),
        "machines": machines(result),
        "counted": counted(result),
        "methodology": list(methodology_rows(result, below)),
        "statistics": _statistics(result),
        "claims": list(claims_of(result)),
    }


def _statistics(result: VerifyResult) -> dict[str, list[Any]]:
    try:
        return statistics_of(result.experiment, study(result.experiment, result.plan).rows)
    except FrameworkError:
        return statistics_of(result.experiment, ())  # no runs that could be compared


def from_root(result: VerifyResult) -> Callable[[str], str]:
    """Writes the files that a finding names as seen from the manifest: a report is the same wherever it is rendered."""
    root = os.path.abspath(result.experiment.root)
    files = [result.experiment.document.file, *(result.checked.files if result.checked else ())]
    names = {file: os.path.relpath(os.path.abspath(file), root) for file in sorted(files, key=len, reverse=True)}
    names = {file: name for file, name in names.items() if file != name}

    def named(text: str) -> str:
        for file, name in names.items():
            text = text.replace(file, name)
        return text

    return named


def _value(clause: Any) -> str:
    return shown(clause.effective) if clause.deviation else shown(clause.value)


def _waived(result: VerifyResult) -> Iterator[dict[str, str]]:
    """What is waived and why: one row for each clause and reason, with all stages that it holds at."""
    stages: dict[tuple[str, str], list[str]] = {}
    for verdict in result.matrix.verdicts:
        if verdict.status is Status.WAIVED:
            known = stages.setdefault((verdict.clause, verdict.reason), [])
            if str(verdict.stage) not in known:
                known.append(str(verdict.stage))
    for (clause, reason), names in stages.items():
        yield {"clause": clause, "stage": ", ".join(names), "reason": reason}


def _runs(result: VerifyResult) -> Iterator[dict[str, Any]]:
    below = from_root(result)
    for observed, state in zip(result.steps, result.states, strict=True):
        step = observed.step
        row: dict[str, Any] = {
            "variants": ", ".join(step.variants),
            "step": step.name,
            "task": step.task or "-",
            "model": step.model_name,
            "seed": step.seed,
            "profile": step.profile or "-",
            "status": str(state.word),
            "steps": "-",
            "metrics": "-",
            "seconds": "-",
            "key": "-" if isinstance(step.work, Measure) else step.key[:10],  # that of a measurement is a machine's
        }
        if observed.run is not None:
            record = observed.run.record
            if state.word in MADE_ELSEWHERE:
                row["status"] = below(how_made(record) or row["status"])
            row["status"] += "" if observed.counts else ", beside the run that counts"
            row["key"] = record.key[:10]
            row["steps"] = str(record.observed.get("optimizer_steps", "-"))
            row["seconds"] = f"{record.seconds:.0f}" if record.seconds is not None else "-"
            row["metrics"] = ", ".join(f"{name} {value:.4g}" for name, value in sorted(record.metrics.items())) or "-"
        yield row


def _sparse(result: VerifyResult) -> Iterator[dict[str, Any]]:
    """Sparse models: the target and what was reached, side by side, as counted in the saved tensors by the run."""
    for observed in result.steps:
        if observed.run is None or not observed.run.record.sparsity.get("tensors"):
            continue
        sparsity = observed.run.record.sparsity
        zeros = sum(count for count, _ in sparsity["tensors"].values())
        elements = sum(size for _, size in sparsity["tensors"].values())
        asked = sparsity.get("asked")
        yield {
            "label": observed.step.label,
            "asked": shown(asked) if asked is not None else "-",
            "zeros": zeros,
            "elements": elements,
            "reached": f"{zeros / elements:.6f}",
            "tensors": len(sparsity["tensors"]),
        }


def claims_of(result: VerifyResult) -> Iterator[dict[str, str]]:
    """Each claim with its assertion, its status and the reason of that."""
    for index, claim in enumerate(result.experiment.manifest.claims):
        looks = [
            v for clause in result.experiment.below(("claims", index)) for v in result.matrix.looks(clause, Stage.CLAIM)
        ]
        for look in dict.fromkeys((str(v.status), v.reason) for v in looks):
            yield {"id": claim.id, "assert": claim.assert_, "status": look[0], "reason": look[1]}
