"""The conformance matrix for the page: one row for each clause, one cell for each stage, and what each look found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framework.conformance import Stage, Status, Verdict
from framework.conformance.matrix import Matrix
from framework.manifest.clauses import Clause, shown
from framework.stages.verify import VerifyResult

MOST_LOOKS = 6
"""How many different looks of a cell are told one by one; how many more there are is said."""
_ORDER = [Status.VIOLATED, Status.UNVERIFIED, Status.WAIVED, Status.CONFORMS]

Named = Callable[[str], str]
"""Writes the files in a text as seen from the manifest."""


def sections(result: VerifyResult, named: Named) -> list[dict[str, Any]]:
    """The rows by section of the manifest: `{name, rows, counts}`, the counts by the worst status of each row."""
    found: dict[str, list[dict[str, Any]]] = {}
    for number, clause in enumerate(result.matrix.clauses):
        found.setdefault(clause.section, []).append(_row(result, number, clause, named))
    return [{"name": name, "rows": rows, "counts": _counts(rows)} for name, rows in found.items()]


def _row(result: VerifyResult, number: int, clause: Clause, named: Named) -> dict[str, Any]:
    statuses = [result.matrix.status(clause, stage) for stage in Stage]
    return {
        "number": number,
        "id": clause.id,
        "value": shown(clause.effective) if clause.deviation else shown(clause.value),
        "deviates": bool(clause.deviation),
        "place": named(f"{clause.location.file}:{clause.location.line}") if clause.location else "",
        "source": result.experiment.stated.paper.source_of(clause.id),
        "cells": [str(status) if status else "" for status in statuses],
        "worst": str(min((each for each in statuses if each), key=_ORDER.index, default="")),
    }


def _counts(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {str(status): sum(row["worst"] == status for row in rows) for status in Status}


def looks(result: VerifyResult, named: Named) -> dict[str, dict[str, list[Any]]]:
    """By a row's number and a stage: `[status, reason, where, how often]` of each different look, the worst first."""
    found: dict[str, dict[str, list[Any]]] = {}
    for number, clause in enumerate(result.matrix.clauses):
        cells = {str(stage): _looks(result.matrix, clause, stage, named) for stage in Stage}
        if cells := {stage: cell for stage, cell in cells.items() if cell}:
            found[str(number)] = cells
    return found


def _looks(matrix: Matrix, clause: Clause, stage: Stage, named: Named) -> list[Any]:
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in sorted(matrix.looks(clause, stage), key=lambda each: _ORDER.index(each.status)):
        groups.setdefault((str(verdict.status), verdict.reason), []).append(verdict)
    told: list[Any] = []
    for (status, reason), members in list(groups.items())[:MOST_LOOKS]:
        where = next((str(each.evidence) for each in members if each.evidence is not None), "")
        told.append([status, named(reason), named(where), len(members)])
    if (more := sum(len(members) for members in list(groups.values())[MOST_LOOKS:])) > 0:
        told.append(["", f"and {more} more looks", "", more])
    return told
