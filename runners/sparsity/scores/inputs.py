"""The inputs of linear maps over calibration batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from framework.errors import FrameworkError
from runners.sparsity.scores import Measured
from runners.training.objectives import logits_of

See = Callable[[str, Tensor], None]
"""Takes the name of a weight and what its module reads, float32 [tokens, inputs], batch by batch."""


def watch_inputs(measured: Measured, see: See) -> None:
    """Run the model over the batches and show what the modules of the weights read; padding is left out.

    Raises:
        FrameworkError: a weight is not that of a linear map, or its module is not called as one.
    """
    model = measured.model
    assert model is not None
    called: set[str] = set()
    padding: list[Tensor] = []

    def hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            called.add(name)
            values, real = inputs[0].detach(), padding[0]
            tokens = values[real] if values.shape[:2] == real.shape else values.flatten(0, -2)
            see(name, tokens.float())

        return look

    handles = []
    for name in measured.weights:
        module = model.get_submodule(name.rpartition(".")[0])
        if not name.endswith(".weight") or not isinstance(module, (nn.Linear, Conv1D)):
            raise FrameworkError(
                f"{name} is not the weight of a linear map, whose inputs could be measured: name the tensors without "
                "it, or exclude its module"
            )
        handles.append(module.register_forward_pre_hook(hook(name)))
    try:
        with torch.no_grad():
            for batch in measured.batches:
                padding[:] = [batch.attention_mask.bool()]
                logits_of(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    if missed := sorted(set(measured.weights) - called):
        raise FrameworkError(
            f"the module of {missed[0]} was never called on the calibration batches, so that its inputs are unknown"
        )


def is_input_first(measured: Measured, name: str) -> bool:
    """Whether a weight is stored as [inputs, outputs]."""
    assert measured.model is not None
    return isinstance(measured.model.get_submodule(name.rpartition(".")[0]), Conv1D)
