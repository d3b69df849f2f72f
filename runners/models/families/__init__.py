"""One architecture family per file: its sizes in the manifest's words, and its inner channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from framework.manifest.models import Model
from runners.models.dimensions import Dimension
from runners.registry import Registry
from runners.sparsity.channels import Layout


@dataclass(frozen=True, slots=True)
class Family:
    """What the runners know about an architecture.

    ``sizes`` gives, for a field of the manifest's model, the attribute of transformers' configuration; ``required``
    are those that a model without a checkpoint must state, ``backbone`` is the attribute of the language model that
    holds everything but its head, ``prepare`` is called once before a model is built, ``channels`` are the inner
    channels that masks and pruning work on, ``heads`` the attention heads, and ``dimensions`` those that can be
    reordered, by the manifest's name.
    """

    name: str
    sizes: Mapping[str, str]
    required: tuple[str, ...]
    backbone: str
    channels: Layout
    heads: Layout | None = None
    prepare: Callable[[], None] = lambda: None
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)


SIZES = ("layers", "hidden", "state", "expand", "heads", "intermediate", "vocabulary")
"""The fields of the manifest's model that are sizes."""


def size_fault(model: Model, family: Family) -> str | None:
    """Why the stated sizes make no model of the family: one that it does not have, or one that a model without a
    checkpoint must state; None where they do."""
    stated = [name for name in SIZES if getattr(model, name) is not None]
    if foreign := sorted(set(stated) - set(family.sizes)):
        return f"a {family.name} has no {' and no '.join(foreign)}"
    if not model.path and not model.hub and (missing := [name for name in family.required if name not in stated]):
        return f"a {family.name} without a checkpoint must state {', '.join(missing)}"
    return None


FAMILIES: Registry[Family] = Registry(
    "model family",
    "framework.families",
    {
        "gpt2": "runners.models.families.gpt2:GPT2",
        "llama": "runners.models.families.llama:LLAMA",
        "mamba": "runners.models.families.mamba:MAMBA",
    },
)
