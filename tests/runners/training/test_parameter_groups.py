"""Groups of parameters on real models: who is in which, and what each gets."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from framework.errors import FrameworkError  # noqa: E402
from framework.planning.recipes import RecipeOptimizer  # noqa: E402
from runners.training.optimizers import build_optimizer, observed_optimizer  # noqa: E402
from runners.training.parameter_groups import grouped, parts_of  # noqa: E402


def gpt2() -> tuple[Any, str]:
    config = transformers.GPT2Config(n_layer=2, n_embd=8, n_head=2, vocab_size=16, n_positions=8)
    return transformers.GPT2LMHeadModel(config), "transformer"


def llama() -> tuple[Any, str]:
    config = transformers.LlamaConfig(
        num_hidden_layers=2,
        hidden_size=8,
        intermediate_size=16,
        num_attention_heads=2,
        vocab_size=16,
        tie_word_embeddings=False,
    )
    return transformers.LlamaForCausalLM(config), "model"


def bert() -> tuple[Any, str]:
    config = transformers.BertConfig(
        num_hidden_layers=2, hidden_size=8, intermediate_size=16, num_attention_heads=2, vocab_size=16
    )
    return transformers.BertForSequenceClassification(config), "bert"


MODELS = {"gpt2": gpt2, "llama": llama, "bert": bert}


def made(family: str, **stated: Any) -> tuple[Any, list[Any], Any, dict[str, Any]]:
    """The model, its groups, the optimizer over them, and what is recorded of it."""
    model, backbone = MODELS[family]()
    optimizer = RecipeOptimizer.model_validate({"learning_rate": 1e-3, "weight_decay": 0.1, **stated})
    groups = grouped(optimizer, parts_of(model, backbone), model.parameters())
    built = build_optimizer(optimizer, list(model.parameters()), [], groups)
    return model, groups, built, observed_optimizer(built, optimizer, groups)


def rates(model: Any, built: Any, what: str) -> dict[str, float]:
    """What the optimizer really has for each parameter, by name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(each)]: group[what] for group in built.param_groups for each in group["params"]}


@pytest.mark.parametrize("family", MODELS)
def test_no_weight_decay_on_norms_and_biases(family: str) -> None:
    model, _, built, _ = made(family, groups=[{"parameters": ["norms", "biases"], "weight_decay": 0.0}])
    decays = rates(model, built, "weight_decay")
    assert decays.keys() == {name for name, _ in model.named_parameters()}, "each parameter is trained, and once"
    # What is not a matrix is a norm's or a bias in these models: the usual rule, written by dimensions.
    assert decays == {name: 0.1 if each.ndim >= 2 else 0.0 for name, each in model.named_parameters()}


@pytest.mark.parametrize("family", MODELS)
def test_each_layer_is_slower_than_the_next_by_one_factor(family: str) -> None:
    model, _, built, _ = made(family, layer_decay=0.5)
    found = rates(model, built, "lr")
    layers = {index: {rate for name, rate in found.items() if f".{index}." in name} for index in (0, 1)}
    # Two layers, the embeddings below them, and the head and the final norm above.
    assert layers == {0: {1e-3 * 0.25}, 1: {1e-3 * 0.5}}
    assert set(found.values()) == {1e-3 * 0.5**distance for distance in range(4)}
    assert {rate for name, rate in found.items() if "wte" in name or "embed" in name} == {1e-3 * 0.125}


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_a_frozen_group_is_not_in_the_optimizer_and_says_so(family: str) -> None:
    model, groups, built, _ = made(family, groups=[{"parameters": ["embeddings"], "frozen": True}])
    trained = rates(model, built, "lr")
    out = {name for name, _ in model.named_parameters()} - trained.keys()
    assert out
    assert all("embedding" in name.lower() or "embed_tokens" in name for name in out)
    assert [group.frozen for group in groups].count(True) == 1


@pytest.mark.parametrize("family", MODELS)
def test_the_first_group_that_a_parameter_is_in_counts(family: str) -> None:
    groups = [{"parameters": ["biases"], "learning_rate": 2e-3}, {"parameters": ["norms"], "learning_rate": 3e-3}]
    model, _, built, _ = made(family, groups=groups)
    for name, rate in rates(model, built, "lr").items():
        norm = any(part.startswith("ln_") or "norm" in part.lower() for part in name.split("."))
        assert rate == (2e-3 if name.endswith(".bias") else 3e-3 if norm else 1e-3), name


@pytest.mark.parametrize("family", MODELS)
def test_the_record_counts_every_parameter_once(family: str) -> None:
    groups = [{"parameters": ["norms"], "weight_decay": 0.0}, {"parameters": ["embeddings"], "learning_rate": 1e-4}]
    model, _, _, facts = made(family, groups=groups, layer_decay=0.9)
    assert sum(each["parameters"] for each in facts["groups"]) == sum(each.numel() for each in model.parameters())
    assert sum(each["tensors"] for each in facts["groups"]) == len(list(model.parameters()))


def test_a_module_that_is_not_there_is_named_with_a_near_one() -> None:
    with pytest.raises(FrameworkError, match=r"groups\[0\].parameters: no module is called 'atn'.*attn"):
        made("gpt2", groups=[{"parameters": ["atn"], "learning_rate": 1e-4}])


def test_muon_trains_the_hidden_matrices_alone() -> None:
    _, groups, _, facts = made("llama", name="muon")
    for group in groups:
        for part in group.parts:
            hidden = part.parameter.ndim == 2 and ".layers." in part.name
            assert group.matrices is hidden, part.name
    assert {each["class"] for each in facts["groups"]} == {"Muon", "AdamW"}
