"""Pruning: the lowest-scoring weights or channels of a checkpoint set to zero, exactly as many as asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from framework.errors import FrameworkError, UsageError
from framework.evidence.record import MODEL
from framework.evidence.store import Run
from framework.evidence.tensors import TensorFile
from framework.manifest.methods import Prune, SameAs
from runners.context import RunContext
from runners.data.tokenizing import tokenizer_for
from runners.models.building import describe
from runners.models.checkpoints import TENSORS, load_tokenizer, save_checkpoint, unique_tensors
from runners.models.families import FAMILIES
from runners.sparsity.channels import Layer, Layout, channel_layers
from runners.sparsity.facts import sparsity_facts
from runners.sparsity.masks import apply_masks, intersection, load_masks, masked_parameters, save_masks
from runners.sparsity.scores import SCORES
from runners.sparsity.selection import weights_of
from runners.sparsity.structures import STRUCTURES, Amount, registered_name


def prune(context: RunContext, specification: Prune) -> None:
    """Prune the parent's checkpoint, or the model's initial weights.

    Raises:
        FrameworkError: the number of zeros cannot be hit exactly, or the reference has none to count.
    """
    step, record = context.step, context.record
    context.progress.begin(step, 0)
    checkpoint = context.starting_model(_tokenizer(context))
    model: Any = checkpoint.model
    reference = context.references["same_as"] if isinstance(specification.sparsity, SameAs) else None
    layout = checkpoint.family.channels if specification.structure == "channel" else None
    modules = specification.tensors or _masked_modules(reference)
    weights = weights_of(model, _in_full(modules, layout, model.config), experts=True)
    amount = _amount(specification, reference, list(weights))
    layers = _layers(layout, model.config, weights)
    score = SCORES.get(specification.score)
    scores = {name: score(name, weight, step.seed) for name, weight in weights.items()}
    make_masks = STRUCTURES.get(registered_name(specification.structure))
    masks = make_masks(scores, layers, amount, specification.scope == "layer")
    asked = {name: int((~mask).sum()) for name, mask in masks.items()}
    held = intersection(context.inherited_masks(), masks)
    parameters = masked_parameters(model, held)
    apply_masks(parameters, held)
    facts = sparsity_facts({name: parameters[name] for name in masks}, masks)
    _exactly(asked, facts["tensors"])
    record.sparsity = {
        "asked": specification.sparsity if reference is None else sum(asked.values()) / facts["elements"],
        "asked_zeros": sum(asked.values()),
        "score": specification.score,
        "structure": specification.structure,
        "scope": specification.scope,
        **facts,
    }
    record.observed = {"seed": step.seed, "model": describe(checkpoint.family, model.config)}
    record.parameters = {"total": sum(tensor.numel() for tensor in unique_tensors(model).values()), "trainable": 0}
    context.progress.message(f"{facts['zeros']} of {facts['elements']} weights are zero ({facts['reached']:.2%})")
    if context.is_main:
        save_checkpoint(context.folder, model, checkpoint.tokenizer)
        said = {key: value for key, value in record.sparsity.items() if not isinstance(value, dict)}
        save_masks(context.folder, held, {**said, "seed": step.seed})


def _tokenizer(context: RunContext) -> Any | None:
    """The parent's; without a parent that of the model's statement, if it needs no training text."""
    step = context.step
    if context.parent is not None:
        return load_tokenizer(context.parent.folder)
    if step.model.tokenizer == "train":
        return None
    framed = FAMILIES.get(step.model.family).encoder
    return tokenizer_for(step.model_name, step.model, (), context.project, framed)


def _masked_modules(reference: Run | None) -> list[str]:
    """The modules (by their full names) whose weights the reference masks."""
    assert reference is not None
    masks = load_masks(reference.folder)
    if not masks:
        raise FrameworkError(
            f"{reference.record.folder} has no masks, so nothing says over which tensors its zeros count: "
            "name the `tensors` to prune"
        )
    return [name.removesuffix(".weight") for name in masks]


def _amount(specification: Prune, reference: Run | None, names: Sequence[str]) -> Amount:
    """The share as stated, or the zeros that the reference's saved tensors have now, as integers."""
    if reference is None:
        assert isinstance(specification.sparsity, float)
        return Amount(share=specification.sparsity)
    saved = TensorFile(reference.folder / MODEL / TENSORS)
    for name in names:
        if name not in saved.tensors:
            raise FrameworkError(f"{reference.record.folder} has no tensor {name} to count the zeros of")
    return Amount(zeros={name: saved.zeros(name) for name in names})


def _in_full(modules: Sequence[str], layout: Layout | None, config: Any) -> list[str]:
    """Modules by the names that channels are stated by, in full: another module may end in the same name."""
    prefixes = [] if layout is None else [layout.prefix.format(layer=index) for index in range(layout.layers(config))]
    names = []
    for name in modules:
        names += [f"{prefix}.{name}" for prefix in prefixes] if layout and name in layout.slices else [name]
    return names


def _layers(layout: Layout | None, config: Any, weights: Mapping[str, Tensor]) -> list[Layer]:
    """The inner channels of the layers whose weights are pruned, over these weights.

    Raises:
        UsageError: a weight holds no inner channels.
    """
    if layout is None:
        return []
    layers = channel_layers(layout, config, list(layout.slices))
    own = [(layer, {name: at for name, at in layer.slices.items() if name in weights}) for layer in layers]
    inside = {name for _, slices in own for name in slices}
    for name in weights:
        if name not in inside:
            known = ", ".join(layout.slices)
            raise UsageError(f"prune.tensors: no inner channel lies in {name.removesuffix('.weight')}; known: {known}")
    return [Layer(layer.prefix, layer.channels, slices) for layer, slices in own if slices]


def _exactly(asked: dict[str, int], tensors: dict[str, list[int]]) -> None:
    for name, count in asked.items():
        if tensors[name][0] != count:
            raise FrameworkError(
                f"{name} has {tensors[name][0]} zeros after pruning and {count} were asked for: some were zero before"
            )
