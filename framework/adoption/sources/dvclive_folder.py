"""A folder of DVCLive: `metrics.json`, `params.yaml`, and `plots/metrics/**/NAME.tsv` with `step` and the metric."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from framework.adoption.sources.settings_files import numbers_of, settings_of
from framework.adoption.sources.source import Left, Source
from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Reading
from framework.evidence.logs.logged_names import number
from framework.evidence.logs.taking import final_metrics
from framework.evidence.record import read_json
from framework.locations import Location

_PLOTS = "plots/metrics"


def matches(path: Path) -> bool:
    return (path / "metrics.json").is_file() and (path / _PLOTS).is_dir()


def read(path: Path, reading: Reading) -> Left:
    left = Left(files=[path / "metrics.json"])
    final = read_json(path / "metrics.json")
    flat = _flat(final)
    left.raw = numbers_of(flat)
    left.metrics, facts = final_metrics(flat, None)
    left.observed |= facts
    rows: dict[int, dict[str, Any]] = {}
    for file in sorted((path / _PLOTS).rglob("*.tsv")):
        left.files.append(file)
        name = file.relative_to(path / _PLOTS).with_suffix("").as_posix()
        with file.open(encoding="utf-8", newline="") as stream:
            for line, row in enumerate(csv.DictReader(stream, delimiter="\t"), 2):
                step, value = number(row.get("step")), number(row.get(file.stem))
                if not isinstance(step, int):
                    raise InputError.at(Location(str(file), line, 1), "a row without a whole number as its `step`")
                rows.setdefault(step, {"step": step})[name] = value
    where = Location(str(path), 1, 1)
    left.log = log_of("DVCLive", ((where, rows[step]) for step in sorted(rows)), reading)
    if (path / "params.yaml").is_file():
        left.files.append(path / "params.yaml")
        left.settings = settings_of(path / "params.yaml")
    return left


def _flat(data: Any, above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in data.items():
        found |= _flat(value, f"{above}{name}/") if isinstance(value, dict) else {f"{above}{name}": value}
    return found


def first_step(path: Path) -> int:
    """`Live.step` is 0 at first (dvclive 3.49, live.py); a script that sets it itself may begin with 1."""
    for file in (path / _PLOTS).rglob("*.tsv"):
        with file.open(encoding="utf-8", errors="replace", newline="") as stream:
            first = next(csv.DictReader(stream, delimiter="\t"), {})
            if number(first.get("step")) == 0:
                return 0
    return 1


SOURCE = Source("dvclive", matches, read, first_step)
