"""What is pruned is what was named: whole names, declared exclusions, and units with all their coupled tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from framework.errors import FrameworkError, UsageError
from framework.manifest.sections.models import Model
from runners.models.building import build_language_model
from runners.models.families import FAMILIES
from runners.sparsity.masks import apply_masks
from runners.sparsity.outputs import with_biases
from runners.sparsity.pruning_targets import chosen_names, unit_layers
from runners.sparsity.scored import masks_of
from runners.sparsity.selection import names_meant
from runners.sparsity.structures import Amount, Wanted

SHAPES = {
    "model.embed_tokens.weight": (10, 4),
    "model.layers.1.up.weight": (4, 4),
    "model.layers.1.up.bias": (4,),
    "model.layers.1.norm.weight": (4,),
    "model.layers.11.up.weight": (4, 4),
    "model.layers.1.setup.weight": (4, 4),
    "model.layers.1.experts.gate_up_proj": (2, 8, 4),
    "model.layers.1.A_log": (4, 2),
    "lm_head.weight": (10, 4),
}


def test_a_name_is_never_a_part_of_a_word() -> None:
    assert names_meant(SHAPES, ["layers.1.up"], ()) == ["model.layers.1.up.weight"]
    assert names_meant(SHAPES, ["up"], ()) == ["model.layers.1.up.weight", "model.layers.11.up.weight"]
    assert names_meant(SHAPES, ["gate_up_proj"], ()) == ["model.layers.1.experts.gate_up_proj"]


def test_everything_is_every_matrix_but_what_is_excluded() -> None:
    found = names_meant(SHAPES, None, ["embed_tokens", "lm_head", "norm"])
    assert found == [
        "model.layers.1.experts.gate_up_proj",
        "model.layers.1.setup.weight",
        "model.layers.1.up.weight",
        "model.layers.11.up.weight",
    ]


@pytest.mark.parametrize(
    ("modules", "exclude"), [(["upp"], []), (["norm"], []), (None, ["embed"]), (None, ["lm_headd"])]
)
def test_a_name_that_means_nothing_is_an_error(modules: list[str] | None, exclude: list[str]) -> None:
    with pytest.raises(UsageError, match="called '"):
        names_meant(SHAPES, modules, exclude)


def build(family: str, **sizes: Any) -> Any:
    stated = Model(family=family, weights="random", layers=2, hidden=16, vocabulary=64, **sizes)
    return build_language_model("tiny", stated, 64, 3, Path()).eval()


def test_a_tied_tensor_is_excluded_under_any_of_its_names() -> None:
    model = build("gpt2", heads=2)
    family = FAMILIES.get("gpt2")
    assert model.lm_head.weight is model.transformer.wte.weight
    for exclude in (["lm_head", "wpe"], ["wte", "wpe"]):
        names = chosen_names(model, None, exclude, "unstructured", family)
        assert len(names) == 8
        assert not any(name.startswith(("lm_head", "transformer.w")) for name in names)
    assert "transformer.wte.weight" in chosen_names(model, ["lm_head"], [], "unstructured", family)


def test_channels_and_heads_come_with_all_their_tensors() -> None:
    model, family = build("gpt2", heads=4), FAMILIES.get("gpt2")
    heads = chosen_names(model, None, [], "head", family)
    assert [name.split(".", 3)[-1] for name in heads] == ["attn.c_attn.weight", "attn.c_proj.weight"] * 2 or len(
        heads
    ) == 4
    assert {".".join(name.split(".")[3:]) for name in chosen_names(model, ["c_proj"], [], "channel", family)} == {
        "mlp.c_proj.weight"
    }
    assert {".".join(name.split(".")[3:]) for name in chosen_names(model, ["c_proj"], [], "head", family)} == {
        "attn.c_proj.weight"
    }
    with pytest.raises(UsageError, match="a mamba has no attention heads"):
        chosen_names(build("mamba", state=4), None, [], "head", FAMILIES.get("mamba"))


def without_head(model: Any, layer: int, head: int, width: int) -> torch.Tensor:
    """The logits when one head's output is cut out of what the projection reads."""
    cut = slice(head * width, (head + 1) * width)

    def hook(_: Any, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        values = inputs[0].clone()
        values[..., cut] = 0
        return (values,)

    name = "transformer.h.{}.attn.c_proj" if hasattr(model, "transformer") else "model.layers.{}.self_attn.o_proj"
    handle = model.get_submodule(name.format(layer)).register_forward_pre_hook(hook)
    with torch.no_grad():
        logits = model(input_ids=torch.arange(12).view(1, 12)).logits
    handle.remove()
    return logits


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_removed_head_is_one_that_says_nothing(family: str) -> None:
    model = build(family, heads=4, **({"intermediate": 24} if family == "llama" else {}))
    names = chosen_names(model, None, [], "head", FAMILIES.get(family))
    parameters = dict(model.named_parameters())
    weights = {name: parameters[name] for name in names}
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    layers = unit_layers(FAMILIES.get(family), model.config, "head", shapes, ())
    assert [layer.channels for layer in layers] == [4, 4]
    scores = {name: weight.detach().abs() for name, weight in weights.items()}
    with torch.no_grad():  # head 2 of layer 1 has by far the lowest scores
        for name, where in layers[1].slices.items():
            keep = torch.tensor([True, True, False, True])
            scores[name] *= where.spread(keep, weights[name])
    (masks,) = masks_of(scores, "head", Wanted([Amount(share=1 / 8)], layers=layers))
    assert {name: int((~mask).sum()) for name, mask in masks.items() if not mask.all()} == {
        name: shapes[name][0] * shapes[name][1] // 4 for name in layers[1].slices
    }
    expected = without_head(model, 1, 2, 4)
    apply_masks(weights, masks)
    with torch.no_grad():
        assert torch.allclose(model(input_ids=torch.arange(12).view(1, 12)).logits, expected, atol=1e-6)


def test_grouped_heads_go_with_the_key_value_head_they_share() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "vocab_size": 32}
    model = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, num_key_value_heads=2, **sizes))
    family = FAMILIES.get("llama")
    shapes = {name: tuple(value.shape) for name, value in model.named_parameters()}
    names = chosen_names(model, None, [], "head", family)
    (layer,) = unit_layers(family, model.config, "head", {name: shapes[name] for name in names}, ())
    masks = layer.spread(torch.tensor([True, False]), {name: torch.empty(shapes[name]) for name in names})
    kept = {name.split(".")[-2]: mask for name, mask in masks.items()}
    assert kept["q_proj"][:, 0].tolist() == [True] * 8 + [False] * 8
    assert kept["k_proj"][:, 0].tolist() == [True] * 4 + [False] * 4
    assert kept["o_proj"][0].tolist() == [True] * 8 + [False] * 8


