"""Somebody else's numbers beside ours: a CSV file whose columns say what each number belongs to."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from framework.errors import InputError, Problem
from framework.locations import Location
from framework.manifest.hyperparameters import recorded_as
from framework.manifest.sections.values.stated_metrics import falls
from framework.names import did_you_mean
from reports.analysis.run_groups import Group, Summary

OWN = ("model", "task", "variant", "compared", "sparsity")
"""The columns that may say what a number belongs to; the grids' axes may too."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the file: its number, ours where one group is meant, and where it stands in the file."""

    what: dict[str, str]
    metric: str
    theirs: float
    ours: Summary | None
    matches: int
    line: int
    lower: bool = False
    """Whether less of the metric is better."""

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `within the interval` of ours; why there is none, where there is none."""
        if self.ours is None:
            return "no run of ours" if self.matches == 0 else f"{self.matches} of ours: say which"
        if self.ours.low is not None and self.ours.high is not None and self.ours.low <= self.theirs <= self.ours.high:
            return "within the interval"
        if self.ours.mean == self.theirs:
            return "equal"
        return "better" if (self.ours.mean < self.theirs) is self.lower else "worse"


def compare(path: Path, groups: Sequence[Group], lower: Callable[[str], bool] = falls) -> list[Comparison]:
    """Each line of a baseline file (columns `metric` and `value`, and any of what tells groups apart) against ours.

    Raises:
        InputError: the file cannot be read, or a column or a value is none; each with its place.
    """
    axes = {name for group in groups for name in group.first.axes}
    known = {*OWN, *axes, "metric", "value"}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = list(reader.fieldnames or ())
            lines = [(reader.line_num, line) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise InputError.at(Location(str(path), 1, 1), f"not a table: {problem}") from None
    problems = [
        Problem(f"unknown column {name!r}", Location(str(path), 1, 1), did_you_mean(name, known))
        for name in columns
        if name not in known
    ]
    problems += [
        Problem(f"the column {name!r} is missing", Location(str(path), 1, 1))
        for name in ("metric", "value")
        if name not in columns
    ]
    if problems:
        raise InputError(problems)
    return [_comparison(path, number, line, groups, lower) for number, line in lines]


def _comparison(
    path: Path, number: int, line: dict[str, str | None], groups: Sequence[Group], lower: Callable[[str], bool]
) -> Comparison:
    metric, text = line.get("metric") or "", line.get("value") or ""
    try:
        value = float(text)
    except ValueError:
        raise InputError.at(Location(str(path), number, 1), f"value: {text!r} is no number") from None
    what = {name: stated for name, stated in line.items() if name not in ("metric", "value") and stated}
    metric = recorded_as(metric, dict.fromkeys(name for group in groups for name in group.metrics)) or metric
    found = [group for group in groups if metric in group.metrics and _is(group, what)]
    ours = found[0].metrics[metric] if len(found) == 1 else None
    return Comparison(what, metric, value, ours, len(found), number, lower(metric))


def _is(group: Group, what: dict[str, str]) -> bool:
    row = group.first
    said = {**row.axes, "model": row.model, "task": row.task or "", "variant": row.variant, "compared": row.line}
    return all(
        _same(row.asked, stated) if name == "sparsity" else said.get(name) == stated for name, stated in what.items()
    )


def _same(asked: float | None, stated: str) -> bool:
    try:
        return asked is not None and float(stated) == asked
    except ValueError:
        return False
