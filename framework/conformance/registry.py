"""Rule families: every module of a stage's package is one. To add a rule is to add a file.

A family holds its :class:`~framework.conformance.model.Rule` constants and one function `check(context)`, which
yields verdicts (about a clause) and findings (about something no clause covers). Other distributions add families
through the entry-point groups `framework.manifest_rules`, `framework.config_rules`, `framework.run_rules` and
`framework.checkpoint_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from framework.conformance.model import Finding, Rule, Verdict
from framework.plugins import entry_points

STAGES = ("manifest_rules", "config_rules", "run_rules", "checkpoint_rules")


@cache
def families(stage: str) -> tuple[ModuleType, ...]:
    """The rule families of one of :data:`STAGES`, by name."""
    package = import_module(f"framework.conformance.{stage}")
    own = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    return (*own, *(point.load() for point in entry_points(group=f"framework.{stage}")))


def rules() -> dict[str, Rule]:
    """Every rule by its code.

    Raises:
        ValueError: two rules have one code.
    """
    found: dict[str, Rule] = {}
    for stage in STAGES:
        for family in families(stage):
            for value in vars(family).values():
                if isinstance(value, Rule) and found.setdefault(value.code, value) != value:
                    raise ValueError(f"two rules with the code {value.code}: {value.name}, {found[value.code].name}")
    return found


def apply(stage: str, context: Any) -> tuple[list[Verdict], list[Finding]]:
    """What all families of a stage see: verdicts, and findings that belong to no clause."""
    verdicts: list[Verdict] = []
    findings: list[Finding] = []
    for family in families(stage):
        seen: Iterable[Verdict | Finding] = family.check(context)
        for item in seen:
            if isinstance(item, Verdict):
                verdicts.append(item)
            else:
                findings.append(item)
    return verdicts, findings
