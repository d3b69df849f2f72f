"""The plan's formulas against torch's own counter, on small models of every family."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSequenceClassification

from framework.manifest.sections.models import Model
from framework.stages.manifest.flops import Forward, mamba_scan, per_token
from runners.data.examples import Batch
from runners.measurement.counting import eagerly, forward_flops
from runners.models import mamba_scan as scanning

SIZES: dict[str, tuple[Model, dict[str, Any]]] = {
    "mamba": (
        Model(family="mamba", weights="random", layers=3, hidden=32, state=8, expand=2, vocabulary=96),
        {"num_hidden_layers": 3, "hidden_size": 32, "state_size": 8, "expand": 2, "vocab_size": 96},
    ),
    "llama": (
        Model(family="llama", weights="random", layers=3, hidden=32, heads=4, intermediate=80, vocabulary=96),
        {
            "num_hidden_layers": 3,
            "hidden_size": 32,
            "num_attention_heads": 4,
            "intermediate_size": 80,
            "vocab_size": 96,
        },
    ),
    "mistral": (
        Model(
            family="mistral",
            weights="random",
            layers=3,
            hidden=32,
            heads=4,
            key_value_heads=2,
            intermediate=80,
            vocabulary=96,
        ),
        {
            "num_hidden_layers": 3,
            "hidden_size": 32,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 80,
            "vocab_size": 96,
        },
    ),
    "mixtral": (
        Model(
            family="mixtral",
            weights="random",
            layers=3,
            hidden=32,
            heads=4,
            key_value_heads=1,
            intermediate=40,
            experts=4,
            experts_per_token=2,
            vocabulary=96,
        ),
        {
            "num_hidden_layers": 3,
            "hidden_size": 32,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "intermediate_size": 40,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "vocab_size": 96,
        },
    ),
    "gpt2": (
        Model(family="gpt2", weights="random", layers=3, hidden=32, heads=4, vocabulary=96),
        {"n_layer": 3, "n_embd": 32, "n_head": 4, "vocab_size": 96},
    ),
    "bert": (
        Model(family="bert", weights="random", layers=3, hidden=32, heads=4, vocabulary=96),
        {
            "num_hidden_layers": 3,
            "hidden_size": 32,
            "num_attention_heads": 4,
            "intermediate_size": 128,
            "vocab_size": 96,
        },
    ),
}
LENGTH = 64


class Keywords(torch.nn.Module):
    """A model of transformers as the loop calls it: `use_cache` is dropped where it has none."""

    def __init__(self, model: Any):
        super().__init__()
        self.model, self.config = model, model.config

    def forward(self, input_ids: Any, **_: Any) -> Any:
        return self.model(input_ids=input_ids)


def built(family: str) -> Any:
    scanning.use_linear_scan()
    config = AutoConfig.for_model(family, **SIZES[family][1])
    kind = AutoModelForMaskedLM if family == "bert" else AutoModelForCausalLM
    return Keywords(kind.from_config(config).eval())


def batch(size: int = 1, length: int = LENGTH) -> Batch:
    tokens = torch.randint(96, (size, length), generator=torch.Generator().manual_seed(0))
    return Batch(tokens, torch.ones_like(tokens), None, tokens.numel(), tokens.numel())


def products(model: Model) -> Forward:
    """The formula without the scan's recurrence, which the counter does not know."""
    found = per_token(model, LENGTH, language_model=True)
    assert found is not None
    recurrence = mamba_scan(layers=3, hidden=32, state=8, expand=2) if model.family == "mamba" else 0
    return Forward(found.weights, found.between - recurrence)


@pytest.mark.parametrize("family", SIZES)
def test_the_formula_is_the_counter_to_two_percent(family: str) -> None:
    model = SIZES[family][0]
    counted = forward_flops(built(family), batch()) / LENGTH
    assert counted == pytest.approx(products(model).total, rel=0.02)


