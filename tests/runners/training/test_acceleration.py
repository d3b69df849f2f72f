"""Gradient checkpointing and torch.compile change how a training is computed, not what."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from framework.errors import FrameworkError
from framework.evidence.store import Run
from framework.manifest.sections.methods import SDM, Adapter, LoRA, Mask
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs, Training
from runners.execute import execute
from runners.models.building import classifier_over
from runners.models.families import FAMILIES
from runners.training.acceleration import checkpoint_gradients, compile_model
from tests.runners.models.tiny import SIZES, build, tiny
from tests.support.killing import Interrupting, Interruption, differences, evidence

SPARSE = Mask(sdm=SDM(target_sparsity=0.3, learning_rate=0.4, sparsity_weight=10.0, initial_logit=0.5))


def same(trace: Any, first: Run, second: Run) -> None:
    """Losses and weights, to float tolerance; the names of the weights, exactly."""
    for ours, theirs in zip(trace(first), trace(second), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
    one, other = (load_file(run.folder / "model" / "model.safetensors") for run in (first, second))
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", SIZES)
def test_gradient_checkpointing_computes_each_layer_twice(family: str) -> None:
    model: Any = classifier_over(build(family), FAMILIES.get(family), ("a", "b"), 7).train()
    layer = next(module for module in model.modules() if isinstance(module, GradientCheckpointingLayer))
    calls = [0]
    next(layer.children()).register_forward_pre_hook(lambda *_: calls.__setitem__(0, calls[0] + 1))
    ids = torch.arange(16)[None]
    for checkpointed in (False, True):
        if checkpointed:
            checkpoint_gradients(model)
        calls[0] = 0
        model(ids, torch.ones_like(ids)).sum().backward()
        assert calls[0] == 1 + checkpointed


@pytest.mark.parametrize("family", SIZES)
def test_gradient_checkpointing_gives_the_same_training(
    laboratory: Any, phase: Callable[..., Phase], trace: Any, family: str
) -> None:
    """With dropout in GPT-2 and BERT: what is dropped the second time is what was dropped the first."""
    train, objective = laboratory.pretrain, "causal_lm"
    if FAMILIES.get(family).encoder:
        train, objective = laboratory.finetune, "classification"
    stated, model = phase(objective), tiny(family)
    runs = [train(stated, model=model, knobs=Knobs(gradient_checkpointing=wanted)) for wanted in (None, True)]
    assert runs[1].record.knobs["gradient_checkpointing"] is True
    same(trace, *runs)


@pytest.mark.parametrize("mask", [None, SPARSE], ids=["lora", "learned mask"])
def test_gradient_checkpointing_goes_with_methods(
    laboratory: Any, phase: Callable[..., Phase], trace: Any, mask: Mask | None
) -> None:
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, dropout=0.1, targets=["in_proj"]))
    runs = []
    for wanted in (None, True):
        knobs = Knobs(gradient_checkpointing=wanted)
        if mask:
            runs.append(laboratory.pretrain(phase(), mask, knobs=knobs))
        else:
            runs.append(laboratory.finetune(phase("classification"), lora, knobs=knobs))
    same(trace, *runs)


def test_a_model_without_gradient_checkpointing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier: Any = classifier_over(build("mamba"), FAMILIES.get("mamba"), ("a", "b"), 7)
    checkpoint_gradients(classifier)
    monkeypatch.setattr(type(classifier.backbone), "supports_gradient_checkpointing", False)
    with pytest.raises(FrameworkError, match="gradient_checkpointing: transformers has none for MambaModel"):
        checkpoint_gradients(classifier)


@pytest.mark.slow
def test_a_compiled_training_is_the_same_and_goes_on_exactly(
    laboratory: Any, phase: Callable[..., Phase], trace: Any
) -> None:
    """With dropout, whose random numbers are those of the training that is not compiled, as the weights' names are."""
    stated, how = phase(max_steps=5), {"model": tiny("gpt2", layers=1)}
    knobs = Knobs(compile=True, log_every=1, checkpoint_every=2)
    whole = laboratory.pretrain(stated, knobs=knobs, key="a" * 64, **how)
    same(trace, whole, laboratory.pretrain(stated, **how))
    step = laboratory.step(Training(stated, "data", laboratory.text()), knobs=knobs, **how)
    with pytest.raises(Interruption):
        execute(step, laboratory.store, laboratory.project, Interrupting(3))
    ours, theirs = evidence(laboratory.execute(step).folder), evidence(whole.folder)
    for name in ("key", "folder"):
        ours["record"][name] = theirs["record"][name]
    assert differences(ours, theirs) == []


@pytest.mark.slow
def test_a_machine_that_cannot_compile_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own: whether there is a compiler is looked up once."""
    program = (
        "import torch\n"
        "from runners.training.acceleration import compile_model\n"
        "compile_model(torch.nn.Linear(2, 2), torch.device('cpu'), True)\n"
    )
    environment = {**os.environ, "CXX": "/nowhere/g++", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    last = ended.stderr[ended.stderr.rindex("FrameworkError") :]
    assert "knob compile: torch.compile does not work on this machine" in last
    assert "it needs a C++ compiler" in last


def test_compiling_happens_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(torch, "compile", lambda model, **how: asked.append(how) or model)
    model = nn.Linear(2, 2)
    compile_model(model, torch.device("cpu"), fixed_shapes=True)
    assert set(model.state_dict()) == {"weight", "bias"}
