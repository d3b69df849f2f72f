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

from framework.errors import FrameworkError
from framework.evidence.store import Run
from framework.manifest.methods import SDM, Adapter, LoRA, Mask
from framework.manifest.models import Model
from framework.manifest.phases import Phase
from framework.planning.steps import Knobs, Training
from runners.execute import execute
from runners.models.building import build_language_model, classifier_over
from runners.models.families import FAMILIES
from runners.training.acceleration import checkpoint_gradients, compile_model
from tests.runners.test_resume import Interrupting, Interruption, differences, evidence

MODELS = {
    "gpt2": {"heads": 2, "state": None},
    "llama": {"heads": 2, "intermediate": 32, "state": None},
    "mamba": {},
}
SPARSE = Mask(sdm=SDM(target_sparsity=0.3, learning_rate=0.4, sparsity_weight=10.0, initial_logit=0.5))


def model_of(laboratory: Any, family: str) -> Model:
    model: Model = laboratory.model.model_copy(update={"family": family, **MODELS[family]})
    return model


def same(trace: Any, first: Run, second: Run) -> None:
    """Losses and weights, to float tolerance; the names of the weights, exactly."""
    for ours, theirs in zip(trace(first), trace(second), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
    one, other = (load_file(run.folder / "model" / "model.safetensors") for run in (first, second))
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-3, atol=1e-4)


def test_every_family_has_a_model_here() -> None:
    assert set(MODELS) == set(FAMILIES.names())


@pytest.mark.parametrize("family", MODELS)
def test_gradient_checkpointing_computes_each_layer_twice(laboratory: Any, family: str) -> None:
    model = build_language_model("tiny", model_of(laboratory, family), 256, 7, laboratory.project)
    backbone = getattr(model, FAMILIES.get(family).backbone)
    layer = (backbone.h if family == "gpt2" else backbone.layers)[0]
    calls = [0]
    next(layer.children()).register_forward_pre_hook(lambda *_: calls.__setitem__(0, calls[0] + 1))
    for checkpointed in (False, True):
        if checkpointed:
            checkpoint_gradients(model)
        calls[0] = 0
        model.train()
        model(input_ids=torch.arange(16)[None], use_cache=False).logits.sum().backward()
        assert calls[0] == 1 + checkpointed


@pytest.mark.parametrize("family", MODELS)
def test_gradient_checkpointing_gives_the_same_training(
    laboratory: Any, phase: Callable[..., Phase], trace: Any, family: str
) -> None:
    """With dropout in GPT-2: what is dropped the second time is what was dropped the first."""
    model = model_of(laboratory, family)
    runs = [
        laboratory.pretrain(phase(), model=model, knobs=Knobs(gradient_checkpointing=wanted)) for wanted in (None, True)
    ]
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


def test_a_model_without_gradient_checkpointing_is_refused(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = build_language_model("tiny", model_of(laboratory, "mamba"), 256, 7, laboratory.project)
    classifier = classifier_over(model, FAMILIES.get("mamba"), ("a", "b"), 7)
    checkpoint_gradients(classifier)
    monkeypatch.setattr(type(classifier.backbone), "supports_gradient_checkpointing", False)
    with pytest.raises(FrameworkError, match="gradient_checkpointing: transformers has none for MambaModel"):
        checkpoint_gradients(classifier)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "mask"), [("gpt2", None), ("mamba", SPARSE)])
def test_a_compiled_training_is_the_same_and_its_weights_have_plain_names(
    laboratory: Any, phase: Callable[..., Phase], trace: Any, family: str, mask: Mask | None
) -> None:
    model = model_of(laboratory, family).model_copy(update={"layers": 1})
    runs = [laboratory.pretrain(phase(), mask, model=model, knobs=Knobs(compile=wanted)) for wanted in (None, True)]
    same(trace, *runs)


@pytest.mark.slow
def test_a_compiled_training_goes_on_exactly(laboratory: Any, phase: Callable[..., Phase], tmp_path: Any) -> None:
    model = model_of(laboratory, "llama").model_copy(update={"layers": 1})
    how = {"model": model, "knobs": Knobs(compile=True, log_every=1, checkpoint_every=2)}
    whole = laboratory.pretrain(phase(max_steps=5), **how, key="a" * 64)
    step = laboratory.step(Training(phase(max_steps=5), "data", laboratory.text()), **how)
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