def test_an_output_goes_with_its_bias() -> None:
    """And a share of outputs is not the same share of weights where they differ in size."""
    weights = {"a.weight": torch.ones(4, 8), "a.bias": torch.ones(4), "b.weight": 9 * torch.ones(4, 2)}
    assert with_biases(["a.weight", "b.weight"], weights) == ["a.bias", "a.weight", "b.weight"]
    weights["a.weight"][1] = 0.1
    weights["a.weight"][3] = 0.2
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    layers = unit_layers(FAMILIES.get("llama"), None, "output", shapes, ())
    (masks,) = masks_of(weights, "output", Wanted([Amount(share=0.25)], layers=layers))
    assert masks["a.bias"].tolist() == [True, False, True, False]
    assert masks["a.weight"][:, 0].tolist() == [True, False, True, False]
    assert masks["b.weight"].all()
    assert (
        sum(int((~mask).sum()) for mask in masks.values()) == 18
    )  # of 44: two of eight outputs, not a quarter of them
    turned = unit_layers(FAMILIES.get("gpt2"), None, "output", {"c.weight": (3, 5)}, ["c.weight"])
    assert (turned[0].channels, turned[0].slices["c.weight"].dimension) == (5, 1)


def test_no_layer_loses_everything() -> None:
    layers = unit_layers(FAMILIES.get("llama"), None, "output", {"a.weight": (2, 2), "b.weight": (2, 2)}, ())
    scores = {"a.weight": torch.zeros(2, 2), "b.weight": torch.ones(2, 2)}
    with pytest.raises(FrameworkError, match="of a would be removed"):
        masks_of(scores, "output", Wanted([Amount(share=0.5)], layers=layers))


def test_a_tensor_without_units_is_named() -> None:
    model, family = build("llama", heads=2, intermediate=24), FAMILIES.get("llama")
    with pytest.raises(UsageError, match=r"no attention head lies in model\.layers\.0\.mlp\.up_proj\.weight"):
        unit_layers(family, model.config, "head", {"model.layers.0.mlp.up_proj.weight": (24, 16)}, ())
