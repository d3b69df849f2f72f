"""A run of MLflow's file store: `mlruns/<experiment>/<run>` with `params/`, `metrics/` and `tags/`, one file each
(mlflow/store/tracking/file_store.py: a metric's lines are `timestamp value step`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from framework.adoption.sources.source import Left, Source
from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Reading
from framework.evidence.logs.logged_names import number
from framework.evidence.logs.taking import final_metrics
from framework.locations import Location
from framework.reading.scalars import resolve

_COMMIT = "mlflow.source.git.commit"


def matches(path: Path) -> bool:
    return (path / "meta.yaml").is_file() and (path / "params").is_dir() and (path / "metrics").is_dir()


def read(path: Path, reading: Reading) -> Left:
    left = Left(files=[path / "meta.yaml"])
    parameters = _below(path / "params")
    left.files += parameters.values()
    left.settings = {name: resolve(_text(file), "yaml-1.2") for name, file in parameters.items()}
    rows: dict[int, dict[str, Any]] = {}
    final: dict[str, float] = {}
    for name, file in _below(path / "metrics").items():
        left.files.append(file)
        for where, value, step in _points(file):
            rows.setdefault(step, {"step": step})[name] = value
            final[name] = value
            last = where
    if rows:
        left.log = log_of("MLflow", ((last, rows[step]) for step in sorted(rows) if len(rows) > 1), reading)
    left.raw = final
    left.metrics, facts = final_metrics(final, None)
    left.observed |= facts
    tags = _below(path / "tags")
    if _COMMIT in tags:
        left.files.append(tags[_COMMIT])
        left.environment["git"] = {"commit": _text(tags[_COMMIT])}
    return left


def _below(folder: Path) -> dict[str, Path]:
    """The files below a folder, by their names, which may hold slashes (`train/loss`)."""
    files = sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []
    return {file.relative_to(folder).as_posix(): file for file in files}


def _text(file: Path) -> str:
    return file.read_text("utf-8", errors="replace").strip()


def _points(file: Path) -> Any:
    for line_number, line in enumerate(_text(file).splitlines(), 1):
        where = Location(str(file), line_number, 1)
        parts = line.split(" ")
        value, step = number(parts[1]) if len(parts) > 1 else None, number(parts[2]) if len(parts) > 2 else 0
        if value is None or not isinstance(step, int):
            raise InputError.at(where, f"no metric of MLflow: {line!r}", "a line is `timestamp value step`")
        yield where, float(value), step


SOURCE = Source("mlflow", matches, read)
