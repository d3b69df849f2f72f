"""Masks that hold while the weights under them are trained."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from runners.sparsity.masks import apply_masks, masked_parameters
from runners.training.methods import Method


class HeldMasks(Method):
    """Keeps masked weights at exactly zero through a training: they take no part in the gradient norm or in the
    optimizer's moments, and are set to zero again after every update, which weight decay or rounding cannot outlast."""

    def __init__(self, model: nn.Module, masks: Mapping[str, Tensor]):
        self.parameters = masked_parameters(model, masks)
        self.masks = dict(masks)
        apply_masks(self.parameters, self.masks)

    def after_backward(self) -> None:
        for name, parameter in self.parameters.items():
            self.masks[name] = self.masks[name].to(parameter.device)
            if parameter.grad is not None:
                parameter.grad.masked_fill_(~self.masks[name], 0)

    def after_update(self) -> None:
        trained = {name: mask for name, mask in self.masks.items() if self.parameters[name].requires_grad}
        apply_masks(self.parameters, trained)  # frozen weights, as under an adapter, stay as they are
