"""Which catalogued fact a name is: by itself, by the section above it, or by what else its file says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from framework.dialects.well_known.facts import BY_NAME, FACTS, Fact
from framework.dialects.well_known.trainer_words import TRAINERS
from framework.manifest.hyperparameters import folded

_BELOW: tuple[tuple[str, dict[str, str]], ...] = (
    ("ema", {"ema_decay": "decay decay_rate"}),
    ("mixup", {"mixup": "alpha"}),
    ("cutmix", {"cutmix": "alpha"}),
    ("attention attn self_attention", {"attention_dropout": "dropout dropout_rate dropout_prob"}),
    ("ppo", {
        "passes_per_rollout": "epochs n_epochs num_epochs", "discount": "gamma", "gae_lambda": "lambda lam lmbda",
        "clip_range": "epsilon clip", "kl_coefficient": "beta", "rollout_length": "n_steps num_steps",
    }),
    ("dpo ipo kto", {"kl_coefficient": "beta"}),
    ("grpo rloo", {"kl_coefficient": "beta", "clip_range": "epsilon", "passes_per_rollout": "num_iterations"}),
    ("gae", {"gae_lambda": "lambda lam lmbda", "discount": "gamma"}),
    ("sac dqn ddpg td3", {"discount": "gamma", "target_network_update": "tau", "replay_buffer_size": "buffer_size"}),
    ("replay_buffer replay", {"replay_buffer_size": "size capacity max_size"}),
    ("diffusion ddpm noise_scheduler", {"diffusion_steps": "timesteps num_timesteps steps num_steps"}),
    ("sampling sampler sample inference generation", {
        "guidance_scale": "guidance_scale cfg_scale", "sampling_steps": "steps num_steps num_inference_steps",
    }),
    ("rollout", {"temperature": "temperature", "top_p": "top_p"}),
)  # fmt: skip
"""Sections by whose name a name below them is a fact, whatever it means elsewhere."""
_PARTS = frozenset(map(folded, ("embedding", "embeddings", "embed", "pooler", "classifier", "head", "cls_head")))
"""Parts of a model, whose dropout is not the model's."""
PLAIN = {folded(name): fact.name for fact in FACTS for name in (fact.name, *fact.spellings)}
"""A folded name that means one thing wherever it stands -> the fact."""


@cache
def _sections() -> dict[str, dict[str, str]]:
    return {folded(section): _by_name(words) for sections, words in _BELOW for section in sections.split()}


def _by_name(words: Mapping[str, str]) -> dict[str, str]:
    return {folded(name): fact for fact, names in words.items() for name in names.split()}


@cache
def _trainers() -> list[tuple[frozenset[str], dict[str, str]]]:
    """The marks of trainers without a dialect of their own, and the names that mean something only beside them."""
    found = []
    for trainer in TRAINERS:
        bare = {name: fact for name, fact in _by_name(trainer.words).items() if name not in PLAIN}
        if not trainer.dialect:
            found.append((frozenset(map(folded, trainer.marks)), bare))
    return found


def below(name: str, above: str | None) -> str | None:
    """The fact that a name is because of the section that it stands in."""
    return None if above is None else _sections().get(folded(above), {}).get(folded(name))


def beside(names: Iterable[str]) -> dict[str, str]:
    """The bare names (folded) that are facts beside these names of one file: `gamma` beside `gae_lambda`.

    A fact that the file states by its whole name is none of theirs.
    """
    known = {folded(name) for name in names}
    found: dict[str, str] = {}
    for marks, words in _trainers():
        if marks & known:
            found.update(words)
    said = {PLAIN[name] for name in known if name in PLAIN}
    return {name: fact for name, fact in found.items() if fact not in said}


def fact_of(name: str, above: str | None, bare: Mapping[str, str]) -> str | None:
    """The fact that a name is, below a section and beside other names (``bare``, of :func:`beside`)."""
    return by_context(name, above, bare) or plainly(name, above)


def by_context(name: str, above: str | None, bare: Mapping[str, str]) -> str | None:
    """The fact that a name is only because of the section that it stands in, or of the names beside it."""
    return below(name, above) or bare.get(folded(name))


def fact_called(name: str) -> Fact | None:
    """The fact that has a name, or is spelled so wherever it stands."""
    return BY_NAME.get(PLAIN.get(folded(name), ""))


@cache
def spelled() -> dict[str, str]:
    """Every name that means one thing wherever it stands, folded, and as it is spelled."""
    return {folded(name): name for fact in FACTS for name in (fact.name, *fact.spellings)}


def sections_for(fact: str) -> list[str]:
    """The names that are a fact because of their section: `ema.decay`."""
    return [
        f"{section}.{name}"
        for sections, words in _BELOW
        for section in sections.split()[:1]
        for name in words.get(fact, "").split()
        if PLAIN.get(folded(name)) != fact
    ]


def plainly(name: str, above: str | None) -> str | None:
    """The fact that a name is by itself, wherever it stands but in a part of a model."""
    fact = PLAIN.get(folded(name))
    if fact is None or above is None or folded(above) not in _PARTS:
        return fact
    return None if BY_NAME[fact].section == "model" else fact
