"""What a record says that its run is: the key of its identity, the step that was planned, its folder, its attempts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.manifest.sections.methods import Permute
from framework.planning.identity import elsewhere, key_of
from framework.planning.steps import LONGEST_NAME, Measure
from framework.stages.checkpoint.recorded.contradiction import Contradiction, Facts
from framework.stages.run.observed import Observed


def contradictions(observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    assert observed.run is not None
    record, step = observed.run.record, observed.step
    try:
        key = key_of(record.identity)
    except ValueError:
        key = "none: its identity is no JSON"
    yield from facts.alike(("key",), key, "its identity gives")
    measured = isinstance(step.work, Measure)
    if not (
        elsewhere(record.identity, step.identity) if measured and _does(record.identity) else record.key == step.key
    ):
        yield Contradiction("identity", "its identity is not that of the planned step", step.key, record.key)
    stated: dict[str, Any] = {
        "step": step.name,
        "model": step.model_name,
        "seed": step.seed,
        "parent": step.parent,
        "references": dict(step.references),
    }
    for name, expected in stated.items():
        found = getattr(record, name)
        if found != expected:
            message = f"{name} is {found!r}, and by its identity {expected!r}"
            yield Contradiction(name, message, expected, found)
    for name, planned in (("task", step.task), ("profile", step.profile)):
        if planned is not None and getattr(record, name) is None:
            yield Contradiction(name, f"{name} is not there, and its step is of {planned!r}", planned)
    yield from facts.alike(("folder",), observed.run.folder.name, "it lies in")
    yield from _named(observed)
    yield from facts.alike(("observed", "seed"), record.seed, "the run is of")
    yield from _attempts(observed)
    if isinstance(step.work, Permute):
        for name in ("method", "dimension"):
            yield from facts.alike(("observed", "permutation", name), getattr(step.work, name), "by its identity it is")
    if step.calibration is not None:
        yield from facts.alike(("data", "name"), step.calibration.dataset_name, "it was calibrated on")
        yield from facts.alike_source(step.calibration)


def _does(identity: Any) -> bool:
    return isinstance(identity.get("does"), dict)


def _named(observed: Observed) -> Iterator[Contradiction]:
    """The folder is named after the run's first variant and what else it is of."""
    assert observed.run is not None
    record, name = observed.run.record, observed.run.folder.name
    if len(name.encode()) > LONGEST_NAME:
        return  # it was cut off
    first = record.variants[0] if record.variants else ""
    ends = f"{record.model}.seed{record.seed}.{record.key[:10]}"
    clean = "".join("_" if letter in "/\\" or letter < " " else letter for letter in first)
    if not name.startswith(f"{clean}.") or not name.endswith(ends.replace("/", "_")):
        yield Contradiction("variants", f"its folder is not named after {first!r} and {ends!r}", None, name)
    odd = [variant for variant in observed.step.variants if variant not in record.variants]
    if odd and len(set(record.variants)) < len(record.variants):
        yield Contradiction("variants", "names a variant twice", None, record.variants)


def _attempts(observed: Observed) -> Iterator[Contradiction]:
    """The last attempt is the one that finished."""
    assert observed.run is not None
    record = observed.run.record
    last = record.attempts[-1] if record.attempts else {}
    for name in ("started", "finished", "error"):
        if name in last and last[name] != getattr(record, name):
            found = getattr(record, name)
            yield Contradiction(name, f"{name} is {found}, and of its last attempt {last[name]}", last[name], found)
    if record.error is not None:
        yield Contradiction("error", "it is done, and has an error", None, record.error)
    if record.started is not None and record.finished is not None and record.finished < record.started:
        yield Contradiction("finished", "it ended before it was started", record.started, record.finished)
