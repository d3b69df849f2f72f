"""What the word of a key means in the terms of the clause that it states."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from framework.conformance.meaning import Comparison, same
from framework.dialects import values
from framework.dialects.families.weight_formats import format_of, weight_format
from framework.dialects.key_tables import interpolated
from framework.dialects.terms import KeyWord, OfEpochs, Searched, Statement, Unknown
from framework.dialects.well_known.keys import SETTINGS
from framework.manifest.clauses import shown
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import batch_of, by_task, examples_of, phase_under, steps_in_epochs, steps_of
from framework.manifest.sections.values.durations import Duration
from framework.reading.tree import Opaque
from framework.stages.config.meaning.clause_targets import Target, Translation
from framework.stages.config.meaning.fact_clauses import Place, targets_of
from framework.stages.config.meaning.search_spaces import compared


def translated(target: Target, statement: Statement) -> Target:
    """The target with what the file's word means, where that is not the word itself."""
    declared, value, word = target.declared, statement.value, statement.word
    as_it_is = statement.fact.startswith(SETTINGS) and same(declared, word) and not isinstance(value, Unknown)
    if interpolated(word) or as_it_is:
        return target
    if isinstance(value, Unknown) and _fits_none(declared, value):
        value = value.among[0]
    if isinstance(value, Unknown):
        return target._replace(translation=Translation(word, reason=value.reason))
    if statement.fact == "precision" and (told := format_of(declared)) is not None:
        return target._replace(translation=_as_told(declared, told, statement))
    if isinstance(value, OfEpochs) and isinstance(declared, Duration) and declared.unit == "epochs":
        return target._replace(facet="epochs", translation=Translation(word, value.epochs))
    if isinstance(value, Searched) and value.every and statement.fact.startswith("seed"):
        declared_set = isinstance(declared, list) and _as_set(declared) == _as_set(value.values)
        spelled = word.tag if isinstance(word, Opaque) else word
        return target._replace(translation=Translation(spelled, declared if declared_set else list(value.values)))
    if isinstance(value, Searched):
        if target.translation is not None:
            return target  # in another unit
        spelled = word.tag if isinstance(word, Opaque) else word
        return target._replace(translation=_searched(declared, statement.fact, spelled, value))
    if statement.fact == "seed":
        member = isinstance(declared, list) and any(same(seed, value) for seed in declared)
        return target._replace(
            translation=Translation(word, declared if member else value if isinstance(value, list) else [value])
        )
    if statement.fact.endswith(".hub") and is_repository(declared, value):
        value = declared
    if statement.fact == "adapter.lora.targets" and isinstance(value, list) and isinstance(declared, list):
        value = declared if sorted(map(str, value)) == sorted(map(str, declared)) else value
    if target.translation is not None:
        return target
    as_it_is = same(value, word) and value is not None and not isinstance(word, KeyWord)
    return target if as_it_is else target._replace(translation=Translation(word, value))


def _as_told(declared: str, told: str, statement: Statement) -> Translation:
    """What a file says of a precision that the manifest states with its weights' format (`bf16-mixed`)."""
    theirs = weight_format(statement)
    if values.precision(declared, {}) != statement.value or theirs not in (None, told):
        return Translation(statement.word, statement.value)
    reason = "" if theirs else "whether weights of 32 bits are kept beside it is not said"
    return Translation(statement.word, declared if theirs else None, reason=reason)


def _fits_none(declared: Any, value: Unknown) -> bool:
    """Whether a number is declared, and none of those that a value may be is it."""
    return (
        isinstance(declared, float | int)
        and bool(value.among)
        and all(isinstance(each, float | int) and not same(declared, each) for each in value.among)
    )


def _as_set(values: Sequence[Any]) -> set[tuple[type, Any]]:
    return {(type(value), value) for value in values}


def _searched(declared: Any, fact: str, word: Any, space: Searched) -> Translation:
    """What a searched parameter means. Which of several seeds were drawn, nobody can tell here."""
    if not fact.startswith("seed") or not isinstance(declared, list):
        return Translation(word, space)
    lacking = [seed for seed in declared if compared(space, partial(_as_seed, seed)).same is False]
    if lacking:
        return Translation(word, str(space))
    reason = f"searched: {space}; which seeds were drawn is not known here"
    return Translation(word, reason=reason, inherent=True)


def _as_seed(seed: Any, value: Any) -> Comparison:
    return Comparison(same(seed, value), seed)


def is_repository(declared: Any, stated: Any) -> bool:
    """Whether two names are one repository of the hub: `glue` is the old name of `nyu-mll/glue`."""
    if not isinstance(declared, str) or not isinstance(stated, str):
        return False
    return stated == declared or ("/" not in stated and declared.rpartition("/")[2] == stated)


def other_length(experiment: Experiment, place: Place, statement: Statement, both: bool) -> list[Target]:
    """Steps where the manifest states epochs, or epochs where it states steps: compared where both are known. In a file
    that states ``both``, the epochs may only be more than enough."""
    other = "epochs" if statement.fact == "max_steps" else "max_steps"
    found = targets_of(experiment, place, other)
    if len(found) != 1 or isinstance(statement.value, Unknown) or place.phase is None:
        return found
    target, value = found[0], statement.value
    totals = steps_of(experiment, place.phase, place.task, place.variant)
    unit = "steps" if statement.fact == "max_steps" else "epochs"
    declared = f"declared as {shown(target.declared)} {other.removeprefix('max_')}"
    reason = f"{declared}, stated in {unit}: the dataset's size is not known"
    translation = Translation(statement.word, reason=reason)
    if isinstance(value, Searched):
        reason = f"{declared}, searched in {unit}: {value}"
        translation = Translation(statement.word, reason=reason, inherent=True)
    elif totals is not None and len(totals) == 1 and isinstance(value, (int, float)) and statement.fact == "max_steps":
        means = target.declared if value == totals[0] else float(f"{value / totals[0] * target.declared:.4g}")
        translation = Translation(statement.word, means)
    elif unit == "epochs" and isinstance(value, (int, float)) and value > 0:
        translation = _in_steps(experiment, place, target, statement, both) or translation
    return [target._replace(translation=translation)]


def _in_steps(
    experiment: Experiment, place: Place, target: Target, statement: Statement, both: bool
) -> Translation | None:
    """What a file's epochs mean in optimizer steps, where the manifest tells data and batch. More than enough may be
    ended by another file; of a file that states ``both``, whether fewer epochs end the steps is its program's matter
    (they do in Lightning, and do not in transformers)."""
    own = list(by_task(phase_under(experiment, place.phase or "", place.variant), place.task).values())
    if len(own) != 1:
        return None
    examples, batch = examples_of(experiment.stated, own[0]), batch_of(own[0], experiment.stated.hardware.count)
    if not examples or not batch:
        return None
    least, most = steps_in_epochs(statement.value, examples, batch)
    if both:
        reason = (
            f"it is {most} optimizer steps: whether they or the stated number end the training, its program decides"
        )
        return (
            Translation(statement.word, target.declared)
            if most >= target.declared
            else Translation(statement.word, reason=reason)
        )
    if least > target.declared and len(experiment.stated.configs) > 1:
        reason = (
            f"it is {most} optimizer steps, unless a number of steps ends the training, which this file does not state"
        )
        return Translation(statement.word, reason=reason)
    return Translation(statement.word, target.declared if least <= target.declared <= most else most)
