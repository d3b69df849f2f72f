"""Which adopted runs are the evidence of planned steps: found by what they are of, and not by what the manifest states.

A run that the built-in runners made has a key over every value that decided it. An adopted one was made by others: that
its values are those of the manifest is the question, so a changed manifest is held to the same adopted run. It names
the variants that it is of: where variants state the same and are one planned step, each may have a run of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from framework.evidence.record import ADOPTED, RECORDED, RunRecord
from framework.evidence.store import Run, RunStore
from framework.planning.build import Plan
from framework.planning.steps import Step

NAMING = (ADOPTED, RECORDED)
"""What the identity of a run holds that names its step and its variants by what they are called."""

RunsOfVariants = Mapping[tuple[str, str], Sequence[Run]]
"""By the key of a planned step and a variant that uses it: the runs that name it, the one that counts first."""


def identity_of(step: Step, variants: tuple[str, ...], index: int | None) -> dict[str, Any]:
    """What an adopted run is of. ``index`` is the step's position in the variant's list, where the same phase stands
    there more than once."""
    of = {"variants": list(variants), "model": step.model_name, "task": step.task, "seed": step.seed}
    position = {} if index is None else {"index": index}
    return {ADOPTED: {"step": step.name, "profile": step.profile, **of, **position}}


def key_of(identity: dict[str, Any]) -> str:
    """SHA-256 of an identity, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def runs_of_variants(plan: Plan, store: RunStore) -> RunsOfVariants:
    """The runs that name the variants they are of, at the steps of a plan. Of several that name one variant the one
    counts that was named for the fewest; of several such the one that was finished last."""
    return _at_steps(plan, _naming(store))


def unfinished_attempts(plan: Plan, store: RunStore) -> RunsOfVariants:
    """The last attempts of scripts that recorded themselves, where these are not done: they run, failed or were cut
    off, and are evidence of nothing."""
    last = _last_attempts(_readable(store, RECORDED))
    return _at_steps(plan, (run for run in last if run.record.status != "done"))


def _at_steps(plan: Plan, runs: Iterable[Run]) -> RunsOfVariants:
    named: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        for variant in run.record.variants:
            named.setdefault((*_place(run.record), variant), []).append(run)
    for of_one in named.values():
        of_one.sort(key=lambda run: (run.record.finished or "", run.folder.name), reverse=True)
        of_one.sort(key=lambda run: len(run.record.variants))
    found: dict[tuple[str, str], list[Run]] = {}
    for step in plan.steps if named else ():
        here = (step.name, step.model_name, step.task, step.seed, step.profile)
        for variant, place in zip(step.variants, step.places, strict=True):
            own = [run for run in named.get((*here, variant), ()) if _index(run.record) in (None, place[-1])]
            if own:
                found[step.key, variant] = own
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


def script_of(record: RunRecord) -> str | None:
    """The script that recorded a run, as the manifest's folder sees it, and which attempt it was if not the first;
    None for a run that was made in another way."""
    facts = record.observed.get(RECORDED)
    if not isinstance(facts, dict):
        return None
    attempt = facts.get("attempt", 1)
    return f"{facts.get('script')}" + (f", attempt {attempt}" if attempt != 1 else "")


def how_made(record: RunRecord) -> str | None:
    """`adopted from ...` or `recorded by ...`; None for a run that was made here."""
    origin, script = origin_of(record), script_of(record)
    return f"adopted from {origin}" if origin else f"recorded by {script}" if script else None


def origins_of(variants: Sequence[str], runs: Mapping[str, Sequence[Run]]) -> str:
    """How the runs were made that count of these variants, and which of the variants have none, in words."""
    origins: dict[str, list[str]] = {}
    for variant in variants:
        if of := runs.get(variant):
            origins.setdefault(how_made(of[0].record) or of[0].folder.name, []).append(variant)
    missing = [variant for variant in variants if not runs.get(variant)]
    if len(origins) == 1 and not missing:
        return next(iter(origins))
    none = f"; none of {', '.join(missing)}" if missing else ""
    return ", ".join(f"{origin} ({', '.join(names)})" for origin, names in origins.items()) + none


def _place(record: RunRecord) -> tuple[Any, ...]:
    return record.step, record.model, record.task, record.seed, record.profile


def _index(record: RunRecord) -> int | None:
    """The position in the variant's list that a run is of, where its identity says it."""
    stated = next((record.identity[kind] for kind in NAMING if kind in record.identity), None)
    return stated.get("index") if isinstance(stated, dict) else None


def _naming(store: RunStore) -> Iterator[Run]:
    for kind in NAMING:
        done = [run for run in _readable(store, kind) if run.record.status == "done"]
        yield from done if kind == ADOPTED else _last_attempts(done)


def _readable(store: RunStore, kind: str) -> list[Run]:
    return [run for run in store.readable(f"{kind}.*") if isinstance(run.record.identity.get(kind), dict)]


def _last_attempts(recorded: Sequence[Run]) -> Iterator[Run]:
    """Of the attempts of one script's run the last one: the earlier ones were begun anew."""
    last: dict[Any, Run] = {}
    for run in sorted(recorded, key=lambda run: run.record.identity[RECORDED].get("attempt", 0)):
        last[(*_place(run.record), tuple(run.record.variants), _index(run.record))] = run
    yield from last.values()
