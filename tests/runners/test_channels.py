"""Zeroing a channel's slices is removing the channel, for every family."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from framework.errors import UsageError
from framework.manifest.models import Model
from runners.models.building import build_language_model
from runners.models.families import FAMILIES
from runners.sparsity.channels import channel_layers

SIZES = {
    "mamba": {"state": 4},
    "llama": {"heads": 2, "intermediate": 24},
    "gpt2": {"heads": 2, "intermediate": 24},
}
CHANNEL_ATTRIBUTE = {"mamba": "intermediate_size", "llama": "intermediate_size", "gpt2": "n_inner"}


def build(family: str) -> torch.nn.Module:
    stated = Model(family=family, weights="random", layers=2, hidden=16, vocabulary=64, **SIZES[family])
    return build_language_model("tiny", stated, 64, 3, Path()).eval()


def without_channel(family: str, model: torch.nn.Module, channel: int) -> torch.nn.Module:
    """A model of one channel less per layer, with all other weights copied."""
    config = copy.deepcopy(model.config)
    channels = FAMILIES.get(family).channels.channels(config)
    setattr(config, CHANNEL_ATTRIBUTE[family], channels - 1)
    small = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    shapes = {name: tensor.shape for name, tensor in small.state_dict().items()}
    tensors = {}
    for name, tensor in model.state_dict().items():
        for dimension, (before, after) in enumerate(zip(tensor.shape, shapes[name], strict=True)):
            keep = [index for index in range(before) if after == before or index % channels != channel]
            tensor = tensor.index_select(dimension, torch.tensor(keep))
        tensors[name] = tensor
    small.load_state_dict(tensors)
    return small


@pytest.mark.parametrize("family", FAMILIES.names())
def test_a_zeroed_channel_is_a_removed_one(family: str) -> None:
    model, layout = build(family), FAMILIES.get(family).channels
    ids = torch.randint(0, 64, (2, 11))
    full = model(input_ids=ids).logits
    small = without_channel(family, model, 5)(input_ids=ids).logits
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for layer in channel_layers(layout, model.config, list(layout.slices)):
            keep = torch.ones(layer.channels, dtype=torch.bool)
            keep[5] = False
            for name, mask in layer.spread(keep, parameters).items():
                assert int((~mask).sum()) == layer.slices[name].size(parameters[name], layer.channels)
                parameters[name].masked_fill_(~mask, 0)
    zeroed = model(input_ids=ids).logits
    assert torch.allclose(zeroed, small, atol=1e-5)
    assert not torch.allclose(zeroed, full, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES.names())
def test_channel_sums_add_up_to_the_weights(family: str) -> None:
    model, layout = build(family), FAMILIES.get(family).channels
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    for layer in channel_layers(layout, model.config, list(layout.slices)):
        ones = {name: torch.ones_like(parameters[name]) for name in layer.slices}
        assert layer.scores(ones).tolist() == [layer.channel_size(parameters)] * layer.channels
        assert layer.channel_size(parameters) * layer.channels == sum(one.numel() for one in ones.values())


def test_a_module_without_channels_is_named() -> None:
    layout = FAMILIES.get("mamba").channels
    with pytest.raises(UsageError, match=r"'in_porj'.*'in_proj'"):
        list(channel_layers(layout, None, ["in_porj"]))
