"""Which adopted runs are the evidence of planned steps: found by what they are of, and not by what the manifest states.

A run that the built-in runners made has a key over every value that decided it. An adopted one was made by others: that
its values are those of the manifest is the question, so a changed manifest is held to the same adopted run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from framework.evidence.record import ADOPTED, RunRecord
from framework.evidence.store import Run, RunStore
from framework.planning.build import Plan
from framework.planning.steps import Step


def identity_of(step: Step, variants: tuple[str, ...]) -> dict[str, Any]:
    """What an adopted run is of."""
    of = {"variants": list(variants), "model": step.model_name, "task": step.task, "seed": step.seed}
    return {ADOPTED: {"step": step.name, "profile": step.profile, **of}}


def key_of(identity: dict[str, Any]) -> str:
    """SHA-256 of an identity, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def adopted_runs(plan: Plan, store: RunStore) -> dict[str, Run]:
    """The adopted runs of planned steps, by the step's key. A step that several were adopted for has the one that was
    adopted for its first variant."""
    taken = {(_place(run.record), variant): run for run in _taken(store) for variant in run.record.variants}
    found: dict[str, Run] = {}
    for step in plan.steps if taken else ():
        here = (step.name, step.model_name, step.task, step.seed, step.profile)
        run = next((taken[here, variant] for variant in step.variants if (here, variant) in taken), None)
        if run is not None:
            found[step.key] = run
    return found


def sources_of(record: RunRecord) -> list[dict[str, Any]]:
    """The files that an adopted run was taken from: `file` as the manifest's folder sees it, `sha256`, `bytes`; none
    for a run that was made here."""
    facts = record.observed.get(ADOPTED)
    found = facts.get("sources") if isinstance(facts, dict) else None
    return [each for each in found or () if isinstance(each, dict)]


def origin_of(record: RunRecord) -> str | None:
    """Where an adopted run was taken from, as the manifest's folder sees it; None for a run that was made here."""
    facts = record.observed.get(ADOPTED)
    found = facts.get("from") if isinstance(facts, dict) else None
    return found if isinstance(found, str) else None


def _place(record: RunRecord) -> tuple[Any, ...]:
    return record.step, record.model, record.task, record.seed, record.profile


def _taken(store: RunStore) -> Iterator[Run]:
    for run in store.readable(f"{ADOPTED}.*"):
        if run.record.status == "done" and ADOPTED in run.record.identity:
            yield run
