"""Pruning: the lowest-scoring weights or units of a checkpoint set to zero, exactly as many as asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor

from framework.errors import FrameworkError
from framework.evidence.architectures.roles import Architecture
from framework.evidence.forms.weights import WeightsFile
from framework.evidence.orientation import input_first
from framework.evidence.record import MODEL
from framework.evidence.store import Run
from framework.manifest.sections.methods import Prune, SameAs
from runners.data.tokenizing import tokenizer_for
from runners.models.building import describe
from runners.models.checkpoints import TENSORS, Checkpoint, load_tokenizer, save_checkpoint, unique_tensors
from runners.models.families import FAMILIES
from runners.sparsity.by_layer import prune_layers
from runners.sparsity.facts import sparsity_facts
from runners.sparsity.masks import Masks, apply_masks, intersection, load_masks, masked_parameters, save_masks
from runners.sparsity.outputs import with_biases
from runners.sparsity.pruning_targets import chosen_names, unit_layers
from runners.sparsity.scored import masks_of
from runners.sparsity.scores import SCORES, Measured, Score
from runners.sparsity.structures import UNITS, Amount, Wanted, pattern_of
from runners.step_context import RunContext
from runners.training.threads import training_threads
from runners.transforms.before_and_after import Comparison
from runners.transforms.calibration import batches_of, calibration_data, chosen_examples


def prune(context: RunContext, specification: Prune) -> None:
    """Prune the parent's checkpoint, or the model's initial weights.

    Raises:
        FrameworkError: the number of zeros cannot be hit exactly, the reference has none to count, or a score cannot be
            measured.
    """
    step, record = context.step, context.record
    context.progress.begin(step, 0)
    checkpoint = context.starting_model(_tokenizer(context))
    model: Any = checkpoint.model
    reference = context.references["same_as"] if isinstance(specification.sparsity, SameAs) else None
    parameters = dict(model.named_parameters())
    names = _names(specification, checkpoint, reference, parameters)
    weights: dict[str, Tensor] = {name: parameters[name] for name in names}
    wanted = _wanted(specification, reference, checkpoint, weights)
    with training_threads(sum(tensor.numel() for tensor in unique_tensors(model).values())) as threads:
        record.environment["hardware"]["threads"] = threads
        compared = Comparison(context, checkpoint)
        compared.before(model)
        masks = _chosen(context, specification, checkpoint, weights, wanted)
        model.cpu()
        held = intersection(context.inherited_masks(), masks)
        apply_masks(masked_parameters(model, held), held)
        compared.after(model)
    record.metrics = compared.metrics
    asked = {name: int((~mask).sum()) for name, mask in masks.items()}
    facts = sparsity_facts(weights, masks)
    _exactly(asked, facts["tensors"])
    record.sparsity = {
        "asked": specification.sparsity if reference is None else sum(asked.values()) / facts["elements"],
        "asked_zeros": sum(asked.values()),
        **specification.model_dump(mode="json", include=set(_STATED), exclude_none=True),
        **facts,
    }
    record.observed = {"seed": step.seed, "model": describe(checkpoint.family, model.config), **context.origin}
    record.parameters = {"total": sum(tensor.numel() for tensor in unique_tensors(model).values()), "trainable": 0}
    context.progress.message(f"{facts['zeros']} of {facts['elements']} weights are zero ({facts['reached']:.2%})")
    if context.is_main:
        save_checkpoint(context.folder, model, checkpoint.tokenizer)
        save_masks(context.folder, held, _mask_facts(context, specification))


_STATED = ("score", "structure", "scope", "exclude", "calibration_examples", "calibration_batch_size", "dataset")


def _tokenizer(context: RunContext) -> Any | None:
    """The parent's; without a parent that of the model's statement, if it needs no training text."""
    step = context.step
    if context.parent is not None:
        return load_tokenizer(context.parent.folder)
    if step.model.tokenizer == "train":
        return None
    framed = FAMILIES.get(step.model.family).encoder
    return tokenizer_for(step.model_name, step.model, (), context.project, framed)


def _names(
    specification: Prune, checkpoint: Checkpoint, reference: Run | None, parameters: Mapping[str, Tensor]
) -> list[str]:
    """The tensors to prune: those stated, or exactly those that the reference masks."""
    exclude = specification.exclude or []
    if specification.tensors is None and reference is not None:
        masks = load_masks(reference.folder)
        if not masks:
            raise FrameworkError(
                f"{reference.record.folder} has no masks, so nothing says over which tensors its zeros count: "
                "name the `tensors` to prune"
            )
        if missing := sorted(set(masks) - set(parameters)):
            raise FrameworkError(f"{reference.record.folder} masks {missing[0]}, and this model has no such tensor")
        return sorted(masks)
    names = chosen_names(checkpoint.model, specification.tensors, exclude, specification.structure, checkpoint.family)
    return with_biases(names, parameters) if specification.structure == "output" else names


def _wanted(
    specification: Prune, reference: Run | None, checkpoint: Checkpoint, weights: Mapping[str, Tensor]
) -> Wanted:
    config: Any = checkpoint.model.config
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    turned = input_first(Architecture.of(config.to_dict()), shapes)
    return Wanted(
        amounts=[_amount(specification, reference, list(weights))],
        scope=specification.scope,
        pattern=pattern_of(specification.structure),
        layers=unit_layers(checkpoint.family, config, specification.structure, shapes, turned),
        input_first=turned,
    )


def _amount(specification: Prune, reference: Run | None, names: Sequence[str]) -> Amount:
    """The share as stated, or the zeros that the reference's saved tensors have now, as integers."""
    if reference is None:
        assert isinstance(specification.sparsity, float)
        return Amount(share=specification.sparsity)
    saved = WeightsFile(reference.folder / MODEL / TENSORS)
    for name in names:
        if name not in saved.tensors:
            raise FrameworkError(f"{reference.record.folder} has no tensor {name} to count the zeros of")
    return Amount(zeros={name: saved.zeros(name) for name in names})


