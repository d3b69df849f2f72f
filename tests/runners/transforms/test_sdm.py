"""Learned masks: training sees in the limit what the hard masks give, and what is masked is exactly zero."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from framework.errors import FrameworkError
from framework.manifest.sections.methods import SDM, Mask, Prune
from framework.manifest.sections.phases import Phase
from runners.models.building import build_language_model
from runners.models.families import FAMILIES
from runners.sparsity.masks import load_masks, violations
from runners.transforms.sdm import SDMask

IDS = torch.arange(22).view(2, 11)


def attach(laboratory: Any, phase: Phase, **stated: Any) -> tuple[Any, SDMask]:
    model: Any = build_language_model("tiny", laboratory.model, 256, 0, Path())
    specification = SDM(**{"target_sparsity": 0.3} | stated)
    return model, SDMask(specification, model, FAMILIES.get("mamba"), phase, seed=5)


def test_training_tends_to_the_hard_masked_model(laboratory: Any, phase: Callable[..., Phase]) -> None:
    model, mask = attach(laboratory, phase(), temperature=[1.0, 0.01])
    for number, gates in enumerate(mask.gates):
        gates.logits.data = torch.where(torch.arange(len(gates.logits)) % 3 == number, -40.0, 40.0)
    mask.begin_step(9, 10)  # the last step: temperature 0.01
    mask.begin_micro_batch()
    with torch.no_grad():
        soft, hard = model.train()(IDS).logits, model.eval()(IDS, use_cache=False).logits
    assert mask.temperature == pytest.approx(0.01)
    assert torch.allclose(soft, hard, atol=1e-5)
    names = set(load_names(mask))
    masks, facts = mask.harden()
    assert torch.allclose(model(IDS, use_cache=False).logits, hard, atol=1e-6)
    parameters = dict(model.named_parameters())
    assert set(masks) == names <= set(parameters)
    assert violations(parameters, masks) == {}
    assert facts["channels"]["removed"] == {"backbone.layers.0.mixer": 11, "backbone.layers.1.mixer": 11}


def load_names(mask: SDMask) -> list[str]:
    return [name for layer in mask.layers for name in layer.slices]


def test_one_sample_per_channel_is_shared_by_its_weights(laboratory: Any, phase: Callable[..., Phase]) -> None:
    model, mask = attach(laboratory, phase())
    mixer = model.backbone.layers[0].mixer
    originals = [mixer.in_proj.parametrizations.weight.original, mixer.out_proj.parametrizations.weight.original]
    model.train()
    mask.begin_step(0, 10)
    mask.begin_micro_batch()
    first = (mixer.in_proj.weight / originals[0]).detach()
    channels = first.shape[0] // 2
    assert torch.allclose(first[:channels], first[channels:], atol=1e-5)
    assert torch.allclose(first[:channels, 0], (mixer.out_proj.weight / originals[1]).detach()[0], atol=1e-5)
    mask.begin_micro_batch()
    assert torch.equal(first, (mixer.in_proj.weight / originals[0]).detach())  # one noise per optimizer step
    mask.begin_step(1, 10)
    mask.begin_micro_batch()
    assert not torch.allclose(first, (mixer.in_proj.weight / originals[0]).detach())


def test_the_temperature_falls_geometrically(laboratory: Any, phase: Callable[..., Phase]) -> None:
    _, mask = attach(laboratory, phase(), temperature=[5.0, 0.05])
    seen = []
    for step in range(5):
        mask.begin_step(step, 5)
        seen.append(mask.temperature)
    assert (seen[0], seen[-1]) == (5.0, pytest.approx(0.05))
    assert [later / earlier for earlier, later in pairwise(seen)] == pytest.approx([0.01**0.25] * 4)


def test_the_sparsity_loss_pulls_to_the_target(laboratory: Any, phase: Callable[..., Phase]) -> None:
    _, mask = attach(laboratory, phase(), sparsity_weight=4.0, initial_logit=2.0)
    expected = 1 - torch.sigmoid(torch.tensor(2.0 / mask.temperature)).item()
    assert mask.penalty().item() == pytest.approx(4.0 * (expected - 0.3) ** 2)
    (group,) = mask.parameter_groups()
    assert group["weight_decay"] == 0.0
    optimizer = torch.optim.Adam(group["params"], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        mask.penalty().backward()
        optimizer.step()
    assert mask.expected_sparsity().item() == pytest.approx(0.3, abs=1e-3)


def test_a_layer_never_loses_all_channels(laboratory: Any, phase: Callable[..., Phase]) -> None:
    _, mask = attach(laboratory, phase(), initial_logit=-1.0)
    with pytest.raises(FrameworkError, match=r"removes all 32 channels of backbone\.layers\.0\.mixer"):
        mask.harden()


def test_a_run_leaves_masks_that_hold(laboratory: Any, phase: Callable[..., Phase], trace: Any) -> None:
    stated = SDM(target_sparsity=0.3, learning_rate=0.4, sparsity_weight=10.0, initial_logit=0.5)
    run = laboratory.pretrain(phase(max_steps=30), Mask(sdm=stated))
    sparsity = run.record.sparsity
    masks = load_masks(run.folder)
    assert sparsity["asked"] == 0.3
    assert 0.1 < sparsity["reached"] < 0.5
    assert sparsity["channels"]["reached"] == pytest.approx(sparsity["reached"])
    assert sparsity["zeros"] == sum(int((~mask).sum()) for mask in masks.values())
    assert len(masks) == 2 * len(stated.tensors)
    assert run.record.parameters["trainable"] == run.record.parameters["total"]
    lines = trace(run)
    assert lines[-1]["temperature"] == pytest.approx(0.1)
    assert lines[-1]["hard_sparsity"] == pytest.approx(sparsity["channels"]["reached"])


def test_an_inherited_mask_holds_beside_the_learned_one(laboratory: Any, phase: Callable[..., Phase]) -> None:
    base = laboratory.pretrain(phase())
    pruned = laboratory.run(Prune(sparsity=0.3, tensors=["in_proj"]), name="prune", parent=base)
    stated = SDM(target_sparsity=0.3, learning_rate=0.4, initial_logit=0.2, tensors=["in_proj", "out_proj"])
    run = laboratory.pretrain(phase(max_steps=20), Mask(sdm=stated), parent=pruned)
    before, after = load_masks(pruned.folder), load_masks(run.folder)
    assert {name.split(".")[-2] for name in after} == {"in_proj", "out_proj"}
    for name, mask in before.items():
        assert not (after[name] & ~mask).any()
        assert int(after[name].sum()) < int(mask.sum())
    assert run.record.sparsity["zeros"] == sum(int((~mask).sum()) for mask in after.values())


def test_only_the_declared_tensors_are_masked(laboratory: Any, phase: Callable[..., Phase]) -> None:
    stated = SDM(target_sparsity=0.3, learning_rate=0.4, initial_logit=0.2, tensors=["in_proj", "out_proj"])
    run = laboratory.pretrain(phase(max_steps=20), Mask(sdm=stated))
    assert {name.split(".")[-2] for name in load_masks(run.folder)} == {"in_proj", "out_proj"}
