"""Which mode an adapter over masks has, where it is refused, that it holds for every family and in two processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from framework.errors import FrameworkError, InputError
from framework.evidence.record import RunRecord
from framework.manifest.sections.methods import Adapter, LoRA, Prune
from framework.manifest.sections.models import Model
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from runners.adapters.lora import mode_of
from tests.support.executed import study
from tests.support.launching import launched


def test_a_mode_about_masks_needs_a_step_that_leaves_some(tmp_path: Path) -> None:
    step = "steps: [{finetune: {adapter: {lora: {rank: 2, alpha: 4, mode: sparse_to_dense}}}}]"
    with pytest.raises(InputError) as refused:
        _ = study(tmp_path, f"  dense: {{steps: [pretrain]}}\n  sparse: {{from: dense, {step}}}\n").load()
    (problem,) = refused.value.problems
    assert problem.message == "no step before this one leaves the masks that `sparse_to_dense` is about"
    assert problem.location is not None


NOTHING = """\
  dense: {steps: [pretrain]}
  by_size: {from: dense, steps: [{prune: {sparsity: 0.0, tensors: [in_proj, x_proj]}}, {finetune: *to_dense}]}
  at_random: {from: dense, steps: [{prune: {sparsity: 0.0, score: random, tensors: [in_proj]}}, {finetune: *to_sparse}]}
  somewhat: {from: dense, steps: [{prune: {sparsity: 0.5, tensors: [in_proj, x_proj]}}, {finetune: *to_sparse}]}
