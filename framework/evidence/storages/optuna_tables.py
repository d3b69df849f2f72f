"""A SQLite file of Optuna's `RDBStorage`, read without Optuna.

The tables are those of optuna/storages/_rdb/models.py (schema 12, which versions 3.2 to 5.0 have, and from 2.4 on with
plain values).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.storages.optuna_studies import Study, Trial, external
from framework.evidence.storages.sqlite_file import has_tables, missing_in, read_only, tables_in
from framework.locations import Location

_NEEDED = {
    "studies": frozenset(("study_id", "study_name")),
    "study_directions": frozenset(("direction", "study_id", "objective")),
    "study_user_attributes": frozenset(("study_id", "key", "value_json")),
    "study_system_attributes": frozenset(("study_id", "key", "value_json")),
    "trials": frozenset(("trial_id", "number", "study_id", "state")),
    "trial_params": frozenset(("trial_id", "param_name", "param_value", "distribution_json")),
    "trial_values": frozenset(("trial_id", "objective", "value")),
    "trial_user_attributes": frozenset(("trial_id", "key", "value_json")),
    "trial_system_attributes": frozenset(("trial_id", "key", "value_json")),
    "trial_intermediate_values": frozenset(("trial_id", "step", "intermediate_value")),
}
_NOT_FINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}
"""What the type of a stored value says in the place of its number."""
_ATTRIBUTES = "SELECT trial_id, key, value_json FROM trial_{}_attributes ORDER BY key"


def is_tables(path: Path) -> bool:
    """Whether a file is such a database."""
    return has_tables(path, "studies", "trials", "trial_params")


def in_tables(path: Path) -> Iterator[Study]:
    """The studies that are there.

    Raises:
        InputError: the file cannot be read, or is of a version that has not what is needed.
    """
    with read_only(path) as database:
        there = tables_in(database)
        if missing := missing_in(there, _NEEDED):
            message = f"a storage of an Optuna before 2.4: it lacks {missing[0]}"
            raise InputError.at(Location(str(path), 1, 1), message, "`optuna storage upgrade` a copy, and adopt that")
        try:
            yield from _studies(
                database,
                "value_type" in there["trial_values"],
                "intermediate_value_type" in there["trial_intermediate_values"],
            )
        except (ValueError, LookupError, TypeError) as problem:
            message = f"a storage of Optuna with a value that cannot be read: {problem}"
            raise InputError.at(Location(str(path), 1, 1), message) from None


def _studies(database: sqlite3.Connection, typed: bool, typed_reports: bool) -> Iterator[Study]:
    trials = {
        trial_id: (study_id, Trial(number, state))
        for trial_id, number, study_id, state in database.execute(
            "SELECT trial_id, number, study_id, state FROM trials ORDER BY study_id, number"
        )
    }
    for trial_id, name, value, distribution in database.execute(
        "SELECT trial_id, param_name, param_value, distribution_json FROM trial_params ORDER BY param_id"
    ):
        trials[trial_id][1].params[name] = external(value, distribution)
    kind = "value_type" if typed else "NULL"
    for trial_id, value, how in database.execute(
        f"SELECT trial_id, value, {kind} FROM trial_values ORDER BY trial_id, objective"
    ):
        trial = trials[trial_id][1]
        trial.values = [*(trial.values or ()), _figure(value, how)]
    kind = "intermediate_value_type" if typed_reports else "NULL"
    for trial_id, step, value, how in database.execute(
        f"SELECT trial_id, step, intermediate_value, {kind} FROM trial_intermediate_values ORDER BY trial_id, step"
    ):
        trials[trial_id][1].intermediate[int(step)] = _figure(value, how)
    for trial_id, name, text in database.execute(_ATTRIBUTES.format("user")):
        trials[trial_id][1].user_attributes[name] = json.loads(text)
    for trial_id, name, text in database.execute(_ATTRIBUTES.format("system")):
        trials[trial_id][1].system_attributes[name] = json.loads(text)
    for study_id, name in database.execute("SELECT study_id, study_name FROM studies ORDER BY study_id").fetchall():
        yield Study(
            name,
            _directions(database, study_id),
            _attributes(database, "study_user_attributes", study_id),
            _attributes(database, "study_system_attributes", study_id),
            [trial for of, trial in trials.values() if of == study_id],
        )


def _figure(value: Any, how: str | None) -> float:
    if how in _NOT_FINITE:
        return _NOT_FINITE[how]
    return float("nan") if value is None else float(value)


def _directions(database: sqlite3.Connection, study_id: int) -> list[str]:
    asked = "SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective"
    return [direction for (direction,) in database.execute(asked, (study_id,))]


def _attributes(database: sqlite3.Connection, table: str, study_id: int) -> dict[str, Any]:
    asked = f"SELECT key, value_json FROM {table} WHERE study_id = ? ORDER BY key"
    return {name: json.loads(text) for name, text in database.execute(asked, (study_id,))}
