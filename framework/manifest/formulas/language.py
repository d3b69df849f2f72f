"""What derived values (`5e-4 * batch_size / 512`) come to, by the clauses that they name.

A name is looked up, nearest first: in the phase (by its path, `settings.base_rate`, or by its last part,
`learning_rate`), in the model and the dataset that the phase uses where there is one of each, in `hardware` and the
manifest's own `settings`, and by its whole path (`phases.pretrain.batch_size`, `models.tiny.vocabulary`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from framework.manifest.formulas.derived import evaluate, is_expression, names_in
from framework.manifest.sections.base import dumped
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.optimizers import Optimizer
from framework.manifest.sections.paper import Hardware
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.schedules import Schedule
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.quantities import NONE, About, Formula
from framework.names import Path, format_path

KNOWN = frozenset(
    name for section in (Phase, Optimizer, Schedule, Model, Dataset, Hardware) for name in section.model_fields
)
"""What a formula may name although this manifest does not state it: the value is then not known, and no slip."""


class Circle(ValueError):
    """Derived values that follow from each other."""


class Names(Mapping[str, float]):
    """The numbers that an expression may name, seen from a phase, a model, or nowhere; looked up when they are asked
    for, so that one derived value may follow from another.

    Raises:
        ValueError: (on looking up) derived values that follow from each other in a circle.
    """

    def __init__(self, manifest: Manifest | None, phase: Phase | None = None, model: Model | None = None):
        self._manifest, self._phase, self._model = manifest, phase, model
        self._near: dict[str, Any] | None = None
        self._known: dict[str, float | None] = {}
        self._asked: list[str] = []

    def __getitem__(self, name: str) -> float:
        if name not in self._known:
            if name in self._asked:
                trail = " -> ".join([*self._asked[self._asked.index(name) :], name])
                raise Circle(f"derived values follow from each other: {trail}")
            self._asked.append(name)
            try:
                self._known[name] = self._number(self._found(name))
            finally:
                self._asked.pop()
        value = self._known[name]
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Any]:
        if self._near is None:
            self._near = {}
            for prefix, data in self._rooms():
                for path, value in numbers_in(data):
                    whole = format_path((*prefix, *path))
                    self._near.setdefault(whole, value)
                    if prefix[:1] != ("phases",):
                        self._near.setdefault(str(path[-1]), value)
        return self._near

    def _rooms(self) -> Iterator[tuple[Path, Any]]:
        if self._phase is not None:
            yield (), {name: part for name, part in dumped(self._phase).items() if name != "tasks"}
        if (manifest := self._manifest) is None:
            return
        model = self._model or (next(iter(manifest.models.values())) if len(manifest.models) == 1 else None)
        if model is not None:
            yield (), dumped(model)
        dataset = manifest.datasets.get((self._phase.dataset if self._phase else None) or "")
        if dataset is not None:
            yield (), dumped(dataset)
        yield ("hardware",), dumped(manifest.hardware)
        yield ("settings",), manifest.settings or {}
        for section in ("models", "datasets"):
            for name, part in getattr(manifest, section).items():
                yield (section, name), dumped(part)
        for name, phase in manifest.phases.items():
            yield ("phases", name), dumped(phase)

    def _found(self, name: str) -> Any:
        return self._all().get(name)

    def _number(self, value: Any) -> float | None:
        if isinstance(value, Batch):
            length = self.get("sequence_length") if value.unit == "tokens" else None
            devices = self._manifest.hardware.count if self._manifest else None
            return value.examples(round(length) if length else None, devices)
        if isinstance(value, About):
            return None if math.isnan(value.value) else value.value
        if isinstance(value, str):
            return evaluate(value, self) if derives(value, self) else None
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def derives(value: Any, names: Mapping[str, float]) -> bool:
    """Whether a value follows from others: a text of the paper's own (`a-b`) does only if it names clauses alone."""
    if isinstance(value, Formula):
        return True
    if not isinstance(value, str) or value == NONE or isinstance(value, (About, Batch)) or not is_expression(value):
        return False
    return all(name in names for name in names_in(value))


