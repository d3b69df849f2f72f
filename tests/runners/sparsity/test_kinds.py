"""The table of names held to the models of the installed transformers, built without weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.pytorch_utils import Conv1D

from framework.evidence.architectures.roles import Architecture, Role
from framework.evidence.orientation import input_first

SMALL = {"num_hidden_layers": 1}
MODELS = [
    "bart",
    "bert",
    "clip",
    "deberta-v2",
    "gpt2",
    "gpt_neox",
    "imagegpt",
    "mpnet",
    "openai-gpt",
    "t5",
    "vit",
    "xlnet",
]


def built(kind: Any, model_type: str, **sizes: Any) -> Any:
    with torch.device("meta"):
        return kind.from_config(AutoConfig.for_model(model_type, **sizes))


@pytest.mark.parametrize("model_type", MODELS)
def test_look_ups_and_linear_maps_are_told_apart_by_their_names(model_type: str) -> None:
    model, architecture = built(AutoModel, model_type), Architecture(model_type)
    shapes = {name: tuple(value.shape) for name, value in model.named_parameters()}
    turned = set()
    for at, module in model.named_modules():
        name = f"{at}.weight"
        if name not in shapes or len(shapes[name]) < 2:
            continue
        role = architecture.role(name, shapes[name])
        assert role is (Role.EMBEDDING if isinstance(module, nn.Embedding) else Role.WEIGHT), name
        turned |= {name} if isinstance(module, Conv1D) else set()
    assert input_first(architecture, shapes) == turned


@pytest.mark.parametrize("model_type", ["bert", "deberta-v2", "gpt2", "roberta", "t5", "xlnet"])
def test_what_a_classifier_adds_to_its_base_model_is_a_head(model_type: str) -> None:
    model = built(AutoModelForSequenceClassification, model_type)
    added = {
        name: tuple(value.shape)
        for name, value in model.named_parameters()
        if not name.startswith(f"{model.base_model_prefix}.") and value.dim() > 1
    }
    kinds = {name: Architecture(model_type).role(name, shape) for name, shape in added.items()}
    beside = {"pooler.dense.weight"}  # DeBERTa's, which is part of other base models
    assert {kinds[name] for name in kinds.keys() - beside} == {Role.HEAD}


@pytest.mark.parametrize("model_type", ["aria_text", "gpt_oss", "llama4_text", "mixtral", "olmoe", "qwen3_moe"])
def test_stacked_experts_read_the_hidden_state_along_their_inputs(model_type: str) -> None:
    model = built(AutoModelForCausalLM, model_type, **SMALL)
    shapes = {name: tuple(value.shape) for name, value in model.named_parameters() if value.dim() == 3}
    turned = input_first(Architecture(model_type), shapes)
    hidden = model.config.hidden_size
    assert shapes
    for name, shape in shapes.items():
        inputs = shape[1] if name in turned else shape[2]
        assert (inputs == hidden) is name.endswith("gate_up_proj") or shape[1] == shape[2], name
