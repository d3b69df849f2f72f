"""Whose a config file may be that no binding gives to a variant: what drifts from a phase may be what one sets."""

from __future__ import annotations

from typing import Any

from framework.conformance.meaning import compare
from framework.conformance.targets import Target, target_of
from framework.manifest.bindings import Binding
from framework.manifest.loading import Experiment


def owners(experiment: Experiment, binding: Binding, target: Target, value: Any) -> list[str]:
    """The variants in which a phase's clause has ``value``, and not what the manifest states for the phase; none where
    the binding names a variant, or where the clause is no phase's."""
    if binding.variant is not None or target.clause.path[0] != "phases":
        return []
    found = []
    for variant in experiment.stated.variants:
        own = target_of(experiment, binding.model_copy(update={"variant": variant}), target.key, ())
        if own.clause != target.clause and compare(own.clause.path, own.declared, value, own.unit).same:
            found.append(variant)
    return found


def whose(file: str, variants: list[str]) -> str:
    """The advice to say whose file it is; the variant comes first that the file is called by."""
    first, *others = sorted(variants, key=lambda name: -len(name) if name in file else 0)
    too = "" if not others else f", as does {others[0]}" if len(others) == 1 else f", as do {len(others)} others"
    return f"bind it with `variant: {first}` if it is that variant's, which sets this{too}"
