"""Whose a config file may be that no binding gives to a variant: what drifts from a phase may be what one sets."""

from __future__ import annotations

from typing import Any

from framework.conformance.following import as_used
from framework.conformance.meaning import compare
from framework.conformance.targets import Target, below
from framework.manifest.loading import Experiment
from framework.manifest.variants import uses_of
from framework.names import format_path


def owners(experiment: Experiment, target: Target, value: Any) -> list[str]:
    """The variants that state ``value`` in the place of a phase's clause; none where the clause is no phase's."""
    path = target.clause.path
    if path[0] != "phases":
        return []
    found = []
    for variant in experiment.stated.variants:
        own = next((base for phase, _, base in uses_of(experiment.stated.variants, variant) if phase == path[1]), None)
        stated = below(experiment, (*own, "set"), format_path(path[2:])) if own else None
        clause = stated.clause if stated else as_used(experiment, target.clause, variant, None)
        if clause is not target.clause and compare(clause.path, clause.value, value, target.unit).same:
            found.append(variant)
    return found


def whose(file: str, variants: list[str]) -> str:
    """The advice to say whose file it is; the variant comes first that the file is called by."""
    first, *others = sorted(variants, key=lambda name: -len(name) if name in file else 0)
    too = "" if not others else f", as does {others[0]}" if len(others) == 1 else f", as do {len(others)} others"
    return f"bind it with `variant: {first}` if it is that variant's, which sets this{too}"
