"""A `gpt` as a GPT-2 or a Llama of transformers and back, with equal logits, where its switches are theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from framework.errors import UsageError
from framework.manifest.sections.values.switches import Switches
from runners.models.gpt.gpt_config import GPTConfig
from runners.models.gpt.language_model import GPTForCausalLM

GPT2: Mapping[str, Any] = {
    "norm": "layernorm",
    "norm_place": "before",
    "position_encoding": "learned",
    "biases": True,
    "qk_norm": False,
}
LLAMA: Mapping[str, Any] = {
    "norm": "rmsnorm",
    "norm_place": "before",
    "position_encoding": "rope",
    "activation": "swiglu",
    "qk_norm": False,
}
"""The switches that each family is fixed to."""
_ACTIVATIONS = {"gelu": "gelu", "gelu_tanh": "gelu_new", "relu": "relu", "relu_squared": "relu2"}
"""What transformers calls them (`transformers/activations.py`, 5.23)."""


def to_family(model: GPTForCausalLM, family: str) -> Any:
    """A `gpt2` or a `llama` with the same weights, logits and dropouts, in float32.

    Raises:
        UsageError: a switch that the family does not have, by name.
    """
    config = model.config
    switches = config.parts
    refuse(switches, config, family)
    made = _gpt2_config(config, switches) if family == "gpt2" else _llama_config(config, switches)
    other = AutoModelForCausalLM.from_config(made, dtype=torch.float32)
    pairs = _gpt2_pairs(config) if family == "gpt2" else _llama_pairs(config, switches)
    own = model.state_dict()
    tensors = {theirs: joined([own[name] for name in names]) for theirs, names, joined in pairs}
    if switches.tied:
        tensors.pop("lm_head.weight", None)
    outcome = other.load_state_dict(tensors, strict=False)
    assert set(outcome.missing_keys) <= {"lm_head.weight"}
    assert not outcome.unexpected_keys
    other.tie_weights()
    other.train(model.training)
    return other


def refuse(switches: Switches, config: GPTConfig, family: str) -> None:
    """Raises UsageError for a switch that a `gpt2` or a `llama` does not have."""
    if family not in ("gpt2", "llama"):
        raise UsageError(f"no way from a gpt to a {family}: there are gpt2 and llama")
    for name, fixed in (GPT2 if family == "gpt2" else LLAMA).items():
        if (value := getattr(switches, name)) != fixed:
            raise UsageError(f"a {family} has no `{name}: {value}`: it is {fixed}")
    if family == "gpt2" and switches.activation == "swiglu":
        raise UsageError("a gpt2 has no `activation: swiglu`: its feed-forward layers have no gate")
    if family == "gpt2" and config.num_key_value_heads != config.num_attention_heads:
        raise UsageError("a gpt2 has no shared heads of keys and values")
    if family == "llama" and (switches.dropouts.embedding or switches.dropouts.residual):
        raise UsageError("a llama has no dropout but the attention's")


def _gpt2_config(config: GPTConfig, switches: Switches) -> Any:
    dropouts = switches.dropouts
    return AutoConfig.for_model(
        "gpt2",
        vocab_size=config.vocab_size,
        n_embd=config.hidden_size,
        n_layer=config.num_hidden_layers,
        n_head=config.num_attention_heads,
        n_inner=config.intermediate_size,
        n_positions=config.max_position_embeddings,
        activation_function=_ACTIVATIONS[switches.activation],
        layer_norm_epsilon=switches.norm_eps,
        embd_pdrop=dropouts.embedding,
        attn_pdrop=dropouts.attention,
        resid_pdrop=dropouts.residual,
        tie_word_embeddings=switches.tied,
        bos_token_id=None,
        eos_token_id=None,
    )


def _llama_config(config: GPTConfig, switches: Switches) -> Any:
    return AutoConfig.for_model(
        "llama",
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        num_key_value_heads=config.num_key_value_heads,
        intermediate_size=config.intermediate_size,
        max_position_embeddings=config.max_position_embeddings,
        rms_norm_eps=switches.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": switches.rope_base},
        attention_bias=switches.biases,
        mlp_bias=switches.biases,
        attention_dropout=switches.dropouts.attention,
        tie_word_embeddings=switches.tied,
        bos_token_id=None,
        eos_token_id=None,
    )


Pair = tuple[str, list[str], Callable[[list[Tensor]], Tensor]]
"""A tensor of the other family, those here that make it, and how."""


def _first(tensors: list[Tensor]) -> Tensor:
    return tensors[0]


def _input_first(tensors: list[Tensor]) -> Tensor:
    """GPT-2's `Conv1D` keeps weights [inputs, outputs]."""
    return torch.cat(tensors).t().contiguous()


