"""Merges of adapters: the saved weights are (W + s B A) * M, and what the run says of its merge is on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.digests import masks_digest
from framework.evidence.record import read_json
from framework.manifest.clauses import Clause
from framework.manifest.sections.methods import SGH, LoRA
from framework.stages.checkpoint.recomputed.merged_weights import (
    ADAPTER_MASKS,
    adapter_masks,
    merged_weights,
    returned_in,
)
from framework.stages.checkpoint.zeros import MASKS, masks_of, returned_weights
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

MERGED = Rule(
    "T133", "merged-weight", Severity.ERROR, Stage.CHECKPOINT, "a merged weight is not what its parts on disk add up to"
)
EVIDENCE = Rule(
    "T134",
    "merge-evidence",
    Severity.ERROR,
    Stage.CHECKPOINT,
    "a run recorded its merge otherwise than it is on disk",
)
MOVED = Rule(
    "T135", "merge-moved", Severity.ERROR, Stage.CHECKPOINT, "a merge without masks changed what the model computes"
)

_TOLERATED = {"fp32": 1e-4, "fp16": 1e-2, "bf16": 8e-2}
"""By the precision of the passes, what the mean difference of the logits may be of their mean magnitude: some ten times
the distance from 1 to the next number of 16 bits; in fp32 the order of long sums counts more than that."""
_CONFIGS = ("adapter/adapter_config.json", "adapter/lora/adapter_config.json")
_STAGES = ("merged", "reloaded", "float16", "bfloat16")
"""The stages of a merge that must count the masked weights of the saved model."""


_UNMOVED = ("dense", "sparse_to_sparse")
"""The modes in which what is merged is what was trained."""


class _Differs(Exception):
    """What was found; the message tells."""


_Look = Callable[[EvidenceContext, Observed, LoRA | SGH], str]


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        if work.adapter is None or observed.run is None:
            continue
        name, spec = work.adapter.chosen
        stated = context.clause(observed.step, "adapter.lora.mode")
        clause = stated or context.clause(
            observed.step, f"adapter.{name}.{'rank' if isinstance(spec, LoRA) else 'importance'}"
        )
        if clause is None or not isinstance(spec, LoRA | SGH):
            continue
        looks: list[tuple[Rule, _Look]] = [(EVIDENCE, _counts), (EVIDENCE, _digest)]
        if work.mask is None:
            looks.append((MOVED, _moved))
        if isinstance(spec, LoRA) and work.mask is None:  # masks that are learned meanwhile change what is merged into
            looks.insert(0, (MERGED, _merged))
        for rule, look in looks:
            yield from _looked(context, observed, spec, clause, rule, look, stated is not None)


def _looked(
    context: EvidenceContext,
    observed: Observed,
    spec: LoRA | SGH,
    clause: Clause,
    rule: Rule,
    look: _Look,
    stated: bool,
) -> Iterator[Verdict]:
    """One look's verdict about a clause. Where the manifest is silent, only what can be seen is one."""
    where = observed.place("model/model.safetensors")
    try:
        reason = look(context, observed, spec)
    except NotRecorded as missing:
        if stated:
            yield context.judge.unverified(clause, context.stage, str(missing))
    except _Differs as problem:
        yield context.violated(rule, clause, f"{observed.step.label}: {problem}", where=where)
    else:
        yield context.judge.conforms(clause, context.stage, reason, where.file)


def _merged(context: EvidenceContext, observed: Observed, spec: LoRA | SGH) -> str:
    """Every merged weight follows from the parent's, the saved adapter and the masks."""
    assert isinstance(spec, LoRA)
    parent = context.related.parent(observed)
    if parent is None:
        raise NotRecorded(f"{observed.step.label} started from initial weights, which are not kept")
    if parent.run is None:
        raise NotRecorded(parent.absent)
    compared = 0
    for name, apart, index in merged_weights(observed, parent, spec.alpha / spec.rank):
        compared += 1
        if apart:
            place = f"the first at index {index}"
            raise _Differs(
                f"{apart} merged weights of {name} are not (W + s B A) * M of its checkpoint and adapter; {place}"
            )
    return f"{compared} merged tensors are (W + s B A) * M"


