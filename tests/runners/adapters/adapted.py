"""Small models with adapters over masked weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from runners.adapters.configuration import SparseLoraConfig
from runners.adapters.masked_lora import hold_masks
from runners.adapters.saved import sparse_layers

SPARSE = "sparse_to_sparse"
MODES = ("sparse_to_dense", SPARSE)
FAMILIES = ("llama", "gpt2")
TARGETS = {"llama": ["q_proj", "v_proj", "up_proj", "down_proj"], "gpt2": ["c_attn", "c_proj", "c_fc"]}
IDS = torch.arange(24).view(2, 12) % 23


def base(family: str = "llama") -> Any:
    """A model that is the same at every call, in evaluation mode."""
    torch.manual_seed(0)
    if family == "gpt2":
        gpt2 = GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=23, n_positions=32)
        model: Any = GPT2LMHeadModel(gpt2)
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):  # they start at zero, where a lost one would not show
                nn.init.normal_(parameter, std=0.1)
    else:
        sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "vocab_size": 23}
        model = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2, num_key_value_heads=1))
    return model.eval()


def masks_of(model: nn.Module, family: str = "llama", sparsity: float = 0.5, seed: int = 1) -> dict[str, Tensor]:
    """A random mask for each target's weight; of the first layer's only some."""
    torch.manual_seed(seed)
    return {
        name: torch.rand(parameter.shape) >= sparsity
        for name, parameter in model.named_parameters()
        if name.split(".")[-2] in TARGETS[family] and name.endswith(".weight")
    }


def moved(model: nn.Module, seed: int = 2) -> None:
    """Take the adapters off their start, where B is zero."""
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.2)


def attached(mode: str, masks: Mapping[str, Tensor], family: str = "llama", model: Any = None, **how: Any) -> Any:
    """A peft model over masked weights, its adapter moved off its start."""
    config = SparseLoraConfig(**{"r": 4, "lora_alpha": 6, "target_modules": TARGETS[family], "mode": mode} | how)
    model = base(family) if model is None else model
    torch.manual_seed(3)
    adapted = get_peft_model(model, config)
    hold_masks(sparse_layers(adapted), masks)
    moved(adapted)
    return adapted.eval()


def plain(masks: Mapping[str, Tensor], family: str = "llama", **how: Any) -> Any:
    """Plain peft LoRA over the same pruned weights, with the same adapter."""
    model = base(family)
    for name, mask in masks.items():
        model.get_parameter(name).data.masked_fill_(~mask, 0)
    swapped = family == "gpt2"
    shared = {"r": 4, "lora_alpha": 6, "target_modules": TARGETS[family], "fan_in_fan_out": swapped}
    torch.manual_seed(3)
    adapted = get_peft_model(model, LoraConfig(**shared | how))
    moved(adapted)
    return adapted.eval()


def gradients(model: Any, seed: int | None = None) -> dict[str, Tensor]:
    """The gradients of a language-model loss, by parameter."""
    model.zero_grad()
    if seed is not None:
        torch.manual_seed(seed)
    model(input_ids=IDS, labels=IDS).loss.backward()
    return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


def logits(model: Any) -> Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits
