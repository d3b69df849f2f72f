"""What the configs of mmengine and of mmcv before it share: optimizers as `dict(type=..., lr=...)`, and hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framework.dialects import values
from framework.dialects.components import optimizer_defaults
from framework.dialects.terms import Default, Said, Scope, Statement, Unknown, mappings
from framework.names import Path

_FACTS = {"weight_decay": "optimizer.weight_decay", "eps": "optimizer.eps", "momentum": "optimizer.momentum"}


def optimizer_statements(path: Path, given: Scope, rate: Callable[[Any], Any]) -> list[Statement]:
    """What an optimizer's own arguments state; ``rate`` is what its learning rate comes to."""
    found = []
    for name, fact in _FACTS.items():
        if given.get(name) is not None:
            found.append(Statement((*path, name), fact, values.number(given[name], given), given[name]))
    if given.get("lr") is not None:
        found.append(Statement((*path, "lr"), "optimizer.learning_rate", rate(given["lr"]), given["lr"]))
    if given.get("betas") is not None:
        found.append(Statement((*path, "betas"), "optimizer.betas", given["betas"], given["betas"]))
    if isinstance(given.get("type"), str):
        name = values.optimizer(given["type"], given)
        found.append(Statement((*path, "type"), "optimizer.name", name, given["type"]))
    return found


def optimizer_assumed(prefix: str, given: Scope) -> list[Default]:
    """What PyTorch's optimizer does where its argument is absent."""
    kind = f"torch.optim.{values.last(str(given.get('type')))}"
    return [
        Default(fact, value, f"{prefix}.{fact.partition('.')[2].partition('[')[0]}", by="PyTorch")
        for fact, value in optimizer_defaults(kind).items()
    ]


def early_stopping(said: Said, data: Any, patience: int, min_delta: float) -> None:
    """What an `EarlyStoppingHook` states, and what it does by itself."""
    for path, scope in mappings(data):
        if values.last(str(scope.get("type"))) != "EarlyStoppingHook":
            continue
        for name, value in (("monitor", None), ("patience", patience), ("min_delta", min_delta)):
            fact = f"early_stopping.{'metric' if name == 'monitor' else name}"
            if name in scope:
                meant = values.metric(scope[name], scope) if name == "monitor" else scope[name]
                said.statements.append(Statement((*path, name), fact, meant, scope[name]))
            elif value is not None:
                said.defaults.append(Default(fact, value, ".".join(str(part) for part in (*path, name)), at=path))


def clipping(path: Path, given: Any) -> Statement | None:
    """What arguments of `clip_grad_norm_` state, or of `clip_grad_value_` where their `type` is `value`."""
    if not isinstance(given, dict):
        return None
    by_value = given.get("type") == "value"
    name = "clip_value" if by_value else "max_norm"
    if name not in given:
        return None
    word, kind = given[name], given.get("norm_type", 2)
    meant = Unknown(f"the norm is of type {kind}") if not by_value and kind not in (2, 2.0) else word
    return Statement((*path, name), "settings.max_grad_value" if by_value else "max_grad_norm", meant, word)
