"""How many optimizer steps a pass over the data is for a program of the user's own: what it leaves out of its end.

A trainer may drop a last batch that is smaller than the others, and micro-batches that are fewer than an update takes.
Whether it does is a fact: of the manifest (`settings.drop_last`, `settings.drop_incomplete_accumulation`), of the
settings that the program wrote, or of the samples that its log counts. Where none says it, both are possible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from framework.manifest.hyperparameters import folded
from framework.manifest.lengths import batch_of, length_of, optimizer_steps
from framework.manifest.sections.values.quantities import number
from framework.planning.steps import Training
from framework.stages.run.observed import Observed

_DROP_LAST = ("drop_last", "dataloader_drop_last", "drop_last_batch")
_DROP_INCOMPLETE = ("drop_incomplete_accumulation",)


class Ends(NamedTuple):
    """What is left out at the end of a pass; None where it is not known. ``accumulation`` counts the micro-batches of a
    step."""

    drop_last: bool | None = None
    drop_incomplete: bool | None = None
    accumulation: int | None = None


def steps_of_pass(examples: int, batch: int, ends: Ends) -> tuple[int, int]:
    """The least and the most optimizer steps of one pass, at least one."""
    if examples % batch == 0:
        return examples // batch, examples // batch
    parts = ends.accumulation if ends.accumulation and batch % ends.accumulation == 0 else None
    found = set()
    for dropped in (True, False) if ends.drop_last is None else (ends.drop_last,):
        for incomplete in (True, False) if ends.drop_incomplete is None else (ends.drop_incomplete,):
            if parts is None:
                known = dropped == incomplete
                found |= {examples // batch if dropped else math.ceil(examples / batch)} if known else set()
                found |= set() if known else {examples // batch, math.ceil(examples / batch)}
                continue
            micro = batch // parts
            pieces = examples // micro if dropped else math.ceil(examples / micro)
            found.add(pieces // parts if incomplete else math.ceil(pieces / parts))
    return max(1, min(found)), max(1, max(found))


def ends_of(observed: Observed, work: Training, examples: int | None) -> Ends:
    """What is known of the ends of a run's passes."""
    stated = work.phase.settings or {}
    written = observed.facts.get("settings")
    written = written if isinstance(written, Mapping) else {}
    told = observed.step.command.facts if observed.step.command is not None else {}
    parts = observed.facts.get("accumulation", told.get("batch_size.accumulation"))
    last, incomplete = (_switch(stated, names, written) for names in (_DROP_LAST, _DROP_INCOMPLETE))
    if examples is not None and (last is None or incomplete is None):
        seen = _counted(observed, work, examples)
        last, incomplete = seen[0] if last is None else last, seen[1] if incomplete is None else incomplete
    return Ends(last, incomplete, parts if isinstance(parts, int) else None)


def demanded(observed: Observed, work: Training, examples: int | None) -> tuple[int, int] | None:
    """Between which numbers of optimizer steps the declared length lies; None where it is not known."""
    whole = optimizer_steps(work.phase, examples)
    epochs, batch = number(work.phase.epochs), batch_of(work.phase)
    if whole is None or length_of(work.phase) != "epochs" or epochs is None or examples is None or batch is None:
        return None if whole is None else (whole, whole)
    least, most = steps_of_pass(examples, batch, ends_of(observed, work, examples))
    return math.ceil(epochs * least - 1e-9), math.ceil(epochs * most - 1e-9)


def _switch(stated: Mapping[str, Any], names: tuple[str, ...], written: Mapping[str, Any]) -> bool | None:
    """A fact as the manifest states it, else as the program wrote it."""
    wanted = {folded(name) for name in names}
    for source in (stated, written):
        found = {value for key, value in source.items() if folded(str(key).rpartition(".")[2]) in wanted}
        if len(found) == 1 and isinstance(value := found.pop(), bool):
            return value
    return None


def _counted(observed: Observed, work: Training, examples: int) -> tuple[bool | None, bool | None]:
    """Whether the logged samples show that a smaller last batch is dropped, and an incomplete accumulation: both where
    more steps than a pass has are full, neither where one has what is left of a pass."""
    batch = batch_of(work.phase)
    samples = [line["samples"] for line in observed.trace if "samples" in line]
    if batch is None or examples % batch == 0 or len(samples) != len(observed.trace):
        return None, None
    smaller = {count for count in samples if count != batch}
    if smaller:
        return (False if smaller == {examples % batch} else None), False
    return (True, True) if len(samples) > examples // batch + 1 else (None, None)
