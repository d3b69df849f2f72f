"""Families: what the manifest may say of them, their sizes, and checkpoints as the hub publishes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from framework.errors import FrameworkError
from framework.manifest.architectures import ARCHITECTURES
from framework.manifest.sections.models import Model
from framework.stages.manifest.parameter_counts import counts
from runners.models.building import build_language_model, classifier_over, unfilled
from runners.models.checkpoints import load_checkpoint, save_checkpoint, unique_tensors
from runners.models.families import FAMILIES
from tests.runners.models.tiny import build, outputs, randomised, tiny

IDS = torch.arange(22).view(2, 11)

HUB: dict[str, tuple[dict[str, Any], dict[str, int], int]] = {
    "state-spaces/mamba-130m-hf": (
        {"model_type": "mamba", "hidden_size": 768, "num_hidden_layers": 24, "vocab_size": 50280, "state_size": 16,
         "expand": 2, "conv_kernel": 4, "intermediate_size": 1536, "time_step_rank": 48, "use_bias": False,
         "use_conv_bias": True, "d_model": 768, "n_layer": 24, "d_inner": 1536, "rms_norm": True, "ssm_cfg": {},
         "fused_add_norm": True, "residual_in_fp32": True, "pad_vocab_size_multiple": 8, "time_step_floor": 0.0001},
        {"layers": 24, "hidden": 768, "state": 16, "expand": 2, "vocabulary": 50280},
        129_135_360,
    ),
    "state-spaces/mamba-370m-hf": (
        {"model_type": "mamba", "hidden_size": 1024, "num_hidden_layers": 48, "vocab_size": 50280, "state_size": 16,
         "expand": 2, "conv_kernel": 4, "intermediate_size": 2048, "time_step_rank": 64},
        {"layers": 48, "hidden": 1024, "state": 16, "expand": 2, "vocabulary": 50280},
        371_516_416,
    ),
    "google-bert/bert-base-uncased": (
        {"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
         "intermediate_size": 3072, "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2,
         "architectures": ["BertForMaskedLM"]},
        {"layers": 12, "hidden": 768, "heads": 12, "intermediate": 3072, "positions": 512, "vocabulary": 30522},
        109_482_240,
    ),
    "mistralai/Mistral-7B-v0.1": (
        {"model_type": "mistral", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 32000, "sliding_window": 4096,
         "tie_word_embeddings": False},
        {"layers": 32, "hidden": 4096, "heads": 32, "key_value_heads": 8, "intermediate": 14336, "vocabulary": 32000},
        7_241_732_096,
    ),
    "mistralai/Mixtral-8x7B-v0.1": (
        {"model_type": "mixtral", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 32000, "num_local_experts": 8,
         "num_experts_per_tok": 2, "tie_word_embeddings": False},
        {"layers": 32, "hidden": 4096, "heads": 32, "key_value_heads": 8, "intermediate": 14336, "vocabulary": 32000,
         "experts": 8, "experts_per_token": 2},
        46_702_792_704,
    ),
}  # fmt: skip
"""A config.json of the published sizes, the sizes as a manifest states them, and the checkpoint's parameters."""


def parameters(model: Any) -> int:
    """Tied weights once, on any device."""
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", HUB)
def test_a_published_configuration_is_the_declared_model(name: str, tmp_path: Path) -> None:
    """On the meta device: the shapes of all tensors, and none of their gigabytes."""
    config, sizes, total = HUB[name]
    (tmp_path / "config.json").write_text(json.dumps(config))
    family = FAMILIES.get(config["model_type"])
    read = AutoConfig.from_pretrained(tmp_path)
    for field, value in sizes.items():
        assert getattr(read, family.sizes[field]) == value
    with torch.device("meta"):
        model = unfilled(family, read)
    assert parameters(model) == total
    stated = Model(family=family.name, hub=name, parameters=total, **sizes)
    assert total in [count for count, _ in counts(stated)]


@pytest.mark.parametrize("changes", [{}, {"layers": 3, "hidden": 32}, {"vocabulary": 300}], ids=str)
@pytest.mark.parametrize("family", FAMILIES.names())
def test_the_declared_count_is_the_built_model_s(family: str, changes: dict[str, int]) -> None:
    stated = tiny(family, **changes)
    if family in ("bert", "gpt2"):
        stated = stated.model_copy(update={"positions": 40})
    if family == "mamba":
        stated = stated.model_copy(update={"expand": 2})
    model = build_language_model("tiny", stated, 64, 0, Path())
    admitted = [count for count, _ in counts(stated)]
    assert parameters(model) in (admitted[:1] if family in ("bert", "gpt2", "mamba") else admitted)


