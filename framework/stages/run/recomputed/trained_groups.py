"""How the manifest demands that each parameter is trained, from its name alone.

The training decides by classes of modules what a norm or an embedding is. Here it is read off the names that the
architectures of this package give them, so that the one can be held to the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from framework.manifest.sections.optimizers import Optimizer

FAMILIES = ("bert", "gpt", "gpt2", "llama", "mamba", "mistral", "mixtral")
"""The architectures whose names are known here."""
TIED = " = "
"""Between the names of a weight that has several."""
_NORM = re.compile(r"norm|^ln_")
_EMBEDDING = re.compile(
    r"^(?:wte|wpe|embed_tokens|embed_positions|embeddings|(?:word|position|token_type)_embeddings)$"
)
_HEAD = ("lm_head", "classifier", "score")
_BEFORE = ("wte", "wpe", "embed_tokens", "embed_positions", "embeddings")


class Demanded(NamedTuple):
    """What holds for one parameter: the index of its group, its rate and its weight decay, as far as they are stated;
    ``layered`` tells a rate that follows from the layer."""

    group: int | None
    learning_rate: Any
    weight_decay: Any
    layered: bool


def demanded(
    optimizer: Optimizer, names: Sequence[str], kinds: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Demanded]:
    """What the manifest demands of each trained parameter. ``kinds`` are the names that a run recorded of `norms`,
    `biases` and so on, by the classes of their modules; without them the names alone tell.

    With a layer decay d the rate of a parameter in layer i of L, from 1, is that of the head times d to the power of
    L + 1 - i (Clark et al. 2020; Bao et al. 2022, "BEiT"): the embeddings are layer 0, the final norm and the head
    layer L + 1. A group's own rate is that of all its parameters.
    """
    layers = max((layer for name in names if (layer := _number(name)) is not None), default=-1) + 1
    found = {}
    for name in names:
        index = _group(optimizer, name, kinds or {})
        own = optimizer.groups[index] if index is not None and optimizer.groups else None
        rate, layered = optimizer.learning_rate, False
        if own is not None and own.learning_rate is not None:
            rate = own.learning_rate
        elif isinstance(optimizer.layer_decay, float) and isinstance(rate, float):
            rate, layered = rate * optimizer.layer_decay ** (layers + 1 - _layer(name, layers)), True
        decay = optimizer.weight_decay if own is None or own.weight_decay is None else own.weight_decay
        found[name] = Demanded(index, rate, decay, layered)
    return found


def _group(optimizer: Optimizer, name: str, kinds: Mapping[str, Sequence[str]]) -> int | None:
    for index, group in enumerate(optimizer.groups or ()):
        for word in group.parameters:
            if name in kinds[word] if word in kinds else any(_is(word, each) for each in name.split(TIED)):
                return index
    return None


def _is(word: str, name: str) -> bool:
    """Whether a name is one of a word's."""
    modules = name.split(".")[:-1]
    if word == "norms":
        return bool(modules) and bool(_NORM.search(modules[-1].lower()))
    if word == "biases":
        return name.endswith(".bias")
    if word == "embeddings":
        return bool(modules) and bool(_EMBEDDING.match(modules[-1]))
    if word == "head":
        return modules[:1] != [] and modules[0] in _HEAD
    wanted = word.split(".")
    return any(modules[start : start + len(wanted)] == wanted for start in range(len(modules)))


def _number(name: str) -> int | None:
    """The number of the layer that a name is within, from 0."""
    return next((int(part) for part in name.split(TIED)[0].split(".") if part.isdecimal()), None)


def _layer(name: str, layers: int) -> int:
    number = _number(name)
    if number is not None:
        return number + 1
    return 0 if any(part in _BEFORE for part in name.split(TIED)[0].split(".")) else layers + 1
