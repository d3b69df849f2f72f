"""The project's own decoder: each switch, its parameters by formula, saving, and the way to other families and back."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from framework.errors import FrameworkError, UsageError
from framework.manifest.sections.models import Model
from framework.manifest.sections.values.switches import Switches
from framework.stages.manifest.flops import per_token
from framework.stages.manifest.parameter_counts import counts
from runners.models.building import build_language_model
from runners.models.checkpoints import load_checkpoint, save_checkpoint
from runners.models.gpt.conversion import from_family, to_family

SIZES: dict[str, Any] = {
    "family": "gpt",
    "weights": "random",
    "layers": 3,
    "hidden": 32,
    "heads": 4,
    "positions": 24,
    "intermediate": 48,
    "vocabulary": 61,
    "tokenizer": "bytes",
}
SWITCHES: dict[str, dict[str, Any]] = {
    "gpt2": {},
    "exact gelu": {"activation": "gelu"},
    "relu": {"activation": "relu"},
    "squared relu": {"activation": "relu_squared"},
    "gated": {"activation": "swiglu"},
    "rms": {"norm": "rmsnorm", "norm_eps": 1e-6},
    "norms after": {"norm_place": "after"},
    "rotary": {"position_encoding": "rope", "rope_base": 500.0},
    "no positions": {"position_encoding": "none"},
    "a head of its own": {"tied": False},
    "no biases": {"biases": False},
    "normed queries": {"qk_norm": True},
    "llama": {
        "norm": "rmsnorm",
        "position_encoding": "rope",
        "activation": "swiglu",
        "biases": False,
        "tied": False,
    },
    "xavier": {"initialisation": {"name": "xavier"}},
    "he": {"initialisation": {"name": "he", "residual_scaling": False}},
    "dropout": {"dropout": 0.1},
    "dropout by place": {"dropout": {"attention": 0.2}},
}


def model_of(switches: dict[str, Any], **more: Any) -> Model:
    return Model.model_validate({**SIZES, **more, "architecture": switches})


def built(switches: dict[str, Any], seed: int = 1, **more: Any) -> Any:
    return build_language_model("tiny", model_of(switches, **more), 61, seed, Path()).eval()


def texts() -> torch.Tensor:
    return torch.randint(0, 61, (2, 12), generator=torch.Generator().manual_seed(0))


def logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=ids).logits  # type: ignore[no-any-return]


@pytest.mark.parametrize("groups", [4, 2, 1])
@pytest.mark.parametrize("case", SWITCHES)
def test_parameters_are_those_of_the_formula(case: str, groups: int) -> None:
    model = built(SWITCHES[case], key_value_heads=groups)
    (found,) = counts(model_of(SWITCHES[case], key_value_heads=groups))
    assert sum(parameter.numel() for parameter in model.parameters()) == found[0]


def test_parameters_of_all_switches_at_once() -> None:
    choices = product(
        ("layernorm", "rmsnorm"),
        ("before", "after"),
        ("learned", "rope", "none"),
        ("gelu", "swiglu"),
        *[(True, False)] * 3,
    )
    for norm, place, positions, activation, tied, biases, qk_norm in choices:
        stated = {
            "norm": norm,
            "norm_place": place,
            "position_encoding": positions,
            "activation": activation,
            "tied": tied,
            "biases": biases,
            "qk_norm": qk_norm,
        }
        with torch.device("meta"):
            from runners.models.gpt.gpt_config import GPTConfig
            from runners.models.gpt.language_model import GPTForCausalLM

            made = GPTForCausalLM(GPTConfig(61, 32, 3, 4, 4, 48, 24, stated))
        assert sum({id(each): each.numel() for each in made.parameters()}.values()) == counts(model_of(stated))[0][0]


@pytest.mark.parametrize("case", SWITCHES)
def test_a_checkpoint_is_loaded_as_it_was(tmp_path: Path, case: str) -> None:
    model = built(SWITCHES[case])
    save_checkpoint(tmp_path, model, None)
    expected = logits(model, texts())
    assert torch.equal(logits(load_checkpoint(tmp_path).model.eval(), texts()), expected)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval(), texts()), expected)


@pytest.mark.parametrize("case", SWITCHES)
def test_no_token_reads_a_later_one(case: str) -> None:
    model, ids = built(SWITCHES[case]), texts()
    changed = ids.clone()
    changed[:, 8:] = 0
    assert torch.equal(logits(model, ids)[:, :8], logits(model, changed)[:, :8])


@pytest.mark.parametrize("case", SWITCHES)
def test_padding_before_a_text_changes_nothing(case: str) -> None:
    model, ids = built(SWITCHES[case]), texts()
    padded = torch.cat([torch.full((2, 5), 7), ids], dim=1)
    mask = torch.cat([torch.zeros(2, 5, dtype=torch.long), torch.ones_like(ids)], dim=1)
    with torch.no_grad():
        found = model(input_ids=padded, attention_mask=mask).logits[:, 5:]
    torch.testing.assert_close(found, logits(model, ids), atol=2e-6, rtol=0)


def test_order_is_read_from_positions_alone() -> None:
    """Without positions the last token sees a set: another order of those before it changes nothing."""
    ids = texts()
    turned = torch.cat([ids[:, :-1].flip(1), ids[:, -1:]], dim=1)
    for name, alike in (("no positions", True), ("gpt2", False), ("rotary", False)):
        model = built(SWITCHES[name], layers=1)
        assert torch.allclose(logits(model, ids)[:, -1], logits(model, turned)[:, -1], atol=1e-5) is alike


def test_rotary_positions_are_relative() -> None:
    """Texts that are moved on by padding have the same scores: see Su et al. 2021, equation 16."""
    from runners.models.gpt.layers import rotated, rotation

    states = torch.randn(2, 1, 1, 6, 8, generator=torch.Generator().manual_seed(1))
    near = rotation(torch.arange(6)[None], 8, 100.0)
    far = rotation(torch.arange(6)[None] + 17, 8, 100.0)
    scores = [rotated(states[0], by) @ rotated(states[1], by).transpose(-1, -2) for by in (near, far)]
    torch.testing.assert_close(*scores, atol=1e-5, rtol=0)


def test_weights_are_drawn_as_stated() -> None:
    def spread(switches: dict[str, Any], name: str) -> float:
        return float(built(switches, hidden=256, heads=4, intermediate=512, layers=2).state_dict()[name].std())

    query, last, token = (
        f"model.{name}.weight" for name in ("layers.0.self_attn.q_proj", "layers.0.mlp.down_proj", "embed_tokens")
    )
    for switches, expected in (
        ({}, (0.02, 0.02 / 2, 0.02)),
        ({"initialisation": {"deviation": 0.1, "residual_scaling": False}}, (0.1, 0.1, 0.1)),
        ({"initialisation": {"name": "xavier"}}, (math.sqrt(2 / 512), math.sqrt(2 / 768) / 2, 0.02)),
        ({"initialisation": {"name": "he", "residual_scaling": False}}, (math.sqrt(2 / 256), math.sqrt(2 / 512), 0.02)),
    ):
        found = [spread(switches, name) for name in (query, last, token)]
        assert found == pytest.approx(expected, rel=0.05)


def test_dropout_is_in_training_alone() -> None:
    for case in ("dropout", "dropout by place"):
        model = built(SWITCHES[case])
        assert torch.equal(logits(model, texts()), logits(model, texts()))
        model.train()
        assert not torch.equal(logits(model, texts()), logits(model, texts()))


def test_a_seed_gives_the_same_weights() -> None:
    assert torch.equal(built({}).lm_head.weight, built({}).lm_head.weight)
    assert not torch.equal(built({}).lm_head.weight, built({}, seed=2).lm_head.weight)


def test_it_writes() -> None:
    model = built(SWITCHES["llama"])
    ids = texts()
    found = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=4, do_sample=False, pad_token_id=0)
    for place in range(12, 16):
        assert torch.equal(logits(model, found[:, :place])[:, -1].argmax(-1), found[:, place])


FAMILIES = {
    "gpt2": ("gpt2", {"dropout": {"embedding": 0.1, "attention": 0.2, "residual": 0.3}}),
    "gpt2, exact": ("gpt2", {"activation": "gelu", "norm_eps": 1e-6}),
    "gpt2, squared relu": ("gpt2", {"activation": "relu_squared", "tied": False}),
    "llama": ("llama", SWITCHES["llama"]),
    "llama, tied": ("llama", {**SWITCHES["llama"], "tied": True, "rope_base": 500.0}),
    "llama, biases": ("llama", {**SWITCHES["llama"], "biases": True, "dropout": {"attention": 0.1}}),
}


@pytest.mark.parametrize("case", FAMILIES)
def test_another_family_has_the_same_logits_and_comes_back(case: str) -> None:
    family, switches = FAMILIES[case]
    groups = {"key_value_heads": 2} if family == "llama" else {}
    model = built(switches, **groups)
    with torch.no_grad():
        for parameter in model.parameters():  # biases and norms that are not what they begin as
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)) * 0.05)
    other = to_family(model, family).eval()
    assert other.config.model_type == family
    torch.testing.assert_close(logits(other, texts()), logits(model, texts()), atol=2e-5, rtol=0)
    back = from_family(other).eval()
    assert torch.equal(logits(back, texts()), logits(model, texts()))
    own, found = dict(model.config.switches), dict(back.config.switches)
    for switched in (own, found):  # how weights were drawn is no part of a model
        switched.pop("initialisation")
        switched["dropout"] = Switches.model_validate({"dropout": switched["dropout"]}).dropouts
    assert found == own


@pytest.mark.parametrize(
    ("family", "switches", "words"),
    [
        ("gpt2", {"norm": "rmsnorm"}, "`norm: rmsnorm`"),
        ("gpt2", {"activation": "swiglu"}, "swiglu"),
        ("gpt2", {"qk_norm": True}, "`qk_norm: True`"),
        ("llama", {}, "`norm: layernorm`"),
        ("llama", {**SWITCHES["llama"], "dropout": 0.1}, "no dropout but the attention's"),
        ("bert", {}, "no way from a gpt to a bert"),
    ],
)
def test_what_a_family_does_not_have_is_named(family: str, switches: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        to_family(built(switches), family)


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"heads": 5}, "does not divide"),
        ({"positions": None}, "must state positions"),
        ({"intermediate": None, "architecture": {"activation": "swiglu"}}, "state `intermediate`"),
        ({"family": "llama", "architecture": {}}, "`architecture` is of the family gpt"),
    ],
)
def test_what_makes_no_model_is_refused(stated: dict[str, Any], words: str) -> None:
    model = Model.model_validate({name: value for name, value in {**SIZES, **stated}.items() if value is not None})
    with pytest.raises(FrameworkError, match=words):
        build_language_model("tiny", model, 61, 1, Path())


def test_texts_longer_than_learned_positions_are_refused() -> None:
    with pytest.raises(ValueError, match="24 positions are learned"):
        built({})(input_ids=torch.zeros(1, 25, dtype=torch.long))


@pytest.mark.parametrize("case", ["gpt2", "llama"])
def test_flops_are_those_of_the_family_that_it_is(case: str) -> None:
    own = per_token(model_of(SWITCHES[case]), 16, language_model=True)
    other = per_token(Model.model_validate({**SIZES, "family": case}), 16, language_model=True)
    assert own == other
