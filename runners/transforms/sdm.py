"""Structured differentiable masking: one gate per inner channel, learned with the weights.

While training, each channel's weights are multiplied by a sample of the binary concrete distribution (Maddison et al.
2017; Jang et al. 2017), sigmoid((logit + g) / temperature) with g logistic noise, whose temperature falls
geometrically. The loss gets weight * (sparsity - target)^2, where a channel counts as removed by
sigmoid(-logit / temperature): a relaxation of the hard mask that tightens with the temperature. Outside of training
and at the end a channel is kept if its logit is positive.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from framework.errors import FrameworkError
from framework.manifest.sections.methods import SDM
from framework.planning.recipes import Recipe
from runners.models.families import Family
from runners.seeds import generator
from runners.sparsity.channels import Layer, Slice, channel_layers
from runners.sparsity.masks import Masks, apply_masks
from runners.transfers import moved
from runners.transforms.learned import LearnedMask


class ChannelGates(nn.Module):
    """The gates of one layer's channels: ``logits`` [channels], and the sample that is in force while training."""

    def __init__(self, channels: int, initial_logit: float):
        super().__init__()
        self.logits = nn.Parameter(torch.full((channels,), initial_logit))
        self.sample: Tensor | None = None

    def draw(self, noise: Tensor, temperature: float) -> None:
        """A new sample from logistic noise [channels], shared by all weights until the next one."""
        self.sample = torch.sigmoid((self.logits + moved(noise, self.logits.device)) / temperature)

    def forward(self) -> Tensor:
        """[channels]: the sample while training, else 0 or 1."""
        if self.training and self.sample is not None:
            return self.sample
        return (self.logits > 0).to(self.logits.dtype)


class GatedWeight(nn.Module):
    """A parametrization: a weight times its channels' gates."""

    def __init__(self, gates: ChannelGates, where: Slice):
        super().__init__()
        self.gates = gates
        self.where = where

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.where.spread(self.gates(), weight).to(weight.dtype)


class SDMask(LearnedMask):
    """Gates on all declared weights of a model. The logits are a parameter group without weight decay; their learning
    rate follows the phase's schedule, and they take no part in the clipping of the weights' gradients."""

    def __init__(self, specification: SDM, model: nn.Module, family: Family, phase: Recipe, seed: int):
        self.specification = specification
        self.learning_rate = specification.learning_rate or phase.optimizer.learning_rate
        self.model = model
        self.seed = seed
        self.layers = list(channel_layers(family.channels, model.config, specification.tensors))
        self.gates = [ChannelGates(layer.channels, specification.initial_logit) for layer in self.layers]
        self.temperature = specification.temperature[0]
        self._noise: list[Tensor] = []
        for layer, gates in zip(self.layers, self.gates, strict=True):
            for module, tensor, where in self._tensors(layer):
                parametrize.register_parametrization(module, tensor, GatedWeight(gates, where), unsafe=True)

    def _tensors(self, layer: Layer) -> list[tuple[nn.Module, str, Slice]]:
        """The module, the name within it, and the slices of each tensor of a layer."""
        named = [(*name.rpartition(".")[::2], where) for name, where in layer.slices.items()]
        return [(self.model.get_submodule(module), tensor, where) for module, tensor, where in named]

    def parameter_groups(self) -> list[dict[str, Any]]:
        logits = [gates.logits for gates in self.gates]
        return [{"params": logits, "lr": self.learning_rate, "weight_decay": 0.0}]

    def begin_step(self, step: int, total_steps: int) -> None:
        """One noise per channel and optimizer step, whatever the micro-batches and processes are."""
        first, last = self.specification.temperature
        self.temperature = first * (last / first) ** (step / max(1, total_steps - 1))
        source = generator(self.seed, "gates", step)
        uniform = [torch.rand(layer.channels, generator=source) for layer in self.layers]
        self._noise = [values.clamp(1e-6, 1 - 1e-6).logit() for values in uniform]

    def begin_micro_batch(self) -> None:
        for gates, noise in zip(self.gates, self._noise, strict=True):
            gates.draw(noise, self.temperature)

    def expected_sparsity(self) -> Tensor:
        """The share of channels that go, a scalar: the mean of the closed gates without noise at this temperature.

        With the temperature it anneals from a soft share to the share that the hard mask will remove. (The mean of
        sigmoid(-logit) alone is met by logits that are all alike and all positive, whose hard mask removes nothing.)
        """
        return torch.sigmoid(-torch.cat([gates.logits for gates in self.gates]) / self.temperature).mean()

    def penalty(self) -> Tensor:
        gap = self.expected_sparsity() - self.specification.target_sparsity
        return self.specification.sparsity_weight * gap**2

    def trace(self) -> dict[str, float | Tensor]:
        with torch.no_grad():
            logits = torch.cat([gates.logits for gates in self.gates])
            hard = (logits <= 0).double().mean()
            expected = self.expected_sparsity()
        return {"temperature": self.temperature, "expected_sparsity": expected, "hard_sparsity": hard}

    def harden(self) -> tuple[Masks, dict[str, Any]]:
        """Raises:
        FrameworkError: a layer would lose all of its channels.
        """
        masks: Masks = {}
        removed: dict[str, int] = {}
        for layer, gates in zip(self.layers, self.gates, strict=True):
            keep = (gates.logits.detach() > 0).cpu()
            if not bool(keep.any()):
                raise FrameworkError(
                    f"the learned mask removes all {layer.channels} channels of {layer.prefix}; "
                    "lower target_sparsity or sparsity_weight, or raise initial_logit"
                )
            removed[layer.prefix] = int((~keep).sum())
            weights = {}
            for name, (module, tensor, _) in zip(layer.slices, self._tensors(layer), strict=True):
                parametrize.remove_parametrizations(module, tensor, leave_parametrized=False)
                weights[name] = getattr(module, tensor)
            masks |= layer.spread(keep, weights)
            apply_masks(weights, masks={name: masks[name] for name in weights})
        total = sum(layer.channels for layer in self.layers)
        channels = {"removed": removed, "total": total, "reached": sum(removed.values()) / total}
        settings = self.specification.model_dump(include={"sparsity_weight", "initial_logit", "tensors"})
        facts = {"asked": self.specification.target_sparsity, "structure": "channel", "channels": channels}
        return masks, {**facts, "settings": {**settings, "learning_rate": self.learning_rate}}
