"""The learning rate that the manifest demands of each optimizer step, from the schedule's own formula."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import NamedTuple

from framework.manifest.formulas import resolved
from framework.manifest.sections.durations import Duration, Scale
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.quantities import number
from framework.manifest.sections.schedules import Schedule, Segment

_GAMMA, _TIMESCALE, _ONE_CYCLE_RISE, _ONE_CYCLE_START, _ONE_CYCLE_END = 0.1, 10_000, 0.3, 25.0, 1e4
"""Defaults of torch's StepLR and OneCycleLR, and of transformers' inverse square root."""


class Unknown(ValueError):
    """The manifest does not say what the learning rate of a step is; the message says why."""


def learning_rate_at(phase: Phase, step: int, total: int, scale: Scale | None = None) -> float:
    """The learning rate used in optimizer step ``step`` (from 1) of ``total``.

    Linear warmup from 0 (or from where the manifest says) over the declared steps, then the declared shape down to the
    declared minimum: constant, linear, cosine (Loshchilov & Hutter 2017, "SGDR"; with restarts where so declared),
    polynomial, exponential, in steps or at milestones, inverse square root (Vaswani et al. 2017), 1 - sqrt (Hägele et
    al. 2024), one cycle (Smith & Topin 2018), or pieces of these.

    Raises:
        Unknown: the peak, a length or the shape is not known.
    """
    with contextlib.suppress(ValueError):
        phase = resolved(None, phase)
    return value_at(phase.schedule, _known(phase.optimizer.learning_rate, "the peak"), step, total, scale or Scale())


def value_at(schedule: Schedule, peak: float, step: int, total: int, scale: Scale) -> float:
    """As :func:`learning_rate_at`, of any quantity that a schedule takes from a peak."""
    done = step - 1
    warmup = _steps(schedule.warmup, total, scale) if schedule.warmup.known else 0
    if schedule.name == "one_cycle":
        return _one_cycle(schedule, peak, done, _rise(schedule, total, scale), total)
    if done < warmup:
        start = _start(schedule, peak)
        return start + (peak - start) * _risen(schedule.warmup.shape or "linear", done / max(1, warmup))
    least = number(schedule.min_learning_rate) or 0.0
    if schedule.segments is not None:
        return _in_pieces(list(_pieces(schedule.segments, peak, warmup, total, scale)), done)
    if schedule.decay is not None:
        return _decayed(schedule, schedule.decay, peak, least, done, warmup, total, scale)
    if schedule.name in ("step", "milestones", "exponential") and not (
        schedule.name == "exponential" and schedule.gamma is None
    ):
        gamma = number(schedule.gamma) or _GAMMA
        return max(least, float(peak * gamma ** _decays(schedule, done, total, scale)))
    if schedule.name == "inverse_sqrt":
        timescale = warmup or _TIMESCALE
        return max(least, peak / math.sqrt((done + timescale - warmup) / timescale))
    progress = min(1.0, (done - warmup) / max(1, total - warmup))
    if schedule.name == "cosine_restarts":
        cycles = number(schedule.cycles) or 1.0
        return least if progress >= 1 else _between("cosine", peak, least, (cycles * progress) % 1.0)
    return _between(schedule.name, peak, least, progress, number(schedule.power))


def _known(value: object, what: str) -> float:
    found = number(value)
    if found is None:
        raise Unknown(f"{what} of the learning rate is not stated as a number")
    return found


def _steps(length: Duration, total: int, scale: Scale) -> int:
    try:
        return length.in_steps(total, scale)
    except ValueError as problem:
        raise Unknown(str(problem)) from None


def _start(schedule: Schedule, peak: float) -> float:
    if schedule.warmup.from_ is not None:
        return _known(schedule.warmup.from_, "the start of the warmup")
    return peak * (number(schedule.warmup.factor) or 0.0)


def _risen(shape: str, progress: float) -> float:
    if shape == "linear":
        return progress
    if shape == "cosine":
        return 0.5 * (1 - math.cos(math.pi * progress))
    if shape == "1-sqrt":
        return 1 - math.sqrt(1 - progress)
    if shape == "constant":
        return 0.0
    raise Unknown(f"a warmup that is {shape!r} has no formula here")


def _between(shape: str, first: float, last: float, progress: float, power: float | None = None) -> float:
    """From the first value to the last, after a share of the way."""
    if shape == "constant":
        return first
    if shape == "exponential":
        if last <= 0 or first <= 0:
            raise Unknown("an exponential decay needs a `gamma`, or a minimum above 0")
        return float(first * (last / first) ** progress)
    if shape == "linear":
        left = 1 - progress
    elif shape == "cosine":
        left = 0.5 * (1 + math.cos(math.pi * progress))
    elif shape == "polynomial":
        left = float((1 - progress) ** (1.0 if power is None else power))
    elif shape == "1-sqrt":
        left = 1 - math.sqrt(progress)
    else:
        raise Unknown(f"a schedule that is {shape!r} has no formula here")
    return last + (first - last) * left


def _decays(schedule: Schedule, done: int, total: int, scale: Scale) -> int:
    """How often the rate was multiplied before a step: counted from the start of the training."""
    if schedule.milestones is not None:
        return sum(done >= _steps(each, total, scale) for each in schedule.milestones)
    every = schedule.every
    if every is None and schedule.name == "exponential":
        every = Duration.model_construct(epochs=1.0)
    if every is None:
        raise Unknown(f"a schedule of {schedule.name} states neither `milestones` nor `every`")
    return done // max(1, _steps(every, total, scale))


def _rise(schedule: Schedule, total: int, scale: Scale) -> float:
    """The steps of the rise of one cycle, which torch does not round."""
    if not schedule.warmup.known or not schedule.warmup.amount:
        return _ONE_CYCLE_RISE * total
    exact = schedule.warmup.exact_steps(total, scale)
    if exact is None:
        raise Unknown(f"{schedule.warmup} in optimizer steps needs {scale.lacks(schedule.warmup.unit)}")
    return exact


def _one_cycle(schedule: Schedule, peak: float, done: int, rise: float, total: int) -> float:
    stated = schedule.warmup.from_ is not None or schedule.warmup.factor is not None
    first = _start(schedule, peak) if stated else peak / _ONE_CYCLE_START
    last = number(schedule.min_learning_rate) or first / _ONE_CYCLE_END
    top = rise - 1
    if done <= top:
        return _between("cosine", first, peak, done / top if top > 0 else 1.0)
    return _between("cosine", peak, last, min(1.0, (done - top) / (total - 1 - top)))


def _decayed(
    schedule: Schedule, decay: Segment, peak: float, least: float, done: int, warmup: int, total: int, scale: Scale
) -> float:
    """Constant, and a decay that takes the last part of the training, or a stated one."""
    if schedule.name not in ("constant", "warmup_stable_decay"):
        raise Unknown(f"{schedule.name!r} has a decay of its own, and states another one")
    length = _steps(decay.length, total, scale) if decay.length else None
    if decay.begin is not None:
        begin = _steps(decay.begin, total, scale)
    elif length is not None:
        begin = total - length
    else:
        begin = warmup
    if done < begin:
        return peak
    last = least if decay.to is None else _known(decay.to, "the end of the decay")
    span = (total - begin) if length is None else length
    return _between(decay.shape or "linear", peak, last, min(1.0, (done - begin) / max(1, span)), number(decay.power))


class _Piece(NamedTuple):
    begin: int
    end: int
    first: float
    last: float
    shape: str
    power: float | None


def _pieces(segments: list[Segment], peak: float, warmup: int, total: int, scale: Scale) -> Iterator[_Piece]:
    end, value = warmup, peak
    for index, segment in enumerate(segments):
        begin = end if segment.begin is None else _steps(segment.begin, total, scale)
        following = segments[index + 1].begin if index + 1 < len(segments) else None
        if segment.length is not None:
            end = begin + _steps(segment.length, total, scale)
        else:
            end = total if following is None else _steps(following, total, scale)
        first = value if segment.from_ is None else _known(segment.from_, "the start of a segment")
        value = first if segment.to is None else _known(segment.to, "the end of a segment")
        yield _Piece(begin, end, first, value, segment.shape or "constant", number(segment.power))


def _in_pieces(pieces: list[_Piece], done: int) -> float:
    """The value within the pieces; before the first one its first value, and after each its last."""
    value = pieces[0].first
    for piece in pieces:
        if done < piece.begin:
            return value
        if done < piece.end:
            progress = (done - piece.begin) / (piece.end - piece.begin)
            return _between(piece.shape, piece.first, piece.last, progress, piece.power)
        value = piece.last
    return value
