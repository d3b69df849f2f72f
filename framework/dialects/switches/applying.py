"""Switches: a key that, as it is set, makes other keys nothing, or replaces what they say.

A parameter below a switch that is off is read by nobody: there is none of it. A switch that puts something else in a
key's place makes its value another one, or one that only the program knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from framework.dialects.key_tables import at
from framework.dialects.terms import Said, Scope, Unknown
from framework.names import Path


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch, and what its trainer then does about the facts that are stated beside it."""

    key: str
    """Its place below the scope, names joined by dots."""
    holds: Callable[[Any, Scope], bool]
    """Whether it is set so, by its value and its scope; a switch that is absent is not."""
    facts: Mapping[str, Any]
    """Fact -> what holds instead; `adapter.lora.*` are all that begin so."""


def on(word: Any, scope: Scope) -> bool:
    """Set to true, to a number but 0, to a word or to a list that holds something."""
    return bool(word) and word not in ("false", "no")


def off(word: Any, scope: Scope) -> bool:
    """Set to false."""
    return word is False


def unknown(reason: str, *facts: str) -> dict[str, Unknown]:
    """Facts of which a switch makes something that no key tells."""
    return dict.fromkeys(facts, Unknown(reason))


def switched(said: Said, scope: Scope, base: Path, switches: Iterable[Switch]) -> None:
    """Apply the switches of a scope that stands at ``base`` to what its keys state. A switch that changed something
    states nothing itself."""
    for switch in switches:
        parts = switch.key.split(".")
        if parts[0] not in scope:
            continue
        word = at(scope, *parts)
        if word is None or not switch.holds(word, scope):
            continue
        told = [_apply(said, base, fact, value) for fact, value in switch.facts.items()]
        here: Path = (*base, *parts)
        if any(told) and not any(each.path == here for each in said.statements):
            said.silent.add(here)


def _apply(said: Said, base: Path, fact: str, value: Any) -> bool:
    """Put what a switch makes of a fact in the place of what keys state; whether any does."""
    start = fact.removesuffix("*")
    found = [
        index
        for index, each in enumerate(said.statements)
        if each.path[: len(base)] == base and (each.fact == fact or (start != fact and each.fact.startswith(start)))
    ]
    for index in found:
        each = said.statements[index]
        if not isinstance(each.value, Unknown) or not isinstance(value, Unknown):
            said.statements[index] = replace(each, value=value)
    return bool(found)
