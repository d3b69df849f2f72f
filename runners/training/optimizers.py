"""The declared optimizer: torch's own, over all trained parameters alike or over groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from framework.errors import FrameworkError
from framework.planning.recipes import RecipeOptimizer
from framework.planning.refusing.optimizer_arguments import TAKES
from runners.training.muon import MuonAndAdamW
from runners.training.parameter_groups import Group

_CLASSES: dict[str, Any] = {
    "adadelta": torch.optim.Adadelta,
    "adafactor": torch.optim.Adafactor,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adamw": torch.optim.AdamW,
    "asgd": torch.optim.ASGD,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    "rprop": torch.optim.Rprop,
    "sgd": torch.optim.SGD,
}
_READ = ("weight_decay", "betas", "eps", "momentum")


def needs_groups(stated: RecipeOptimizer) -> bool:
    """Whether not all parameters are trained alike."""
    return bool(stated.groups) or stated.layer_decay is not None or stated.name == "muon"


def build_optimizer(
    stated: RecipeOptimizer,
    parameters: Sequence[Any],
    further: Sequence[dict[str, Any]],
    groups: Sequence[Group] | None = None,
) -> Any:
    """The optimizer over the trained parameters, and over further groups with settings of their own.

    Where the manifest is silent torch's defaults hold. Without ``groups`` weight decay applies to all parameters alike,
    norms and biases included; with them they are what is trained, and ``parameters`` are not asked for.

    Raises:
        FrameworkError: torch refuses a hyperparameter, or the optimizer does not have it.
    """
    values = _values(stated)
    made = [{"params": list(parameters)}] if groups is None else [_group(stated, each) for each in trained(groups)]
    try:
        if stated.name == "muon":
            return _muon(stated, [*made, *further], values)
        return _CLASSES[stated.name]([*made, *further], lr=stated.learning_rate, **values)
    except (ValueError, TypeError) as problem:
        raise FrameworkError(f"optimizer: {stated.name} of torch.optim says: {problem}") from problem


def trained(groups: Sequence[Group]) -> list[Group]:
    """The groups that the optimizer gets, in their order: those that are not frozen."""
    return [group for group in groups if not group.frozen]


def observed_optimizer(
    optimizer: Any, stated: RecipeOptimizer | None = None, groups: Sequence[Group] | None = None
) -> dict[str, Any]:
    """Class and hyperparameters of the weights' group, read off the optimizer itself, before it has stepped.

    Nesterov's momentum, further settings and groups are there where they are stated."""
    group = optimizer.param_groups[0]
    kind = getattr(optimizer, "called", type(optimizer).__name__)
    facts: dict[str, Any] = {"class": kind, "learning_rate": group["lr"]}
    for name in _READ:
        found = group.get(name) if name in group else _betas_beside(optimizer, name)
        if found is not None:
            facts[name] = list(found) if isinstance(found, tuple) else found
    if stated is not None and stated.nesterov is not None and "nesterov" in group:
        facts["nesterov"] = group["nesterov"]
    if stated is not None and stated.settings:
        read = {name: group.get(name) for name in stated.settings}
        facts["settings"] = {name: list(value) if isinstance(value, tuple) else value for name, value in read.items()}
    if groups is not None:
        facts["groups"] = list(_observed_groups(optimizer, groups))
    return facts


def _observed_groups(optimizer: Any, groups: Sequence[Group]) -> Any:
    """What each group of parameters really got; of frozen ones that nothing is trained."""
    held = dict(zip(map(id, trained(groups)), optimizer.param_groups, strict=False))
    for group in groups:
        facts: dict[str, Any] = {"group": group.index}
        if group.distance is not None:
            facts["distance"] = group.distance
        if isinstance(optimizer, MuonAndAdamW):
            facts["class"] = "Muon" if group.matrices else "AdamW"
        own = held.get(id(group))
        if own is None:
            facts["frozen"] = not any(part.parameter.requires_grad for part in group.parts)
        else:
            facts |= {"learning_rate": own["lr"], "weight_decay": own.get("weight_decay")}
        there = group.parts if own is None else _held(group, own)
        yield {
            **facts,
            "tensors": len(there),
            "parameters": sum(part.parameter.numel() for part in there),
            "names": [part.name for part in there],
        }


def _held(group: Group, own: dict[str, Any]) -> list[Any]:
    inside = {id(parameter) for parameter in own["params"]}
    return [part for part in group.parts if id(part.parameter) in inside]


def _betas_beside(optimizer: Any, name: str) -> Any:
    """The betas of the AdamW beside Muon, which has none."""
    if name != "betas" or not isinstance(optimizer, MuonAndAdamW):
        return None
    return next((group[name] for group in optimizer.param_groups if name in group), None)


def _values(stated: RecipeOptimizer) -> dict[str, Any]:
    """The arguments of torch's class beside the learning rate; nothing that is stated as zero or as none of it, where
    the class does not have it."""
    values = {}
    for name in ("weight_decay", "betas", "eps", "momentum", "nesterov"):
        value = getattr(stated, name)
        if value is None:
            continue
        if name in TAKES[stated.name]:
            values[name] = tuple(value) if name == "betas" else value
        elif value:
            raise FrameworkError(f"optimizer: {stated.name} has no {name}")
    further = stated.settings or {}
    return values | {name: tuple(value) if isinstance(value, list) else value for name, value in further.items()}


def _group(stated: RecipeOptimizer, group: Group) -> dict[str, Any]:
    made: dict[str, Any] = {"params": group.parameters, "lr": group.learning_rate}
    if group.weight_decay is not None and "weight_decay" in TAKES[stated.name]:
        made["weight_decay"] = group.weight_decay
    if stated.name == "muon":
        made["matrices"] = group.matrices
    return made


def _muon(stated: RecipeOptimizer, groups: Sequence[dict[str, Any]], values: dict[str, Any]) -> MuonAndAdamW:
    """Its betas are AdamW's, its weight decay is that of both, all else Muon's."""
    adamw = {name: values.pop(name) for name in ("betas",) if name in values}
    if "weight_decay" in values:
        adamw["weight_decay"] = values["weight_decay"]
    return MuonAndAdamW(groups, stated.learning_rate, values, adamw)
