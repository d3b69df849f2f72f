"""Which tensors a list of module names means. A name is one of whole words between dots, never a part of a word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from framework.errors import UsageError
from framework.evidence.architectures.renamed import canonical
from framework.evidence.architectures.roles import UNKNOWN, Architecture, Role
from framework.names import did_you_mean

if TYPE_CHECKING:
    from torch import nn


def weights_of(model: nn.Module, modules: Sequence[str]) -> dict[str, nn.Parameter]:
    """The weights of the modules whose name is one of ``modules`` or ends in one, at a dot, in the model's order.

    A router is a module like others (`gate` in Mixtral): it is selected only where it is named.

    Raises:
        UsageError: a name that no module with a weight has.
    """
    weights = {name: value for name, value in model.named_parameters() if name.endswith(".weight") and value.dim() > 1}
    found: dict[str, nn.Parameter] = {}
    unmatched = set(modules)
    for name, weight in weights.items():
        module = f".{name.removesuffix('.weight')}"
        for wanted in modules:
            if module.endswith(f".{wanted}"):
                found[name] = weight
                unmatched.discard(wanted)
    for name in sorted(unmatched):
        known = {known.removesuffix(".weight").rpartition(".")[2] for known in weights}
        raise UsageError(f"no weight belongs to a module called {name!r}: {did_you_mean(name, known)}")
    return found


PRUNABLE = frozenset([Role.WEIGHT, Role.EMBEDDING, Role.HEAD])
"""The kinds of tensors whose values can be removed one by one."""


def names_meant(
    shapes: Mapping[str, Sequence[int]],
    modules: Sequence[str] | None,
    exclude: Iterable[str],
    architecture: Architecture = UNKNOWN,
) -> list[str]:
    """The tensors that can be pruned, sorted by name: weights, embeddings and heads, stacked experts included.

    Args:
        shapes: Of all tensors of a model, by name.
        modules: Only those of these modules (by their whole names, or the ends of them after a dot).
        exclude: Not those of these modules.

    Raises:
        UsageError: a module's name that no tensor has.
    """
    matrices = [name for name, shape in shapes.items() if architecture.role(canonical(name), shape) in PRUNABLE]
    known = sorted({part for name in shapes for part in module_of(name).split(".") if not part.isdigit()})
    chosen = set(matrices)
    if modules is not None:
        chosen = set()
        for wanted in modules:
            own = {name for name in matrices if belongs(name, wanted)}
            if not own:
                raise UsageError(f"no weight belongs to a module called {wanted!r}: {did_you_mean(wanted, known)}")
            chosen |= own
    for unwanted in exclude:
        if not any(belongs(name, unwanted) for name in shapes):
            raise UsageError(f"nothing to exclude is called {unwanted!r}: {did_you_mean(unwanted, known)}")
        chosen = {name for name in chosen if not belongs(name, unwanted)}
    return sorted(chosen)


def module_of(name: str) -> str:
    """The module that a tensor belongs to, or the tensor itself where that is what a list would name."""
    return name.removesuffix(".weight").removesuffix(".bias")


def belongs(name: str, module: str) -> bool:
    """Whether a tensor is that of a module of this name, or of this name's end."""
    return f".{module_of(name)}".endswith(f".{module}")
