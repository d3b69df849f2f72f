"""LoRA over masked weights: peft's layer, with the base weight's mask and two kinds of adapter.

sparse-to-dense     y = (W * M) x + s B A x        the update is dense; the merge masks it, and so changes the function
sparse-to-sparse    y = ((W + s B A) * M) x        training sees the masked update; the merged model is the trained one

Both merge to W' = (W + s B A) * M, every masked weight +0.0. They stand on two of peft's extension points, both of
which it calls experimental, hence the narrow range of versions: `LoraConfig._register_custom_module` puts
:class:`SparseLinear` in, and `resolve_lora_variant` gives each adapter its `LoraVariant`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from peft.tuners.lora.layer import Linear, LoraVariant
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from framework.errors import FrameworkError
from runners.adapters.effective import effective_weight, masked_linear

SPARSE_TO_DENSE, SPARSE_TO_SPARSE = "sparse_to_dense", "sparse_to_sparse"


class SparseToDense(LoraVariant):
    """Plain LoRA's forward pass; its merge is masked."""

    def supports_lora_conversion(self) -> bool:
        return False

    @staticmethod
    def init(module: Any, adapter_name: str, **_: Any) -> None:
        pass

    @staticmethod
    def forward(module: Any, active_adapter: str, x: Tensor, result: Tensor, **_: Any) -> Tensor:
        down, up = module.lora_A[active_adapter], module.lora_B[active_adapter]
        return result + up(down(module.lora_dropout[active_adapter](x))) * module.scaling[active_adapter]

    @staticmethod
    def merge_safe(module: Any, active_adapter: str, orig_weight: Tensor) -> Tensor:
        left, right = module.factors(active_adapter)
        return module.masked(effective_weight(orig_weight, left, right, None, module.scaling[active_adapter]).detach())

    @staticmethod
    def merge_unsafe(module: Any, active_adapter: str, orig_weight: Tensor) -> None:
        orig_weight.data = SparseToDense.merge_safe(module, active_adapter, orig_weight.data)

    @staticmethod
    def unmerge(module: Any, active_adapter: str, orig_weight: Tensor) -> Tensor:
        left, right = module.factors(active_adapter)
        scale = -module.scaling[active_adapter]
        return module.masked(effective_weight(orig_weight.data, left, right, None, scale).detach())


class SparseToSparse(SparseToDense):
    """The masked update beside a base result: for dropout, which spares the base product, and batches that mix
    adapters. Otherwise :meth:`SparseLinear.forward` takes one product with the effective weight."""

    @staticmethod
    def forward(module: Any, active_adapter: str, x: Tensor, result: Tensor, **_: Any) -> Tensor:
        left, right = module.factors(active_adapter)
        dropped = module.lora_dropout[active_adapter](x)
        scale, transposed = module.scaling[active_adapter], module.fan_in_fan_out
        return result + masked_linear(dropped, None, None, left, right, module.keep, scale, transposed)


_VARIANTS: dict[str, type[LoraVariant]] = {SPARSE_TO_DENSE: SparseToDense, SPARSE_TO_SPARSE: SparseToSparse}


