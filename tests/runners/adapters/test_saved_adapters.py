"""Sparse adapters on disk: peft's format and the masks, and nobody takes one for a plain LoRA."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from framework.errors import FrameworkError
from framework.evidence.digests import masks_digest
from runners.adapters.configuration import SparseLoraConfig
from runners.adapters.saved import digest_of, load_sparse_lora, save_sparse_lora, sparse_layers
from runners.sparsity.masks import load_masks, save_masks
from tests.runners.adapters.adapted import IDS, MODES, TARGETS, attached, base, gradients, logits, masks_of, plain


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A sparse-to-sparse adapter on disk."""
    save_sparse_lora(attached("sparse_to_sparse", masks_of(base())), tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_loaded_adapter_is_the_saved_one(tmp_path: Path, family: str, mode: str) -> None:
    masks = masks_of(base(family), family)
    adapted = attached(mode, masks, family, lora_dropout=0.1)
    save_sparse_lora(adapted, tmp_path)
    names = {"README.md", "adapter_config.json", "adapter_model.safetensors", "masks.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == names
    loaded = load_sparse_lora(base(family), tmp_path)
    assert torch.equal(logits(loaded), logits(adapted))
    assert not loaded.training
    assert not any(value.requires_grad for value in loaded.parameters())
    assert torch.equal(logits(loaded.merge_and_unload()), logits(adapted.merge_and_unload()))


def test_what_is_saved_is_peft_s_format(saved: Path) -> None:
    """The tensors of plain LoRA, under plain LoRA's names; the configuration has what plain LoRA's has."""
    adapted = plain({})
    folder = saved.parent / "plain"
    adapted.save_pretrained(folder)
    ours, theirs = (load_file(path / "adapter_model.safetensors") for path in (saved, folder))
    assert {name: tensor.shape for name, tensor in ours.items()} == {name: each.shape for name, each in theirs.items()}
    stated, usual = (json.loads((path / "adapter_config.json").read_text()) for path in (saved, folder))
    assert set(stated) == set(usual) | {"mode", "mask_sha256"}
    assert (stated["peft_type"], stated["mode"]) == ("SPARSE_LORA", "sparse_to_sparse")
    assert stated["mask_sha256"] == digest_of(load_masks(saved))


WAYS_IN: dict[str, Callable[[Path], Any]] = {
    "PeftModel.from_pretrained": lambda folder: PeftModel.from_pretrained(base(), folder),
    "PeftModel.load_adapter": lambda folder: plain({}).load_adapter(folder, "other"),
    "PeftConfig.from_pretrained": lambda folder: PeftConfig.from_pretrained(folder),
    "AutoPeftModel": lambda folder: AutoPeftModelForCausalLM.from_pretrained(folder),
    "transformers' load_adapter": lambda folder: base().load_adapter(folder),
}


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.parametrize("by", ["save_sparse_lora", "save_pretrained"])
def test_plain_peft_refuses_it(saved: Path, way: str, by: str) -> None:
    """Whoever saved it, with this project's function or with peft's own method."""
    if by == "save_pretrained":
        load_sparse_lora(base(), saved).save_pretrained(saved.parent / "again")
        saved = saved.parent / "again"
    with pytest.raises(KeyError, match="SPARSE_LORA"):
        WAYS_IN[way](saved)


def test_a_plain_adapter_passes_all_ways_in(tmp_path: Path) -> None:
    """So that what the refusals are due to is the type alone."""
    base().save_pretrained(tmp_path / "base")
    plain({}).save_pretrained(tmp_path)
    stated = json.loads((tmp_path / "adapter_config.json").read_text())
    stated["base_model_name_or_path"] = str(tmp_path / "base")
    (tmp_path / "adapter_config.json").write_text(json.dumps(stated))
    for way in WAYS_IN.values():
        way(tmp_path)


def test_the_own_loader_refuses_without_the_masks(saved: Path) -> None:
    masks = load_masks(saved)
    (saved / "masks.safetensors").unlink()
    with pytest.raises(FrameworkError, match=r"its masks are not there \(their SHA-256 must be [0-9a-f]{64}\)"):
        load_sparse_lora(base(), saved)
    assert sparse_layers(load_sparse_lora(base(), saved, masks=masks))  # they may come from elsewhere


def test_the_own_loader_refuses_other_masks(saved: Path) -> None:
    masks = load_masks(saved)
    name = next(iter(masks))
    for other in (
        {**masks, name: ~masks[name]},
        {key: mask for key, mask in masks.items() if key != name},
        masks_of(base(), seed=9),
    ):
        model = base()
        with pytest.raises(FrameworkError, match="these are other masks than it was trained under"):
            load_sparse_lora(model, saved, masks=other)
        assert not sparse_layers(model)  # nothing was done to it
    (saved / "masks.safetensors").unlink()
    save_masks(saved, {**masks, name: ~masks[name]}, {})
    with pytest.raises(FrameworkError, match="these are other masks"):
        load_sparse_lora(base(), saved)


def test_masks_of_further_tensors_are_left_aside(saved: Path) -> None:
    masks = load_masks(saved) | {"lm_head.weight": torch.zeros(23, 16, dtype=torch.bool)}
    assert torch.equal(logits(load_sparse_lora(base(), saved, masks=masks)), logits(load_sparse_lora(base(), saved)))


def test_the_own_loader_refuses_what_is_none(tmp_path: Path) -> None:
    plain({}).save_pretrained(tmp_path)
    with pytest.raises(FrameworkError, match="is of no sparse LoRA; peft itself loads it"):
        load_sparse_lora(base(), tmp_path)


def test_the_own_loader_refuses_another_model_and_another_version(saved: Path) -> None:
    path = saved / "adapter_model.safetensors"
    tensors = load_file(path)
    path.unlink()
    save_file({name: tensor for name, tensor in tensors.items() if "q_proj.lora_B" not in name}, path)
    with pytest.raises(FrameworkError, match=r"does not fit the model: 2 tensors, such as .*q_proj\.lora_B"):
        load_sparse_lora(base(), saved)
    path.unlink()
    save_file({name: torch.ones(3, 3) if "lora_B" in name else tensor for name, tensor in tensors.items()}, path)
    with pytest.raises(FrameworkError, match="the adapter does not fit the model: "):
        load_sparse_lora(base(), saved)
    config = saved / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"use_novelty": True}))
    with pytest.raises(FrameworkError, match=r"saved by another version of peft: it has 'use_novelty'"):
        load_sparse_lora(base(), saved)


