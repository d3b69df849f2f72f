"""How much a forward pass computes, from an architecture's sizes alone: FLOPs per token, one function per family.

A multiply-add counts 2. Counted are the matrix products, as in Kaplan et al. 2020 ("Scaling Laws for Neural Language
Models", section 2.1) and Hoffmann et al. 2022 ("Training Compute-Optimal Large Language Models", appendix F): the
projections, the head, and both products of attention over the whole sequence, masked or not, which is how they are
computed. Norms, activations, softmax and look-ups are left out; of Mamba's scan the recurrence is counted. The
backward pass of a training is two of the forward passes (ibid.), one where weights are frozen. Zeros count as work:
dense kernels do not skip them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from framework.manifest.sections.models import Model


@dataclass(frozen=True, slots=True)
class Forward:
    """FLOPs of a forward pass per token: products of activations with ``weights``, and what is computed ``between``
    activations. Backward, each product is two: one for each of its factors that has a gradient."""

    weights: int
    between: int

    @property
    def total(self) -> int:
        return self.weights + self.between

    def training(self, *, frozen: bool) -> int:
        """A training step per token, forward and backward. Frozen weights have no gradient; what adapters beside them
        compute, a few percent, is not counted, nor that the first of them are reached by no gradient either."""
        return (2 if frozen else 3) * self.weights + 3 * self.between


def llama(
    *, layers: int, hidden: int, intermediate: int, length: int, groups: float = 1.0, experts: int = 0, active: int = 1
) -> Forward:
    """Four projections of attention, those of keys and values narrower where heads share them (``groups`` is their
    share of the heads; Ainslie et al. 2023), and a gated feed-forward layer: of several ``experts`` (Jiang et al.
    2024) those ``active`` for a token, and the router."""
    projections = round((2 + 2 * groups) * hidden * hidden)
    weights = layers * 2 * (projections + experts * hidden + active * 3 * hidden * intermediate)
    return Forward(weights, layers * attention(hidden, length))


def gpt2(*, layers: int, hidden: int, intermediate: int, length: int) -> Forward:
    """Four projections of attention, and a feed-forward layer; BERT's encoder is the same."""
    weights = layers * 2 * (4 * hidden * hidden + 2 * hidden * intermediate)
    return Forward(weights, layers * attention(hidden, length))


def attention(hidden: int, length: int) -> int:
    """Queries times keys, and the result times values: 2 * hidden * length each."""
    return 2 * 2 * hidden * length


def mamba(*, layers: int, hidden: int, state: int, expand: int, kernel: int = 4) -> Forward:
    """The products of Mamba's blocks (Gu and Dao 2023, "Mamba", section 3.4): in_proj, the convolution, x_proj, dt_proj
    of rank ceil(hidden / 16), out_proj, and between activations the states read out by C."""
    inner, rank = expand * hidden, math.ceil(hidden / 16)
    weights = (
        hidden * 2 * inner  # in_proj
        + inner * kernel  # conv1d, one filter per channel
        + inner * (rank + 2 * state)  # x_proj
        + rank * inner  # dt_proj
        + inner * hidden  # out_proj
    )  # fmt: skip
    return Forward(layers * 2 * weights, layers * 2 * inner * state)


def mamba_scan(*, layers: int, hidden: int, state: int, expand: int) -> int:
    """What the selective scan computes element by element (ibid., algorithm 2 and equation 2a), which no count of
    matrix products holds, for each channel and state: dt * A and its exponential, dt * x * B, and a * h + b."""
    return layers * expand * hidden * state * (2 + 1 + 2)


def head(family: str, hidden: int, vocabulary: int) -> int:
    """The language model's head; BERT's has a layer of its own before it (Devlin et al. 2019)."""
    return 2 * hidden * vocabulary + (2 * hidden * hidden if family == "bert" else 0)


_STATE, _EXPAND, _WIDER, _ACTIVE = 16, 2, 4, 2
"""transformers' defaults where the manifest is silent: Mamba's `state` and `expand`, the feed-forward of gpt2 and bert
as a multiple of `hidden`, and how many experts a token is sent to."""


def per_token(model: Model, length: int, *, language_model: bool) -> Forward | None:
    """A forward pass in sequences of ``length``; None where the family or a size is not known.

    The head of a classifier works once per sequence, and is left out.
    """
    blocks = _FAMILIES[model.family](model, length) if model.family in _FAMILIES else None
    if blocks is None or not language_model:
        return blocks
    if model.vocabulary is None or model.hidden is None:
        return None
    return Forward(blocks.weights + head(model.family, model.hidden, model.vocabulary), blocks.between)


def _mamba(model: Model, length: int) -> Forward | None:
    if not model.layers or not model.hidden:
        return None
    sizes = {"layers": model.layers, "hidden": model.hidden}
    sizes |= {"state": model.state or _STATE, "expand": model.expand or _EXPAND}
    products = mamba(**sizes)
    return Forward(products.weights, products.between + mamba_scan(**sizes))


def _llama(model: Model, length: int) -> Forward | None:
    if not model.layers or not model.hidden or not model.intermediate:
        return None
    groups = model.key_value_heads / model.heads if model.key_value_heads and model.heads else 1.0
    sizes = {"layers": model.layers, "hidden": model.hidden, "intermediate": model.intermediate, "length": length}
    if model.family != "mixtral":
        return llama(**sizes, groups=groups)
    if not model.experts:
        return None
    return llama(**sizes, groups=groups, experts=model.experts, active=model.experts_per_token or _ACTIVE)


def _gpt2(model: Model, length: int) -> Forward | None:
    if not model.layers or not model.hidden:
        return None
    wide = model.intermediate or _WIDER * model.hidden
    return gpt2(layers=model.layers, hidden=model.hidden, intermediate=wide, length=length)


def _gpt(model: Model, length: int) -> Forward | None:
    if model.architecture is None or model.architecture.activation != "swiglu":
        if not model.layers or not model.hidden:
            return None
        groups = model.key_value_heads / model.heads if model.key_value_heads and model.heads else 1.0
        wide = model.intermediate or _WIDER * model.hidden
        matrices = round((2 + 2 * groups) * model.hidden**2) + 2 * model.hidden * wide
        return Forward(model.layers * 2 * matrices, model.layers * attention(model.hidden, length))
    return _llama(model, length)


_FAMILIES: dict[str, Callable[[Model, int], Forward | None]] = {
    "mamba": _mamba,
    "llama": _llama,
    "mistral": _llama,
    "mixtral": _llama,
    "gpt": _gpt,
    "gpt2": _gpt2,
    "bert": _gpt2,
}
