"""Folders of Ray Tune: one folder a trial, with `params.json` and a line of `result.json` for each report.

A trial that a scheduler stopped is TERMINATED like one that trained to its end (ray 2.60.0): only the number of its
reports tells them apart.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.locations import Location
from framework.searching.foreign.foreign_rows import Row
from framework.searching.foreign.run_tables import flat_items

ITERATION = "training_iteration"


def read_results(path: Path) -> list[Row]:
    """The trials below a folder, by name.

    Raises:
        InputError: there is none, or a file cannot be read; with its line.
    """
    rows = []
    for folder in sorted(each.parent for each in path.rglob("params.json")):
        values: dict[str, Any] = dict(flat_items(_json(folder / "params.json")))
        history = []
        result = folder / "result.json"
        for number, line in enumerate(result.read_text("utf-8").splitlines() if result.is_file() else (), 1):
            if line.strip():
                history.append(_parsed(line, Location(str(result), number, 1)))
        end = "error" if (folder / "error.txt").exists() or not history else "terminated"
        last = {key: value for key, value in (history[-1] if history else {}).items() if not isinstance(value, dict)}
        rows.append(Row({**last, **values}, end, history))
    if not rows:
        raise InputError.at(Location(str(path), 1, 1), "no trial of Ray Tune lies here", "name the experiment's folder")
    return rows


def _json(path: Path) -> dict[str, Any]:
    try:
        return _parsed(path.read_text("utf-8"), Location(str(path), 1, 1))
    except OSError as problem:
        raise InputError.at(Location(str(path), 1, 1), f"cannot be read: {problem.strerror}") from None


def _parsed(text: str, where: Location) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as problem:
        raise InputError.at(where, f"not JSON: {problem}") from None
    if not isinstance(found, dict):
        raise InputError.at(where, "not a JSON object")
    return found
