"""Which runs that scripts recorded are the evidence of planned steps: found by what they are of, as adopted ones are.

Of several finished attempts at one step the last counts; the others stay, and `framework runs` lists them all.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any

from framework.evidence.locks import LOCKS, is_held
from framework.evidence.record import RECORDED, RunRecord
from framework.evidence.store import Run, RunStore
from framework.planning.build import Plan
from framework.planning.steps import Step

CUT_OFF = "cut off"
"""How a run ended whose process is gone, and whose record still says `running`."""


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


def recorded_runs(plan: Plan, store: RunStore) -> dict[str, Run]:
    """The recorded runs of planned steps, by the step's key."""
    taken: dict[tuple[Any, ...], Run] = {}
    done = [run for run in _recorded(store) if run.record.status == "done"]
    for run in sorted(done, key=lambda run: run.record.identity[RECORDED].get("attempt", 0)):
        for variant in run.record.variants:
            record = run.record
            taken[variant, record.step, record.model, record.task, record.seed, record.profile] = run
    found: dict[str, Run] = {}
    for step in plan.steps if taken else ():
        here = (step.name, step.model_name, step.task, step.seed, step.profile)
        last = next((taken[variant, *here] for variant in step.variants if (variant, *here) in taken), None)
        if last is not None:
            found[step.key] = last
    return found


def script_of(record: RunRecord) -> str | None:
    """The script that recorded a run, as the manifest's folder sees it, and which attempt it was if not the first;
    None for a run that was made in another way."""
    facts = record.observed.get(RECORDED)
    if not isinstance(facts, dict):
        return None
    attempt = facts.get("attempt", 1)
    return f"{facts.get('script')}" + (f", attempt {attempt}" if attempt != 1 else "")


def how_it_ended(run: Run) -> str:
    """The status of a run; ``cut off`` where its record says `running`, and the process is gone that this machine
    would know of."""
    record = run.record
    if record.status != "running" or not record.attempts or record.attempts[-1].get("host") != platform.node():
        return record.status
    return CUT_OFF if is_held(run.folder.parent / LOCKS / run.folder.name) is False else record.status


def _recorded(store: RunStore) -> Iterator[Run]:
    for run in store.readable(f"{RECORDED}.*"):
        if isinstance(run.record.identity.get(RECORDED), dict):
            yield run


def _is_of(record: RunRecord, place: Mapping[str, Any]) -> bool:
    own = record.identity[RECORDED]
    return all(own.get(name) == place.get(name) for name in ("step", "profile", "variants", "model", "task", "seed"))
