"""What a training step of LoRA over masked weights costs, beside plain peft LoRA of the same rank in the same run.

    python benchmarks/sparse_lora.py

A Llama of 30M weights with adapters of rank 16 on its seven projections, 50% of whose weights are masked, float32 on
one thread: forward, backward and AdamW's step over 512 and 2,048 tokens. The ways are measured in turn, round by round;
a ratio is the median over rounds of a way's time by plain LoRA's of the same round, so that what else the machine does
weighs on both. Beside the two modes, the two other ways to compute sparse-to-sparse: the masked update beside the base
product (as SQFT does), and the effective weight through autograd. `saved` is what autograd keeps for the backward pass
beside parameters, `per masked weight` how many bytes more of it than plain LoRA there are for each weight of the masked
tensors.

With `--device cuda` a Llama of the shape of a 1B model in bfloat16, timed by the wall clock between synchronizations.
"""

from __future__ import annotations

import argparse
import statistics
import time
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from runners.adapters.configuration import SparseLoraConfig
from runners.adapters.masked_lora import SPARSE_TO_DENSE, SPARSE_TO_SPARSE, SparseLinear, hold_masks

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SHAPES = {
    "cpu": {"hidden_size": 512, "intermediate_size": 1376, "num_hidden_layers": 8, "vocab_size": 8192},
    "cuda": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "vocab_size": 32768},
}
LENGTH = 256


class Beside(SparseLinear):
    """Sparse-to-sparse with two products: the base's, and that of the masked update."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        left, right = self.factors("default")
        update = (left @ right) * self.scaling["default"] * self.keep
        return self.base_layer(x) + F.linear(x.to(update.dtype), update).to(x.dtype)


class Autograd(SparseLinear):
    """Sparse-to-sparse by one effective weight that autograd keeps."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        left, right = self.factors("default")
        base = self.get_base_layer().weight
        return F.linear(x, base + ((left @ right) * self.scaling["default"] * self.keep).to(base.dtype))


def base(device: str, dtype: torch.dtype) -> nn.Module:
    """The frozen model that all ways share, half of the targets' weights zero; the masks are read off it."""
    torch.manual_seed(0)
    heads = SHAPES[device]["hidden_size"] // 64
    config = LlamaConfig(**SHAPES[device], num_attention_heads=heads, tie_word_embeddings=True, use_cache=False)
    model = LlamaForCausalLM(config).to(device, dtype)
    for name, parameter in model.named_parameters():
        if name.split(".")[-2] in PROJECTIONS:
            parameter.data[torch.rand(parameter.shape, device=device) < 0.5] = 0
    return model


def adapted(model: nn.Module, config: LoraConfig, layer: type[SparseLinear] | None = None) -> Any:
    """The model with adapters; their B is moved off zero, so that every gradient has something to do."""
    if layer is not None:
        config._register_custom_module({nn.Linear: layer})
    masks = {name: parameter.data != 0 for name, parameter in model.named_parameters()}
    adapted = get_peft_model(deepcopy(model), config)
    layers = {name: module for name, module in adapted.named_modules() if isinstance(module, SparseLinear)}
    hold_masks({name.removeprefix("base_model.model."): module for name, module in layers.items()}, masks)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=1e-3)
    return adapted.train()


def step(model: Any, optimizer: torch.optim.Optimizer, ids: Tensor) -> None:
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def saved_bytes(model: Any, ids: Tensor) -> int:
    """What autograd keeps of one forward pass, each storage once, parameters and the input left out."""
    known = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = model(input_ids=ids, labels=ids).loss
    total = sum(kept.values())
    del loss
    return total


def clock(device: str) -> float:
    """CPU seconds of this process, or the wall's once the device is done."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def measure(ways: dict[str, Any], ids: Tensor, rounds: int, device: str) -> dict[str, list[float]]:
    """The seconds of one step of each way, round by round, each round begun by another; a first one warms up."""
    optimizers = {
        name: torch.optim.AdamW([value for value in way.parameters() if value.requires_grad], lr=1e-4)
        for name, way in ways.items()
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for number in range(rounds + 1):
        order.append(order.pop(0))
        for name in order:
            start = clock(device)
            step(ways[name], optimizers[name], ids)
            took = clock(device) - start
            if number > 0:
                times[name].append(took)
    return times


def table(ways: dict[str, Any], ids: Tensor, times: dict[str, list[float]], masked: int) -> None:
    saved = {name: saved_bytes(way, ids) for name, way in ways.items()}
    plain = next(iter(ways))
    print(f"\n{ids.numel():>5} tokens a step{'':9}{'ms':>8}{'ratio':>8}{'saved MiB':>11}{'per masked weight':>19}")
    for name, own in times.items():
        ratio = statistics.median(one / other for one, other in zip(own, times[plain], strict=True))
        more = (saved[name] - saved[plain]) / masked
        size = saved[name] / 2**20
        print(f"{name:28}{1e3 * statistics.median(own):8.0f}{ratio:8.2f}{size:11.0f}{more:19.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare sparse LoRA with plain peft LoRA.")
    parser.add_argument("--tokens", type=int, nargs="+", default=[512, 2048], help="tokens of a step")
    parser.add_argument("--rounds", type=int, default=9, help="rounds, of whose ratios the median counts")
    parser.add_argument("--rank", type=int, default=16, help="the adapters' rank")
    parser.add_argument("--dropout", type=float, default=0.0, help="dropout on the adapters' input")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads on a CPU")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where to measure")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    model = base(chosen.device, torch.float32 if chosen.device == "cpu" else torch.bfloat16)
    shared: dict[str, Any] = {
        "r": chosen.rank,
        "lora_alpha": 2 * chosen.rank,
        "lora_dropout": chosen.dropout,
        "target_modules": PROJECTIONS,
    }
    sparse = {mode: SparseLoraConfig(**shared, mode=mode) for mode in (SPARSE_TO_DENSE, SPARSE_TO_SPARSE)}
    ways = {
        "plain peft LoRA": adapted(model, LoraConfig(**shared)),
        "sparse-to-dense": adapted(model, sparse[SPARSE_TO_DENSE]),
        "sparse-to-sparse": adapted(model, sparse[SPARSE_TO_SPARSE]),
        "  beside the base product": adapted(model, SparseLoraConfig(**shared, mode=SPARSE_TO_SPARSE), Beside),
        "  through autograd": adapted(model, SparseLoraConfig(**shared, mode=SPARSE_TO_SPARSE), Autograd),
    }
    weights = sum(parameter.numel() for parameter in model.parameters())
    held = [module for module in ways["sparse-to-sparse"].modules() if isinstance(module, SparseLinear)]
    masked = sum(module.keep.numel() for module in held)
    print(f"{weights:,} weights, {masked:,} of them under masks; rank {chosen.rank}, dropout {chosen.dropout}")
    for tokens in chosen.tokens:
        shape = (max(tokens // LENGTH, 1), min(LENGTH, tokens))
        ids = torch.randint(0, SHAPES[chosen.device]["vocab_size"], shape).to(chosen.device)
        table(ways, ids, measure(ways, ids, chosen.rounds, chosen.device), masked)


if __name__ == "__main__":
    main()
