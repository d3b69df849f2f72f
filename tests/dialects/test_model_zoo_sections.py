"""Cerebras Model Zoo's trainer YAML: what its lists, callbacks and schedulers state, as release 2.10 reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Status
from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.dialects.terms import Said, Unknown
from tests.support.held import STUDY, held

RISE = {"LinearLR": {"initial_learning_rate": 0.0, "end_learning_rate": 2e-4, "total_iters": 100}}
FALL = {"CosineDecayLR": {"initial_learning_rate": 2e-4, "end_learning_rate": 0.0, "total_iters": 900}}
LLAMA = {"name": "llama", "position_embedding_type": "rotary", "norm_type": "rmsnorm", "nonlinearity": "swiglu"}
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "gate_proj", "down_proj"]
UNKNOWN = object()


def read(**init: Any) -> Said:
    held = {"backend": {"backend_type": "CSX"}, "model": LLAMA, "loop": {"max_steps": 1000}, **init}
    return said(dialect("cerebras"), {"trainer": {"init": held, "fit": {}}})


def lora(**params: Any) -> dict[str, Any]:
    return {"callbacks": [{"Lora": {"lora_params": params}}]}


def nested(*stages: Any) -> list[Any]:
    return [{"SequentialLR": {"schedulers": list(stages)}}]


BLOCK, ATTENTION = ["TransformerDecoderLayer", "Linear"], ["MultiheadAttention", "Linear"]
TARGETS, RANK = "adapter.lora.targets", "adapter.lora.rank"
STATED: dict[str, tuple[dict[str, Any], str, list[Any]]] = {
    "a lone ramp is a warmup": ({"schedulers": [RISE]}, "schedule.warmup.steps", [100]),
    "behind a lone ramp it stays": ({"schedulers": [RISE]}, "schedule.name", ["constant"]),
    "a lone ramp ends at the peak": ({"schedulers": [RISE]}, "optimizer.learning_rate", [2e-4]),
    "a lone ramp is no length": ({"schedulers": RISE}, "max_steps", [1000]),
    "a ramp that cycles is none": (
        {"schedulers": [{"LinearLR": {**RISE["LinearLR"], "cycle": True}}]}, "schedule.warmup.steps", []),
    "a fall alone is a decay": ({"schedulers": [FALL]}, "schedule.name", ["cosine"]),
    "lower case": (
        {"schedulers": nested({"linearlr": RISE["LinearLR"]}, {"cosinedecaylr": FALL["CosineDecayLR"]})},
        "schedule.name", ["cosine"]),
    "lower case's warmup": (
        {"schedulers": nested({"linearlr": RISE["LinearLR"]}, {"cosinedecaylr": FALL["CosineDecayLR"]})},
        "schedule.warmup.steps", [100]),
    "of groups of parameters": (
        {"schedulers": [{"LinearLR": {**RISE["LinearLR"], "param_group_tags": "a"}},
                        {"CosineDecayLR": {**FALL["CosineDecayLR"], "param_group_tags": "b"}}]},
        "schedule.name", [UNKNOWN, UNKNOWN]),
    "num_steps first": ({"loop": {"num_steps": 1000, "max_steps": 2000}}, "max_steps", [1000]),
    "num_steps null": ({"loop": {"num_steps": None, "max_steps": 2000}}, "max_steps", [2000]),
    "a decay scheduler": (
        {"optimizer": {"AdamW": {"weight_decay": 0.1}},
         "schedulers": [RISE, {"CosineDecayWD": {"initial_val": 0.1, "end_val": 0.0, "total_iters": 9}}]},
        "optimizer.weight_decay", [UNKNOWN]),
    "a decay scheduler alone": (
        {"optimizer": {"AdamW": {}}, "schedulers": [{"ConstantWD": {"val": 0.1}}]},
        "optimizer.weight_decay", [UNKNOWN]),
    "sparsity is a number": ({"sparsity": 0.75}, "prune.sparsity|mask.sdm.target_sparsity", [0.75]),
    "sparsity is a list": ({"sparsity": [{"sparsity": 0.5}]}, "prune.sparsity|mask.sdm.target_sparsity", [0.5]),
    "sparsity has groups": (
        {"sparsity": [{"sparsity": 0.5}, {"sparsity": 0.9}]}, "prune.sparsity|mask.sdm.target_sparsity",
        [UNKNOWN, UNKNOWN]),
    "LoRA is a list": ({"callbacks": [{"Lora": {"lora_params": [{"r": 8}]}}]}, RANK, [8]),
    "LoRA has groups": ({"callbacks": [{"Lora": {"lora_params": [{"r": 8}, {"r": 4}]}}]}, RANK, [UNKNOWN, UNKNOWN]),
    "lora": ({"callbacks": [{"lora": {"lora_params": {"r": 8}}}]}, RANK, [8]),
    "all of a block": (lora(r=8, target_modules=BLOCK), TARGETS, [ALL]),
    "Linear is the head, too": (lora(r=8, target_modules=["Linear"]), TARGETS, [UNKNOWN]),
    "no gate in a GELU": (
        {"model": {"name": "llama"}, **lora(r=8, target_modules=BLOCK)}, TARGETS,
        [[name for name in ALL if name != "gate_proj"]]),
    "experts and their router": (
        {"model": {**LLAMA, "moe": {"num_experts": 8}}, **lora(r=8, target_modules=BLOCK)}, TARGETS, [UNKNOWN]),
    "an attention beside experts": (
        {"model": {**LLAMA, "moe": {"num_experts": 8}}, **lora(r=8, target_modules=ATTENTION)}, TARGETS, [ALL[:4]]),
    "a Llama": ({}, "model.family", ["llama"]),
    "a Llama in name only": ({"model": {"name": "llama"}}, "model.family", [UNKNOWN]),
    "a Llama with GPT-2's norm": ({"model": {**LLAMA, "norm_type": "layernorm"}}, "model.family", [UNKNOWN]),
    "a GPT-2": ({"model": {"name": "gpt2"}}, "model.family", ["gpt2"]),
    "a Llama under GPT-2's name": ({"model": {**LLAMA, "name": "gpt2"}}, "model.family", [UNKNOWN]),
}  # fmt: skip


@pytest.mark.parametrize("case", STATED)
def test_what_model_zoo_reads(case: str) -> None:
    init, fact, expected = STATED[case]
    found = [each.value for each in read(**init).statements if each.fact == fact]
    assert [UNKNOWN if isinstance(value, Unknown) else value for value in found] == expected


DEFAULTS: dict[str, tuple[dict[str, Any], str, list[Any]]] = {
    "AdamW's eps": ({"optimizer": {"AdamW": {}}}, "optimizer.eps", [1e-6]),
    "AdamW's decay": ({"optimizer": {"AdamW": {}}}, "optimizer.weight_decay", [0.0]),
    "adamw's betas": ({"optimizer": {"adamw": {}}}, "optimizer.betas", [[0.9, 0.999]]),
    "SGD's momentum": ({"optimizer": {"SGD": {}}}, "optimizer.momentum", [0]),
    "stated": ({"optimizer": {"AdamW": {"eps": 1e-8}}}, "optimizer.eps", []),
    "another optimizer": ({"optimizer": {"Lion": {}}}, "optimizer.eps", []),
    "LoRA's alpha": (lora(r=8), "adapter.lora.alpha", [1]),
    "LoRA's dropout": (lora(r=8, alpha=16), "adapter.lora.dropout", [0.0]),
    "no LoRA": ({}, "adapter.lora.alpha", []),
}


@pytest.mark.parametrize("case", DEFAULTS)
def test_what_model_zoo_takes_where_nothing_is_said(case: str) -> None:
    init, fact, expected = DEFAULTS[case]
    assert [each.value for each in read(**init).defaults if each.fact == fact] == expected


@pytest.mark.parametrize(("name", "silent"), [("ComputeNorm", True), ("SelectiveGrad", False), ("Unheard", False)])
def test_only_callbacks_that_leave_the_training_alone_are_silent(name: str, silent: bool) -> None:
    found = read(callbacks=[{name: {"every": 1}}]).silent
    assert (("trainer", "init", "callbacks", 0) in found) is silent


@pytest.mark.parametrize("spelled", ["AdamW", "adamw", "ADAMW", "SGD", "sgd", "Adafactor", "adafactor"])
def test_a_class_in_any_case_is_held_by_its_name(tmp_path: Path, spelled: str) -> None:
    manifest = (
        STUDY + "phases:\n  train:\n    objective: causal_lm\n    dataset: text\n"
        "    optimizer: {name: NAME, learning_rate: 1e-4}\n    max_steps: 1000\n"
        "configs:\n  - {file: a.yaml, dialect: cerebras, describes: phases.train}\n"
    )
    text = f"trainer: {{init: {{optimizer: {{{spelled}: {{learning_rate: 1e-4}}}}, loop: {{max_steps: 1000}}}}}}\n"
    place = "phases.train.optimizer.name"
    right = held(tmp_path, manifest.replace("NAME", spelled.lower()), {"a.yaml": text})
    assert right.statuses[place] is Status.CONFORMS
    wrong = held(tmp_path, manifest.replace("NAME", "lion"), {"a.yaml": text})
    assert wrong.statuses[place] is Status.VIOLATED
