"""MLflow's SQL store in a SQLite file (`mlflow.db`), each run of it as one run.

Tables and columns as mlflow/store/tracking/dbmodels/models.py has them (2.3 to 3.17: `experiments`, `runs`, `params`,
`tags`, `metrics`, `latest_metrics`), whatever else a migration added. NaN is a flag, and an infinity the largest number
(sqlalchemy_store.py). A run has its own parameters; by what its parent is tagged and called it is found, too.
"""

from __future__ import annotations

import math
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framework.adoption.sources.mlflow_files import not_inherited
from framework.adoption.sources.source import Left, LeftOut, Store, Stored
from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Reading
from framework.evidence.logs.taking import final_metrics
from framework.evidence.storages.sqlite_file import has_tables, missing_in, read_only, tables_in
from framework.locations import Location
from framework.reading.scalars import resolve

_NEEDED = {
    "experiments": frozenset(("experiment_id", "name", "lifecycle_stage")),
    "runs": frozenset(("run_uuid", "name", "status", "lifecycle_stage", "experiment_id", "start_time")),
    "params": frozenset(("key", "value", "run_uuid")),
    "tags": frozenset(("key", "value", "run_uuid")),
    "metrics": frozenset(("key", "value", "timestamp", "step", "is_nan", "run_uuid")),
    "latest_metrics": frozenset(("key", "value", "is_nan", "run_uuid")),
}
_RUNS = """
    SELECT runs.run_uuid, runs.name, runs.status, runs.lifecycle_stage, experiments.name, experiments.lifecycle_stage
    FROM runs JOIN experiments ON runs.experiment_id = experiments.experiment_id
    ORDER BY runs.start_time, runs.run_uuid
"""
_PARENT, _NAME, _COMMIT = "mlflow.parentRunId", "mlflow.runName", "mlflow.source.git.commit"


def matches(path: Path) -> bool:
    return has_tables(path, "experiments", "runs", "params", "metrics")


def runs(path: Path, reading: Reading) -> Iterator[Stored | LeftOut]:
    """The finished runs, in the order in which they were started; how many were left out, and why.

    Raises:
        InputError: the file cannot be read, or is of a version that has not what is needed.
    """
    with read_only(path) as database:
        _hold(path, database)
        found = {run["run"]: run for run in _all(database)}
    parents = {run["tags"].get(_PARENT) for run in found.values()}
    left_out: Counter[str] = Counter()
    for run in found.values():
        why = _no_evidence(run, run["run"] in parents)
        if why is None:
            above = list(_above(run, found))
            inherited = _inherited(above) if reading.inherit else {}
            kept = {**run, "inherited": inherited} if inherited else run
            yield Stored(str(run["run"]), kept, _left(path, run, above, inherited, reading))
        else:
            left_out[why] += 1
    for why, count in left_out.items():
        yield LeftOut(f"{count} {'run' if count == 1 else 'runs'}: {why}")


def _above(run: dict[str, Any], found: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The runs that a run is nested in, the nearest first."""
    seen = {run["run"]}
    while (above := found.get(run["tags"].get(_PARENT, ""))) is not None and above["run"] not in seen:
        seen.add(above["run"])
        yield above
        run = above


def _inherited(above: list[dict[str, Any]]) -> dict[str, str]:
    """The parameters of the runs above; of a name that several have, the nearest one's."""
    return {name: value for each in reversed(above) for name, value in each["params"].items()}


def _hold(path: Path, database: sqlite3.Connection) -> None:
    there = tables_in(database)
    missing = missing_in(there, _NEEDED)
    if missing:
        stated = database.execute("SELECT version_num FROM alembic_version") if "alembic_version" in there else ()
        versions = ", ".join(str(version) for (version,) in stated) or "unknown"
        message = f"a store of MLflow of version {versions}, which lacks {missing[0]}"
        raise InputError.at(Location(str(path), 1, 1), message, "`mlflow db upgrade` a copy of it, and adopt that")


def _all(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    params, tags, latest, metrics = (dict[str, Any]() for _ in range(4))
    for known, table in ((params, "params"), (tags, "tags")):
        for run, key, value in database.execute(f"SELECT run_uuid, key, value FROM {table} ORDER BY key"):
            known.setdefault(run, {})[key] = value
    for run, key, value, is_nan in database.execute(
        "SELECT run_uuid, key, value, is_nan FROM latest_metrics ORDER BY key"
    ):
        latest.setdefault(run, {})[key] = _figure(value, is_nan)
    for run, key, step, value, is_nan in database.execute(
        "SELECT run_uuid, key, step, value, is_nan FROM metrics ORDER BY key, step, timestamp"
    ):
        metrics.setdefault(run, {}).setdefault(key, []).append([step, _figure(value, is_nan)])
    for run, name, status, stage, experiment, above in database.execute(_RUNS).fetchall():
        yield {
            "run": run,
            "name": name or tags.get(run, {}).get(_NAME),
            "status": status,
            "deleted": "deleted" in (stage, above),
            "experiment": experiment,
            "params": params.get(run, {}),
            "tags": tags.get(run, {}),
            "latest": latest.get(run, {}),
            "metrics": metrics.get(run, {}),
        }


def _figure(value: Any, is_nan: Any) -> float | None:
    """A number; None for NaN and the infinities, which say nothing here."""
    known = isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < sys.float_info.max
    return None if is_nan or not known else float(value)


def _no_evidence(run: dict[str, Any], has_children: bool) -> str | None:
    """Why a run is no evidence of a finished training; None for one that is."""
    if run["deleted"]:
        return "deleted in MLflow"
    if run["status"] != "FINISHED":
        return f"not finished ({run['status']})"
    return "without metrics, which only hold other runs" if has_children and not run["metrics"] else None


def _left(
    path: Path, run: dict[str, Any], above: list[dict[str, Any]], inherited: dict[str, str], reading: Reading
) -> Left:
    left = Left(files=[path])
    left.settings = {name: resolve(text, "yaml-1.2") for name, text in {**inherited, **run["params"]}.items()}
    rows: dict[int, dict[str, Any]] = {}
    for name, points in run["metrics"].items():
        for step, value in points:
            if value is not None:
                rows.setdefault(step, {"step": step})[name] = value
    if len(rows) > 1:
        where = Location(str(path), 1, 1)
        left.log = log_of("MLflow", ((where, rows[step]) for step in sorted(rows)), reading)
    left.raw = {name: value for name, value in run["latest"].items() if value is not None}
    left.metrics, facts = final_metrics(left.raw, None)
    left.observed |= facts
    left.names = {name: value for each in (*reversed(above), run) for name, value in _called(each).items()}
    if not reading.inherit and (more := sorted(set(_inherited(above)) - set(run["params"]))):
        left.notes.append(not_inherited(str(above[0]["name"]), more))
    if _COMMIT in run["tags"]:
        left.environment["git"] = {"commit": run["tags"][_COMMIT]}
    return left


def _called(run: dict[str, Any]) -> dict[str, Any]:
    """What a run is called and tagged with, and its parameters as they are written."""
    own = {name: value for name, value in run["tags"].items() if not name.startswith("mlflow.")}
    return {**run["params"], **own, "experiment": run["experiment"], "run": run["name"]}


STORE = Store("mlflow-database", matches, runs)
