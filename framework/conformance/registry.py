"""Families of rules: every module of a stage's package `rules` is one. To add a rule is to add a file.

A family holds its :class:`~framework.conformance.rule.Rule` constants and one function `check(context)`, which
yields verdicts (about a clause) and findings (about something no clause covers). A family of the config stage may have
`check_file(context, bounds)` instead, or beside it: that is asked first, once for each file (with the file under each
of its bindings) while it is open, and should be what looks at files; what compares files comes after. Other
distributions add families through the entry-point groups `framework.manifest_rules`, `framework.config_rules`,
`framework.run_rules` and `framework.checkpoint_rules`.

A stage hands in its own package: nothing here knows which stages there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from framework.conformance.finding import Finding
from framework.conformance.rule import Rule
from framework.conformance.verdict import Verdict
from framework.plugins import entry_points, loaded

Seen = tuple[list[Verdict], list[Finding]]


@cache
def families(package: ModuleType) -> tuple[ModuleType, ...]:
    """The rule families of a stage's package `rules`, by name, and those that other distributions add to the stage."""
    own = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    stage = package.__name__.split(".")[-2]
    return (*own, *(loaded(point) for point in entry_points(group=f"framework.{stage}_rules")))


def rules_of(families: Iterable[ModuleType]) -> Iterator[Rule]:
    """The rules that families declare."""
    for family in families:
        yield from (value for value in vars(family).values() if isinstance(value, Rule))


def apply(package: ModuleType, context: Any) -> Seen:
    """What all families of a stage see: verdicts, and findings that belong to no clause."""
    asked = [f.check for f in families(package) if hasattr(f, "check") or not hasattr(f, "check_file")]
    return _sorted(item for check in asked for item in check(context))


def apply_to_file(package: ModuleType, context: Any, bounds: Any) -> Seen:
    """What all families of a stage see in one file."""
    return _sorted(item for check in _of_files(package) for item in check(context, bounds))


@cache
def _of_files(package: ModuleType) -> tuple[Callable[[Any, Any], Iterable[Verdict | Finding]], ...]:
    return tuple(family.check_file for family in families(package) if hasattr(family, "check_file"))


def _sorted(seen: Iterable[Verdict | Finding]) -> Seen:
    verdicts: list[Verdict] = []
    findings: list[Finding] = []
    for item in seen:
        if isinstance(item, Verdict):
            verdicts.append(item)
        else:
            findings.append(item)
    return verdicts, findings
