"""How much of what separates good trials from the others each key explains, and what two of them do together."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from framework.manifest.searched.value_sets import listed, outside, same_value
from framework.manifest.sections.searching.searched_values import Dimension
from framework.searching.selecting import value_of
from framework.searching.studies import Study
from framework.searching.trials import StoredStudy
from framework.statistics.response_surface import Axis, interactions
from runners.search.drawing import as_params, distribution_of

LEAST_TRIALS = 4
"""With fewer completed trials nothing can be said."""
_MOST_LEVELS = 4
"""Numbers in steps of so many count as choices: a parabola through them tells no more."""


def importances(study: Study, stored: StoredStudy) -> Mapping[str, float]:
    """By key its share, from 0 to 1: PED-ANOVA (Watanabe et al. 2023) of Optuna, over the completed trials of the space
    as it is declared now. Empty where there are too few, or no key is in all of them."""
    search = study.search
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampled = optuna.create_study(direction="minimize" if search.falls else "maximize")
    for trial in stored.trials:
        value = value_of(search, trial)
        if trial.state != "completed" or value is None or outside(search.dimensions, trial.point):
            continue
        distributions = {key: distribution_of(search.dimensions[key]) for key in trial.point}
        params = as_params(search.dimensions, trial.point)
        sampled.add_trial(
            optuna.trial.create_trial(
                state=TrialState.COMPLETE, value=value, params=params, distributions=distributions
            )
        )
    if len(sampled.trials) < LEAST_TRIALS:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        try:
            found = optuna.importance.get_param_importances(sampled, evaluator=evaluator)
        except (ValueError, RuntimeError):
            return {}
    return {key: round(float(share), 6) for key, share in found.items()}


def joint_importances(study: Study, stored: StoredStudy) -> dict[str, Any]:
    """What pairs of keys decide together: `pairs`, each with `keys` and its `share` of the variance, the largest first;
    the `fit` of the surface that tells it; and `why` there are none. Optuna's evaluators (5.0.0: fANOVA, PED-ANOVA,
    mean decrease of impurity) tell main effects alone. Keys under a condition are not at every point: left out.
    """
    search = study.search
    keys = [key for key, values in search.dimensions.items() if not values.when]
    found = [
        (trial.point, float(value))
        for trial in stored.trials
        if trial.state == "completed"
        and (value := value_of(search, trial)) is not None
        and math.isfinite(value)
        and not outside(search.dimensions, trial.point)
    ]
    if len(keys) < 2 or not found:
        return {"pairs": [], "fit": None, "why": "fewer than two keys" if len(keys) < 2 else "no trials"}
    axes = [_axis(search.dimensions[key], [point[key] for point, _ in found]) for key in keys]
    surface = interactions(axes, [value for _, value in found])
    pairs = [
        {"keys": [keys[one], keys[other]], "share": round(surface.pairs[one, other], 6)}
        for one, other in combinations(range(len(keys)), 2)
        if (one, other) in surface.pairs
    ]
    fit = None if surface.fit is None else round(surface.fit, 6)
    return {"pairs": sorted(pairs, key=lambda pair: -float(str(pair["share"]))), "fit": fit, "why": surface.why}


def _axis(values: Dimension, taken: list[Any]) -> Axis:
    """A key's values as an axis: numbers by their share of the range, on its scale; choices by their place."""
    known = listed(values)
    if known is not None and (values.choices is not None or len(known) <= _MOST_LEVELS):
        places = [next(place for place, each in enumerate(known) if same_value(each, value)) for value in taken]
        return Axis(np.array(places, np.float64), len(known))
    low, high = (float(bound) for bound in values.bounds)
    scaled = np.array(taken, np.float64)
    if values.scale == "log":
        low, high, scaled = math.log(low), math.log(high), np.log(scaled)
    return Axis((scaled - low) / (high - low))
