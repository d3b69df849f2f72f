"""Whose a config file may be that no binding gives to a variant: what drifts from a phase may be what one sets."""

from __future__ import annotations

from typing import Any

from framework.conformance.meaning import compare
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import totals_of
from framework.manifest.sections.bindings import Binding
from framework.stages.config.meaning.clause_targets import Target, target_of


def owners(experiment: Experiment, binding: Binding, target: Target, value: Any) -> list[str]:
    """The variants in which a phase's clause has ``value``, which the phase has not; none where the binding names a
    variant, or where the clause is no phase's."""
    if binding.variant is not None or target.clause.path[0] != "phases":
        return []
    found = []
    for variant in experiment.stated.variants:
        its = binding.model_copy(update={"variant": variant})
        own = target_of(experiment, its, target.key, ())
        totals = totals_of(experiment, its, own.clause)
        if compare(own.clause.path, own.declared, value, own.unit, totals).same:
            found.append(variant)
    return found


def whose(file: str, variants: list[str]) -> str:
    """The advice to say whose file it is; the variant comes first that the file is called by."""
    first, *others = sorted(variants, key=lambda name: -len(name) if name in file else 0)
    too = "" if not others else f", as does {others[0]}" if len(others) == 1 else f", as do {len(others)} others"
    return f"bind it with `variant: {first}` if it is that variant's, which sets this{too}"
