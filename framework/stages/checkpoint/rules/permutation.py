"""A permuted checkpoint is its parent's, tensor by tensor, in the saved order: bit for bit, masks included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.masks import MaskFile
from framework.evidence.tensors import TensorFile, Tensors
from framework.manifest.clauses import Clause
from framework.manifest.sections.methods import Permute
from framework.stages.checkpoint.recomputed.channel_layouts import LAYOUTS, Layout
from framework.stages.checkpoint.zeros import MASKS
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed, recorded

PERMUTED = Rule(
    "T150",
    "permutation",
    Severity.ERROR,
    Stage.CHECKPOINT,
    "a permuted checkpoint is not its parent's reordered",
)

PERMUTATION = "permutation.safetensors"
"""int64 for each layer's module, the parent's index of what lies at each new one; `method` and `dimension` as
metadata."""


class _Differs(Exception):
    """The checkpoint is something else; the message tells what."""


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        if isinstance(work := observed.step.work, Permute):
            for place in observed.step.places:
                for clause in context.experiment.below((*place, "permute")):
                    yield from _held(context, observed, work, clause)


def _held(context: EvidenceContext, observed: Observed, work: Permute, clause: Clause) -> Iterator[Verdict]:
    name = clause.path[-1]
    if name == "calibration_examples":
        seen = recorded("observed", "permutation", "calibration_examples")
        yield from context.hold(PERMUTED, observed, clause, work.calibration_examples, seen, "calibration examples")
    elif name == "dataset":
        yield from context.hold(PERMUTED, observed, clause, work.dataset, recorded("data", "name"), "the dataset")
    elif observed.run is None:
        yield context.judge.unverified(clause, context.stage, observed.absent)
    else:
        where = observed.place(PERMUTATION)
        try:
            compared = _compare(context, observed, work)
        except NotRecorded as missing:
            yield context.judge.unverified(clause, context.stage, str(missing))
        except _Differs as problem:
            yield context.violated(PERMUTED, clause, f"{observed.step.label}: {problem}", where=where)
        else:
            yield context.judge.conforms(
                clause, context.stage, f"{compared} tensors, bit for bit the parent's in the saved order", where.file
            )


def _compare(context: EvidenceContext, observed: Observed, work: Permute) -> int:
    """How many saved tensors and masks were compared; all are what they must be.

    Raises:
        _Differs: one is not.
        NotRecorded: there is nothing to compare with.
    """
    assert observed.run is not None
    step = observed.step
    parent = context.related.parent(observed)
    if parent is None:
        raise NotRecorded(f"{step.label} started from initial weights, which are not kept")
    if parent.run is None:
        raise NotRecorded(parent.absent)
    layout = LAYOUTS.get((step.model.family, work.dimension))
    if layout is None:
        raise NotRecorded(f"nothing here says where the {work.dimension} dimension of a {step.model.family} lies")
    path = observed.run.folder / PERMUTATION
    if not path.is_file():
        raise NotRecorded(f"{step.label} left no {PERMUTATION}")
    file = TensorFile(path)
    for name, stated in (("method", work.method), ("dimension", work.dimension)):
        if file.metadata.get(name) != stated:
            raise _Differs(f"{PERMUTATION} states the {name} {file.metadata.get(name)!r}, not {stated!r}")
    orders = _orders(file, layout, parent.tensors)
    compared = _equal(layout, orders, parent.tensors, observed.tensors, "the saved model")
    masked, mask = (each / MASKS for each in (parent.run.folder, observed.run.folder))
    if masked.is_file() != mask.is_file():
        raise _Differs(f"{MASKS} is in the run or in its parent's, not in both")
    if masked.is_file():
        compared += _equal(layout, orders, MaskFile(masked), MaskFile(mask), MASKS)
    return compared


def _orders(file: TensorFile, layout: Layout, parent: Tensors) -> dict[str, Any]:
    """The saved order of each layer's module, each a permutation of the size that the parent's tensors have."""
    import numpy

    sizes = {}
    for name, tensor in parent.tensors.items():
        found = layout.module_of(name)
        if found and found[1] == layout.sized:
            sizes[found[0]] = tensor.shape[layout.axes[layout.sized][0]]
    if apart := sorted(set(sizes) ^ set(file.tensors)):
        raise _Differs(f"{PERMUTATION} and the parent's layers differ: {apart[0]} is in one of them")
    orders = {}
    for name, size in sizes.items():
        order = file.bits(name)
        if file.tensors[name].dtype != "I64" or not numpy.array_equal(numpy.sort(order, axis=None), numpy.arange(size)):
            raise _Differs(f"{name} in {PERMUTATION} is no permutation of 0 to {size - 1}")
        orders[name] = order
    return orders


def _equal(layout: Layout, orders: dict[str, Any], before: Tensors, after: Tensors, what: str) -> int:
    """How many tensors there are, all of them the parent's in the order of their layer."""
    if apart := sorted(set(before.tensors) ^ set(after.tensors)):
        raise _Differs(f"{what} and the parent's have different tensors: {apart[0]} is in one of them")
    for name, tensor in before.tensors.items():
        if (tensor.dtype, tensor.shape) != (after.tensors[name].dtype, after.tensors[name].shape):
            raise _Differs(f"{name} in {what} has another shape or dtype than the parent's")
        expected, found = before.bits(name), layout.module_of(name)
        if found is not None:
            expected = layout.reordered(found[1], expected, orders[found[0]])
        differing = int((expected != after.bits(name)).sum()) if tensor.elements else 0
        if differing:
            order = "in the saved order" if found else "unchanged"
            raise _Differs(
                f"{name} in {what} is not the parent's {order}: {differing} of {tensor.elements} values differ"
            )
    return len(before.tensors)
