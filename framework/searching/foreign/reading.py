"""Trials of another tool as trials of a study, in our words: a failed state goes before any value."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.record import sha256_of
from framework.evidence.storages.optuna_studies import VALUE
from framework.locations import Location
from framework.manifest.hyperparameters import folded, same_metric
from framework.manifest.sections.searching.foreign_trials import ForeignTrials
from framework.names import did_you_mean
from framework.reading.table_rows import PLAIN
from framework.searching.foreign.foreign_rows import STATES, Row, as_value
from framework.searching.foreign.optuna_storages import read_storage
from framework.searching.foreign.ray_results import ITERATION, read_results
from framework.searching.foreign.run_tables import read_table
from framework.searching.studies import Study, declared
from framework.searching.trials import State, StoredStudy, Trial, read_study


def stored_of(study: Study, root: Path) -> StoredStudy | None:
    """The trials of a study: those that `framework sweep` made, or those of another tool, as the search says; None
    where there are none yet.

    Raises:
        InputError: they cannot be read, or lack what is searched or optimised; with the place.
    """
    stated = study.search.trials
    if stated is None:
        return read_study(study.path(root))
    path = root / _filled(stated.path, _names(study))
    if not os.path.exists(path):
        return None
    rows, direction = _rows(stated, path)
    wanted = "lower" if study.search.falls else "higher"
    if direction is not None and direction != wanted:
        message = f"the storage looked for the {direction} value, and {study.label} for the {wanted} one"
        raise InputError.at(Location(str(path), 1, 1), message, "state the direction that was searched in")
    trials = _trials(study, stated, rows, path)
    return StoredStudy(path, _digest(path), declared(study, "read"), {"read": _kind(stated, path)}, trials)


def shown_path(study: Study, root: Path) -> str:
    """Where the trials of a study lie, as seen from the manifest."""
    if study.search.trials is None:
        return study.path(root).relative_to(root).as_posix()
    return _filled(study.search.trials.path, _names(study))


def _names(study: Study) -> dict[str, str]:
    return {"variant": study.variant, "task": study.task or "", "model": study.model}


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _digest(path: Path) -> str:
    if os.path.isfile(path):
        return sha256_of(path)
    found = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*.json") if each.is_file()):
        found.update(f"{file.relative_to(path).as_posix()} {sha256_of(file)}\n".encode())
    return found.hexdigest()


def _kind(stated: ForeignTrials, path: Path) -> str:
    if stated.format is not None:
        return stated.format
    if os.path.isdir(path):
        return "ray"
    return "table" if path.suffix.lower() in PLAIN else "optuna"


def _rows(stated: ForeignTrials, path: Path) -> tuple[list[Row], str | None]:
    kind = _kind(stated, path)
    if kind == "ray":
        return read_results(path), None
    if kind == "table":
        return list(read_table(path, stated.state)), None
    direction, rows = read_storage(path)
    return rows, direction


def _trials(study: Study, stated: ForeignTrials, rows: Sequence[Row], path: Path) -> list[Trial]:
    search = study.search
    known = list(dict.fromkeys(name for row in rows for name in row.values))
    theirs = {key: _name_of(key, stated, known, path) for key in search.dimensions if not search.dimensions[key].when}
    for key in search.dimensions:
        if key not in theirs:
            theirs[key] = next((name for name, ours in stated.keys.items() if ours == key), key)
    metric = stated.metric or next((name for name in known if same_metric(name, search.metric_name)), None)
    if metric is None and VALUE in known:
        metric = VALUE
    if metric is None:
        raise InputError.at(
            Location(str(path), 1, 1), f"no column is {search.metric_name}", did_you_mean(search.metric_name, known)
        )
    steps = stated.steps or (ITERATION if ITERATION in known else None)
    lengths = [length for row in rows if steps and (length := as_value(row.values.get(steps))) is not None]
    longest = max(lengths, default=None)
    trials = []
    for number, row in enumerate(rows):
        point = {key: row.values[name] for key, name in theirs.items() if row.values.get(name) is not None}
        value = _value(study, row, metric)
        state, error = _state(row, value)
        facts: dict[str, Any] = {"metrics": _metrics(row, set(theirs.values())), "final": [f"{path.name}#{number}"]}
        if error:
            facts["error"] = error
        if longest is not None and (length := as_value(row.values.get(steps or ""))) is not None:
            facts |= {"optimizer_steps": int(length), "planned_steps": int(longest)}
        trials.append(Trial(number, point, state, value if state == "completed" else None, facts))
    return trials


def _name_of(key: str, stated: ForeignTrials, known: Sequence[str], path: Path) -> str:
    """Their name of a searched key: as stated, our own, or one that ends alike.

    Raises:
        InputError: there is none, or several.
    """
    where = Location(str(path), 1, 1)
    for name, ours in stated.keys.items():
        if ours == key:
            if name not in known:
                raise InputError.at(where, f"no column {name!r}", did_you_mean(name, known))
            return name
    if key in known:
        return key
    last = folded(key.rpartition(".")[2])
    words = {last, *({"lr"} if last == "learningrate" else {"wd"} if last == "weightdecay" else ())}
    found = [name for name in known if folded(name.replace("/", ".").rpartition(".")[2]) in words]
    if len(found) == 1:
        return found[0]
    message = f"no column is {key}" if not found else f"several columns may be {key}: {', '.join(found)}"
    raise InputError.at(where, message, f"say which under `keys`: {{THEIR NAME: {key}}}")


def _value(study: Study, row: Row, metric: str) -> float | None:
    """A trial's value, of the moment that selection speaks of where there are reports on the way."""
    reports = [value for each in row.history if (value := as_value(each.get(metric))) is not None]
    if study.search.selection.value == "best" and reports:
        finite = [value for value in reports if math.isfinite(value)]
        return (min if study.search.falls else max)(finite) if finite else math.nan
    return as_value(row.values.get(metric))


def _state(row: Row, value: float | None) -> tuple[State, str]:
    """How a trial ended, and why it has no value."""
    end = None if row.end is None else STATES.get(row.end.strip().lower())
    if row.end is not None and end is None:
        return "failed", f"it ended as {row.end!r}, which is no known end"
    if end is not None and end != "completed":
        return end, f"it ended as {row.end}" if end == "failed" else ""
    if value is None:
        return "failed", "it has no value"
    return ("completed", "") if math.isfinite(value) else ("failed", f"the objective is {value}")


def _metrics(row: Row, searched: set[str]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in row.values.items()
        if name not in searched
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    }
