"""Gradients over calibration batches, for the scores that are made of them."""

from __future__ import annotations

import torch
from torch import Tensor

from framework.errors import FrameworkError
from runners.sparsity.scores import Measured
from runners.training.objectives import logits_of, summed_loss


def mean_absolute_gradients(measured: Measured) -> dict[str, Tensor]:
    """Of each weight the absolute gradient of a batch's mean loss, averaged over the batches: float32, on the CPU.

    Absolute values are averaged, not gradients, whose mean is near zero wherever training has converged (Molchanov et
    al. 2017, "Pruning Convolutional Neural Networks for Resource Efficient Inference", section 2.2).

    Raises:
        FrameworkError: the loss does not depend on a weight.
    """
    model = measured.model
    assert model is not None
    sums = {name: torch.zeros(weight.shape) for name, weight in measured.weights.items()}
    parameters = dict(model.named_parameters())
    for batch in measured.batches:
        loss = summed_loss(logits_of(model, batch), batch) / batch.predictions
        gradients = torch.autograd.grad(loss, [parameters[name] for name in sums], allow_unused=True)
        for name, gradient in zip(sums, gradients, strict=True):
            if gradient is None:
                raise FrameworkError(f"{name} has no gradient: the loss does not depend on it")
            sums[name] += gradient.detach().float().abs().cpu()
    return {name: total / len(measured.batches) for name, total in sums.items()}
