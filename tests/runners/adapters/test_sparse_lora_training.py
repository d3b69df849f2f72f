"""What LoRA over masked weights works with: dropout, several adapters, checkpointing, other precisions; its memory."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from peft import LoraConfig
from torch import Tensor, nn

from runners.adapters.saved import sparse_layers
from tests.runners.adapters.adapted import (
    FAMILIES,
    IDS,
    MODES,
    SPARSE,
    attached,
    base,
    gradients,
    logits,
    masks_of,
    plain,
)


@pytest.mark.parametrize("mode", MODES)
def test_dropout_is_on_the_update_s_input_alone(mode: str) -> None:
    """In training the base sees the whole input: with the update at zero, dropout changes nothing."""
    masks = masks_of(base())
    adapted = attached(mode, masks, lora_dropout=0.5).train()
    still = attached(mode, masks)
    torch.manual_seed(0)
    first = logits(adapted)
    assert not torch.allclose(first, logits(adapted), atol=1e-4)
    torch.manual_seed(0)
    assert torch.equal(first, logits(adapted))
    assert torch.equal(logits(adapted.eval()), logits(still))
    for layer in sparse_layers(adapted.train()).values():
        nn.init.zeros_(layer.lora_B["default"].weight)
    assert torch.allclose(logits(adapted), logits(adapted.eval()), atol=1e-6)


def test_sparse_to_sparse_with_dropout_is_its_formula() -> None:
    masks = masks_of(base())
    layer = next(iter(sparse_layers(attached(SPARSE, masks, lora_dropout=0.25)).values())).train()
    x = torch.randn(3, 4, 16, requires_grad=True)
    torch.manual_seed(5)
    out = layer(x)
    torch.manual_seed(5)
    update = layer.lora_B["default"].weight @ layer.lora_A["default"].weight * layer.scaling["default"]
    expected = layer.base_layer(x) + F.linear(layer.lora_dropout["default"](x), update * layer.keep)
    assert torch.allclose(out, expected, atol=1e-6)
    wanted = [x, layer.lora_A["default"].weight, layer.lora_B["default"].weight]
    for one, other in zip(
        torch.autograd.grad(out.square().sum(), wanted),
        torch.autograd.grad(expected.square().sum(), wanted),
        strict=True,
    ):
        assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_several_adapters_add_up(family: str) -> None:
    """Both modes on one layer at once: merged one after the other, taken apart, and alone."""
    masks = masks_of(base(family), family)
    adapted = attached(SPARSE, masks, family)
    config = adapted.peft_config["default"]
    for name, mode, rank in (("second", SPARSE, 2), ("third", "sparse_to_dense", 3)):
        adapted.add_adapter(name, type(config)(r=rank, lora_alpha=5, target_modules=config.target_modules, mode=mode))
    torch.manual_seed(9)
    for name, parameter in adapted.named_parameters():
        if "lora_B.second" in name or "lora_B.third" in name:
            nn.init.normal_(parameter, std=0.2)
    alone = logits(adapted)
    adapted.base_model.set_adapter(["default", "second"])
    both = logits(adapted)
    assert not torch.allclose(both, alone, atol=1e-3)
    assert torch.allclose(both, logits(deepcopy(adapted).merge_and_unload()), atol=1e-5)
    adapted.base_model.set_adapter(["default", "second", "third"])
    every = logits(adapted)
    assert not torch.allclose(every, both, atol=1e-3)
    merged = deepcopy(adapted).merge_and_unload()
    assert not torch.allclose(every, logits(merged), atol=1e-3)  # the third is dense
    assert all(not merged.get_parameter(name)[~mask].any() for name, mask in masks.items())
    adapted.set_adapter("default")
    assert torch.equal(logits(adapted), alone)
    adapted.delete_adapter("third")
    with adapted.disable_adapter():
        pruned = logits(adapted)
    assert torch.allclose(pruned, logits(deepcopy(adapted).unload()), atol=1e-6)
    mixed = adapted(input_ids=IDS, adapter_names=["default", "__base__"]).logits
    assert torch.allclose(mixed[0], alone[0], atol=1e-5)
    assert torch.allclose(mixed[1], pruned[1], atol=1e-5)


def test_a_plain_adapter_has_no_place_over_masked_weights() -> None:
    adapted = attached(SPARSE, masks_of(base()))
    with pytest.raises(ValueError, match="a plain LoRA would lose the zeros"):
        adapted.add_adapter("plain", LoraConfig(target_modules=["q_proj"]))
    for other in ({"use_dora": True}, {"lora_bias": True}):
        with pytest.raises(ValueError, match=r"combines with no other variant|no bias|lora_bias"):
            attached(SPARSE, {}, **other)


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_gradient_checkpointing_changes_no_gradient(mode: str, reentrant: bool) -> None:
    masks = masks_of(base())
    adapted = attached(mode, masks).train()
    expected = gradients(adapted)
    checkpointed = attached(mode, masks).train()
    checkpointed.enable_input_require_grads()
    checkpointed.gradient_checkpointing_enable({"use_reentrant": reentrant})
    calls = []
    layer = next(iter(sparse_layers(checkpointed).values()))
    layer.register_forward_hook(lambda *_: calls.append(1))
    found = gradients(checkpointed)
    assert len(calls) == 2  # once more in the backward pass
    assert found.keys() == expected.keys()
    assert all(torch.allclose(found[name], expected[name], atol=1e-6) for name in found)


@pytest.mark.parametrize("mode", MODES)
def test_bfloat16_weights_train(mode: str) -> None:
    """The base is bfloat16, the adapters float32, as peft keeps them; gradients follow those in float32."""
    masks = masks_of(base())
    adapted = attached(mode, masks, model=base().to(torch.bfloat16))
    found, expected = gradients(adapted), gradients(attached(mode, masks))
    assert {value.dtype for value in found.values()} == {torch.float32}
    for name, value in found.items():
        assert F.cosine_similarity(value.flatten(), expected[name].flatten(), dim=0) > 0.99, name


@pytest.mark.parametrize("mode", MODES)
def test_autocast_takes_the_product_in_its_dtype(mode: str) -> None:
    adapted = attached(mode, masks_of(base()))
    seen = []
    for layer in sparse_layers(adapted).values():
        layer.register_forward_hook(lambda module, inputs, out: seen.append(out.dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = gradients(adapted)
        before = logits(adapted)
        after = logits(adapted.merge_and_unload())
    assert set(seen) == {torch.bfloat16}
    assert all(value.isfinite().all() and value.dtype == torch.float32 for value in found.values())
    if mode == SPARSE:
        assert torch.equal(before, after)


def test_a_base_of_another_forward_pass_keeps_it() -> None:
    """A subclass of `nn.Linear` may do something else than one product."""

    class Doubled(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    model = base()
    own = model.model.layers[0].self_attn.q_proj
    doubled = Doubled(16, 16, bias=False)
    doubled.weight = own.weight
    model.model.layers[0].self_attn.q_proj = doubled
    layer = sparse_layers(attached(SPARSE, masks_of(base()), model=model))["model.layers.0.self_attn.q_proj"]
    x = torch.randn(2, 16)
    update = layer.lora_B["default"].weight @ layer.lora_A["default"].weight * layer.scaling["default"] * layer.keep
    assert torch.allclose(layer(x), F.linear(x, 2 * layer.base_layer.weight + update), atol=1e-6)


def kept_bytes(model: Any) -> int:
    """What autograd keeps of a forward pass beside parameters, each storage once."""
    known = {value.untyped_storage().data_ptr() for value in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = model(input_ids=IDS, labels=IDS).loss
    total = sum(kept.values())
    del loss
    return total


def test_no_more_than_a_byte_for_each_masked_weight_is_kept_for_the_backward_pass() -> None:
    masks = masks_of(base())
    limit = sum(mask.numel() for mask in masks.values())
    least = kept_bytes(plain(masks).train())
    assert kept_bytes(attached("sparse_to_dense", masks).train()) == least
    assert kept_bytes(attached(SPARSE, masks).train()) - least <= limit
