"""Adapters: merged weights are (W + update) * mask, bit for bit where the mask is zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import GPT2Config, GPT2LMHeadModel

from framework.errors import FrameworkError
from framework.evidence.store import Run
from framework.manifest.sections.methods import Adapter, LoRA, Prune
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from runners.adapters.lora import LoRAAdapter
from runners.sparsity.masks import load_masks


def tensors(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.folder / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def pruned(shared: Any, phase: Callable[..., Phase]) -> Run:
    base = shared.pretrain(phase())
    prune = Prune(structure="unstructured", sparsity=0.4, tensors=["in_proj", "x_proj", "out_proj"])
    return shared.run(prune, name="prune", parent=base)


@pytest.mark.parametrize("mode", ["sparse_to_dense", "sparse_to_sparse"])
def test_the_merge_is_masked(shared: Any, phase: Callable[..., Phase], pruned: Run, mode: Any) -> None:
    lora = LoRA(rank=2, alpha=6.0, dropout=0.1, mode=mode)
    stated = phase("classification", max_steps=12, optimizer={"learning_rate": 5e-2})
    run = shared.finetune(stated, Adapter(lora=lora), parent=pruned)
    before, after, masks = tensors(pruned), tensors(run), load_masks(run.folder)
    adapter = load_file(run.folder / "adapter" / "adapter_model.safetensors")
    assert set(after) - {"classifier.weight"} == set(before) - {"lm_head.weight"}
    assert all(torch.equal(mask, masks[name]) for name, mask in load_masks(pruned.folder).items())
    changed = 0
    for name, weight in after.items():
        low = adapter.get(f"base_model.model.{name.removesuffix('.weight')}.lora_A.weight")
        if low is not None:
            high = adapter[f"base_model.model.{name.removesuffix('.weight')}.lora_B.weight"]
            expected = (before[name] + 3.0 * high @ low) * masks[name]
            assert torch.allclose(weight, expected, atol=1e-6)
            changed += int((weight != before[name]).sum())
        elif name != "classifier.weight":
            assert torch.equal(weight, before[name])
        if name in masks:
            assert not weight[~masks[name]].any()
    assert changed > 0
    metrics = run.record.metrics
    assert metrics["loss_after_merge"] == metrics["validation_loss"]
    gap = abs(metrics["loss_after_merge"] - metrics["loss_before_merge"])
    assert gap < 1e-5 if mode == "sparse_to_sparse" else gap > 1e-5
    assert run.record.sparsity["zeros"] == pruned.record.sparsity["zeros"]


def test_the_record_names_what_was_adapted(shared: Any, phase: Callable[..., Phase], pruned: Run) -> None:
    stated = phase("classification")
    run = shared.finetune(stated, Adapter(lora=LoRA(rank=2, alpha=4.0, targets=["in_proj"])), parent=pruned)
    adapter = run.record.adapter
    assert adapter["targets"] == [f"backbone.layers.{layer}.mixer.in_proj" for layer in (0, 1)]
    assert adapter["parameters"] == 2 * 2 * (16 + 64)
    assert run.record.parameters["trainable"] == adapter["parameters"] + 2 * 16  # and the head
    assert adapter["dead"] == []


def test_a_dead_adapter_fails_the_run(shared: Any, phase: Callable[..., Phase], pruned: Run) -> None:
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, targets=["in_proj", "dt_proj"]))
    step = shared.step(
        Training(phase("classification"), "data", shared.topics(), None, lora), name="finetune", parent=pruned
    )
    with pytest.raises(FrameworkError, match=r"2 of 4 adapters never had a gradient.*layers\.0\.mixer\.dt_proj"):
        shared.execute(step)
    record = shared.record(step)
    assert record.status == "failed"
    assert record.adapter["dead"] == [f"backbone.layers.{layer}.mixer.dt_proj" for layer in (0, 1)]


@pytest.mark.parametrize("target", ["out_proj", "no_proj"])
def test_a_target_without_an_adapter_is_refused(
    shared: Any, phase: Callable[..., Phase], pruned: Run, target: str
) -> None:
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, targets=["in_proj", target]))
    with pytest.raises(FrameworkError, match=rf"adapter\.lora\.targets: .*{target}"):
        shared.finetune(phase("classification"), lora, parent=pruned)


def test_a_masked_update_needs_a_mask(shared: Any, phase: Callable[..., Phase]) -> None:
    base = shared.pretrain(phase(), seed=8)
    with pytest.raises(FrameworkError, match="no step before has left a mask for any of its targets"):
        shared.finetune(
            phase("classification"), Adapter(lora=LoRA(rank=2, alpha=4.0, mode="sparse_to_sparse")), parent=base
        )


def test_plain_training_holds_an_inherited_mask(shared: Any, phase: Callable[..., Phase], pruned: Run) -> None:
    optimizer = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.1}
    run = shared.finetune(phase("classification", optimizer=optimizer, max_grad_norm=1.0), parent=pruned)
    masks = load_masks(run.folder)
    assert masks
    for name, weight in tensors(run).items():
        if name in masks:
            assert not weight[~masks[name]].any()
            assert not torch.equal(weight, tensors(pruned)[name])
    assert run.record.sparsity["zeros"] == pruned.record.sparsity["zeros"]


@pytest.mark.parametrize("tied", [True, False])
def test_a_target_that_shares_its_weight_with_another_module_is_refused(tied: bool) -> None:
    config = GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=16, n_positions=8, tie_word_embeddings=tied)
    model = GPT2LMHeadModel(config)
    lora = LoRA(rank=2, alpha=4.0, targets=["lm_head"])
    if not tied:
        assert list(LoRAAdapter(lora, model, {}, 1).layers) == ["lm_head"]
        return
    with pytest.raises(FrameworkError, match=r"lm_head is tied to transformer\.wte\.weight, and a merge would change"):
        LoRAAdapter(lora, model, {}, 1)
