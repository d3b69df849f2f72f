"""The record of a recording that ends: its lines made whole, and its facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from framework.evidence.atomic import write_text
from framework.evidence.record import EVENTS, MODEL, STEPS, RunRecord, artefacts_below, read_lines
from framework.recording import process_group
from framework.recording.named_parameters import Named
from framework.recording.optimizer_watch import OptimizerWatch
from framework.recording.recorded_facts import optimizer_facts, parameters
from framework.recording.steps_taken import StepsTaken

_ARTEFACTS = (STEPS, EVENTS, MODEL, "adapter")


def add_other_processes(
    folder: Path, counts: Path, process: process_group.ProcessGroup, last: int, begun: float
) -> list[int]:
    """Add what the other processes counted to the lines; the numbers of those that are not heard of."""
    others, unheard = process_group.gathered(counts, process.size, last, begun)
    lines = list(read_lines(folder / STEPS))
    process_group.added_up(lines, others, process.size)
    write_text(folder / STEPS, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
    process_group.forget(counts)
    return unheard


def fill(
    record: RunRecord, folder: Path, watch: OptimizerWatch, steps: StepsTaken, model: Named | None, told: dict[str, Any]
) -> None:
    """Put what was observed into the record; what the script told counts where both say something."""
    observed = optimizer_facts(watch.facts, model, steps.peaks)
    if steps.recorded:
        observed["optimizer_steps"] = steps.done
    if steps.skipped:
        observed["updates_skipped"] = steps.skipped
    record.observed |= observed | told
    record.parameters |= parameters(watch.facts, model)
    record.artefacts = artefacts_below(folder, *(name for name in _ARTEFACTS if (folder / name).exists()))
