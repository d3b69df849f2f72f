"""CSP, correlation-based scan permutation: correlated states (or channels) of each layer are put next to each other.

From calibration examples come the correlations of each layer's states (of its inner channels), from them an order,
and every tensor along the dimension is put in that order. The model computes the same function as before, up to the
order of float additions; that is measured here and held to, and the masks of the parent go along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor

from framework.errors import FrameworkError
from framework.evidence.record import EVENTS
from framework.manifest.sections.methods import Permute
from framework.names import did_you_mean
from runners.data.examples import Batch
from runners.data.preparing import Prepared
from runners.models.building import describe
from runners.models.checkpoints import Checkpoint, save_checkpoint, unique_tensors
from runners.models.dimensions import Dimension, reorder
from runners.models.families import Family
from runners.run_files import Lines
from runners.sparsity.facts import sparsity_facts
from runners.sparsity.masks import Masks, masked_parameters, save_masks, zeros
from runners.step_context import RunContext
from runners.tensor_files import save_tensors
from runners.training.evaluating.evaluation import evaluate
from runners.training.objectives import logits_of
from runners.training.threads import training_threads
from runners.transforms.calibration import calibration_data, chosen_examples
from runners.transforms.correlations import measure
from runners.transforms.orders import best_order, neighbour_sum

PERMUTATION = "permutation.safetensors"
"""int64 [size] for each layer's module: at new index i lies what was at `order[i]` in the parent's checkpoint."""

CORRELATIONS = "correlations.safetensors"
"""float64 [size, size] for each layer's module: what the order was found by. Of up to `KEPT` states or channels; more
would take more room than the model."""
KEPT = 512
_TOLERANCE = 1e-3
"""How far logits may move, as a part of the largest. Rounding alone moves them by 1e-7 in a small model and by 2e-5 in
four layers of mamba-130m's width; that the tensors are the parent's, to the bit, is held at the checkpoint stage."""
_COMPARED, _EVALUATED = 4, 8
"""Examples whose logits are compared, and examples per evaluation batch where no knob says how many."""


def csp(context: RunContext, specification: Permute) -> None:
    """Reorder a dimension of the parent's checkpoint, or of the model's initial weights.

    Raises:
        FrameworkError: the family has no such dimension, the data or the model cannot be had, there are fewer
            calibration examples than declared, or the function changed.
    """
    step = context.step
    context.progress.begin(step, 0)
    checkpoint = context.starting_model(None) if context.parent is not None else None
    data = calibration_data(context, checkpoint)
    checkpoint = checkpoint or context.starting_model(data.tokenizer)
    dimension = _dimension(checkpoint.family, specification.dimension)
    with training_threads(sum(parameter.numel() for parameter in checkpoint.model.parameters())) as threads:
        context.record.environment["hardware"]["threads"] = threads
        _permute(context, specification, checkpoint, data, dimension)


def _dimension(family: Family, name: str) -> Dimension:
    if name not in family.dimensions:
        why = family.refuses.get("permute") or did_you_mean(name, family.dimensions)
        raise FrameworkError(f"permute.dimension: a {family.name} has no {name} dimension to reorder; {why}")
    return family.dimensions[name]


def _permute(
    context: RunContext, specification: Permute, checkpoint: Checkpoint, data: Prepared, dimension: Dimension
) -> None:
    step, record = context.step, context.record
    AcceleratorState._reset_state()  # a run before in this process may have had another precision
    accelerator = Accelerator(mixed_precision="no")
    model: Any = checkpoint.model.to(accelerator.device).eval()
    masks = context.inherited_masks()
    counted = zeros(masked_parameters(model, masks))
    chosen = chosen_examples(len(data.train), specification.calibration_examples, step.seed, "permute")
    size = step.knobs.evaluation_batch_size or _EVALUATED
    before = evaluate(accelerator, model, data.validation, size, len(data.classes))
    context.progress.message(f"validation loss {before['loss']:.4f}, measuring correlations on {len(chosen)} examples")
    correlations = measure(model, dimension, _batches(data, chosen, accelerator.device))
    orders, objective = _orders(correlations)
    compared = list(_batches(data, chosen[:_COMPARED], accelerator.device))
    expected = _logits(model, compared)
    masks = reorder(model, dimension, orders, masks)
    difference = _difference(expected, _logits(model, compared))
    after = evaluate(accelerator, model, data.validation, size, len(data.classes))
    model.cpu()
    if masks:
        record.sparsity = sparsity_facts(masked_parameters(model, masks), masks)
        assert counted == {name: found for name, (found, _) in record.sparsity["tensors"].items()}
    totals = {when: sum(layer[when] for layer in objective.values()) for when in ("before", "after")}
    record.data = data.facts
    record.parameters = {"total": sum(tensor.numel() for tensor in unique_tensors(model).values()), "trainable": 0}
    kept = all(len(matrix) <= KEPT for matrix in correlations.values())
    record.observed = {
        **context.origin,
        "seed": step.seed,
        "events": 1,
        "model": describe(checkpoint.family, model.config),
        "permutation": {
            **specification.model_dump(include={"method", "dimension", "calibration_examples"}),
            "layers": objective,
            "correlations": kept,
            **totals,
        },
    }
    record.metrics = {
        "initial_validation_loss": before["loss"],
        **{"validation_loss" if name == "loss" else name: value for name, value in after.items()},
        "max_logit_difference": difference,
    }
    context.progress.message(
        f"neighbours' correlations {totals['before']:.3f} -> {totals['after']:.3f}, validation loss "
        f"{before['loss']:.6f} -> {after['loss']:.6f}, logits moved by at most {difference:.2g}"
    )
    if context.is_main:
        _save(context, specification, model, data.tokenizer, orders, masks)
        if kept:
            save_tensors(context.folder / CORRELATIONS, correlations, {"dimension": specification.dimension})
        with Lines(context.folder / EVENTS) as lines:
            lines.write(event="result", **record.metrics)


def _batches(data: Prepared, chosen: list[int], device: torch.device) -> Iterator[Batch]:
    """One example each, so that none is padded."""
    return (data.train.batch([index]).to(device) for index in chosen)


def _orders(correlations: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, dict[str, float]]]:
    """Each layer's order, and the sum of its neighbours' correlations before and after."""
    orders, objective = {}, {}
    for prefix, matrix in correlations.items():
        weights = matrix.numpy()
        order = best_order(weights)
        given = torch.arange(len(order)).numpy()
        objective[prefix] = {"before": neighbour_sum(weights, given), "after": neighbour_sum(weights, order)}
        orders[prefix] = torch.from_numpy(order)
    return orders, objective


def _logits(model: Any, batches: list[Batch]) -> list[Tensor]:
    with torch.no_grad():
        return [logits_of(model, batch).float().cpu() for batch in batches]


def _difference(expected: list[Tensor], seen: list[Tensor]) -> float:
    """The largest change of a logit.

    Raises:
        FrameworkError: it is more than rounding.
    """
    difference = max(float((one - other).abs().max()) for one, other in zip(expected, seen, strict=True))
    largest = max(float(logits.abs().max()) for logits in expected)
    if not difference <= _TOLERANCE * largest:
        raise FrameworkError(
            f"the permutation changed the function: logits of up to {largest:.3g} moved by {difference:.3g}"
        )
    return difference


def _save(
    context: RunContext, specification: Permute, model: Any, tokenizer: Any, orders: dict[str, Tensor], masks: Masks
) -> None:
    save_checkpoint(context.folder, model, tokenizer)
    save_permutation(context.folder, orders, {"method": specification.method, "dimension": specification.dimension})
    if masks:
        said = {key: value for key, value in context.record.sparsity.items() if not isinstance(value, dict)}
        save_masks(context.folder, masks, {**said, "seed": context.step.seed})


def save_permutation(run_folder: Path, orders: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write `<run>/permutation.safetensors`, whole or not at all; ``facts`` become its metadata."""
    save_tensors(run_folder / PERMUTATION, orders, facts)
