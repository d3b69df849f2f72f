"""The loss with which a step began, held to the one with which its parent ended: the same model on the same data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from framework.manifest.sections.methods import Prune
from framework.planning.steps import Training
from framework.stages.checkpoint.recorded.contradiction import Contradiction, Facts, real
from framework.stages.run.observed import Observed, Related

_FULL, _HALF = 1e-4, 2e-2
"""How far, relative to it, two evaluations of one model may lie apart: in float32 by the batches and the machine, else
by the number format that one of them had."""
_DATA = ("validation_fingerprint", "validation_examples", "validation_tokens", "vocabulary", "classes")


def contradictions(observed: Observed, parent: Observed, related: Related) -> Iterator[Contradiction]:
    """A step whose model, before anything was done to it, is its parent's, validated on the parent's data."""
    if parent.logged or parent.run is None or observed.run is None or not _begins_as_its_parent(observed):
        return
    began = real(observed.run.record.metrics.get("initial_validation_loss"))
    ended = real(parent.run.record.metrics.get("validation_loss"))
    own, its = _validated_on(observed, related), _validated_on(parent, related)
    if began is None or ended is None or own is None or own != its:
        return
    full = all(_in_float32(each) for each in (observed, parent))
    if not math.isclose(began, ended, rel_tol=_FULL if full else _HALF, abs_tol=1e-6):
        message = f"it began with a validation loss of {began:.6g}, and {parent.step.label} ended with {ended:.6g}"
        yield Contradiction("metrics.initial_validation_loss", f"{message}, on the same data", ended, began)


def _begins_as_its_parent(observed: Observed) -> bool:
    """A classifier begins with a new head, and a mask that is learned decides from the first step on."""
    work = observed.step.work
    return not isinstance(work, Training) or (work.phase.objective == "causal_lm" and work.mask is None)


def _validated_on(observed: Observed, related: Related) -> dict[str, Any] | None:
    """What data a step was validated on: a pruning on that of the training before it. None where it is not known."""
    found: Observed | None = observed
    while found is not None and isinstance(found.step.work, Prune):
        found = related.parent(found)
    if found is None or found.run is None or found.logged:
        return None
    facts = {name: found.run.record.data.get(name) for name in _DATA}
    return facts if facts["validation_fingerprint"] is not None else None


def _in_float32(observed: Observed) -> bool:
    return Facts(observed)("observed", "precision") in (None, "fp32")
