"""Which runs are the evidence of the planned measurements: those of one machine, wherever they are looked at.

A plan names the machine that it is made on. Measurements are verified elsewhere too, and a comparison of one
variant's time on one machine with another's on a second would say nothing: so all of a plan are taken from one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from framework.evidence.store import Run, RunStore
from framework.planning.build import Plan
from framework.planning.identity import MACHINE, elsewhere
from framework.planning.steps import Measure, Step


def measured_runs(plan: Plan, store: RunStore) -> dict[str, Run]:
    """The finished runs of the plan's measuring steps, by the planned key: of the machine with the most of them; of
    several such machines of the one that measured last. So the answer is the same wherever it is asked for."""
    steps = [step for step in plan.steps if isinstance(step.work, Measure)]
    if not steps:
        return {}
    by_machine: dict[str, dict[str, Run]] = {}
    finished = [
        run for run in store.readable() if run.record.status == "done" and machine_of(run.record.identity) is not None
    ]
    for step in steps:
        for run in finished:
            if _is_of(run, step):
                by_machine.setdefault(_text(machine_of(run.record.identity)), {})[step.key] = run

    def rank(name: str) -> tuple[int, str]:
        runs = by_machine[name]
        return len(runs), max(run.record.finished or "" for run in runs.values())

    return by_machine[max(by_machine, key=rank)] if by_machine else {}


def machine_of(identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """The machine that a run's identity states; None for a run that measured nothing."""
    does = identity.get("does")
    found = does.get(MACHINE) if isinstance(does, dict) else None
    return found if isinstance(found, dict) else None


def _is_of(run: Run, step: Step) -> bool:
    return run.record.step == step.name and elsewhere(run.record.identity, step.identity)


def _text(machine: dict[str, Any] | None) -> str:
    return json.dumps(machine, sort_keys=True)