def _gpt2_pairs(config: GPTConfig) -> Iterator[Pair]:
    yield "transformer.wte.weight", ["model.embed_tokens.weight"], _first
    yield "transformer.wpe.weight", ["model.embed_positions.weight"], _first
    yield "lm_head.weight", ["lm_head.weight"], _first
    for index in range(config.num_hidden_layers):
        own, theirs = f"model.layers.{index}", f"transformer.h.{index}"
        for kind, joined in (("weight", _input_first), ("bias", torch.cat)):
            names = [f"{own}.self_attn.{part}_proj.{kind}" for part in ("q", "k", "v")]
            yield f"{theirs}.attn.c_attn.{kind}", names, joined
            yield f"{theirs}.attn.c_proj.{kind}", [f"{own}.self_attn.o_proj.{kind}"], joined
            yield f"{theirs}.mlp.c_fc.{kind}", [f"{own}.mlp.up_proj.{kind}"], joined
            yield f"{theirs}.mlp.c_proj.{kind}", [f"{own}.mlp.down_proj.{kind}"], joined
            yield f"{theirs}.ln_1.{kind}", [f"{own}.input_layernorm.{kind}"], _first
            yield f"{theirs}.ln_2.{kind}", [f"{own}.post_attention_layernorm.{kind}"], _first
    for kind in ("weight", "bias"):
        yield f"transformer.ln_f.{kind}", [f"model.norm.{kind}"], _first


def _llama_pairs(config: GPTConfig, switches: Switches) -> Iterator[Pair]:
    names = ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"]
    for index in range(config.num_hidden_layers):
        layer = f"model.layers.{index}"
        names += [f"{layer}.input_layernorm.weight", f"{layer}.post_attention_layernorm.weight"]
        parts = [f"self_attn.{part}_proj" for part in "qkvo"] + [f"mlp.{part}_proj" for part in ("gate", "up", "down")]
        names += [f"{layer}.{part}.{kind}" for part in parts for kind in ("weight", *(["bias"] * switches.biases))]
    for name in names:
        yield name, [name], _first


def from_family(other: Any) -> GPTForCausalLM:
    """The `gpt` of a GPT-2 or a Llama of transformers: the same logits and dropouts.

    Raises:
        UsageError: another family, or something of it that no switch says.
    """
    config = other.config
    if config.model_type == "gpt2":
        made = _from_gpt2(config)
    elif config.model_type == "llama":
        made = _from_llama(config)
    else:
        raise UsageError(f"no way from a {config.model_type} to a gpt: there are gpt2 and llama")
    model = GPTForCausalLM(made)
    pairs = _gpt2_pairs(made) if config.model_type == "gpt2" else _llama_pairs(made, made.parts)
    theirs = other.state_dict()
    tensors: dict[str, Tensor] = {}
    for name, names, joined in pairs:
        found = theirs[name].t() if joined is _input_first else theirs[name]
        tensors.update(zip(names, found.chunk(len(names)), strict=True))
    model.load_state_dict(tensors)
    model.train(other.training)
    return model


def _from_gpt2(config: Any) -> GPTConfig:
    known = {theirs: own for own, theirs in _ACTIVATIONS.items()} | {"gelu_pytorch_tanh": "gelu_tanh"}
    if config.activation_function not in known:
        raise UsageError(f"a gpt has no activation {config.activation_function!r}")
    for name, usual in (("scale_attn_weights", True), ("scale_attn_by_inverse_layer_idx", False)):
        if getattr(config, name) is not usual:
            raise UsageError(f"a gpt has no `{name}: {getattr(config, name)}`")
    dropout = {"embedding": config.embd_pdrop, "attention": config.attn_pdrop, "residual": config.resid_pdrop}
    return GPTConfig(
        config.vocab_size,
        config.n_embd,
        config.n_layer,
        config.n_head,
        intermediate_size=config.n_inner,
        max_position_embeddings=config.n_positions,
        switches={
            **GPT2,
            "activation": known[config.activation_function],
            "norm_eps": config.layer_norm_epsilon,
            "dropout": dropout,
            "tied": config.tie_word_embeddings,
        },
    )


def _from_llama(config: Any) -> GPTConfig:
    rope = config.rope_parameters
    if rope.get("rope_type", "default") != "default":
        raise UsageError(f"a gpt has no rotary positions of the type {rope['rope_type']!r}")
    if config.hidden_act != "silu" or config.attention_bias != config.mlp_bias:
        raise UsageError("a gpt has SwiGLU alone beside rotary positions, and biases everywhere or nowhere")
    if getattr(config, "head_dim", None) not in (None, config.hidden_size // config.num_attention_heads):
        raise UsageError(f"a gpt has heads of hidden / heads, and this one of {config.head_dim}")
    return GPTConfig(
        config.vocab_size,
        config.hidden_size,
        config.num_hidden_layers,
        config.num_attention_heads,
        config.num_key_value_heads,
        config.intermediate_size,
        config.max_position_embeddings,
        switches={
            **LLAMA,
            "norm_eps": config.rms_norm_eps,
            "rope_base": float(rope["rope_theta"]),
            "biases": config.attention_bias,
            "dropout": {"attention": config.attention_dropout},
            "tied": config.tie_word_embeddings,
        },
    )
