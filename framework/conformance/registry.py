"""Rule families: every module of a stage's package is one. To add a rule is to add a file.

A family holds its :class:`~framework.conformance.model.Rule` constants and one function `check(context)`, which
yields verdicts (about a clause) and findings (about something no clause covers). A family of the config stage may have
`check_file(context, bounds)` instead, or beside it: that is asked first, once for each file (with the file under each
of its bindings) while it is open, and should be what looks at files; what compares files comes after. Other
distributions add families through the entry-point groups `framework.manifest_rules`, `framework.config_rules`,
`framework.run_rules` and `framework.checkpoint_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


Seen = tuple[list[Verdict], list[Finding]]


def apply(stage: str, context: Any) -> Seen:
    """What all families of a stage see: verdicts, and findings that belong to no clause."""
    asked = [f.check for f in families(stage) if hasattr(f, "check") or not hasattr(f, "check_file")]
    return _sorted(item for check in asked for item in check(context))


def apply_to_file(stage: str, context: Any, bounds: Any) -> Seen:
    """What all families of a stage see in one file."""
    return _sorted(item for check in _of_files(stage) for item in check(context, bounds))


@cache
def _of_files(stage: str) -> tuple[Callable[[Any, Any], Iterable[Verdict | Finding]], ...]:
    return tuple(family.check_file for family in families(stage) if hasattr(family, "check_file"))


def _sorted(seen: Iterable[Verdict | Finding]) -> Seen:
    verdicts: list[Verdict] = []
    findings: list[Finding] = []
    for item in seen:
        if isinstance(item, Verdict):
            verdicts.append(item)
        else:
            findings.append(item)
    return verdicts, findings
