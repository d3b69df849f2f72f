"""Which parameters fall in which group, on small models of each architecture, and what the optimizer makes of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from framework.errors import FrameworkError
from framework.manifest.sections.methods import SDM, LoRA
from framework.planning.recipes import RecipeOptimizer
from runners.adapters.lora import LoRAAdapter
from runners.models.building import classifier_over
from runners.models.families import FAMILIES
from runners.training.optimizers import build_optimizer, observed_optimizer
from runners.training.parameter_groups import BIASES, EMBEDDINGS, HEAD, NORMS, Group, Part, grouped, is_in, parts_of
from runners.transforms.sdm import SDMask
from tests.runners.models.tiny import SIZES, build


def parts(family: str, model: Any = None) -> dict[str, Part]:
    model = model or build(family)
    return {part.name: part for part in parts_of(model, FAMILIES.get(family).backbone)}


def classifier(family: str) -> Any:
    return classifier_over(build(family), FAMILIES.get(family), ["a", "b"], 1)


def optimizer(**stated: Any) -> RecipeOptimizer:
    return RecipeOptimizer.model_validate({"learning_rate": 1.0, **stated})


def grouping(stated: RecipeOptimizer, model: Any, family: str) -> list[Group]:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return grouped(stated, parts_of(model, FAMILIES.get(family).backbone), trained)


def names(group: Group) -> list[str]:
    return [part.name for part in group.parts]


IN_ONE_LAYER = {
    "gpt2": (
        ["transformer.h.1.ln_1.weight", "transformer.h.1.ln_1.bias", "transformer.h.1.ln_2.weight"],
        ["transformer.h.1.ln_1.bias", "transformer.h.1.attn.c_attn.bias", "transformer.h.1.mlp.c_proj.bias"],
    ),
    "bert": (
        ["bert.encoder.layer.1.attention.output.LayerNorm.weight", "bert.encoder.layer.1.output.LayerNorm.bias"],
        ["bert.encoder.layer.1.attention.self.query.bias", "bert.encoder.layer.1.output.LayerNorm.bias"],
    ),
    "llama": (["model.layers.1.input_layernorm.weight", "model.layers.1.post_attention_layernorm.weight"], []),
    "mamba": (
        ["backbone.layers.1.norm.weight"],
        ["backbone.layers.1.mixer.conv1d.bias", "backbone.layers.1.mixer.dt_proj.bias"],
    ),
}
WHOLE = {
    "gpt2": (
        ["transformer.wte.weight = lm_head.weight", "transformer.wpe.weight"],
        ["transformer.wte.weight = lm_head.weight"],
    ),
    "bert": (
        [f"bert.embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")],
        [],
    ),
    "llama": (["model.embed_tokens.weight"], ["lm_head.weight"]),
    "mamba": (["backbone.embeddings.weight = lm_head.weight"], ["backbone.embeddings.weight = lm_head.weight"]),
}


@pytest.mark.parametrize("family", IN_ONE_LAYER)
def test_the_kinds_of_parameters(family: str) -> None:
    found = parts(family)
    norms, biases = IN_ONE_LAYER[family]
    embeddings, head = WHOLE[family]
    kinds = {kind: [name for name, part in found.items() if is_in(part, kind)] for kind in (NORMS, BIASES)}
    assert set(norms) <= set(kinds[NORMS])
    assert set(biases) <= set(kinds[BIASES])
    assert all(found[name].parameter.ndim == 1 for kind in kinds.values() for name in kind)
    assert [name for name, part in found.items() if is_in(part, EMBEDDINGS)] == embeddings
    assert [name for name, part in found.items() if is_in(part, HEAD)] == head
    # What is of no kind are the weights of the layers themselves, each of which is trained as such.
    rest = [part for part in found.values() if not part.kinds]
    assert rest
    assert all(part.position in (1, 2) or "pooler" in part.name for part in rest)


@pytest.mark.parametrize("family", ["gpt2", "bert", "llama", "mamba"])
def test_a_classifiers_head_is_its_last_layer(family: str) -> None:
    found = parts(family, classifier(family))
    heads = [name for name, part in found.items() if is_in(part, HEAD)]
    assert heads == ["classifier.weight", *(["classifier.bias"] if family == "bert" else [])]


@pytest.mark.parametrize("family", SIZES)
def test_every_parameter_has_a_position_among_the_layers(family: str) -> None:
    found = parts(family, classifier(family))
    first = {name for name, part in found.items() if part.position == 0}
    last = {name for name, part in found.items() if part.position == 3}
    assert all("emb" in name or "wte" in name or "wpe" in name for name in first)
    assert first
    assert "classifier.weight" in last
    assert {part.position for part in found.values()} == {0, 1, 2, 3}
    assert all(f".{part.position - 1}." in part.name for part in found.values() if part.position in (1, 2))


def test_a_word_is_a_module_or_the_end_of_its_name_after_a_dot() -> None:
    found = parts("gpt2")
    inside = {word: {name for name, part in found.items() if is_in(part, word)} for word in ("c_proj", "proj", "h.1")}
    assert inside["c_proj"] == {name for name in found if ".c_proj." in name}
    assert inside["proj"] == set()
    assert inside["h.1"] == {name for name in found if name.startswith("transformer.h.1.")}


def test_the_first_group_that_a_parameter_is_in_counts() -> None:
    stated = optimizer(
        weight_decay=0.1,
        groups=[
            {"parameters": ["ln_f"], "weight_decay": 0.3},
            {"parameters": ["norms", "biases"], "weight_decay": 0.0},
            {"parameters": ["h.1"], "learning_rate": 0.5},
        ],
    )
    model = build("gpt2")
    by_index = {group.index: group for group in grouping(stated, model, "gpt2")}
    assert names(by_index[0]) == ["transformer.ln_f.weight", "transformer.ln_f.bias"]
    assert "transformer.h.1.ln_1.weight" in names(by_index[1])
    assert names(by_index[2]) == [
        f"transformer.h.1.{name}.weight" for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    ]
    assert [(group.learning_rate, group.weight_decay) for group in by_index.values()] == [
        (1.0, 0.1),
        (1.0, 0.0),
        (0.5, 0.1),
        (1.0, 0.3),
    ]
    assert sum(len(group.parts) for group in by_index.values()) == len(list(model.parameters()))


@pytest.mark.parametrize("family", SIZES)
def test_layers_have_the_rate_of_the_next_one_times_the_decay(family: str) -> None:
    model = classifier(family)
    rates = {
        part.name: group.learning_rate
        for group in grouping(optimizer(layer_decay=0.5), model, family)
        for part in group.parts
    }
    for name, rate in rates.items():
        position = parts(family, model)[name].position
        assert rate == {0: 0.125, 1: 0.25, 2: 0.5, 3: 1.0}[position], name


def test_a_groups_own_rate_is_that_of_all_its_layers() -> None:
    stated = optimizer(layer_decay=0.5, groups=[{"parameters": ["c_fc"], "learning_rate": 0.3}])
    groups = grouping(stated, build("gpt2"), "gpt2")
    own = [group for group in groups if group.index == 0]
    assert [(group.learning_rate, group.distance, len(group.parts)) for group in own] == [(0.3, None, 4)]
    assert groups[0].learning_rate == 1.0


def test_the_first_group_has_the_peak_even_if_nothing_is_in_it() -> None:
    stated = optimizer(groups=[{"parameters": ["transformer"], "learning_rate": 0.1}])
    groups = grouping(stated, build("gpt2"), "gpt2")
    made = build_optimizer(stated, [], [], groups)
    assert [(group["lr"], len(group["params"])) for group in made.param_groups] == [(1.0, 0), (0.1, 28)]
    loss = sum(parameter.sum() for parameter in made.param_groups[1]["params"])
    loss.backward()
    made.step()


def test_a_module_that_is_not_there_is_refused_by_name() -> None:
    stated = optimizer(groups=[{"parameters": ["norms"]}, {"parameters": ["c_projj"]}])
    with pytest.raises(FrameworkError, match=r"groups\[1\].parameters: no module is called 'c_projj'.*c_proj"):
        grouping(stated, build("gpt2"), "gpt2")
    # A model without biases has none to leave out of the decay.
    assert grouping(optimizer(groups=[{"parameters": ["biases"]}]), build("llama"), "llama")


def test_all_frozen_is_refused() -> None:
    with pytest.raises(FrameworkError, match="all that could be trained is frozen"):
        grouping(optimizer(groups=[{"parameters": ["transformer"], "frozen": True}]), build("gpt2"), "gpt2")


def test_what_is_recorded_is_what_the_optimizer_got() -> None:
    stated = optimizer(
        weight_decay=0.1,
        groups=[
            {"parameters": ["embeddings"], "frozen": True},
            {"parameters": ["norms", "biases"], "weight_decay": 0.0},
        ],
    )
    model = build("gpt2")
    groups = grouping(stated, model, "gpt2")
    for group in groups:
        for parameter in group.parameters if group.frozen else ():
            parameter.requires_grad_(False)
    made = build_optimizer(stated, [], [], groups)
    facts = observed_optimizer(made, stated, groups)["groups"]
    short = [{key: value for key, value in fact.items() if key != "names"} for fact in facts]
    assert short == [
        {"group": None, "learning_rate": 1.0, "weight_decay": 0.1, "tensors": 8, "parameters": 2 * 1792},
        {"group": 0, "frozen": True, "tensors": 2, "parameters": 256 * 16 + 1024 * 16},
        {"group": 1, "learning_rate": 1.0, "weight_decay": 0.0, "tensors": 18, "parameters": 2 * 168 + 32},
    ]
    assert facts[1]["names"] == ["transformer.wte.weight = lm_head.weight", "transformer.wpe.weight"]
    made.param_groups[0]["lr"] = 7.0  # the record is read off the optimizer, not off the statement
    assert observed_optimizer(made, stated, groups)["groups"][0]["learning_rate"] == 7.0


def test_without_groups_nothing_is_said_of_them() -> None:
    model = build("gpt2")
    made = build_optimizer(optimizer(), list(model.parameters()), [])
    assert set(observed_optimizer(made, optimizer(), None)) == {
        "class",
        "learning_rate",
        "weight_decay",
        "betas",
        "eps",
    }


# Together with methods


def test_the_weights_of_an_adapter_lie_where_their_module_does() -> None:
    adapter = LoRAAdapter(LoRA(rank=2, alpha=4, targets=["c_attn", "c_fc"]), classifier("gpt2"), {}, 1)
    stated = optimizer(layer_decay=0.5, groups=[{"parameters": ["c_fc"], "weight_decay": 0.2}])
    groups = grouping(stated, adapter.model, "gpt2")
    found = {
        name: (group.index, group.distance, group.weight_decay, part.matrix)
        for group in groups
        for part in group.parts
        for name in part.names
    }
    assert found["transformer.h.0.mlp.c_fc.lora_A.default.weight"] == (0, 2, 0.2, True)
    assert found["transformer.h.1.attn.c_attn.lora_B.default.weight"] == (None, 1, None, True)
    assert found["classifier.weight"] == (None, 0, None, False)
    assert len(found) == 9


def test_learned_gates_stay_a_group_of_their_own(phase: Any) -> None:
    model, family = build("gpt2"), FAMILIES.get("gpt2")
    mask = SDMask(SDM(target_sparsity=0.5, learning_rate=0.05, tensors=["c_fc", "c_proj"]), model, family, phase(), 1)
    own = {id(value) for group in mask.parameter_groups() for value in group["params"]}
    trained = [value for value in model.parameters() if id(value) not in own]
    stated = optimizer(name="muon", groups=[{"parameters": ["c_fc"], "learning_rate": 0.3}])
    groups = grouped(stated, parts_of(model, family.backbone), trained)
    (gated,) = [group for group in groups if group.index == 0 and group.matrices]
    assert names(gated) == ["transformer.h.0.mlp.c_fc.weight", "transformer.h.1.mlp.c_fc.weight"]
    made = build_optimizer(stated, [], mask.parameter_groups(), groups)
    last = made.param_groups[-1]
    assert (last["lr"], last["weight_decay"], [tuple(value.shape) for value in last["params"]]) == (
        0.05,
        0.0,
        [(24,)] * 2,
    )
    assert torch.equal(last["params"][0], mask.gates[0].logits)
