"""Logs that hold rows of several kinds: which are steps of the training, which evaluations, and which neither."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from framework.evidence.logs.log import Reading
from framework.evidence.logs.logged_names import COURSE
from framework.manifest.hyperparameters import split_of

Kind = Literal["step", "evaluation", "other"]

_MARKS = ("event", "type", "_type", "kind", "split", "phase", "mode", "stage", "dataset_split")
"""Where a row says of what kind it is."""
_WORD = re.compile(r"[a-z]+")
_OF_STEPS = {"train", "training", "step", "update", "iteration", "iter"}
_OF_EVALUATIONS = {"eval", "evaluation", "evaluate", "valid", "validation", "validate", "val", "dev"}
_OF_OTHER_DATA = {"test", "testing", "predict", "prediction", "inference"}
_OF_A_WHOLE = {"end", "ended", "begin", "start", "started", "finished", "summary", "epoch"}
"""Words of a row about all steps, or about an epoch of them."""


class Kinds:
    """Says of one row after the other of what kind it is: by the filters of whoever reads, else by the row's own mark.
    Rows that state no kind are steps; where others are marked as steps, a mark of another word is none."""

    def __init__(self, reading: Reading):
        self._reading = reading
        self._mark: str | None = None

    def of(self, row: Mapping[str, Any]) -> Kind:
        reading = self._reading
        if reading.evaluation_rows and _matches(row, reading.evaluation_rows):
            return "evaluation"
        if reading.step_rows:
            return "step" if _matches(row, reading.step_rows) else "other"
        return "step" if reading.evaluation_rows else self._marked(row)

    def _marked(self, row: Mapping[str, Any]) -> Kind:
        unknown = False
        for mark in _MARKS:
            if not isinstance(value := row.get(mark), str):
                continue
            words = set(_WORD.findall(value.casefold()))
            if words & _OF_OTHER_DATA:
                return "other"
            if words & _OF_EVALUATIONS:
                return "evaluation"
            if "step" in words or (words & _OF_STEPS and not words & _OF_A_WHOLE):
                self._mark = mark
                return "step"
            unknown = unknown or mark == self._mark or bool(words & _OF_STEPS)
        return "other" if unknown else "step"


def _matches(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a row has all values; text is compared as it is written, `3` and `"3"` alike."""
    return all(name in row and (row[name] == value or str(row[name]) == str(value)) for name, value in wanted.items())


def evaluation_of(row: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    """The values of a row that is an evaluation, by names that say so: its `loss` is the validation's."""
    values = {name: value for name, value in row.items() if name not in reading.evaluation_rows and name not in COURSE}
    plain = {f"eval_{name}": value for name, value in values.items() if split_of(name) is None}
    return plain | {name: value for name, value in values.items() if split_of(name) == "validation"}
