"""The attempts that scripts recorded: what each is of, and their order.

They are the evidence of planned steps as adopted runs are (:mod:`framework.adoption.adopted_runs`). Of several finished
attempts at one step the last counts; the others stay, and `framework runs` lists them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.evidence.record import RECORDED, RunRecord
from framework.evidence.store import Run, RunStore
from framework.planning.steps import Step


def place_of(step: Step, variants: tuple[str, ...]) -> dict[str, Any]:
    """What a recorded run is of; its identity has the number of the attempt beside it."""
    of = {"variants": list(variants), "model": step.model_name, "task": step.task, "seed": step.seed}
    return {"step": step.name, "profile": step.profile, **of}


def attempts_of(store: RunStore, place: Mapping[str, Any]) -> Iterator[Run]:
    """The attempts at one place, in their order."""
    yield from sorted(
        (run for run in _recorded(store) if _is_of(run.record, place)),
        key=lambda run: run.record.identity[RECORDED].get("attempt", 0),
    )


def _recorded(store: RunStore) -> Iterator[Run]:
    for run in store.readable(f"{RECORDED}.*"):
        if isinstance(run.record.identity.get(RECORDED), dict):
            yield run


def _is_of(record: RunRecord, place: Mapping[str, Any]) -> bool:
    own = record.identity[RECORDED]
    return all(own.get(name) == place.get(name) for name in ("step", "profile", "variants", "model", "task", "seed"))