class SparseLinear(Linear):
    """peft's LoRA layer around an `nn.Linear` or `Conv1D` with a mask, which every adapter of the layer shares.

    ``keep`` is the mask, of the weight's shape and contiguous, or None where the whole weight is kept. It is neither
    parameter nor buffer: it is not saved with the weights, and processes do not send it to each other at every step.
    """

    keep: Tensor | None = None
    holds = False

    def __init__(self, base_layer: nn.Module, adapter_name: str, **how: Any):
        super().__init__(base_layer, adapter_name, **how)
        base = self.get_base_layer()
        self.fan_in_fan_out = isinstance(base, Conv1D)
        self._is_plain_product = type(base).forward in (nn.Linear.forward, Conv1D.forward)

    def resolve_lora_variant(self, *, config: Any, **_: Any) -> LoraVariant:
        """The variant of the configuration's ``mode``.

        Raises:
            ValueError: an adapter without one would merge without the mask; or it is another variant or has a bias.
        """
        mode = getattr(config, "mode", None)
        if mode not in _VARIANTS:
            raise ValueError(
                f"an adapter over masked weights has a mode, one of {', '.join(_VARIANTS)}, not {mode!r}: "
                "a plain LoRA would lose the zeros in its merge"
            )
        if super().resolve_lora_variant(config=config) is not None or config.lora_bias:
            raise ValueError(f"{mode} LoRA combines with no other variant of LoRA and with no `lora_bias`")
        return _VARIANTS[mode]()

    def hold(self, keep: Tensor | None) -> None:
        """Take the weight's mask, and set what it masks to zero. ``keep`` is boolean, True = kept; None keeps all.

        Raises:
            FrameworkError: it is of another shape, or the layer holds another mask.
        """
        weight = self.get_base_layer().weight
        if keep is not None:
            if keep.shape != weight.shape:
                raise FrameworkError(f"a mask of {tuple(keep.shape)} for a weight of {tuple(weight.shape)}")
            keep = keep.to(weight.device, torch.bool).contiguous()
        if self.holds and not _same(self.keep, keep):
            raise FrameworkError("this layer's adapters were trained under another mask")
        self.keep, self.holds = keep, True
        weight.data = self.masked(weight.data)

    def masked(self, weight: Tensor) -> Tensor:
        """The tensor itself, with +0.0 where it is masked.

        Raises:
            FrameworkError: the layer was never told its mask.
        """
        if not self.holds:
            raise FrameworkError("a sparse adapter without its mask: give the layers theirs with `hold_masks`")
        return weight if self.keep is None else weight.masked_fill_(~self.keep, 0)

    def factors(self, adapter: str) -> tuple[Tensor, Tensor]:
        """L and R of the update L R, as the weight lies: B and A, or A' and B' for [in, out]."""
        down, up = self.lora_A[adapter].weight, self.lora_B[adapter].weight
        return (down.T, up.T) if self.fan_in_fan_out else (up, down)

    def get_delta_weight(self, adapter: str) -> Tensor:
        delta = super().get_delta_weight(adapter)
        return self.masked(delta.clone()) if isinstance(self.lora_variant[adapter], SparseToSparse) else delta

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if not self.holds:
            self.masked(x)
        direct = [name for name in self.active_adapters if name in self.lora_A and self._is_direct(name)]
        if self.disable_adapters or self.merged or kwargs.get("adapter_names") is not None or not direct:
            return super().forward(x, *args, **kwargs)
        result = self._product(x, direct)
        dtype = result.dtype
        for name in self.active_adapters:
            if name in self.lora_A and name not in direct:
                cast = self._cast_input_dtype(x, self.lora_A[name].weight.dtype)
                result = self.lora_variant[name].forward(self, active_adapter=name, x=cast, result=result)
        return result.to(dtype)

    def _is_direct(self, name: str) -> bool:
        """Whether an adapter can join the base product: it is masked, and sees the same input."""
        dropout = self.lora_dropout[name]
        drops = dropout.training and isinstance(dropout, nn.Dropout)
        return self._is_plain_product and isinstance(self.lora_variant[name], SparseToSparse) and not drops

    def _product(self, x: Tensor, adapters: list[str]) -> Tensor:
        """x times the effective weight of these adapters: of several, ranks are joined, each scaled by its own."""
        base = self.get_base_layer()
        factors = [self.factors(name) for name in adapters]
        if len(adapters) == 1:
            ((left, right),), scale = factors, self.scaling[adapters[0]]
        else:
            scaled = [self.scaling[name] * left for name, (left, _) in zip(adapters, factors, strict=True)]
            left, right, scale = torch.cat(scaled, dim=1), torch.cat([right for _, right in factors]), 1.0
        return masked_linear(x, base.weight, base.bias, left, right, self.keep, scale, self.fan_in_fan_out)

    def _apply(self, fn: Any, *how: Any, **more: Any) -> Self:
        super()._apply(fn, *how, **more)
        if self.keep is not None:
            self.keep = fn(self.keep)
        return self


def hold_masks(layers: Mapping[str, Any], masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give each sparse layer (by module name) its weight's mask; one whose weight has none keeps all of it.

    Returns:
        The masks that were given, by tensor name.
    """
    given = {}
    for name, layer in layers.items():
        mask = masks.get(f"{name}.weight")
        try:
            layer.hold(mask)
        except FrameworkError as problem:
            raise FrameworkError(f"{name}: {problem}") from None
        if mask is not None:
            given[f"{name}.weight"] = mask
    return given


def _same(first: Tensor | None, second: Tensor | None) -> bool:
    return first is second or (first is not None and second is not None and torch.equal(first, second))