def _chosen(
    context: RunContext, specification: Prune, checkpoint: Checkpoint, weights: dict[str, Tensor], wanted: Wanted
) -> Masks:
    """The masks; a solver, and a score that is measured layer by layer, have applied theirs already."""
    score, seed, batches = SCORES.get(specification.score), context.step.seed, []
    model = checkpoint.model.eval()
    if score.calibrated:
        assert specification.calibration_examples is not None
        AcceleratorState._reset_state()  # a run before in this process may have had another precision
        device = Accelerator(mixed_precision="no").device
        data = calibration_data(context, checkpoint)
        chosen = chosen_examples(len(data.train), specification.calibration_examples, seed, "prune")
        batches = batches_of(data, chosen, specification.calibration_batch_size or 1, device)
        context.record.data = data.facts
        model.to(device)
        context.progress.message(f"measuring {specification.score} on {len(chosen)} examples")
    if not isinstance(score, Score):
        return prune_layers(model, weights, batches, seed, lambda measured: score.solve(measured, wanted))
    own = score
    apart = specification.scope != "model" or wanted.pattern is not None
    if score.by_layer and apart and specification.structure not in UNITS:
        return prune_layers(
            model, weights, batches, seed, lambda measured: _by_score(own, measured, specification, wanted)
        )
    return _by_score(score, Measured(weights, seed, model, batches), specification, wanted)


def _by_score(score: Score, measured: Measured, specification: Prune, wanted: Wanted) -> Masks:
    try:
        return masks_of(score.scores(measured), specification.structure, wanted)[0]
    except ValueError as problem:
        raise FrameworkError(f"{specification.score}: {problem}") from problem


def _mask_facts(context: RunContext, specification: Prune) -> dict[str, Any]:
    """What the mask file says about its masks."""
    step, record = context.step, context.record
    counted = {key: record.sparsity[key] for key in ("asked", "asked_zeros", "zeros", "elements", "reached")}
    facts: dict[str, Any] = {key: value for key, value in record.sparsity.items() if key in _STATED} | counted
    if ":" in specification.structure:  # each group of M chooses for itself
        del facts["scope"]
    facts |= {"seed": step.seed, "model": step.model_name, "tensors": sorted(record.sparsity["tensors"])}
    if step.model.revision is not None:
        facts["revision"] = step.model.revision
    if specification.calibrated:
        names = ("name", "source", "fingerprint")
        facts["calibration"] = {name: record.data[name] for name in names}
    if specification.score == "sparsegpt":
        facts["weights"] = "changed too: these masks belong to the model saved beside them"
    return facts


def _exactly(asked: dict[str, int], tensors: dict[str, list[int]]) -> None:
    for name, count in asked.items():
        if tensors[name][0] != count:
            raise FrameworkError(
                f"{name} has {tensors[name][0]} zeros after pruning and {count} were asked for: some were zero before"
            )
