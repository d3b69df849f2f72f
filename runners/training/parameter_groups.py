"""Which parameters fall in which of the stated groups, and in which layer they lie.

`norms` are the parameters of modules whose class is called a norm (LayerNorm, LlamaRMSNorm), `embeddings` those of
torch's Embedding, `biases` those called so (of norms, too), `head` what lies outside the backbone; any other word is a
module's name, or the end of it after a dot, and means all that lies in such a module. A tied weight has all its names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from framework.errors import FrameworkError
from framework.manifest.sections.optimizers import ParameterGroup
from framework.names import did_you_mean
from framework.planning.recipes import RecipeOptimizer
from framework.recording.named_parameters import BIASES, EMBEDDINGS, HEAD, KINDS, NORMS, TIED, unwrapped

_LAYER = re.compile(r"\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Part:
    """One parameter: all its names, which of :data:`KINDS` it is, and its position among the layers from 0 (the
    embeddings) to that of the head and the final norm."""

    names: tuple[str, ...]
    parameter: Tensor
    kinds: frozenset[str]
    position: int
    matrix: bool
    """Whether it is a hidden weight of two dimensions: one that Muon trains."""

    @property
    def name(self) -> str:
        """Its names, those of a tied weight joined by `=`."""
        return TIED.join(self.names)


@dataclass(slots=True)
class Group:
    """Parameters that are trained with the same rate and the same weight decay, or not at all.

    ``index`` is the stated group's, None for the parameters in none of them; ``distance`` counts the layers from the
    last one where the rates differ by layer; ``matrices`` tells those that Muon trains from those that AdamW does.
    """

    index: int | None
    distance: int | None
    matrices: bool
    learning_rate: float
    weight_decay: float | None
    frozen: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def parameters(self) -> list[Tensor]:
        return [part.parameter for part in self.parts]


def parts_of(model: nn.Module, backbone: str) -> list[Part]:
    """Every parameter of a model, in its order; the backbone is the attribute that holds all but the head."""
    names: dict[int, list[str]] = {}
    found: dict[int, tuple[Tensor, set[str]]] = {}
    modules = dict(model.named_modules(remove_duplicate=False))
    for full, parameter in model.named_parameters(remove_duplicate=False):
        module, _, own = full.rpartition(".")
        name = unwrapped(full)
        names.setdefault(id(parameter), []).append(name)
        kinds = found.setdefault(id(parameter), (parameter, set()))[1]
        kinds |= set(_kinds(modules[module], own, name, backbone))
    positions = _positions([own[0] for own in names.values()], backbone)
    return [
        Part(
            names=tuple(dict.fromkeys(own)),
            parameter=parameter,
            kinds=frozenset(kinds),
            position=position,
            matrix=parameter.ndim == 2 and not kinds and own[0].endswith(".weight"),
        )
        for (own, (parameter, kinds)), position in zip(
            zip(names.values(), found.values(), strict=True), positions, strict=True
        )
    ]


def is_in(part: Part, word: str) -> bool:
    """Whether a parameter is what a word of a group means."""
    if word in KINDS:
        return word in part.kinds
    return any(f".{module}".endswith(f".{word}") for name in part.names for module in _modules_of(name))


def group_of(part: Part, groups: Sequence[ParameterGroup]) -> int | None:
    """The index of the first group that a parameter is in; None where it is in none."""
    for index, group in enumerate(groups):
        if any(is_in(part, word) for word in group.parameters):
            return index
    return None


def grouped(stated: RecipeOptimizer, parts: Sequence[Part], trained: Iterable[Tensor]) -> list[Group]:
    """The trained parameters by group, that of the peak rate first, which may be empty; and those that are frozen.

    With a layer decay d the rate of a parameter is that of the optimizer times d to the power of its distance from the
    last layer (the head's and the final norm's), unless its group states one of its own.

    Raises:
        FrameworkError: a group names a module that the model does not have; everything is frozen.
    """
    groups, wanted = stated.groups or [], {id(parameter) for parameter in trained}
    for index, group in enumerate(groups):
        for word in group.parameters:
            if word not in KINDS and not any(is_in(part, word) for part in parts):
                known = {module for part in parts for name in part.names for module in _modules_of(name)}
                hint = did_you_mean(word, [*KINDS, *sorted({each.rpartition(".")[2] for each in known})])
                raise FrameworkError(f"optimizer.groups[{index}].parameters: no module is called {word!r}; {hint}")
    muon, last = stated.name == "muon", max((part.position for part in parts), default=0)
    first = Group(None, None if stated.layer_decay is None else 0, muon, stated.learning_rate, stated.weight_decay)
    found = {(first.index, first.distance, first.matrices): first}
    for part in parts:
        if id(part.parameter) not in wanted:
            continue
        made = _group(stated, groups, part, last - part.position, muon)
        found.setdefault((made.index, made.distance, made.matrices), made).parts.append(part)
    if not any(group.parts for group in found.values() if not group.frozen):
        raise FrameworkError("optimizer.groups: all that could be trained is frozen")
    return sorted(found.values(), key=lambda group: not group.matrices)  # those of Muon come first, as it takes them


def _group(stated: RecipeOptimizer, groups: Sequence[Any], part: Part, distance: int, muon: bool) -> Group:
    """The group of one parameter, still without it."""
    index = group_of(part, groups)
    own = None if index is None else groups[index]
    rate, decay, layered = stated.learning_rate, stated.weight_decay, stated.layer_decay is not None
    if own is not None and own.weight_decay is not None:
        decay = own.weight_decay
    if own is not None and own.learning_rate is not None:
        rate, layered = own.learning_rate, False
    frozen = own is not None and bool(own.frozen)
    if stated.layer_decay is not None and layered and not frozen:
        rate *= stated.layer_decay**distance
    return Group(index, distance if layered and not frozen else None, muon and part.matrix, rate, decay, frozen)


def _modules_of(name: str) -> Iterator[str]:
    """The modules that a parameter lies in, from the outermost on."""
    parts = name.split(".")[:-1]
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _kinds(module: nn.Module, own: str, name: str, backbone: str) -> Iterator[str]:
    if "norm" in type(module).__name__.lower():
        yield NORMS
    if own == "bias" or name.endswith(".bias"):
        yield BIASES
    if isinstance(module, nn.Embedding):
        yield EMBEDDINGS
    if name.partition(".")[0] != backbone:
        yield HEAD


def _positions(names: Sequence[str], backbone: str) -> list[int]:
    """The position of each parameter among the layers: 0 for what comes before the first one, 1 for that, and one more
    than the last one's for what comes after it: the final norm, a pooler, the head."""
    layers = [int(found[1]) if (found := _LAYER.search(name)) else None for name in names]
    count = max((layer + 1 for layer in layers if layer is not None), default=0)
    begun, positions = False, []
    for name, layer in zip(names, layers, strict=True):
        begun |= layer is not None or name.partition(".")[0] != backbone
        positions.append(layer + 1 if layer is not None else count + 1 if begun else 0)
    return positions
