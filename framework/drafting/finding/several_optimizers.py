"""Sections of several optimizers beside each other: `actor_opt: {lr: ...}` and `critic_opt: {lr: ...}`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from framework.dialects.synonyms import meaning, normal
from framework.dialects.terms import mappings
from framework.drafting.finding.own_names import ALSO
from framework.drafting.fitting_values import fits
from framework.names import Path, format_path

_NAMED = re.compile(r"(.+?)_?(?:opt|optim|optimizer)")
_RATE = "optimizer.learning_rate"


def several_optimizers(data: Any, without: Iterable[str]) -> dict[Path, str]:
    """The sections that state an optimizer with its learning rate, and what each trains; none where there is one."""
    found: dict[Path, str] = {}
    outside = set(without)
    for path, mapping in mappings(data):
        if not path or str(path[0]) in outside or not isinstance(path[-1], str):
            continue
        match = _NAMED.fullmatch(normal(path[-1]))
        name = match[1] if match else path[-1] if len(path) > 1 and normal(str(path[-2])) == "optimizers" else ""
        if name and any(_fact(str(key)) == _RATE for key in mapping):
            found[path] = name
    return found if len(set(found.values())) == len(found) > 1 else {}


def of_optimizer(name: str, key: str, value: Any) -> tuple[str, Any]:
    """The clause that a key of such a section states, and its value; of no known one, a setting of the optimizer."""
    fact = "optimizer.name" if normal(key) in ("opt", "optim", "optimizer") else _fact(key)
    known = meaning(key, "optimizer")
    if known is not None and known.translate is not None and known.fact == fact:
        value = known.translate(value, {})
    if fact.startswith("optimizer.") and "[" not in fact and fits(fact, value):
        return f"optimizers.{name}.{fact.removeprefix('optimizer.')}", value
    return format_path(("optimizers", name, "settings", key)), value


def _fact(key: str) -> str:
    known = meaning(key, "optimizer")
    return known.fact if known is not None else ALSO.get(normal(key), "")
