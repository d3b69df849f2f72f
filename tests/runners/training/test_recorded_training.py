"""What a training says of itself: the format of its master weights, what it decays, what its loss is the mean of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from framework.manifest.sections.phases import Phase
from framework.planning.recipes import recipe_of
from framework.planning.refusing.refusal import Refusal
from runners.training.observing import training_facts

NAMES = ["0.bias", "0.weight", "1.bias", "1.weight"]


def digest(*names: str) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5))


def test_what_is_decayed_is_read_off_the_optimizer() -> None:
    made = model()
    weight, bias, *norm = made.parameters()
    groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [bias, *norm], "weight_decay": 0.0}]
    facts = training_facts(torch.optim.AdamW(groups), made.named_parameters())
    assert facts["decayed"] == {"tensors": 1, "parameters": 15, "names_sha256": digest("0.weight")}
    rest = digest("0.bias", "1.weight", "1.bias")
    assert facts["undecayed"] == {"tensors": 3, "parameters": 15, "names_sha256": rest}
    alike = training_facts(torch.optim.SGD(made.parameters(), lr=1), made.named_parameters())
    assert alike["undecayed"] == {"tensors": 4, "parameters": 30, "names_sha256": digest(*NAMES)}
    assert alike["decayed"]["tensors"] == 0


@pytest.mark.parametrize(("dtype", "said"), [(torch.float32, "fp32"), (torch.bfloat16, "bf16")])
def test_the_format_is_that_of_the_trained_weights(dtype: torch.dtype, said: str) -> None:
    made = model()
    made[0].to(dtype)
    trained = list(made[0].parameters())
    assert training_facts(torch.optim.SGD(trained, lr=1), made.named_parameters())["master_weights"] == said
    both = training_facts(torch.optim.SGD(made.parameters(), lr=1), made.named_parameters())
    assert both["master_weights"] == ("fp32" if said == "fp32" else "bf16, fp32")


def test_a_run_records_it(laboratory: Any, phase: Callable[..., Phase]) -> None:
    observed = laboratory.pretrain(phase(precision="bf16")).record.observed
    assert (observed["master_weights"], observed["loss_normalization"]) == ("fp32", "batch")
    decayed, rest = observed["decayed"], observed["undecayed"]
    assert decayed["tensors"] + rest["tensors"] > 0
    assert decayed["parameters"] + rest["parameters"] == laboratory.pretrain(phase()).record.parameters["trainable"]


@pytest.mark.parametrize("stated", [{"master_weights": "bf16"}, {"loss_normalization": "micro_batch"}])
def test_what_the_built_in_training_has_not_is_refused(phase: Callable[..., Phase], stated: dict[str, str]) -> None:
    found = recipe_of(None, Phase.model_validate({**phase().model_dump(by_alias=True, exclude_none=True), **stated}))
    assert isinstance(found, list)
    assert all(isinstance(each, Refusal) for each in found)
    (name,) = stated
    assert any(name in str(each) for each in found)