def numbers_in(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every number of plain data, or text that may come to one, with its path."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from numbers_in(value, (*path, key))
    elif isinstance(data, (int, float, str)) and not isinstance(data, bool) and path:
        yield path, data


def settled_value(value: Any, names: Mapping[str, float]) -> Any:
    """A value with what it follows from put in; itself where it follows from nothing, or from what is not stated.

    Raises:
        ValueError: it names what has no value, or itself, or has none.
    """
    if not derives(value, names):
        return value
    found = evaluate(value, names)
    return round(found) if found == round(found) else found


def resolved(manifest: Manifest | None, phase: Phase, model: Model | None = None) -> Phase:
    """A phase with every derived value evaluated.

    Raises:
        ValueError: one has no value.
    """
    plain = (part for name, part in phase.__dict__.items() if name != "tasks")
    if not any(is_expression(value) for part in plain for _, value in texts_in({"": dumped(part)})):
        return phase  # without the serializer that a dump would build
    data = phase.model_dump(by_alias=True, exclude_none=True, exclude={"tasks"})
    names = Names(manifest, phase, model)
    changed = _with_values(data, names)
    return type(phase).model_validate({**changed, "tasks": phase.tasks}) if changed != data else phase


def texts_in(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text of plain data with its path."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from texts_in(value, (*path, key))
    if isinstance(data, str):
        yield path, data


def _with_values(data: Any, names: Mapping[str, float]) -> Any:
    if isinstance(data, dict):
        return {key: _with_values(value, names) for key, value in data.items()}
    if isinstance(data, list):
        return [_with_values(value, names) for value in data]
    return settled_value(data, names)


def value_in(manifest: Manifest | None, phase: Phase | None, value: Any, model: Model | None = None) -> Any:
    """What a value comes to, seen from a phase; itself where it does not follow from what is stated."""
    if not isinstance(value, str) or isinstance(value, (About, Batch)) or not is_expression(value):
        return value
    try:
        return settled_value(value, Names(manifest, phase, model))
    except ValueError:
        return value


def faults(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    """Derived values that can have none: what they name is nothing, themselves, or makes no number that may stand
    there. What is merely not stated is no fault."""
    for name, phase in manifest.phases.items():
        for task in phase.tasks or (None,):
            own = phase if task is None else phase.for_task(task)
            yield from _faults_of(manifest, own, ("phases", name))
    for name, model in manifest.models.items():
        names = Names(manifest, None, model)
        for path, value in texts_in(dumped(model)):
            if isinstance(value, Formula) and (problem := _fault(value, names)):
                yield ("models", name, *path), problem


def _faults_of(manifest: Manifest, phase: Phase, place: Path) -> Iterator[tuple[Path, str]]:
    names = Names(manifest, phase)
    data = {key: value for key, value in dumped(phase).items() if key != "tasks"}
    found = [(path, value) for path, value in texts_in(data) if isinstance(value, Formula)]
    problems = [((*place, *path), problem) for path, value in found if (problem := _fault(value, names))]
    yield from problems
    if problems or not found:
        return
    try:
        resolved(manifest, phase)
    except ValidationError as failure:
        for error in failure.errors(include_url=False):
            yield (*place, *error["loc"]), f"{format_path(error['loc'])}: {error['msg'].removeprefix('Value error, ')}"
    except ValueError:
        return


def _fault(value: str, names: Names) -> str | None:
    try:
        evaluate(value, names)
    except Circle as problem:
        return str(problem)
    except ValueError as problem:
        lacking = _safely(value, names)
        unstated = [name for name in lacking if name.rpartition(".")[2] not in KNOWN]
        return str(problem) if unstated or not lacking else None
    return None


def _safely(value: str, names: Names) -> list[str]:
    """The names of a formula that have no value for want of a statement."""
    found = []
    for name in names_in(value):
        try:
            if name not in names:
                found.append(name)
        except ValueError:
            continue
    return found