def test_the_manifest_and_the_runners_know_the_same_families() -> None:
    assert set(ARCHITECTURES) == set(FAMILIES.names())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_manifest_and_the_runners_say_the_same_of_a_family(name: str) -> None:
    known, family = ARCHITECTURES[name], FAMILIES.get(name)
    assert set(known.sizes) == set(family.sizes)
    assert known.encoder == family.encoder
    assert set(known.masked) <= set(family.channels.slices)
    modules = {module.rpartition(".")[2] for module, _ in build(name).named_modules()}
    assert set(known.adapted) <= modules
    model = build(name)
    for field, attribute in family.sizes.items():
        if (stated := getattr(tiny(name), field)) is not None:
            assert getattr(model.config, attribute) == stated


def test_key_value_heads_are_the_heads_where_none_are_stated() -> None:
    """MistralConfig alone would make 8 of them."""
    for family in ("llama", "mistral", "mixtral"):
        assert build(family, key_value_heads=None).config.num_key_value_heads == 4


def folder_of(model: Any, path: Path) -> Path:
    """The model as transformers publishes it: its own class, its own file layout."""
    (getattr(model, "bert", None) or model).save_pretrained(path)
    return path


@pytest.mark.parametrize("family", FAMILIES.names())
def test_a_local_checkpoint_of_transformers_is_read(family: str, tmp_path: Path) -> None:
    model = randomised(build(family))
    folder_of(model, tmp_path / "published")
    loaded = build_language_model("tiny", Model(family=family, path="published"), 64, 0, tmp_path).eval()
    assert torch.equal(outputs(loaded, IDS), outputs(model, IDS))
    other = build_language_model("tiny", Model(family=family, path="published", weights="random"), 64, 0, tmp_path)
    assert not torch.equal(outputs(other.eval(), IDS), outputs(model, IDS))


@pytest.mark.parametrize("family", FAMILIES.names())
def test_what_is_saved_is_read_by_transformers(family: str, tmp_path: Path) -> None:
    model = randomised(build(family))
    save_checkpoint(tmp_path, model, None)
    again: Any = AutoModel.from_pretrained(tmp_path / "model").eval()
    backbone = getattr(model, FAMILIES.get(family).backbone)
    ids = {"input_ids": IDS}
    assert torch.equal(again(**ids).last_hidden_state, backbone(**ids).last_hidden_state)


def test_a_bert_classifier_is_transformers_own(tmp_path: Path) -> None:
    bert = FAMILIES.get("bert")
    classifier = randomised(classifier_over(build("bert"), bert, ["no", "yes", "maybe"], 3)).eval()
    save_checkpoint(tmp_path, classifier, None)
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"]
    theirs: Any = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    mask = torch.ones_like(IDS)
    mask[1, 7:] = 0
    segments = (IDS % 11 > 4).long()
    ours = classifier(IDS, mask, segments)
    assert torch.equal(theirs(input_ids=IDS, attention_mask=mask, token_type_ids=segments).logits, ours)
    assert not torch.allclose(classifier(IDS, mask), ours, atol=1e-3), "the segments count"
    assert torch.equal(load_checkpoint(tmp_path).model.eval()(IDS, mask, segments), ours)


def test_a_bert_s_dropout_is_on_while_training() -> None:
    classifier = classifier_over(build("bert"), FAMILIES.get("bert"), ["no", "yes"], 3).train()
    ones = torch.ones_like(IDS)
    assert not torch.equal(classifier(IDS, ones), classifier(IDS, ones))


def test_a_checkpoint_without_a_pooler_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder_of(build("bert"), tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "pooler" not in name}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FrameworkError, match="lacks 2 tensors, such as pooler"):
        build_language_model("tiny", Model(family="bert", path="."), 64, 0, tmp_path)


def test_a_third_party_s_family_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from runners import registry

    point = EntryPoint("theirs", "runners.models.families.llama:LLAMA", "framework.families")
    monkeypatch.setattr(registry, "entry_points", lambda group, **named: [point] if group == point.group else [])
    assert FAMILIES.get("theirs").name == "llama"
    assert "theirs" in FAMILIES.names()


def test_tied_weights_count_once() -> None:
    model = build("mamba")
    assert parameters(model) == sum(tensor.numel() for tensor in unique_tensors(model).values())
