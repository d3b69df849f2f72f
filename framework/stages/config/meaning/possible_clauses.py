"""What the value of a key says that could state one of several clauses: where it fits none, or all, it does not matter
which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from framework.conformance.meaning import compare
from framework.dialects.key_tables import interpolated
from framework.dialects.terms import Statement
from framework.dialects.well_known.keys import SETTINGS
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import scale_under, totals_of
from framework.manifest.sections.bindings import Binding
from framework.stages.config.meaning.clause_targets import BATCH_PARTS, Target
from framework.stages.config.meaning.owning_variants import owners
from framework.stages.config.meaning.word_meanings import is_repository, translated

_TRAININGS = ("phases", "variants")
"""The sections whose clauses a training's key is about; one of a model's may be of a model that no paper speaks of."""


def possible(found: Sequence[Target], statement: Statement) -> tuple[Target, ...]:
    """The clauses that a key must be about one of, with what its word means for each; none where it may be about
    something else."""
    about_training = all(each.clause.path[0] in _TRAININGS and each.facet not in BATCH_PARTS for each in found)
    if statement.fact.startswith(SETTINGS) or statement.value is None or not about_training:
        return ()
    return () if interpolated(statement.word) else tuple(translated(each, statement) for each in found)


def fits(experiment: Experiment, binding: Binding, targets: Sequence[Target], stated: Any) -> bool | None:
    """Whether a value is what all of some clauses declare (True) or none does (False); None where it depends on which
    one it is about, or is not known."""
    said = {_same(experiment, binding, target, stated) for target in targets}
    return said.pop() if len(said) == 1 else None


def _same(experiment: Experiment, binding: Binding, target: Target, stated: Any) -> bool | None:
    meant = target.translation
    if meant is not None and meant.reason:
        return None
    value = stated if meant is None else meant.value
    totals = totals_of(experiment, binding, target.clause)
    scale = scale_under(experiment, binding, target.clause)
    found = compare(target.clause.path, target.declared, value, target.unit, totals, scale)
    if found.same is False and (found.wrong_type or owners(experiment, binding, target, value)):
        return None
    return found.same


def names_none(found: Sequence[Target], statement: Statement) -> bool:
    """Whether a key names a repository that is none of those which it could be."""
    named = statement.fact.endswith(".hub") and isinstance(statement.value, str) and not interpolated(statement.word)
    return named and not any(is_repository(target.clause.value, statement.value) for target in found)