def test_a_second_adapter_joins_under_the_same_masks_only(saved: Path) -> None:
    masks = load_masks(saved)
    first = attached("sparse_to_dense", masks)
    alone = logits(first)
    both = load_sparse_lora(first, saved, name="second", trainable=True)
    assert torch.equal(logits(both), alone)
    both.set_adapter("second")
    assert torch.equal(logits(both), logits(load_sparse_lora(base(), saved)))
    assert gradients(both)
    save_sparse_lora(both, saved.parent / "two", name="second")
    again = load_sparse_lora(base(), saved.parent / "two" / "second")
    assert torch.equal(logits(again), logits(both))
    other = attached("sparse_to_dense", masks_of(base(), seed=9))
    with pytest.raises(FrameworkError, match="trained under another mask"):
        load_sparse_lora(other, saved, name="second")
    assert list(other.peft_config) == ["default"]


def test_an_adapter_loaded_without_its_masks_by_hand_does_nothing(saved: Path) -> None:
    """peft takes a configuration object, too: the layers then wait for their masks."""
    config = SparseLoraConfig(r=4, lora_alpha=6, target_modules=TARGETS["llama"], mode="sparse_to_sparse")
    model = PeftModel.from_pretrained(base(), saved, config=config)
    for work in (lambda: model(input_ids=IDS), model.merge_and_unload):
        with pytest.raises(FrameworkError, match="without its mask"):
            work()


def test_a_mode_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="one of sparse_to_dense, sparse_to_sparse, not 'dense'"):
        get_peft_model(base(), SparseLoraConfig(target_modules=["q_proj"], mode="dense"))


def test_the_digest_is_that_of_the_documented_bytes() -> None:
    """By hand: the names in order, each with a line of JSON and its bits, the first in the highest."""
    masks = {"b": numpy.array([[True, False, True]]), "a": numpy.ones((3, 3), bool)}
    expected = hashlib.sha256(b'["a", [3, 3]]\n' + b"\xff\x80" + b'["b", [1, 3]]\n' + b"\xa0").hexdigest()
    assert masks_digest(masks.items()) == expected
    for other in (
        {**masks, "b": ~masks["b"]},
        {"c": masks["b"], "a": masks["a"]},
        {**masks, "b": masks["b"].T},
        {"a": masks["a"]},
    ):
        assert masks_digest(other.items()) != expected
