"""Masks and adapters as the run recorded them; the checkpoint stage looks at what was saved."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.record import STEPS
from framework.manifest.sections.methods import SDM, LoRA, Prune
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed, recorded

METHOD = Rule("R140", "method", Severity.ERROR, Stage.RUN, "a mask or an adapter was set up otherwise than declared")
OFF_TARGET = Rule(
    "R141", "sparsity-off-target", Severity.WARNING, Stage.RUN, "a learned mask ended far from its target"
)
NO_EFFECT = Rule("R142", "mask-without-effect", Severity.ERROR, Stage.RUN, "a learned mask removed nothing")

_FAR = 0.05
"""A share of channels: a learned mask is pulled towards its target, not held to it."""


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        if isinstance(observed.step.work, Prune):
            yield from _prune(context, observed)
    for observed, work in context.trainings():
        if work.mask is not None and isinstance(spec := work.mask.chosen[1], SDM):
            yield from _sdm(context, observed, spec)
        if work.adapter is not None and isinstance(lora := work.adapter.chosen[1], LoRA):
            for name in ("rank", "alpha", "dropout", "mode"):
                clause = context.clause(observed.step, f"adapter.lora.{name}")
                wanted = getattr(lora, name)
                yield from context.hold(METHOD, observed, clause, wanted, partial(_adapted, name), f"LoRA {name}")


def _prune(context: EvidenceContext, observed: Observed) -> Iterator[Verdict | Finding]:
    """What decides which weights go, as the run recorded it."""
    for step_place in observed.step.places:
        place = (*step_place, "prune")
        for name in ("score", "structure", "scope", "exclude", "calibration_examples", "calibration_batch_size"):
            clause = context.experiment.by_path.get((*place, name))
            wanted = getattr(observed.step.work, name)
            yield from context.hold(METHOD, observed, clause, wanted, recorded("sparsity", name), f"pruning's {name}")
        dataset = context.experiment.by_path.get((*place, "dataset"))
        stated = getattr(observed.step.work, "dataset", None)
        yield from context.hold(
            METHOD, observed, dataset, stated, recorded("data", "name"), "the calibration's dataset"
        )


def _adapted(name: str, observed: Observed) -> Any:
    """A recorded fact of an adapter; of one that another program made, unless its options make another thing of it."""
    found = observed.recorded("adapter", name)
    if why := observed.recorded("adapter").get("doubts", {}).get(name):
        raise NotRecorded(f"the adapter's {why}")
    return found


def _sdm(context: EvidenceContext, observed: Observed, spec: SDM) -> Iterator[Verdict | Finding]:
    target = context.clause(observed.step, "mask.sdm.target_sparsity")
    temperature = context.clause(observed.step, "mask.sdm.temperature")
    asked = recorded("sparsity", "asked")
    yield from context.hold(METHOD, observed, target, spec.target_sparsity, asked, "the target sparsity")
    yield from context.hold(METHOD, observed, temperature, spec.temperature, _temperatures, "temperature", STEPS)
    for name in ("sparsity_weight", "initial_logit", "learning_rate", "tensors"):
        clause = context.clause(observed.step, f"mask.sdm.{name}")
        seen = recorded("sparsity", "settings", name)
        yield from context.hold(METHOD, observed, clause, getattr(spec, name), seen, f"SDM {name.replace('_', ' ')}")
    if observed.run is None or target is None:
        return
    try:
        reached = float(observed.recorded("sparsity", "channels", "reached"))
    except NotRecorded:
        return
    rule = NO_EFFECT if reached == 0 and spec.target_sparsity > 0 else OFF_TARGET
    waived = context.judge.waiver(target, context.stage) is not None
    if not waived and (abs(reached - spec.target_sparsity) > _FAR or rule is NO_EFFECT):
        said = f"removes {reached:.1%} of the channels, the target is {spec.target_sparsity:.1%}"
        message = f"{observed.step.label}: the learned mask {said}"
        yield Finding(rule, message, target.id, spec.target_sparsity, reached, observed.place(), target.location)


def _temperatures(observed: Observed) -> list[float]:
    """The temperature of the first and of the last step."""
    try:
        first, last = (float(observed.trace[index]["temperature"]) for index in (0, -1))
    except (LookupError, KeyError):
        raise NotRecorded("the run recorded no temperatures") from None
    return [_rounded(first), _rounded(last)]


def _rounded(value: float) -> float:
    """Without the last digits, which the order of multiplications decides."""
    return 0.0 if value == 0 else round(value, 9 - math.floor(math.log10(abs(value))))