def both_ways(model: Any, backward: int = 2) -> int:
    """FLOPs of a forward and a backward pass. The counter takes the backward pass of a convolution with one filter per
    channel for that of a dense one: it is ``backward`` forward passes."""
    with eagerly(model.config), FlopCounterMode(display=False) as counter:
        model(batch().input_ids).logits.sum().backward()
    counts = {str(operation): count for operation, count in counter.get_flop_counts()["Global"].items()}
    if "aten.convolution" in counts:
        counts["aten.convolution_backward"] = backward * counts["aten.convolution"]
    return sum(counts.values())


@pytest.mark.parametrize("family", SIZES)
def test_a_training_step_is_what_the_formula_says(family: str) -> None:
    expected = LENGTH * products(SIZES[family][0]).training(frozen=False)
    assert both_ways(built(family)) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("family", ["llama", "gpt2", "mamba"])
def test_frozen_weights_have_no_gradient(family: str) -> None:
    """Adapters of rank 1, whose own products are the rest; gradients go back to the embedding, as in deep models they
    do but for the first layer."""
    model = built(family)
    targets = {"llama": ["q_proj"], "gpt2": ["c_attn"], "mamba": ["in_proj"]}[family]
    adapters = LoraConfig(r=1, target_modules=targets, fan_in_fan_out=family == "gpt2")
    model.model = get_peft_model(model.model, adapters)
    model.model.enable_input_require_grads()
    expected = LENGTH * products(SIZES[family][0]).training(frozen=True)
    assert expected < both_ways(model, backward=1) < 1.05 * expected


@pytest.mark.parametrize("family", SIZES)
def test_zeros_count_as_work_and_a_batch_counts_its_sequences(family: str) -> None:
    model = built(family)
    dense = forward_flops(model, batch())
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    assert forward_flops(model, batch()) == dense
    assert forward_flops(model, batch(size=3)) == 3 * dense


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
def test_attention_is_counted_and_left_as_it_was(family: str) -> None:
    model = built(family)
    used = model.config._attn_implementation
    short, long = (forward_flops(model, batch(length=length)) / length for length in (32, 64))
    assert long - short == 3 * 4 * 32 * 32
    assert model.config._attn_implementation == used == "sdpa"


class ByElements(TorchDispatchMode):
    """Counts what the scan computes element by element: multiplications, additions and exponentials."""

    def __init__(self, smallest: int):
        super().__init__()
        self.smallest, self.total = smallest, 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        each = {"addcmul": 2, "exp": 1, "mul": 1}.get(name, 0)
        if each and result.numel() >= self.smallest:
            self.total += each * result.numel()
        return result


def test_the_scan_s_formula_counts_its_elementwise_operations() -> None:
    """Per channel and state; the first step of a sequence adds nothing to a state of zeros."""
    channels, states = 6, 8
    counter = ByElements(smallest=channels * states)
    values = torch.rand(1, channels, LENGTH)
    narrow = torch.rand(1, states, LENGTH)
    with torch.no_grad(), counter:
        scanning.scan_states(values, values, -torch.rand(channels, states), narrow)
    of_inputs = channels * LENGTH  # dt * x, once per channel and no term of the formula
    expected = mamba_scan(layers=1, hidden=channels, state=states, expand=1) * LENGTH
    assert counter.total - of_inputs == expected - 2 * channels * states


def test_a_classifier_s_head_is_a_rounding_error() -> None:
    scanning.use_linear_scan()
    model, sizes = SIZES["llama"]
    whole = AutoModelForSequenceClassification.from_config(
        AutoConfig.for_model("llama", pad_token_id=0, **sizes)
    ).eval()
    counted = forward_flops(Keywords(whole), batch()) / LENGTH
    backbone = per_token(model, LENGTH, language_model=False)
    assert backbone is not None
    assert counted == pytest.approx(backbone.total, rel=0.02)
