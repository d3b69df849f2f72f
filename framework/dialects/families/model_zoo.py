"""Names of Cerebras Model Zoo's decoders (release 2.10), beside those that transformers has for the same modules.

Sources, all of the Model Zoo: `tools/checkpoint_converters/llama.py` (names of tensors), `common/utils/model/lora.py`
(which layers `target_modules` reaches), `layers/` (classes). Its LoRA knows modules by the *classes* on the way to
them, all of which must be in `target_modules`: one projection of an attention cannot be told from another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from framework.dialects.terms import Scope, Unknown

_ATTENTION = {
    "q_proj": "self_attn.proj_q_dense_layer",
    "k_proj": "self_attn.proj_k_dense_layer",
    "v_proj": "self_attn.proj_v_dense_layer",
    "o_proj": "self_attn.proj_output_dense_layer",
}
_FEED_FORWARD = {
    "up_proj": "ffn.ffn.0.linear_layer",
    "gate_proj": "ffn.ffn.0.linear_layer_for_glu",
    "down_proj": "ffn.ffn.1.linear_layer",
}
PROJECTIONS: Mapping[str, Mapping[str, str]] = {
    "llama": {**_ATTENTION, **_FEED_FORWARD},
    "mistral": {**_ATTENTION, **_FEED_FORWARD},
    "mixtral": _ATTENTION,
}
"""By family: transformers' name of a projection within a layer -> Model Zoo's. Mixtral's experts are laid out otherwise
there, and are not translated."""
DECODER, LINEAR = "TransformerDecoderLayer", "Linear"
MULTI_HEAD, MULTI_QUERY, FEED_FORWARD = "MultiheadAttention", "MultiQueryAttention", "FeedForwardNetwork"
MULTI_QUERY_MODULE = "multiquery_attention"
"""`model.attention_module` where groups of queries share keys and values."""
CONSTANTS: Mapping[str, Any] = {"position_embedding_type": "rotary", "norm_type": "rmsnorm", "nonlinearity": "swiglu"}
"""What makes a Llama of Model Zoo's decoder, which is a GPT-2 where they are not said."""
_GATED = frozenset({"swiglu", "geglu", "reglu", "glu", "bilinear"})
_BLOCKS = {MULTI_HEAD: _ATTENTION, MULTI_QUERY: _ATTENTION, FEED_FORWARD: _FEED_FORWARD}


def tensor_name(family: str, name: str) -> str | None:
    """Model Zoo's name of a weight: `model.layers.0.mlp.up_proj.weight` is
    `transformer_decoder.layers.0.ffn.ffn.0.linear_layer.weight`; None where this module does not know it."""
    head, _, inner = name.removeprefix("model.").partition(".")
    number, _, inner = inner.partition(".")
    module, _, kind = inner.removeprefix("self_attn.").removeprefix("mlp.").rpartition(".")
    found = PROJECTIONS.get(family, {}).get(module)
    if head != "layers" or not number.isdigit() or found is None:
        return None
    return f"transformer_decoder.layers.{number}.{found}.{kind}"


def filters_of(family: str, modules: Collection[str]) -> list[str] | None:
    """`param_filter` for the weights of modules, as globs; None where one of them has no name there. LoRA's own
    matrices lie beside a weight and are not meant: a pattern ends with `.weight`."""
    names = PROJECTIONS.get(family, {})
    if not all(module in names for module in modules):
        return None
    return [f"*.{names[module]}.weight" for module in modules]


def modules_of(patterns: Any, scope: Scope) -> Any:
    """The modules that a `param_filter` means, in its order; unknown where it has other patterns than
    :func:`filters_of` makes."""
    known = {f"*.{theirs}.weight": ours for names in PROJECTIONS.values() for ours, theirs in names.items()}
    found = [known.get(pattern) for pattern in (patterns if isinstance(patterns, list) else [patterns])]
    return found if all(found) else Unknown("it names parameters of Model Zoo's by patterns of its own")


def classes_of(family: str, modules: Collection[str], multi_query: bool | None) -> list[str] | None:
    """`target_modules` that reaches exactly these modules of every layer; None where nothing does.

    Args:
        multi_query: Whether keys and values have fewer heads than queries; None where that is not known.
    """
    for first in (DECODER, attention(multi_query), FEED_FORWARD):
        if first is not None and set(modules) == (reached := _reached(family, [first, LINEAR])) and reached:
            return [first, LINEAR]
    return None


def attention(multi_query: bool | None) -> str | None:
    """The class of the attention."""
    return None if multi_query is None else MULTI_QUERY if multi_query else MULTI_HEAD


def targets_of(classes: Any, scope: Scope) -> Any:
    """The modules that `target_modules` reaches; unknown where it names other classes than :func:`classes_of` makes."""
    model = scope.get("init", {}).get("model") or {}
    family, module = str(model.get("name")), model.get("attention_module")
    other = None if module is None else MULTI_HEAD if module == MULTI_QUERY_MODULE else MULTI_QUERY
    found = _reached(family, classes) if isinstance(classes, list) and other not in classes else set()
    if "up_proj" in found and (model.get("moe") or {}).get("num_experts", 1) > 1:
        return Unknown("it reaches the experts and the router of a mixture, too")
    if model.get("nonlinearity", "gelu") not in _GATED:
        found.discard("gate_proj")  # without a gated activation the feed-forward has no such layer
    if not found:
        return Unknown("it names classes of Model Zoo's, whose modules are not known here")
    return [name for name in PROJECTIONS[family] if name in found]


def _reached(family: str, classes: list[str]) -> set[str]:
    """The projections below all of the classes; none where they reach others too, as a mixture's experts."""
    every = PROJECTIONS.get(family, {})
    inner = [name for name in classes if name not in (LINEAR, DECODER)]
    if len(inner) > 1 or not set(inner) <= _BLOCKS.keys() or not (inner or DECODER in classes):
        return set()  # `Linear` alone reaches the head, too
    wanted = _BLOCKS[inner[0]] if inner else {**_ATTENTION, **_FEED_FORWARD}
    return set(wanted) if wanted.keys() <= every.keys() else set()
