"""What makes a trace of learning rates another schedule than the declared one: one other value, or two, that explain
every step of it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from framework.manifest.formulas.language import resolved
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.schedules import Schedule
from framework.manifest.sections.values.durations import UNITS, Scale
from framework.manifest.sections.values.quantities import number
from framework.stages.run.recomputed.learning_rate import Unknown, value_at

Rates = Sequence[tuple[int, float]]
"""Optimizer steps, from 1, and the learning rate of each."""
_SHAPES = ("constant", "linear", "cosine", "polynomial", "1-sqrt", "inverse_sqrt")
_LONGEST_STRETCH = 20
"""How many times the declared training a schedule is sought to be stretched over."""
_FEW = 64


class Difference(NamedTuple):
    """The fact that is another, and how."""

    fact: str
    said: str


class _Course(NamedTuple):
    """A schedule from a peak over a number of steps; ``shift`` steps ahead of where it should be."""

    schedule: Schedule
    peak: float
    total: int
    scale: Scale
    shift: int = 0

    def at(self, step: int) -> float:
        return value_at(self.schedule, self.peak, max(1, step + self.shift), self.total, self.scale)

    def fits(self, rates: Rates, relative: float) -> bool:
        try:
            return all(math.isclose(rate, self.at(step), rel_tol=relative, abs_tol=1e-15) for step, rate in rates)
        except (Unknown, ValueError, ArithmeticError):
            return False


def differences(phase: Phase, rates: Rates, total: int, scale: Scale, relative: float) -> list[Difference]:
    """The least that explains all rates: one other value than the phase's, or two; empty where nothing does."""
    with contextlib.suppress(ValueError):
        phase = resolved(None, phase)
    peak = number(phase.optimizer.learning_rate)
    if peak is None or not rates:
        return []
    course, few = _Course(phase.schedule, peak, total, scale), _spread(rates)
    first = list(_others(course, few))
    for difference, other in first:
        if other.fits(few, relative) and other.fits(rates, relative):
            return [difference]
    for difference, other in first:
        for second, both in _others(other, few):
            if second.fact != difference.fact and both.fits(few, relative) and both.fits(rates, relative):
                return [difference, second]
    return []


def _spread(rates: Rates) -> Rates:
    """Some of the rates: the first, the last, the largest, and others evenly between."""
    if len(rates) <= _FEW:
        return rates
    chosen = {round(index * (len(rates) - 1) / (_FEW - 1)) for index in range(_FEW)}
    chosen.add(max(range(len(rates)), key=lambda index: rates[index][1]))
    return [rates[index] for index in sorted(chosen)]


def _others(course: _Course, rates: Rates) -> Iterator[tuple[Difference, _Course]]:
    """Courses that differ from one in one value, which the rates suggest."""
    for shift, said in (
        (1, "each step has the rate of the one after it"),
        (-1, "each step has the rate of the one before it"),
    ):
        if not course.shift:
            yield Difference("schedule.warmup", said), course._replace(shift=shift)
    for search in (_peaks, _floors, _warmups, _starts, _shapes, _stretches):
        with contextlib.suppress(Unknown, ValueError, ArithmeticError):
            yield from search(course, rates)


def _peaks(course: _Course, rates: Rates) -> Iterator[tuple[Difference, _Course]]:
    """Another peak: with the floor as it is, or as large a share of it."""
    step, rate = max(rates, key=lambda each: course.at(each[0]))
    there, least = course.at(step), _floor(course)
    found = [course.peak * rate / there] if there else []
    if there > least:
        found.append(least + (rate - least) * (course.peak - least) / (there - least))
    for peak, factor in zip(found, (True, False), strict=False):
        if peak <= 0:
            continue
        floor = least * peak / course.peak if factor else least
        schedule = course.schedule.model_copy(update={"min_learning_rate": floor})
        said = f"its peak is {peak:.6g}, not {course.peak:g}" + (
            ", and its floor as large a share of it" if factor and least else ""
        )
        yield Difference("optimizer.learning_rate", said), course._replace(peak=peak, schedule=schedule)


