"""Evidence that cannot be read: a finding about its run, and no reason to leave the other runs unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import TypeVar

from framework.conformance import Finding, Rule, Severity, Stage
from framework.errors import InputError, Problem
from framework.evidence.record import RECORD
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
            findings += [_finding(step, problem) for step in damaged]
            gone = {step.step.key for step in damaged}
            steps = [
                replace(step, run=None, damage=_said(step, problem)) if step.step.key in gone else step
                for step in steps
            ]


def unreadable_records(steps: list[Observed], store: RunStore) -> Iterator[tuple[Observed, Finding]]:
    """Steps without a run, where a folder of their key holds a record that cannot be read."""
    for step in steps:
        if step.run is None and (found := store.unreadable(step.step.key)) is not None:
            folder, problem = found
            damaged = replace(step, damage=f"{folder.name}/{RECORD}: {problem.message}")
            yield damaged, _finding(damaged, problem)


def _is_of(problem: Problem, step: Observed) -> bool:
    """Whether a problem lies in the run's folder."""
    if step.run is None or problem.location is None:
        return False
    return step.run.folder.name in PurePath(problem.location.file).parts


def _said(step: Observed, problem: Problem) -> str:
    assert step.run is not None
    assert problem.location is not None
    parts = PurePath(problem.location.file).parts
    return f"{'/'.join(parts[parts.index(step.run.folder.name) :])}: {problem.message}"


def _finding(step: Observed, problem: Problem) -> Finding:
    return Finding(
        DAMAGED,
        f"{step.step.label}: {problem.message}; what it would have shown is unverified",
        location=problem.location,
        advice="restore the file, or remove the run's folder and run the step again",
    )
