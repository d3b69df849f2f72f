"""Masks of a transformers checkpoint as Model Zoo's conversion of that checkpoint needs them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from framework.dialects.families.model_zoo import tensor_name
from framework.errors import FrameworkError


def converted(masks: Mapping[str, Tensor], family: str, heads: int, key_value_heads: int) -> dict[str, Tensor]:
    """Masks under Model Zoo's names, their rows in its order.

    Its rotary embeddings pair neighbouring rows where transformers pairs the halves of a head, so that the conversion
    of a checkpoint interleaves the rows of each head's queries and keys (`tools/checkpoint_converters/llama.py`);
    their masks follow.

    Args:
        masks: By the name of the weight in transformers; boolean, [rows, columns], True = kept.

    Raises:
        FrameworkError: a name is not known, or the rows are no multiple of the heads.
    """
    found = {}
    for name, mask in masks.items():
        theirs = tensor_name(family, name)
        if theirs is None:
            raise FrameworkError(
                f"a mask belongs to {name}, and Model Zoo's name of that in {family} is not known here"
            )
        shared = {".q_proj.": heads, ".k_proj.": key_value_heads}
        groups = next((count for part, count in shared.items() if part in name), None)
        found[theirs] = mask if groups is None else interleaved(mask, groups, name)
    return found


def interleaved(rows: Tensor, heads: int, name: str) -> Tensor:
    """[heads * 2 * n, columns]: of each head, row i of the first half, row i of the second, row i + 1 of the first."""
    if rows.shape[0] % (2 * heads):
        raise FrameworkError(f"{name} has {rows.shape[0]} rows, which are no even number for each of {heads} heads")
    return rows.view(heads, 2, -1, rows.shape[-1]).transpose(1, 2).reshape(rows.shape)


def located(model: nn.Module, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The masks by the whole names of the model's parameters, which may stand below modules of its own (`model.`).

    Raises:
        FrameworkError: a mask has no parameter of its name and shape, or several.
    """
    parameters = dict(model.named_parameters())
    found = {}
    for name, mask in masks.items():
        fitting = [each for each in parameters if each == name or each.endswith(f".{name}")]
        if len(fitting) != 1:
            raise FrameworkError(f"a mask belongs to {name}, and the model has {len(fitting) or 'no'} such parameters")
        if parameters[fitting[0]].shape != mask.shape:
            shapes = f"{tuple(mask.shape)} and the parameter {tuple(parameters[fitting[0]].shape)}"
            raise FrameworkError(f"the mask of {name} has the shape {shapes}")
        found[fitting[0]] = mask
    return found
