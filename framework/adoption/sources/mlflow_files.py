"""A run of MLflow's file store: `mlruns/<experiment>/<run>` with `params/`, `metrics/` and `tags/`, one file each
(mlflow/store/tracking/file_store.py: a metric's lines are `timestamp value step`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.adoption.sources.settings_files import settings_of
from framework.adoption.sources.source import Left, Source
from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Reading
from framework.evidence.logs.logged_names import number
from framework.evidence.logs.taking import final_metrics
from framework.locations import Location
from framework.reading.scalars import resolve

_COMMIT = "mlflow.source.git.commit"
_PARENT = "mlflow.parentRunId"
_FINISHED = 3
_STATUS = {"1": "RUNNING", "2": "SCHEDULED", "4": "FAILED", "5": "KILLED"}


def matches(path: Path) -> bool:
    return (path / "meta.yaml").is_file() and (path / "params").is_dir() and (path / "metrics").is_dir()


def read(path: Path, reading: Reading) -> Left:
    left = Left(files=[path / "meta.yaml"])
    stated = settings_of(path / "meta.yaml")
    left.no_evidence = _no_evidence(path, stated)
    if not left.no_evidence and not _below(path / "metrics") and _holds_others(path):
        left.no_evidence = "without metrics, it only holds other runs"
    parameters = _below(path / "params")
    left.files += parameters.values()
    tags = _below(path / "tags")
    above = list(_above(path))
    inherited = {name: file for each in reversed(above) for name, file in _below(each / "params").items()}
    further = {name: file for name, file in inherited.items() if name not in parameters}
    if reading.inherit:
        left.files += further.values()
        parameters = {**inherited, **parameters}
    elif further:
        left.notes.append(not_inherited(_run_name(above[0]), sorted(further)))
    left.settings = {name: resolve(_text(file), "yaml-1.2") for name, file in parameters.items()}
    rows: dict[int, dict[str, Any]] = {}
    final: dict[str, tuple[int, float]] = {}
    for name, file in _below(path / "metrics").items():
        left.files.append(file)
        for where, value, step in _points(file):
            rows.setdefault(step, {"step": step})[name] = value
            if step >= final.get(name, (step, 0.0))[0]:
                final[name] = step, value
            last = where
    if rows:
        left.log = log_of("MLflow", ((last, rows[step]) for step in sorted(rows) if len(rows) > 1), reading)
    left.raw = {name: value for name, (_, value) in final.items()}
    left.metrics, facts = final_metrics(left.raw, None)
    left.observed |= facts
    left.names = {name: word for each in (*reversed(above), path) for name, word in _tagged(each).items()}
    left.names |= _called(path, stated)
    if _COMMIT in tags:
        left.files.append(tags[_COMMIT])
        left.environment["git"] = {"commit": _text(tags[_COMMIT])}
    return left


def not_inherited(parent: str, names: Sequence[str]) -> str:
    """What is said of a nested run's parent that has parameters which the run itself has not."""
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return (
        f"its parent, the run {parent}, has further parameters ({', '.join(names[:4])}{more}): not taken, unless "
        "`inherit: true` says that they are those of its nested runs too"
    )


def _above(path: Path) -> Iterator[Path]:
    """The runs that a run is nested in, the nearest first."""
    seen = {path.name}
    while (tag := path / "tags" / _PARENT).is_file() and (name := _text(tag)) not in seen:
        seen.add(name)
        path = path.parent / name
        yield path


def _run_name(path: Path) -> str:
    """What a run is called, else its folder's name."""
    stated = settings_of(path / "meta.yaml") if (path / "meta.yaml").is_file() else {}
    return str(stated.get("run_name") or path.name)


def _no_evidence(path: Path, stated: dict[str, Any]) -> str:
    """Why a run is no evidence of a finished training. The status is a number of mlflow/entities/run_status.py."""
    if stated.get("lifecycle_stage") == "deleted" or ".trash" in path.parts:
        return "deleted in MLflow"
    status = stated.get("status")
    return "" if status in (None, _FINISHED, "FINISHED") else f"not finished ({_STATUS.get(str(status), status)})"


def _called(path: Path, stated: dict[str, Any]) -> dict[str, Any]:
    """What the run and its experiment are called; the experiment's folder is the one above."""
    above = path.parent / "meta.yaml"
    experiment = settings_of(above).get("name") if above.is_file() else None
    named = {"run": stated.get("run_name"), "experiment": experiment}
    return {name: value for name, value in named.items() if value is not None}


def _tagged(path: Path) -> dict[str, str]:
    """The parameters and tags of a run, as they are written."""
    tags = {name: _text(file) for name, file in _below(path / "tags").items() if not name.startswith("mlflow.")}
    return {**{name: _text(file) for name, file in _below(path / "params").items()}, **tags}


def _holds_others(path: Path) -> bool:
    """Whether another run of the experiment names this one as the run that it is nested in."""
    return any(_text(tag) == path.name for tag in path.parent.glob(f"*/tags/{_PARENT}"))


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
        step = number(parts[2]) if len(parts) > 2 else 0
        try:
            value = float(parts[1])
        except (ValueError, IndexError):
            step = None
        if not isinstance(step, int):
            raise InputError.at(where, f"no metric of MLflow: {line!r}", "a line is `timestamp value step`")
        if math.isfinite(value):
            yield where, value, step


SOURCE = Source("mlflow", matches, read)
