"""Which hyperparameters the optimizers of torch.optim take, and what else a manifest may not state of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.manifest.sections.optimizers import OPTIMIZERS, Optimizer, ParameterGroup
from framework.manifest.sections.quantities import NONE, number
from framework.names import Path, did_you_mean
from framework.planning.refusing.refusal import OWN_SCRIPT, Refusal, also, dotted, foreign

TAKES: dict[str, tuple[str, ...]] = {
    "adadelta": ("weight_decay", "eps"),
    "adafactor": ("weight_decay",),  # its eps is a pair
    "adagrad": ("weight_decay", "eps"),
    "adam": ("weight_decay", "betas", "eps"),
    "adamax": ("weight_decay", "betas", "eps"),
    "adamw": ("weight_decay", "betas", "eps"),
    "asgd": ("weight_decay",),
    "muon": ("weight_decay", "betas", "eps", "momentum", "nesterov"),  # the betas are those of AdamW for the rest
    "nadam": ("weight_decay", "betas", "eps"),
    "radam": ("weight_decay", "betas", "eps"),
    "rmsprop": ("weight_decay", "eps", "momentum"),
    "rprop": (),
    "sgd": ("weight_decay", "momentum", "nesterov"),
}
"""The stated hyperparameters that torch.optim's classes take, by the optimizer's name."""

ARGUMENTS: dict[str, dict[str, type]] = {
    "adadelta": {"rho": float},
    "adafactor": {"beta2_decay": float, "d": float},
    "adagrad": {"lr_decay": float, "initial_accumulator_value": float},
    "adam": {"amsgrad": bool},
    "adamw": {"amsgrad": bool},
    "asgd": {"lambd": float, "alpha": float, "t0": float},
    "muon": {"ns_steps": int, "adjust_lr_fn": str},
    "nadam": {"momentum_decay": float, "decoupled_weight_decay": bool},
    "radam": {"decoupled_weight_decay": bool},
    "rmsprop": {"alpha": float, "centered": bool},
    "rprop": {"etas": list, "step_sizes": list},
    "sgd": {"dampening": float},
}
"""What `optimizer.settings` may hold beside them, by the names that torch has for it, and of which kind it is."""

_HYPERPARAMETERS = ("weight_decay", "betas", "eps", "momentum", "nesterov")
_KINDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a text", list: "a pair of numbers"}
_WITHOUT = {
    "lbfgs": "it computes the loss several times for one update",
    "sparseadam": "it needs sparse gradients, and no model here has any",
}
"""Optimizers of torch.optim that are none of this training, and why."""


def optimizer_refusals(optimizer: Optimizer) -> Iterator[Refusal]:
    """What the built-in training does not have of an optimizer."""
    name = optimizer.name
    if name not in OPTIMIZERS:
        why = f": {reason}" if (reason := _WITHOUT.get(name.lower())) else ""
        message = f"the built-in training does not know the optimizer.name {name!r}{why}"
        yield Refusal(("optimizer", "name"), message, also(did_you_mean(name, OPTIMIZERS), OWN_SCRIPT))
        return
    for key in _HYPERPARAMETERS:
        value = getattr(optimizer, key)
        if _some(value) and key not in TAKES[name]:
            yield foreign(("optimizer", key), f"{name} of torch.optim takes no {key}")
    if optimizer.betas is not None and len(optimizer.betas) != 2 and "betas" in TAKES[name]:
        yield foreign(("optimizer", "betas"), f"{name} of torch.optim takes two of them")
    yield from _nesterov(optimizer)
    for key, value in (optimizer.settings or {}).items():
        kind = ARGUMENTS.get(name, {}).get(key)
        if kind is None:
            yield foreign(("optimizer", "settings", key), f"{name} of torch.optim takes no {key!r}")
        elif not _is(kind, value):
            yield foreign(("optimizer", "settings", key), f"{name} of torch.optim takes {_KINDS[kind]} for it")
    for index, group in enumerate(optimizer.groups or ()):
        yield from _group(name, ("optimizer", "groups", index), group)


def method_refusals(optimizer: Optimizer, adapted: bool) -> Iterator[Refusal]:
    """What of the groups does not go together with the methods of a step.

    An adapter has frozen all but its own weights; were these frozen, too, it would be an adapter that does nothing.
    """
    for index, group in enumerate(optimizer.groups or ()):
        if adapted and group.frozen:
            path = ("optimizer", "groups", index, "frozen")
            yield foreign(path, "under an adapter nothing is trained but the adapter and a classifier's head")


def _nesterov(optimizer: Optimizer) -> Iterator[Refusal]:
    if not optimizer.nesterov or optimizer.name != "sgd":
        return
    if not _some(optimizer.momentum):
        yield foreign(("optimizer", "nesterov"), "no momentum is, which it is a kind of")
    if _some((optimizer.settings or {}).get("dampening")):
        yield foreign(("optimizer", "settings", "dampening"), "Nesterov's momentum of torch.optim has none")


def _group(name: str, path: Path, group: ParameterGroup) -> Iterator[Refusal]:
    for key in group.settings or ():
        yield foreign((*path, "settings", key), "no setting of a group is known here")
    if _some(group.weight_decay) and "weight_decay" not in TAKES[name]:
        yield foreign((*path, "weight_decay"), f"{name} of torch.optim takes no weight_decay")
    if group.learning_rate == NONE:
        message = f"{dotted((*path, 'learning_rate'))} is none"
        yield Refusal((*path, "learning_rate"), message, "say `frozen: true` of what is not trained")
    for key in ("learning_rate", "weight_decay"):
        if group.frozen and getattr(group, key) is not None:
            yield foreign((*path, key), "the group is frozen")


def _some(value: Any) -> bool:
    """Whether a value states that there is something: not nothing, zero, false or none."""
    return bool(value) and value != NONE


def _is(kind: type, value: Any) -> bool:
    if kind is list:
        return isinstance(value, list) and len(value) == 2 and all(_is(float, each) for each in value)
    if kind is float:
        return number(value) is not None
    if kind is int:
        return type(value) is int
    return isinstance(value, kind)
