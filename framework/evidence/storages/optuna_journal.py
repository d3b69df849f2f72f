"""The journal of Optuna's `JournalFileBackend`: a line of JSON for each operation, replayed.

The operations are those of optuna/storages/journal/_storage.py (4.9, 5.0). Several processes write to one journal; one
that was refused an operation has written it nevertheless, and the replay leaves it out as Optuna's own does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.storages.optuna_studies import Study, Trial, external
from framework.locations import Location

_STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
_DIRECTIONS = ("NOT_SET", "MINIMIZE", "MAXIMIZE")
_ENDED = frozenset(("COMPLETE", "PRUNED", "FAIL"))
_LONGEST_FIRST = 1 << 16


def is_journal(path: Path) -> bool:
    """Whether a file begins with the creation of a study."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        line = stream.readline(_LONGEST_FIRST)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("op_code") == 0 and {"worker_id", "study_name"} <= set(found)


def replayed(path: Path) -> Iterator[Study]:
    """The studies that are there at the end.

    Raises:
        InputError: a line is no operation.
    """
    journal = _Journal()
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            break  # somebody writes it, or was killed
        try:
            journal.apply(json.loads(line))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
            message = f"no operation of Optuna's journal: {type(problem).__name__}: {problem}"
            raise InputError.at(Location(str(path), number, 1), message) from None
    return iter(journal.studies.values())


class _Journal:
    def __init__(self) -> None:
        self.studies: dict[int, Study] = {}
        self.trials: list[tuple[Study, Trial]] = []
        self.distributions: dict[tuple[int, str], str] = {}
        """Of a parameter in a study (by its identity) the distribution that it had first."""
        self.created = 0
        self.operations: tuple[Callable[[dict[str, Any]], None], ...] = (
            self.create_study, self.delete_study, self.set_study_attribute, self.set_study_attribute, self.create_trial,
            self.set_parameter, self.set_state, self.set_intermediate, self.set_attribute, self.set_attribute,
            lambda line: None,
        )  # fmt: skip
        """By `op_code`; the last is `DISCARD_TRIALS`, which Optuna itself passes over."""

    def apply(self, line: dict[str, Any]) -> None:
        code = line["op_code"]
        if type(code) is not int or code < 0:
            raise ValueError(f"op_code {code!r}")
        self.operations[code](line)

    def create_study(self, line: dict[str, Any]) -> None:
        if all(study.name != line["study_name"] for study in self.studies.values()):
            directions = [_DIRECTIONS[each] for each in line["directions"]]
            self.studies[self.created] = Study(line["study_name"], directions)
            self.created += 1

    def delete_study(self, line: dict[str, Any]) -> None:
        self.studies.pop(line["study_id"], None)

    def set_study_attribute(self, line: dict[str, Any]) -> None:
        if (study := self.studies.get(line["study_id"])) is not None:
            study.user_attributes |= line.get("user_attr", {})
            study.system_attributes |= line.get("system_attr", {})

    def create_trial(self, line: dict[str, Any]) -> None:
        study = self.studies.get(line["study_id"])
        if study is None:
            return
        trial = Trial(len(study.trials), _STATES[line.get("state", 0)])
        distributions = line.get("distributions", {})
        for name, internal in line.get("params", {}).items():
            self._parameter(study, trial, name, internal, distributions[name])
        trial.user_attributes |= line.get("user_attrs", {})
        trial.system_attributes |= line.get("system_attrs", {})
        trial.intermediate |= {int(step): float(value) for step, value in line.get("intermediate_values", {}).items()}
        values = line.get("values") or ([line["value"]] if line.get("value") is not None else None)
        trial.values = None if values is None else [float(value) for value in values]
        study.trials.append(trial)
        self.trials.append((study, trial))

    def set_parameter(self, line: dict[str, Any]) -> None:
        if (found := self._open(line)) is not None:
            study, trial = found
            stated = line["distribution"]
            known = self.distributions.get((id(study), line["param_name"]))
            if known is None or _compatible(known, stated):
                self._parameter(study, trial, line["param_name"], line["param_value_internal"], stated)

    def _parameter(self, study: Study, trial: Trial, name: str, internal: float, distribution: str) -> None:
        trial.params[name] = external(internal, distribution)
        self.distributions.setdefault((id(study), name), distribution)

    def set_state(self, line: dict[str, Any]) -> None:
        if (found := self._open(line)) is None:
            return
        _, trial = found
        state = _STATES[line["state"]]
        if state == trial.state == "RUNNING":
            return  # another process has it
        trial.state = state
        if line["values"] is not None:
            trial.values = [float(value) for value in line["values"]]

    def set_intermediate(self, line: dict[str, Any]) -> None:
        if (found := self._open(line)) is not None:
            found[1].intermediate[int(line["step"])] = float(line["intermediate_value"])

    def set_attribute(self, line: dict[str, Any]) -> None:
        if (found := self._open(line)) is not None:
            found[1].user_attributes |= line.get("user_attr", {})
            found[1].system_attributes |= line.get("system_attr", {})

    def _open(self, line: dict[str, Any]) -> tuple[Study, Trial] | None:
        """The trial that an operation is about; None where there is none, or it has ended."""
        number: int = line["trial_id"]
        if not 0 <= number < len(self.trials) or self.trials[number][1].state in _ENDED:
            return None
        return self.trials[number]


def _compatible(one: str, other: str) -> bool:
    """Whether two distributions may be of one parameter (optuna 5.0, check_distribution_compatibility)."""
    first, second = json.loads(one), json.loads(other)
    if first.get("name") != second.get("name"):
        return False
    own, others = first.get("attributes", {}), second.get("attributes", {})
    return all(own.get(name) == others.get(name) for name in ("choices", "log"))
