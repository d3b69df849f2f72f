"""Models are built as stated, and come back from disk as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from framework.errors import FrameworkError
from framework.manifest.sections.models import Model
from runners.models.building import build_language_model, classifier_over
from runners.models.checkpoints import load_checkpoint, save_checkpoint
from runners.models.families import FAMILIES
from tests.runners.models.tiny import build, outputs, tiny

IDS = torch.arange(22).view(2, 11)
ONES = torch.ones_like(IDS)


@pytest.mark.parametrize("family", FAMILIES.names())
def test_a_language_model_survives_the_disk(family: str, tmp_path: Path) -> None:
    model = build(family)
    save_checkpoint(tmp_path, model, None)
    again = load_checkpoint(tmp_path)
    assert torch.equal(outputs(again.model.eval(), IDS), outputs(model, IDS))
    assert (again.family.name, again.tokenizer) == (family, None)
    assert list((tmp_path / "model").glob("*.partial")) == []


@pytest.mark.parametrize("family", FAMILIES.names())
def test_a_classifier_survives_the_disk_and_keeps_the_names(family: str, tmp_path: Path) -> None:
    model = build(family)
    names = {name for name, _ in model.named_parameters()}
    classifier = classifier_over(model, FAMILIES.get(family), ["no", "yes", "maybe"], 3).eval()
    head = {"classifier.weight", "classifier.bias"} if family == "bert" else {"classifier.weight"}
    assert {name for name, _ in classifier.named_parameters()} ^ (names - {"lm_head.weight"}) == head
    save_checkpoint(tmp_path, classifier, None)
    again: Any = load_checkpoint(tmp_path).model.eval()
    assert again.classes == ("no", "yes", "maybe")
    assert torch.equal(again(IDS, ONES), classifier(IDS, ONES))


@pytest.mark.parametrize("family", FAMILIES.names())
def test_padding_does_not_change_a_class(family: str) -> None:
    classifier = classifier_over(build(family), FAMILIES.get(family), ["a", "b"], 3).eval()
    padded = torch.cat([IDS, torch.full((2, 4), 9)], dim=1)
    mask = torch.cat([ONES, torch.zeros(2, 4, dtype=torch.long)], dim=1)
    assert torch.allclose(classifier(padded, mask), classifier(IDS, ONES), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES.names())
def test_the_initialisation_follows_from_the_seed(family: str) -> None:
    torch.manual_seed(1)
    first = outputs(build(family, seed=3), IDS)
    torch.manual_seed(2)
    assert torch.equal(outputs(build(family, seed=3), IDS), first)
    assert not torch.equal(outputs(build(family, seed=4), IDS), first)


def test_sizes_come_from_a_folder_and_weights_only_if_stated(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, build("mamba"), None)
    pretrained = Model(family="mamba", path="model")
    loaded: Any = build_language_model("tiny", pretrained, 64, 0, tmp_path)
    assert torch.equal(loaded.eval()(IDS).logits, build("mamba")(IDS).logits)
    wider = Model(family="mamba", path="model", weights="random", hidden=24)
    fresh: Any = build_language_model("tiny", wider, 64, 0, tmp_path)
    assert (fresh.config.hidden_size, fresh.config.num_hidden_layers, fresh.config.state_size) == (24, 2, 6)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (Model(family="llama", weights="random", layers=2, hidden=16), "must state heads, intermediate"),
        (Model(family="gpt2", weights="random", layers=2, hidden=16, heads=2, state=4), "a gpt2 has no state"),
        (tiny("bert", intermediate=None), "a bert without a checkpoint must state intermediate"),
        (tiny("mixtral", experts=None), "a mixtral without a checkpoint must state experts"),
        (tiny("mixtral", experts_per_token=4), "experts_per_token 4 is more than experts 3"),
        (tiny("mixtral", intermediate=30), "intermediate 30 is no multiple of 8"),
        (tiny("llama", heads=3), "heads 3 does not divide hidden 16"),
        (tiny("mistral", key_value_heads=3), "key_value_heads 3 does not divide heads 4"),
        (tiny("mistral", experts=2), "a mistral has no experts"),
        (
            Model(family="bert", hub="nobody/bert-of-nowhere"),
            r"(?s)models\.tiny: nobody/bert-of-nowhere cannot be loaded",
        ),
        (Model(family="mamba", path="nowhere"), r"(?s)models\.tiny: .*nowhere cannot be loaded.*profile"),
        (Model(family="mambo", weights="random", layers=2, hidden=16), "no model family is called 'mambo'.*'mamba'"),
    ],
)
def test_what_makes_no_model_is_refused(stated: Model, message: str, tmp_path: Path) -> None:
    with pytest.raises(FrameworkError, match=message):
        build_language_model("tiny", stated, 64, 0, tmp_path)


def test_another_family_than_stated_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, build("gpt2"), None)
    with pytest.raises(FrameworkError, match="is a gpt2, not a mamba"):
        build_language_model("tiny", Model(family="mamba", path="model"), 64, 0, tmp_path)


def test_tensors_that_are_not_the_configurations_are_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, build("mamba"), None)
    path = tmp_path / "model" / "model.safetensors"
    tensors = load_file(path)
    tensors["stray"] = tensors.pop("backbone.norm_f.weight")
    save_file(tensors, path)
    with pytest.raises(FrameworkError, match=r"lacks backbone\.norm_f\.weight; it has stray"):
        load_checkpoint(tmp_path)
