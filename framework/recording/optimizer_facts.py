"""The real settings of an optimizer, and what it holds, read off its parameter groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from framework.recording.named_parameters import counted

_OF_RECORD = ("weight_decay", "betas", "eps", "momentum", "nesterov")
"""What the record calls by these names; any other is one of `settings`."""
_APART = ("params", "param_names", "lr", "initial_lr", "max_lr", "min_lr", "name")
"""What is no setting of a group: its parameters and their names, and the rates, which each step's line has."""
_FORMATS = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


@dataclass(slots=True)
class OptimizerFacts:
    """One optimizer as it was first seen, and what of it changed.

    ``groups`` hold `names`, `ids`, `sizes`, `trained` (whether gradients were asked for, each), `settings`,
    and under `had` the values of those that changed.
    """

    kind: str
    groups: list[dict[str, Any]]
    formats: set[str]
    of_torch: bool

    @classmethod
    def of(cls, optimizer: Any, names: Mapping[int, str]) -> OptimizerFacts:
        """What is known of an optimizer before it steps."""
        groups = [_group(group, index, names) for index, group in enumerate(optimizer.param_groups)]
        formats = {_format(each) for group in optimizer.param_groups for each in group["params"]}
        of_torch = any(each.__module__ == "torch.optim.optimizer" for each in type(optimizer).__mro__)
        return cls(type(optimizer).__name__, groups, formats, of_torch)

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self.groups)

    def holds_as(self, other: OptimizerFacts) -> bool:
        """Whether another one is of the same class, and holds the same parameters in the same groups."""
        own, others = ([group["ids"] for group in each.groups] for each in (self, other))
        return self.kind == other.kind and own == others

    def name_by(self, names: Mapping[int, str]) -> None:
        """Name the parameters by a model that was shown later."""
        for group in self.groups:
            known = [names.get(key) for key in group["ids"]]
            group["names"] = [name or own for name, own in zip(known, group["names"], strict=True)]
            group["named"] = group["named"] or None not in known

    def look(self, optimizer: Any, names: Mapping[int, str]) -> Iterator[dict[str, Any]]:
        """What differs from the last look: a setting of a group, or groups that were added."""
        for index, group in enumerate(optimizer.param_groups):
            if index >= len(self.groups):
                self.groups.append(_group(group, index, names))
                yield {"group": index, "added": len(self.groups[index]["names"])}
                continue
            now = _settings(group)
            before = self.groups[index].get("now", self.groups[index]["settings"])
            for name in sorted(name for name in {*now, *before} if now.get(name) != before.get(name)):
                seen = self.groups[index]["had"].setdefault(name, [before.get(name)])
                if now.get(name) not in seen:
                    seen.append(now.get(name))
                yield {"group": index, "setting": name, "was": before.get(name), "is": now.get(name)}
            self.groups[index]["now"] = now


def optimizer_record(found: list[OptimizerFacts], peaks: Mapping[tuple[int, int], float]) -> dict[str, Any]:
    """The optimizers by the run record's names.

    `class`, the hyperparameters (one value where all groups have one, else all there were, those of groups without any
    weight decay left out), further `settings`, and `groups` with the `names` of their parameters, `learning_rate`
    (the largest that it used), `weight_decay` and the number of their `optimizer` where there are several.

    Args:
        peaks: The largest learning rate of each group, by the numbers of optimizer and group.
    """
    groups = [(number, place, group) for number, facts in enumerate(found) for place, group in enumerate(facts.groups)]
    record: dict[str, Any] = {"class": ", ".join(dict.fromkeys(facts.kind for facts in found))}
    settings: dict[str, Any] = {}
    for name in dict.fromkeys(name for _, _, group in groups for name in group["settings"]):
        values = _distinct(
            value
            for _, _, group in groups
            if group["names"] and name in group["settings"]
            for value in _had(group, name)
        )
        if name == "weight_decay" and len(values) > 1:
            values = [value for value in values if value]
        if values:
            (record if name in _OF_RECORD else settings)[name] = values[0] if len(values) == 1 else values
    if settings:
        record["settings"] = settings
    record["groups"] = [
        {
            **({"optimizer": number} if len(found) > 1 else {}),
            "learning_rate": peaks.get((number, place)),
            "weight_decay": decays[0] if len(decays := _had(group, "weight_decay")) == 1 else decays,
            **counted(names := list(_trained(group))),
            "names": [name for name, _ in names],
        }
        for number, place, group in groups
    ]
    return record


def trained(found: list[OptimizerFacts]) -> Iterator[tuple[int, str, int, Any]]:
    """Identity, name, size and weight decay of each parameter that an optimizer held and gradients were asked for."""
    for facts in found:
        for group in facts.groups:
            decay = group["settings"].get("weight_decay")
            for key, name, size, asked in zip(
                group["ids"], group["names"], group["sizes"], group["trained"], strict=True
            ):
                if asked:
                    yield key, name, size, decay


def _had(group: Mapping[str, Any], name: str) -> list[Any]:
    """The values that a setting of a group had, one after the other."""
    values: list[Any] = group["had"].get(name, [group["settings"].get(name)])
    return values


def _trained(group: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Name and size of the parameters that gradients were asked for."""
    for name, size, asked in zip(group["names"], group["sizes"], group["trained"], strict=True):
        if asked:
            yield name, size


def _group(group: Mapping[str, Any], index: int, names: Mapping[int, str]) -> dict[str, Any]:
    own = group.get("param_names")
    parameters = list(group["params"])
    return {
        "names": [
            names.get(id(each)) or (str(own[place]) if own else f"groups[{index}][{place}]")
            for place, each in enumerate(parameters)
        ],
        "named": all(id(each) in names or own for each in parameters),
        "ids": [id(each) for each in parameters],
        "sizes": [each.numel() for each in parameters],
        "trained": [bool(each.requires_grad) for each in parameters],
        "settings": _settings(group),
        "had": {},
    }


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in group.items() if name not in _APART and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str)) or (
        isinstance(value, (tuple, list)) and len(value) < 10 and all(isinstance(each, (int, float)) for each in value)
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _distinct(values: Iterator[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _format(parameter: Any) -> str:
    name = str(parameter.dtype).removeprefix("torch.")
    return _FORMATS.get(name, name)
