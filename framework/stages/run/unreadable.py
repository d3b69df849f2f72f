"""Evidence that cannot be read: a finding about its run, and no reason to leave the other runs unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TypeVar

from framework.adoption.adopted_runs import NAMING
from framework.conformance import Finding, Rule, Severity, Stage
from framework.errors import InputError, Problem
from framework.evidence.record import RECORD, RunRecord
from framework.evidence.store import RunStore
from framework.stages.run.observed import Observed

DAMAGED = Rule("T121", "evidence-damaged", Severity.ERROR, Stage.CHECKPOINT, "a file of a run cannot be read")

Held = TypeVar("Held")


def readable(
    hold: Callable[[list[Observed]], Held], steps: list[Observed]
) -> tuple[Held, list[Observed], list[Finding]]:
    """What ``hold`` makes of the steps, those left out whose files it cannot read.

    Returns:
        The outcome, the steps as it saw them (a damaged one without its run), and a finding for each damaged run.

    Raises:
        InputError: something cannot be read that belongs to none of the runs.
    """
    findings: list[Finding] = []
    while True:
        try:
            return hold(steps), steps, findings
        except InputError as failure:
            problem = failure.problems[0]
            damaged = [step for step in steps if _is_of(problem, step)]
            if not damaged:
                raise
            findings += [_finding(step.step.label, problem) for step in damaged]
            steps = [_without_run(step, problem) if _is_of(problem, step) else step for step in steps]


def unreadable_records(steps: list[Observed], store: RunStore) -> tuple[list[Observed], list[Finding]]:
    """The steps, those damaged that have no run where a folder of their key holds a record which cannot be read; and a
    finding for each such record, and for those of runs that name their variants."""
    found, findings = [], []
    for step in steps:
        problem = None if step.run is not None else next(_unreadable(store.folders_of(step.step.key)), None)
        if problem is not None and problem.location is not None:
            path = PurePath(problem.location.file)
            step = replace(step, damage=f"{path.parent.name}/{path.name}: {problem.message}")
            findings.append(_finding(step.step.label, problem))
        found.append(step)
    for kind in NAMING:
        for problem in _unreadable(path.parent for path in sorted(store.root.glob(f"{kind}.*/{RECORD}"))):
            assert problem.location is not None
            findings.append(_finding(PurePath(problem.location.file).parent.name, problem))
    return found, findings


def _unreadable(folders: Iterable[Path]) -> Iterator[Problem]:
    """What is wrong with the records that cannot be read, of these folders."""
    for folder in folders:
        try:
            RunRecord.read(folder)
        except InputError as failure:
            yield failure.problems[0]


def _is_of(problem: Problem, step: Observed) -> bool:
    """Whether a problem lies in the run's folder."""
    if step.run is None or problem.location is None:
        return False
    return step.run.folder.name in PurePath(problem.location.file).parts


def _without_run(step: Observed, problem: Problem) -> Observed:
    return replace(step, run=None, damage=_said(step, problem))


def _said(step: Observed, problem: Problem) -> str:
    assert step.run is not None
    assert problem.location is not None
    parts = PurePath(problem.location.file).parts
    return f"{'/'.join(parts[parts.index(step.run.folder.name) :])}: {problem.message}"


def _finding(label: str, problem: Problem) -> Finding:
    return Finding(
        DAMAGED,
        f"{label}: {problem.message}; what it would have shown is unverified",
        location=problem.location,
        advice="restore the file, or remove the run's folder and run the step again",
    )
