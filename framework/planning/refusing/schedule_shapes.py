"""Which shapes of a schedule the built-in training can follow, and what each needs to be one."""

from __future__ import annotations

from collections.abc import Iterator

from framework.manifest.sections.durations import Duration
from framework.manifest.sections.quantities import number
from framework.manifest.sections.schedules import SHAPES, Schedule, Segment
from framework.names import Path, did_you_mean
from framework.planning.refusing.refusal import OWN_SCRIPT, Refusal, also, dotted, foreign

RISES = ("linear", "cosine", "1-sqrt", "constant")
"""The shapes of a warmup."""
PIECES = ("constant", "linear", "cosine", "polynomial", "exponential", "1-sqrt")
"""The shapes of a segment, and of a decay: those that lead from one value to another."""
STABLE = ("constant", "warmup_stable_decay")
"""The shapes beside which a decay can be stated."""


def schedule_refusals(schedule: Schedule) -> Iterator[Refusal]:
    """What the built-in training does not have of a schedule, and what its shape lacks."""
    warmup, place = schedule.warmup, ("schedule",)
    if not warmup.known:
        yield Refusal((*place, "warmup"), "the length of the warmup is not stated", f"state it, {OWN_SCRIPT}")
    yield from _unknown((*place, "name"), schedule.name, SHAPES)
    yield from _unknown((*place, "warmup", "shape"), warmup.shape, RISES)
    for index, segment in enumerate(schedule.segments or ()):
        yield from _piece((*place, "segments", index), segment)
    if schedule.decay is not None:
        yield from _piece((*place, "decay"), schedule.decay)
        if schedule.name not in STABLE:
            yield foreign((*place, "decay"), f"{schedule.name} has one of its own")
    if schedule.name == "warmup_stable_decay" and schedule.decay is None:
        yield _needed("decay", schedule.name, "its length: `decay: {length: 10%}`")
    if schedule.name in ("step", "milestones") and schedule.milestones is None and schedule.every is None:
        yield _needed("milestones", schedule.name, "`milestones`, or `every`")
    if schedule.name == "exponential" and schedule.gamma is None and not number(schedule.min_learning_rate):
        yield _needed("gamma", schedule.name, "it, or a `min_learning_rate` above 0")
    for path, length in _lengths(schedule):
        if length.unit == "environment_steps":
            yield foreign(path, "the built-in training does not count environment steps")


def _piece(path: Path, segment: Segment) -> Iterator[Refusal]:
    yield from _unknown((*path, "shape"), segment.shape, PIECES)


def _unknown(path: Path, value: str | None, known: tuple[str, ...]) -> Iterator[Refusal]:
    if value is not None and value not in known:
        message = f"the built-in training does not know the {dotted(path)} {value!r}"
        yield Refusal(path, message, also(did_you_mean(value, known), OWN_SCRIPT))


def _needed(key: str, shape: str, what: str) -> Refusal:
    path = ("schedule", key)
    return Refusal(path, f"{dotted(path)} is not stated, and {shape} needs it", f"state {what}, {OWN_SCRIPT}")


def _lengths(schedule: Schedule) -> Iterator[tuple[Path, Duration]]:
    """Every length of a schedule, with its place."""
    place = ("schedule",)
    if schedule.warmup.known:
        yield (*place, "warmup"), schedule.warmup
    for index, milestone in enumerate(schedule.milestones or ()):
        yield (*place, "milestones", index), milestone
    if schedule.every is not None:
        yield (*place, "every"), schedule.every
    pieces = [((*place, "segments", index), each) for index, each in enumerate(schedule.segments or ())]
    for path, piece in [*pieces, *([((*place, "decay"), schedule.decay)] if schedule.decay else [])]:
        for key in ("begin", "length"):
            if (length := getattr(piece, key)) is not None:
                yield (*path, key), length
