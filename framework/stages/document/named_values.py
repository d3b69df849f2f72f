"""What a bound number is said to be: a clause, or a result in the language of claims, and the value of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from framework.errors import InputError
from framework.locations import Location
from framework.manifest.assertions.assertion import side_of
from framework.manifest.assertions.calls import CALL, Call
from framework.manifest.assertions.sides import Side, Unsupported
from framework.manifest.clauses import Clause, shown
from framework.manifest.experiment import Experiment
from framework.names import did_you_mean, find_path
from framework.stages.claim.results import Ambiguous, result_of

if TYPE_CHECKING:
    from framework.stages.run.observed import Observed


def named_in(experiment: Experiment, text: str, where: Location | None) -> Clause | Side:
    """What a text names.

    Raises:
        InputError: it names neither a clause that is a number, nor arithmetic over known results.
    """
    if CALL.search(text):
        return side_of(experiment, text, where)
    path = find_path(experiment.raw, text)
    clause = experiment.by_path.get(path) if path else None
    if clause is None or clause.added:
        known = [each.id for each in experiment.clauses if not each.added]
        raise InputError.at(where, f"{text!r} is neither a clause nor a result", did_you_mean(text, known))
    if amount(clause.value) is None:
        advice = "bind words under `configs:`"
        raise InputError.at(where, f"{clause.id} = {shown(clause.value)} is no number", advice)
    return clause


def amount(value: Any) -> float | None:
    """The one number that a value is; None for any other value. Of a length it is the number of its unit."""
    if isinstance(value, BaseModel):
        stated = {name: each for name, each in value.model_dump(exclude_unset=True).items() if name != "within"}
        numbers = [each for each in map(amount, stated.values()) if each is not None]
        return numbers[0] if len(numbers) == len(stated) == 1 else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def measured(experiment: Experiment, side: Side, steps: Sequence[Observed], model: str | None) -> float:
    """Arithmetic over results, the mean over the seeds.

    Raises:
        Unsupported: results are missing, or not told apart.
    """
    models = list(experiment.manifest.models)
    if model is None and len(models) != 1:
        raise Unsupported(f"there are results of {', '.join(models)}: say `model` of the document")
    results: dict[str, list[float]] = {}
    missing: dict[int, None] = {}
    for text in side.calls:
        match = CALL.fullmatch(text)
        assert match is not None
        for seed in experiment.manifest.seeds:
            try:
                results.setdefault(text, []).append(result_of(Call.of(match), steps, model or models[0], seed))
            except LookupError:
                missing[seed] = None
            except Ambiguous as problem:
                raise Unsupported(str(problem)) from None
    if missing:
        raise Unsupported(f"results are missing for seeds {list(missing)}")
    found = fmean(side.values(results)) if side.varies else side.value(results)
    if not math.isfinite(found):
        raise Unsupported(f"it came to {found}")
    return found
