"""Which modules of a model an adapter can be put on, told without its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn
from transformers.pytorch_utils import Conv1D

from framework.names import did_you_mean


def unreachable(model: nn.Module, targets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The targets that no linear layer of the model is called by, each with what stands against it.

    As peft takes them (0.21.2, `tuners/tuners_utils.py`, `check_target_module_exists`), a target means the modules of
    that name and those whose name ends in it after a dot.
    """
    modules = {name: module for name, module in model.named_modules() if name}
    for target in targets:
        meant = {name: module for name, module in modules.items() if f".{name}".endswith(f".{target}")}
        odd = {name: module for name, module in meant.items() if not isinstance(module, nn.Linear | Conv1D)}
        if not meant:
            known = {
                name.rpartition(".")[2] for name, module in modules.items() if isinstance(module, nn.Linear | Conv1D)
            }
            yield target, f"no module is called so; {did_you_mean(target, sorted(known))}"
        elif odd:
            name = min(odd)
            yield target, f"{name} is of the class {type(odd[name]).__name__}, and an adapter is put on linear layers"