def _counts(context: EvidenceContext, observed: Observed, spec: LoRA | SGH) -> str:
    """The masked weights that are not zero, before the training and after the merge."""
    stated = observed.recorded("adapter", "masked_weights")
    assert observed.run is not None
    if not stated.get("total") and not (observed.run.folder / MASKS).is_file():
        return "no weight is masked"
    masks = masks_of(observed)
    expected = {
        "total": sum(masks.zeros(name) for name in masks.tensors),
        **dict.fromkeys(_STAGES, sum(count for _, count, _ in returned_weights(observed))),
    }
    parent = context.related.parent(observed)
    if parent is not None and parent.run is not None:
        expected["before"] = returned_in(parent, masks)
    if isinstance(spec, LoRA) and spec.mode == "sparse_to_sparse":
        expected["trained"] = 0
    seen: dict[str, Any] = {"total": stated.get("total"), **stated.get("nonzero", {})}
    for name, count in expected.items():
        if seen.get(name) != count:
            what = "masked weights" if name == "total" else f"masked weights not zero ({name})"
            raise _Differs(f"it recorded {seen.get(name)} {what}, and there are {count}")
    return f"{expected['total']} masked weights, counted as recorded"


def _moved(context: EvidenceContext, observed: Observed, spec: LoRA | SGH) -> str:
    """Where no mask removes a part of the update, the logits before and after the merge differ by rounding alone."""
    masked = observed.recorded("adapter", "masked_weights").get("total")
    assert observed.run is not None
    config = observed.run.folder / _CONFIGS[0]
    modes = {observed.recorded("adapter").get("mode"), read_json(config).get("mode") if config.is_file() else None}
    if masked and not modes <= {*_UNMOVED}:
        return "the masks of the merge remove a part of the update"
    logits, precision = observed.recorded("adapter", "logits"), observed.recorded("observed", "precision")
    before, difference = (logits.get(name) for name in ("mean_magnitude", "mean_difference"))
    if before is None or difference is None or precision not in _TOLERATED:
        raise NotRecorded("the run recorded no logits before and after its merge")
    if not difference <= _TOLERATED[precision] * before:
        share = logits.get("changed_predictions", 0)
        raise _Differs(
            f"without masks the merge moved the logits by {difference:.3g} in the mean, of {before:.3g}; {precision} "
            f"tolerates {_TOLERATED[precision]:g} of that; {share:.1%} of the predictions changed"
        )
    return f"the merge moved the logits by {difference:.3g} in the mean, of {before:.3g}"


def _digest(context: EvidenceContext, observed: Observed, spec: LoRA | SGH) -> str:
    """The masks saved with the adapter are the run's own, and their digest is the recorded one."""
    recorded = observed.recorded("adapter", "mask_sha256")
    assert observed.run is not None
    if recorded is None and not any((observed.run.folder / name).is_file() for name in ADAPTER_MASKS):
        return "no mask holds a target"
    masks, saved = masks_of(observed), adapter_masks(observed)
    own = masks_digest((name, masks.bits(name)) for name in saved.tensors if name in masks.tensors)
    config = next((path for name in _CONFIGS if (path := observed.run.folder / name).is_file()), None)
    digests = {
        "the masks saved with the adapter": masks_digest((name, saved.bits(name)) for name in saved.tensors),
        "the run's masks of its targets": own,
        "its adapter_config.json": read_json(config).get("mask_sha256") if config else None,
    }
    for what, digest in digests.items():
        if digest != recorded:
            raise _Differs(f"it trained under the masks {str(recorded)[:12]}, {what} has {str(digest)[:12]}")
    return f"trained under the masks {recorded[:12]}"
