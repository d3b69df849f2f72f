"""Zeroing a channel's slices is removing the channel, for every family."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from framework.errors import UsageError
from runners.models.building import unfilled
from runners.models.families import FAMILIES
from runners.sparsity.channels import channel_layers
from tests.runners.models.tiny import build, outputs, randomised

CHANNEL_ATTRIBUTE = {"gpt2": "n_inner"}
IDS = torch.arange(22).view(2, 11)
HEADED = [name for name in FAMILIES.names() if FAMILIES.get(name).heads]


def without_channel(family: str, model: Any, channel: int) -> Any:
    """A model of one channel less per layer (per expert), with all other weights copied."""
    config = copy.deepcopy(model.config)
    attribute = CHANNEL_ATTRIBUTE.get(family, "intermediate_size")
    channels = getattr(config, attribute)
    setattr(config, attribute, channels - 1)
    config._experts_implementation = "eager"  # the grouped one wants rows of 16 bytes
    small: Any = unfilled(FAMILIES.get(family), config).eval()
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
    model, layout = randomised(build(family)), FAMILIES.get(family).channels
    full = outputs(model, IDS)
    small = outputs(without_channel(family, model, 5), IDS)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for layer in channel_layers(layout, model.config, list(layout.slices)):
            keep = torch.ones(layer.channels, dtype=torch.bool)
            gone = range(5, layer.channels, 24) if family == "mixtral" else [5]
            keep[list(gone)] = False
            for name, mask in layer.spread(keep, parameters).items():
                assert int((~mask).sum()) == len(gone) * layer.slices[name].size(parameters[name], layer.channels)
                parameters[name].masked_fill_(~mask, 0)
    zeroed = outputs(model, IDS)
    assert torch.allclose(zeroed, small, atol=2e-5 * float(full.detach().abs().max()))
    assert not torch.allclose(zeroed, full, atol=1e-3)


@pytest.mark.parametrize("family", HEADED)
def test_a_zeroed_head_gives_nothing_and_leaves_the_others(family: str) -> None:
    model, layout = randomised(build(family)), FAMILIES.get(family).heads
    reader = list(layout.slices)[-1]
    seen: list[torch.Tensor] = []
    for index in range(2):
        module = model.get_submodule(f"{layout.prefix.format(layer=index)}.{reader}")
        module.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    full = outputs(model, IDS)
    parameters = dict(model.named_parameters())
    heads = layout.channels(model.config)
    width = 16 // heads
    own = slice(width, 2 * width)
    with torch.no_grad():
        for layer in channel_layers(layout, model.config, list(layout.slices)):
            keep = torch.ones(layer.channels, dtype=torch.bool)
            keep[1] = False
            for name, mask in layer.spread(keep, parameters).items():
                assert int((~mask).sum()) * heads == mask.numel()
                parameters[name].masked_fill_(~mask, 0)
    removed = outputs(model, IDS)
    before, after = seen[0], seen[2]
    others = [index for index in range(16) if index not in range(16)[own]]
    assert torch.allclose(after[..., others], before[..., others], atol=1e-5)
    values = after[..., own].flatten(0, 1)
    assert torch.allclose(values, values[0].expand_as(values), atol=1e-5), "what is left is the bias, or nothing"
    assert not torch.allclose(removed, full, atol=1e-3)
    with torch.no_grad():
        for name, parameter in parameters.items():
            if name.endswith(("key.bias", "value.bias", "c_attn.bias")):
                parameter.view(-1, heads, width)[:, 1] += 1.0
    assert torch.allclose(outputs(model, IDS), removed, atol=1e-5), "and nothing reads it"


@pytest.mark.parametrize(
    ("family", "kind"), [*((name, "channels") for name in FAMILIES.names()), *((name, "heads") for name in HEADED)]
)
def test_channel_sums_add_up_to_the_weights(family: str, kind: str) -> None:
    model, layout = build(family), getattr(FAMILIES.get(family), kind)
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    for layer in channel_layers(layout, model.config, list(layout.slices)):
        ones = {name: torch.ones_like(parameters[name]) for name in layer.slices}
        marked = {
            name: where.spread(torch.arange(float(layer.channels)), ones[name]) * ones[name]
            for name, where in layer.slices.items()
        }
        assert layer.scores(marked).tolist() == [
            number * layer.channel_size(parameters) for number in range(layer.channels)
        ]
        assert layer.scores(ones).tolist() == [layer.channel_size(parameters)] * layer.channels
        assert layer.channel_size(parameters) * layer.channels == sum(one.numel() for one in ones.values())


def test_a_module_without_channels_is_named() -> None:
    layout = FAMILIES.get("mamba").channels
    with pytest.raises(UsageError, match=r"'in_porj'.*'in_proj'"):
        list(channel_layers(layout, None, ["in_porj"]))
