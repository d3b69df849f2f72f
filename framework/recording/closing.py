"""The record of a recording that ends: its lines made whole, and its facts; what nobody told is not there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.evidence.atomic import write_text
from framework.evidence.record import EVENTS, MODEL, STEPS, RunRecord, artefacts_below, read_lines
from framework.recording import process_group
from framework.recording.named_parameters import Named, counted, decay_of
from framework.recording.optimizer_facts import OptimizerFacts, optimizer_record, trained
from framework.recording.optimizer_watch import OptimizerWatch
from framework.recording.steps_taken import StepsTaken

_ARTEFACTS = (STEPS, EVENTS, MODEL, "adapter")


def add_other_processes(
    folder: Path, counts: Path, process: process_group.ProcessGroup, last: int, begun: float, wait: bool
) -> list[int]:
    """Add what the other processes counted to the lines; the numbers of those that are not heard of."""
    others, unheard = process_group.gathered(counts, process.size, last, begun, wait)
    lines = list(read_lines(folder / STEPS))
    process_group.added_up(lines, others, process.size)
    write_text(folder / STEPS, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
    process_group.forget(counts)
    return unheard


def fill(
    record: RunRecord, folder: Path, watch: OptimizerWatch, steps: StepsTaken, model: Named | None, told: dict[str, Any]
) -> None:
    """Put what was observed into the record; what the script told counts where both say something."""
    observed = _optimizer_facts(watch.facts, model, steps.peaks)
    if steps.recorded:
        observed["optimizer_steps"] = steps.done
    if steps.skipped:
        observed["updates_skipped"] = steps.skipped
    record.observed |= observed | told
    record.parameters |= _parameters(watch.facts, model)
    record.artefacts = artefacts_below(folder, *(name for name in _ARTEFACTS if (folder / name).exists()))


def _optimizer_facts(
    found: Sequence[OptimizerFacts], model: Named | None, peaks: Mapping[tuple[int, int], float]
) -> dict[str, Any]:
    """`optimizer`, `named`, `master_weights`, `decayed` and `undecayed`; with a model also its `kinds` of parameters
    and those that are `untrained`."""
    if not found:
        return {}
    if model is not None:
        for each in found:
            each.name_by(model.names)
    held = list(trained(list(found)))
    facts: dict[str, Any] = {
        "optimizer": optimizer_record(list(found), peaks),
        "named": all(group["named"] for each in found for group in each.groups),
        "master_weights": ", ".join(sorted({name for each in found for name in each.formats})),
        **decay_of((name, size, decay) for _, name, size, decay in held),
    }
    if model is None:
        return facts
    inside = {key for key, _, _, _ in held}
    if facts["named"]:
        left = [(name, model.sizes[key]) for key, name in model.names.items() if key not in inside]
        facts["untrained"] = {**counted(left), "names": [name for name, _ in left]}
    facts["kinds"] = {
        kind: [name for name, own in model.kinds.items() if kind in own]
        for kind in ("norms", "biases", "embeddings", *(("head",) if model.head_known else ()))
    }
    return facts


def _parameters(found: Sequence[OptimizerFacts], model: Named | None) -> dict[str, int]:
    """`total` and `trainable` numbers of parameters, where the model was shown."""
    if model is None:
        return {}
    inside = {key for key, _, _, _ in trained(list(found))}
    trainable = sum(size for key, size in model.sizes.items() if key in inside)
    return {"total": sum(model.sizes.values()), **({"trainable": trainable} if found else {})}


def seed_facts(stated: int, told: int | None, seen: Sequence[int]) -> dict[str, Any]:
    """`seeds`: the one that the run is of, and those that torch's generator had at the beginning and at the first
    step; and `seed`: the one that the training's program says it used, else what torch's generator says. That a run is
    of a seed is no evidence that it used it."""
    facts: dict[str, Any] = {"seeds": {"stated": stated, "torch": list(seen)}}
    if told is not None:
        facts["seed"] = told
    elif seen:
        facts["seed"] = stated if stated in seen else seen[-1]
    return facts