"""
STATED = "{adapter: {lora: {rank: 2, alpha: 4, mode: sparse_to_%s}}}"


def test_where_nothing_is_pruned_the_modes_are_one_run(tmp_path: Path) -> None:
    text = NOTHING
    for mode in ("dense", "sparse"):
        text = text.replace(f"*to_{mode}", f"&to_{mode} {STATED % mode}", 1)
    made = study(tmp_path, text)
    tuned = {step.variants for step in made.plan().steps if step.name == "finetune"}
    assert tuned == {("by_size", "at_random"), ("somewhat",)}
    made.execute()
    assert [finding.message for finding in made.verify().findings] == []
    nonzero = RunRecord.read(made.folder("by_size", "finetune")).adapter["masked_weights"]
    assert nonzero["total"] == 0
    assert set(nonzero["nonzero"].values()) == {0}


def test_the_mode_follows_the_masks_of_the_targets() -> None:
    masks = {"h.0.in_proj.weight": torch.ones(2, 2, dtype=torch.bool)}

    def lora(**stated: Any) -> LoRA:
        return LoRA(rank=2, alpha=4.0, **{"targets": ["in_proj"]} | stated)

    assert mode_of(lora(), masks) == "sparse_to_dense"
    assert mode_of(lora(), {}) == mode_of(lora(targets=["x_proj"]), masks) == "dense"
    assert mode_of(lora(targets=["proj"]), masks) == "dense"  # no module is called so
    assert mode_of(lora(mode="sparse_to_sparse"), masks) == "sparse_to_sparse"
    with pytest.raises(FrameworkError, match=r"dense, but masks hold 1 of its targets, such as h\.0\.in_proj\.weight"):
        mode_of(lora(mode="dense"), masks)
    with pytest.raises(FrameworkError, match="no step before has left a mask for any of its targets"):
        mode_of(lora(mode="sparse_to_sparse", targets=["x_proj"]), masks)


# Adapters that never train


@pytest.mark.parametrize("mode", ["sparse_to_dense", "sparse_to_sparse"])
def test_a_dead_target_fails_a_sparse_run(laboratory: Any, phase: Callable[..., Phase], mode: Any) -> None:
    """Mamba's forward pass reads dt_proj's weight without its module."""
    base = laboratory.pretrain(phase())
    pruned = laboratory.run(Prune(sparsity=0.4, tensors=["in_proj", "dt_proj"]), name="prune", parent=base)
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, targets=["in_proj", "dt_proj"], mode=mode))
    with pytest.raises(FrameworkError, match=r"2 of 4 adapters never had a gradient, such as .*dt_proj: this model's"):
        laboratory.finetune(phase("classification"), lora, parent=pruned)


def test_a_target_whose_mask_keeps_nothing_fails_a_sparse_to_sparse_run(
    laboratory: Any, phase: Callable[..., Phase]
) -> None:
    base = laboratory.pretrain(phase())
    pruned = laboratory.run(Prune(sparsity=0.9999, scope="layer", tensors=["x_proj"]), name="prune", parent=base)
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, targets=["in_proj", "x_proj"], mode="sparse_to_sparse"))
    with pytest.raises(FrameworkError, match=r"such as .*x_proj: its mask keeps none of its weights"):
        laboratory.finetune(phase("classification"), lora, parent=pruned)


# Other families and several processes

SMALL = Model(
    family="llama", weights="random", layers=2, hidden=16, heads=2, intermediate=24, vocabulary=256, tokenizer="bytes"
)
FAMILIES = {"llama": ["q_proj", "o_proj", "up_proj"], "gpt2": ["c_attn", "c_proj"]}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("objective", ["causal_lm", "classification"])
def test_a_masked_adapter_of_another_family_is_merged_as_it_was_trained(
    laboratory: Any, phase: Callable[..., Phase], family: str, objective: str
) -> None:
    model = SMALL.model_copy(update={"family": family})
    base = laboratory.pretrain(phase(), model=model)
    pruned = laboratory.run(Prune(sparsity=0.5, tensors=FAMILIES[family]), name="prune", parent=base, model=model)
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, targets=FAMILIES[family], mode="sparse_to_sparse"))
    data = laboratory.text() if objective == "causal_lm" else laboratory.topics()
    faster = phase(objective, optimizer={"learning_rate": 3e-2})
    run = laboratory.finetune(faster, lora, data, parent=pruned, model=model)
    record = run.record
    assert set(record.adapter["masked_weights"]["nonzero"].values()) == {0}
    assert record.metrics["loss_after_merge"] == pytest.approx(record.metrics["loss_before_merge"], abs=1e-5)
    assert record.adapter["logits"]["largest_difference"] < 1e-4
    assert record.adapter["dead"] == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["sparse_to_dense", "sparse_to_sparse"])
def test_two_processes_train_the_adapter_that_one_does(
    laboratory: Any, phase: Callable[..., Phase], trace: Any, tmp_path: Path, mode: Any
) -> None:
    base = laboratory.pretrain(phase())
    pruned = laboratory.run(Prune(sparsity=0.5, tensors=["in_proj", "x_proj"]), name="prune", parent=base)
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, mode=mode))
    stated = phase("classification", max_grad_norm=1.0)
    work = Training(stated, "data", laboratory.topics(), None, lora)
    step = laboratory.step(work, name="finetune", parent=pruned)
    alone = laboratory.execute(step)
    two = tmp_path / "two"
    folder = launched(step, two, 2, runs=[base.folder, pruned.folder])
    record, lines = RunRecord.read(folder), [json.loads(line) for line in (folder / "steps.jsonl").open()]
    assert record.observed["processes"] == 2
    for ours, theirs in zip(lines, trace(alone), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert ours["gradient_norm"] == pytest.approx(theirs["gradient_norm"], rel=1e-3)
    for name in ("adapter/adapter_model.safetensors", "model/model.safetensors"):
        ours_, theirs_ = load_file(folder / name), load_file(alone.folder / name)
        assert all(torch.allclose(tensor, theirs_[key], atol=1e-4) for key, tensor in ours_.items())
    assert record.adapter["mask_sha256"] == alone.record.adapter["mask_sha256"]
    nonzero = record.adapter["masked_weights"]["nonzero"]
    assert {stage: count for stage, count in nonzero.items() if stage != "trained"} == dict.fromkeys(
        ("before", "merged", "reloaded", "float16", "bfloat16"), 0
    )
