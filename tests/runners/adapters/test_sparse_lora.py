"""LoRA over masked weights: what each mode computes, exactly, and what a merge keeps."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.pytorch_utils import Conv1D

from framework.errors import FrameworkError
from runners.adapters.effective import effective_weight, masked_linear
from runners.adapters.masked_lora import hold_masks
from runners.adapters.saved import sparse_layers
from tests.runners.adapters.adapted import FAMILIES, MODES, SPARSE, attached, base, gradients, logits, masks_of, plain

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


# The function


def parts(transposed: bool, dtype: torch.dtype = torch.float64) -> dict[str, Any]:
    torch.manual_seed(0)
    shape = (5, 7) if transposed else (7, 5)  # 5 in, 7 out
    return {
        "x": torch.randn(2, 3, 5, dtype=dtype, requires_grad=True),
        "weight": torch.randn(shape, dtype=dtype, requires_grad=True),
        "bias": torch.randn(7, dtype=dtype, requires_grad=True),
        "left": torch.randn(shape[0], 2, dtype=dtype, requires_grad=True),
        "right": torch.randn(2, shape[1], dtype=dtype, requires_grad=True),
        "keep": torch.rand(shape) < 0.5,
        "scale": 1.5,
        "transposed": transposed,
    }


def reference(x: Tensor, weight: Tensor, bias: Any, left: Tensor, right: Tensor, keep: Any, scale: float) -> Tensor:
    """The formula as it is written, through autograd, for a weight [out, in]."""
    total = ((0 if weight is None else weight) + scale * left @ right) * (1 if keep is None else keep)
    return F.linear(x, total, bias)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("without", [(), ("weight", "bias"), ("bias",), ("keep",)])
def test_gradients_of_the_own_function_are_those_of_the_formula(transposed: bool, without: tuple[str, ...]) -> None:
    stated = {**parts(transposed), **dict.fromkeys(without)}
    assert torch.autograd.gradcheck(lambda *values: masked_linear(*values), tuple(stated.values()))
    turned = stated | {"transposed": False}
    if transposed:
        for name, source in (("weight", "weight"), ("left", "right"), ("right", "left"), ("keep", "keep")):
            turned[name] = None if stated[source] is None else stated[source].T
    own = masked_linear(**stated)
    formula = reference(**{name: value for name, value in turned.items() if name != "transposed"})
    assert torch.allclose(own, formula, atol=1e-12)
    wanted = [stated[name] for name in ("x", "weight", "bias", "left", "right") if stated[name] is not None]
    weights = torch.randn_like(own)
    for one, other in zip(
        torch.autograd.grad(own, wanted, weights), torch.autograd.grad(formula, wanted, weights), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-12)


def test_what_is_frozen_gets_no_gradient() -> None:
    stated = parts(False)
    for name in ("weight", "bias", "x"):
        stated[name] = stated[name].detach()
    masked_linear(**stated).sum().backward()
    assert stated["x"].grad is None
    assert stated["left"].grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_effective_weight_is_zero_where_it_is_masked(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    weight, keep = torch.randn(64, 48).to(dtype), torch.rand(64, 48) < 0.3
    left, right = torch.randn(64, 4), torch.randn(4, 48)
    effective = effective_weight(weight, left, right, keep, 0.5)
    assert effective.dtype == dtype
    assert int((effective != 0).sum()) == int(keep.sum())


def test_permuted_channels_permute_the_product() -> None:
    """The mask belongs to its weights, wherever they lie."""
    stated = parts(False)
    order, turned = torch.randperm(7), torch.randperm(5)
    out = masked_linear(**stated)
    moved = {
        **stated,
        "x": stated["x"][..., turned],
        "weight": stated["weight"][order][:, turned],
        "bias": stated["bias"][order],
        "left": stated["left"][order],
        "right": stated["right"][:, turned],
        "keep": stated["keep"][order][:, turned].contiguous(),
    }
    assert torch.allclose(masked_linear(**moved), out[..., order], atol=1e-12)


# The two modes


@pytest.mark.parametrize("family", FAMILIES)
def test_sparse_to_dense_is_plain_lora_over_the_pruned_weights(family: str) -> None:
    """y = (W * M) x + s B A x, bit for bit what plain peft computes."""
    masks = masks_of(base(family), family)
    sparse, dense = attached("sparse_to_dense", masks, family), plain(masks, family)
    assert torch.equal(logits(sparse), logits(dense))
    ours, theirs = gradients(sparse), gradients(dense)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("family", FAMILIES)
def test_sparse_to_sparse_is_its_formula(family: str) -> None:
    """y = ((W + s B A) * M) x: logits and gradients of a model whose weights are written out so."""
    masks = masks_of(base(family), family)
    adapted = attached(SPARSE, masks, family)
    written = attached(SPARSE, masks, family)
    for layer in sparse_layers(written).values():
        layer.forward = lambda x, layer=layer: formula(layer, x)  # type: ignore[misc]
    assert torch.allclose(logits(adapted), logits(written), atol=1e-6)
    ours, theirs = gradients(adapted), gradients(written)
    assert len(ours) == len(theirs) > 0
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)


def formula(layer: Any, x: Tensor) -> Tensor:
    weight, bias = layer.base_layer.weight, layer.base_layer.bias
    update = layer.lora_B["default"].weight @ layer.lora_A["default"].weight * layer.scaling["default"]
    if isinstance(layer.base_layer, Conv1D):
        return x @ ((weight + update.T) * layer.keep) + bias
    return F.linear(x, (weight + update) * layer.keep, bias)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_mask_of_ones_is_plain_lora(family: str, mode: str) -> None:
    masks = masks_of(base(family), family, sparsity=0.0)
    assert all(mask.all() for mask in masks.values())
    sparse, dense = attached(mode, masks, family), plain(masks, family)
    assert torch.allclose(logits(sparse), logits(dense), atol=1e-6)
    ours, theirs = gradients(sparse), gradients(dense)
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in theirs)
    assert torch.allclose(logits(sparse.merge_and_unload()), logits(dense.merge_and_unload()), atol=1e-6)


def test_a_target_without_a_mask_is_updated_everywhere() -> None:
    masks = masks_of(base())
    some = {name: mask for name, mask in masks.items() if "q_proj" not in name}
    ones = {name: torch.ones_like(mask) for name, mask in masks.items() if "q_proj" in name}
    assert torch.equal(logits(attached(SPARSE, some)), logits(attached(SPARSE, some | ones)))


def test_the_two_modes_differ() -> None:
    """In the function, in the gradients, and in what a merge leaves of the function."""
    masks = masks_of(base())
    dense, sparse = (attached(mode, masks) for mode in MODES)
    assert not torch.allclose(logits(dense), logits(sparse), atol=1e-3)
    ours, theirs = gradients(dense), gradients(sparse)
    assert not any(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)
    before = {mode: logits(attached(mode, masks)) for mode in MODES}
    after = {mode: logits(attached(mode, masks).merge_and_unload()) for mode in MODES}
    assert torch.equal(after["sparse_to_dense"], after[SPARSE])  # the same adapter, the same masks
    assert torch.allclose(after[SPARSE], before[SPARSE], atol=1e-6)
    assert not torch.allclose(after["sparse_to_dense"], before["sparse_to_dense"], atol=1e-3)


# Merging


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_merged_adapter_keeps_every_masked_weight_at_zero(
    family: str, dtype: torch.dtype, mode: str, safe: bool
) -> None:
    """Bit for bit +0.0, in every dtype; and every kept weight has its update."""
    masks = masks_of(base(family), family)
    adapted = attached(mode, masks, family, model=base(family).to(dtype))
    layers = sparse_layers(adapted)
    deltas = {
        name: effective_weight(None, *layer.factors("default"), layer.keep, layer.scaling["default"])
        for name, layer in layers.items()
    }
    pruned = {name: layer.base_layer.weight.clone() for name, layer in layers.items()}
    merged = adapted.merge_and_unload(safe_merge=safe)
    close = {"atol": 1e-6} if dtype in DTYPES[:2] else {"atol": 1e-2, "rtol": 1e-2}
    for name, mask in masks.items():
        weight = merged.get_parameter(name)
        module = name.removesuffix(".weight")
        assert weight.dtype == dtype
        bits = weight[~mask].view(torch.int64 if dtype == torch.float64 else torch.int16)
        assert not bits.any()
        assert torch.allclose(weight, pruned[module] + deltas[module].to(dtype), **close)
        assert not torch.equal(weight, pruned[module])
        for other in DTYPES:
            assert not weight.to(other)[~mask].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_merged_sparse_to_sparse_model_is_the_trained_one(family: str, dtype: torch.dtype) -> None:
    """The forward pass forms the weights as the merge does: in bfloat16, too, the logits are the same."""
    adapted = attached(SPARSE, masks_of(base(family), family), family, model=base(family).to(dtype))
    before = logits(adapted)
    after = logits(adapted.merge_and_unload())
    assert torch.allclose(after, before, atol=1e-6 if dtype == torch.float32 else 0, rtol=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_an_unmerge_gives_back_the_pruned_weights(family: str, mode: str) -> None:
    masks = masks_of(base(family), family)
    adapted = attached(mode, masks, family)
    before = {name: layer.base_layer.weight.clone() for name, layer in sparse_layers(adapted).items()}
    adapting = logits(adapted)
    adapted.merge_adapter()
    adapted.unmerge_adapter()
    for name, layer in sparse_layers(adapted).items():
        weight = layer.base_layer.weight
        assert torch.allclose(weight, before[name], atol=1e-6)
        assert not weight[~masks[f"{name}.weight"]].any()
    assert torch.allclose(logits(adapted), adapting, atol=1e-5)


# Masks


def test_without_their_masks_layers_do_nothing() -> None:
    adapted = attached(SPARSE, {})
    for layer in sparse_layers(adapted).values():
        layer.holds = False
    for work in (lambda: logits(adapted), adapted.merge_and_unload):
        with pytest.raises(FrameworkError, match="without its mask"):
            work()


def test_masks_that_do_not_fit_are_refused() -> None:
    masks = masks_of(base())
    adapted = attached(SPARSE, masks)
    layers = sparse_layers(adapted)
    with pytest.raises(FrameworkError, match=r"q_proj: this layer's adapters were trained under another mask"):
        hold_masks(layers, {name: ~mask for name, mask in masks.items()})
    hold_masks(layers, masks)
    name = next(iter(masks))
    with pytest.raises(FrameworkError, match=r"a mask of \(3, 3\) for a weight of \(16, 16\)"):
        attached(SPARSE, {**masks, name: torch.ones(3, 3, dtype=torch.bool)})


def test_a_mask_goes_where_its_layer_goes() -> None:
    adapted = attached(SPARSE, masks_of(base()))
    copied = deepcopy(adapted).to(torch.float64)
    for layer in sparse_layers(copied).values():
        assert layer.keep.dtype == torch.bool
    assert torch.allclose(logits(copied).float(), logits(adapted), atol=1e-5)
    assert {layer.keep.device.type for layer in sparse_layers(adapted.to("meta")).values()} == {"meta"}
    names = [name for name, _ in copied.named_buffers()] + list(copied.state_dict())
    assert not [name for name in names if "keep" in name]
