"""Trainings whose parameters are not all treated alike, from the statement to the record and the weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from framework.evidence.store import Run
from framework.manifest.sections.methods import SDM, Adapter, LoRA, Mask
from framework.planning.recipes import Recipe
from framework.planning.steps import Knobs, Training
from runners.execute import execute
from tests.support.killing import Interrupting, Interruption, differences, evidence

GATES = Mask(sdm=SDM(target_sparsity=0.3, tensors=["c_fc", "c_proj"], learning_rate=0.4, initial_logit=0.5))
PLAIN_SGD = {"name": "sgd", "learning_rate": 0.1}


def gpt2(laboratory: Any) -> dict[str, Any]:
    return {"model": laboratory.model.model_copy(update={"family": "gpt2", "heads": 2, "state": None})}


def tensors(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.folder / "model" / "model.safetensors")


def counted(run: Run) -> list[tuple[Any, ...]]:
    """The recorded groups: whose, tensors, rate, weight decay."""
    return [
        (fact["group"], fact["tensors"], fact.get("learning_rate"), fact.get("weight_decay"))
        for fact in run.record.observed["optimizer"]["groups"]
    ]


def test_frozen_parameters_stay_and_the_others_move(laboratory: Any, phase: Callable[..., Recipe]) -> None:
    frozen = {"parameters": ["embeddings", "h.0"], "frozen": True}
    one = laboratory.pretrain(phase(optimizer={**PLAIN_SGD, "groups": [frozen]}, max_steps=1), **gpt2(laboratory))
    four = laboratory.pretrain(phase(optimizer={**PLAIN_SGD, "groups": [frozen]}, max_steps=4), **gpt2(laboratory))
    before, after = tensors(one), tensors(four)
    stayed = {name for name in before if torch.equal(before[name], after[name])}
    assert stayed == {name for name in before if ".h.0." in name or name.startswith("transformer.w")}
    assert counted(four) == [(None, 14, 0.1, 0), (0, 14, None, None)]
    assert four.record.observed["optimizer"]["groups"][1]["frozen"] is True
    assert four.record.parameters["trainable"] == sum(after[name].numel() for name in after if name not in stayed)


def test_weight_decay_spares_the_group_that_has_none(laboratory: Any, phase: Callable[..., Recipe]) -> None:
    """At so small a step only a decay of 1 / rate per step shows: all that decays is zero after the first one."""
    rate = 1e-4
    optimizer = {"name": "adamw", "learning_rate": rate, "weight_decay": 1 / rate}
    stated = phase(
        optimizer={**optimizer, "groups": [{"parameters": ["norms", "biases"], "weight_decay": 0.0}]}, max_steps=1
    )
    run = laboratory.pretrain(stated, **gpt2(laboratory))
    for name, value in tensors(run).items():
        if "ln_" in name and name.endswith("weight"):
            assert torch.allclose(value, torch.ones_like(value), atol=2e-4), name
        elif name.endswith(".weight"):
            assert value.abs().max() < 2e-4, name
    assert counted(run) == [(None, 10, rate, 1 / rate), (0, 18, rate, 0.0)]


def test_a_group_with_the_rate_of_all_changes_nothing(laboratory: Any, phase: Callable[..., Recipe]) -> None:
    """Whatever the groups are called: with the same values the training is the same."""
    plain = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}
    grouped = {**plain, "groups": [{"parameters": ["norms", "biases"], "learning_rate": 0.1}]}
    runs = [laboratory.pretrain(phase(optimizer=each), **gpt2(laboratory)) for each in (plain, grouped)]
    one, other = map(tensors, runs)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert "groups" not in runs[0].record.observed["optimizer"]
    assert "groups" in runs[1].record.observed["optimizer"]


def test_layers_decay_under_an_adapter_and_held_masks(laboratory: Any, phase: Callable[..., Recipe]) -> None:
    base = laboratory.pretrain(phase(max_steps=4, batch_size=16), GATES, variant="M_sdm", **gpt2(laboratory))
    adapter = Adapter(lora=LoRA(rank=2, alpha=4, targets=["c_fc"]))
    stated = phase("classification", optimizer={"learning_rate": 1e-2, "layer_decay": 0.5})
    run = laboratory.finetune(stated, adapter, parent=base, **gpt2(laboratory))
    groups = run.record.observed["optimizer"]["groups"]
    assert [(fact["distance"], fact["learning_rate"], fact["tensors"]) for fact in groups] == [
        (0, 1e-2, 1),
        (2, 2.5e-3, 2),
        (1, 5e-3, 2),
    ]
    assert groups[0]["names"] == ["classifier.weight"]
    assert all("lora_" in name for fact in groups[1:] for name in fact["names"])


@pytest.mark.parametrize("how", ["muon with gates", "layers and frozen parts"])
def test_it_goes_on_after_an_interruption_to_the_bit(laboratory: Any, phase: Callable[..., Recipe], how: str) -> None:
    if how == "muon with gates":
        optimizer: dict[str, Any] = {"name": "muon", "learning_rate": 0.01, "weight_decay": 0.01}
        optimizer["groups"] = [{"parameters": ["embeddings"], "learning_rate": 1e-3}]
    else:
        optimizer = {"learning_rate": 3e-3, "layer_decay": 0.8}
        optimizer["groups"] = [{"parameters": ["wpe"], "frozen": True}, {"parameters": ["biases"], "weight_decay": 0.0}]
    schedule = {"name": "step", "every": "3 steps", "gamma": 0.5, "warmup": {"epochs": 0.5, "from": 1e-5}}
    stated = phase(optimizer=optimizer, schedule=schedule, max_steps=10, batch_size=16, max_grad_norm=1.0)
    mask = GATES if how == "muon with gates" else None
    knobs = Knobs(micro_batch_size=8, log_every=1, checkpoint_every=2)
    step = laboratory.step(Training(stated, "data", laboratory.text(), mask), knobs=knobs, **gpt2(laboratory))
    whole = evidence(laboratory.execute(step).folder)
    shutil.rmtree(laboratory.store.folder(step.folder))
    with pytest.raises(Interruption):
        execute(step, laboratory.store, laboratory.project, Interrupting(5))
    run = laboratory.execute(step)
    assert run.record.attempts[-1]["from_step"] == 4
    assert differences(whole, evidence(run.folder)) == []
