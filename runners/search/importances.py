"""How much of what separates good trials from the others each key explains."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import optuna
from optuna.trial import TrialState

from framework.manifest.searched.value_sets import outside
from framework.searching.selecting import value_of
from framework.searching.studies import Study
from framework.searching.trials import StoredStudy
from runners.search.drawing import as_params, distribution_of

LEAST_TRIALS = 4
"""With fewer completed trials nothing can be said."""


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