def _floors(course: _Course, rates: Rates) -> Iterator[tuple[Difference, _Course]]:
    step, rate = min(rates, key=lambda each: (course.at(each[0]), -each[0]))
    later = [each for each in rates if each[0] > _warmup(course)]
    if later:
        step, rate = min(later, key=lambda each: course.at(each[0]))
    least = _floor(course)
    left = (course.at(step) - least) / (course.peak - least)
    if left < 1:
        floor = (rate - course.peak * left) / (1 - left)
        if -1e-12 * course.peak <= floor < course.peak:
            floor = 0.0 if abs(floor) <= 1e-12 * course.peak else floor
            schedule = course.schedule.model_copy(update={"min_learning_rate": floor})
            said = f"its floor is {floor:.6g}, not {least:g}"
            yield Difference("schedule.min_learning_rate", said), course._replace(schedule=schedule)


def _warmups(course: _Course, rates: Rates) -> Iterator[tuple[Difference, _Course]]:
    """Another length of the warmup: none, what the slope of a linear one says, or until the largest rate."""
    declared, start = _warmup(course), course._replace(shift=0).at(1) if _warmup(course) else 0.0
    found = {0, max(rates, key=lambda each: each[1])[0] - 1}
    for step, rate in rates[:_FEW]:
        if step > 1 and start < rate < course.peak:
            found.add(round((course.peak - start) * (step - 1) / (rate - start)))
    for steps in sorted(found - {declared}):
        if 0 <= steps <= course.total:
            said = f"its warmup is {steps} steps, not {declared}"
            yield Difference("schedule.warmup", said), course._replace(schedule=_with_warmup(course, steps))


def _starts(course: _Course, rates: Rates) -> Iterator[tuple[Difference, _Course]]:
    """Another start of the warmup; a rate that counts from 1 reaches the peak a step earlier."""
    declared, (step, rate) = _warmup(course), rates[0]
    if step != 1 or rate > course.peak:
        return
    for steps in (declared, declared - 1):
        if steps > 0:
            said = f"its warmup starts from {rate:.6g}"
            said += "" if steps == declared else f" and takes {steps} steps, not {declared}"
            yield Difference("schedule.warmup", said), course._replace(schedule=_with_warmup(course, steps, rate))


def _shapes(course: _Course, rates: Rates) -> Iterator[tuple[Difference, _Course]]:
    if course.schedule.segments is not None or course.schedule.decay is not None:
        return
    for name in _SHAPES:
        if name != course.schedule.name:
            schedule = course.schedule.model_copy(update={"name": name})
            said = f"it is {name}, not {course.schedule.name}"
            yield Difference("schedule.name", said), course._replace(schedule=schedule)


def _stretches(course: _Course, rates: Rates) -> Iterator[tuple[Difference, _Course]]:
    """The same shape over another number of steps, with the warmup as it is or as large a share."""
    step, rate = rates[-1]
    steps = _warmup(course)
    for whole in (course, course._replace(schedule=_with_warmup(course, steps))):
        low, high = max(2, steps + 1), _LONGEST_STRETCH * course.total
        while low < high:  # the longer, the larger the rate of a step still is
            middle = (low + high) // 2
            low, high = (
                (low, middle) if whole._replace(total=middle).at(step) >= rate * (1 - 1e-9) else (middle + 1, high)
            )
        for total in (low - 1, low, low + 1):
            if total != course.total:
                said = f"it is stretched over {total} steps, not {course.total}"
                yield Difference("schedule.name", said), whole._replace(total=total)


def _floor(course: _Course) -> float:
    return number(course.schedule.min_learning_rate) or 0.0


def _warmup(course: _Course) -> int:
    warmup = course.schedule.warmup
    return warmup.in_steps(course.total, course.scale) if warmup.known else 0


def _with_warmup(course: _Course, steps: int, start: float | None = None) -> Schedule:
    warmup = course.schedule.warmup
    changed = {**dict.fromkeys(("ratio", "none", *UNITS)), "steps": steps}
    if start is not None:
        changed |= {"from_": start, "factor": None}
    return course.schedule.model_copy(update={"warmup": warmup.model_copy(update=changed)})
