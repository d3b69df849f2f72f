"""Optuna's storages, read without Optuna: its SQLite tables and its journals (optuna 2.10 to 5.0)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.searching.foreign.foreign_rows import Row

VALUE = "value"
"""The name of a trial's value, which a storage does not name."""
_ENDS = {0: "running", 1: "complete", 2: "pruned", 3: "fail", 4: "waiting"}
_INFINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}
_SQL_TRIALS = "SELECT trial_id, study_id, state FROM trials ORDER BY trial_id"


def read_storage(path: Path) -> tuple[str, list[Row]]:
    """The direction (`lower` or `higher`) and the trials of the one study in a storage, by their numbers.

    Raises:
        InputError: it is no storage, or it holds several studies.
    """
    where = Location(str(path), 1, 1)
    try:
        with path.open("rb") as stream:
            begin = stream.read(16)
        directions, rows = _tables(path) if begin.startswith(b"SQLite format 3") else _journal(path)
    except (OSError, sqlite3.Error, ValueError, KeyError, IndexError, TypeError) as problem:
        raise InputError.at(where, f"not a storage of Optuna: {type(problem).__name__} {problem}") from None
    if len(directions) != 1:
        raise InputError.at(
            where, f"{len(directions)} studies or objectives in one storage", "export the one that counts"
        )
    return directions[0], rows


def _tables(path: Path) -> tuple[list[str], list[Row]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        directions = [each for (each,) in database.execute("SELECT direction FROM study_directions")]
        studies = {study for (study,) in database.execute("SELECT study_id FROM studies")}
        found: dict[int, Row] = {}
        for trial, _, state in database.execute(_SQL_TRIALS):
            found[trial] = Row({}, str(state).lower())
        params = "SELECT trial_id, param_name, param_value, distribution_json FROM trial_params"
        for trial, name, value, distribution in database.execute(params):
            found[trial].values[name] = _external(json.loads(distribution), value)
        columns = {row[1] for row in database.execute("PRAGMA table_info(trial_values)")}
        kind = "value_type" if "value_type" in columns else "'FINITE'"
        for trial, value, how in database.execute(f"SELECT trial_id, value, {kind} FROM trial_values"):
            found[trial].values[VALUE] = _INFINITE.get(how, value)
    return _directions([str(each) for each in directions], len(studies)), list(found.values())


def _journal(path: Path) -> tuple[list[str], list[Row]]:
    rows: list[Row] = []
    directions: list[str] = []
    studies = 0
    for operation in _lines(path):
        code = operation["op_code"]
        if code == 0:
            studies += 1
            directions += ["MINIMIZE" if each == 1 else "MAXIMIZE" for each in operation["directions"]]
        elif code == 4:
            kinds = {key: json.loads(text) for key, text in operation.get("distributions", {}).items()}
            params = {key: _external(kinds[key], value) for key, value in operation.get("params", {}).items()}
            row = Row(params, _ENDS[operation.get("state", 0)])
            if operation.get("value") is not None:
                row.values[VALUE] = operation["value"]
            rows.append(row)
        elif code == 5:
            kind = json.loads(operation["distribution"])
            rows[operation["trial_id"]].values[operation["param_name"]] = _external(
                kind, operation["param_value_internal"]
            )
        elif code == 6 and rows[operation["trial_id"]].end in ("running", "waiting"):
            rows[operation["trial_id"]].end = _ENDS[operation["state"]]
            if operation.get("values"):
                rows[operation["trial_id"]].values[VALUE] = operation["values"][0]
        elif code == 7:
            report = {"step": operation["step"], VALUE: operation["intermediate_value"]}
            rows[operation["trial_id"]].history.append(report)
    return _directions(directions, studies), rows


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                yield json.loads(line)


def _directions(found: list[str], studies: int) -> list[str]:
    words = ["lower" if each == "MINIMIZE" else "higher" for each in found]
    return words if studies == 1 else [*words, *[""] * max(0, studies - len(words))]


def _external(distribution: dict[str, Any], value: float) -> Any:
    """A value as the objective saw it: storages keep numbers, and of choices their place."""
    name, attributes = distribution["name"], distribution["attributes"]
    if name == "CategoricalDistribution":
        return attributes["choices"][int(value)]
    return int(value) if name.startswith("Int") else float(value)
