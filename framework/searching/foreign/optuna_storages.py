"""Optuna's storages as the trials of a search (optuna 2.10 to 5.0)."""

from __future__ import annotations

from pathlib import Path

from framework.errors import InputError
from framework.evidence.storages.optuna_storage import is_storage, studies_in
from framework.evidence.storages.optuna_studies import VALUE, Trial
from framework.locations import Location
from framework.searching.foreign.foreign_rows import Row

_WORDS = {"MINIMIZE": "lower", "MAXIMIZE": "higher"}


def read_storage(path: Path) -> tuple[str, list[Row]]:
    """The direction (`lower` or `higher`) and the trials of the one study in a storage, by their numbers.

    Raises:
        InputError: it is no storage, or it holds several studies, or one of several objectives.
    """
    where = Location(str(path), 1, 1)
    if not is_storage(path):
        raise InputError.at(where, "not a storage of Optuna")
    studies = studies_in(path)
    if len(studies) != 1:
        held = f"{len(studies)} studies in one storage"
        raise InputError.at(where, held, "export the one that counts")
    (study,) = studies
    if len(study.directions) != 1:
        held = f"a study of {len(study.directions)} objectives"
        raise InputError.at(where, held, "export the objective that counts")
    return _WORDS.get(study.directions[0], "lower"), [_row(trial) for trial in study.trials]


def _row(trial: Trial) -> Row:
    values = {**trial.params, **({VALUE: trial.values[0]} if trial.values else {})}
    history = [{"step": step, VALUE: value} for step, value in sorted(trial.intermediate.items())]
    return Row(values, trial.state.lower(), history)
