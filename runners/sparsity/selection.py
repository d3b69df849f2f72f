"""Which tensors a list of module names means."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from framework.errors import UsageError
from framework.names import did_you_mean


def weights_of(model: nn.Module, modules: Sequence[str], experts: bool = False) -> dict[str, nn.Parameter]:
    """The weights of the modules whose name is one of ``modules`` or ends in one, at a dot, in the model's order.

    With ``experts`` also tensors that stack the matrices of several experts ([experts, out, in]), by their own name.
    A router is a module like others (`gate` in Mixtral): it is selected only where it is named.

    Raises:
        UsageError: a name that no module with a weight has.
    """
    weights = {
        name: value
        for name, value in model.named_parameters()
        if (name.endswith(".weight") and value.dim() > 1) or (experts and value.dim() == 3)
    }
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
