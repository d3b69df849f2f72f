"""The declared course of the learning rate, as a factor of each parameter group's own.

Constant, linear and cosine after a linear warmup are transformers' own. All other shapes are curves of this module:
pieces one after the other, each a function of the share of it that is done, run through torch's `LambdaLR`.
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from transformers.optimization import (
    get_constant_schedule_with_warmup,
    get_cosine_with_min_lr_schedule_with_warmup,
    get_polynomial_decay_schedule_with_warmup,
)

from framework.errors import FrameworkError
from framework.manifest.sections.durations import Duration, Scale
from framework.planning.recipes import Recipe, RecipeSchedule, RecipeSegment

Rate = Callable[[float], float]
"""The learning rate after so many optimizer steps, counted from 0."""

_LIKE_TRANSFORMERS = ("constant", "linear", "cosine")
_FALLS: dict[str, Callable[[float, float], float]] = {
    "constant": lambda share, power: 1.0,
    "linear": lambda share, power: 1.0 - share,
    "cosine": lambda share, power: (1.0 + math.cos(math.pi * share)) / 2.0,
    "polynomial": lambda share, power: (1.0 - share) ** power,
    "1-sqrt": lambda share, power: 1.0 - share**0.5,
}
"""What is left of the way from the first value to the last after a share of the steps, from 1 to 0."""


def build_schedule(phase: Recipe, optimizer: Any, total_steps: int, scale: Scale | None = None) -> LRScheduler:
    """The learning rate as a factor of each group's own, to be stepped after each optimizer step.

    With w warmup steps of T, floor f (as a share of the learning rate) and step s counted from 0: s / w during the
    warmup, then with p = (s - w) / (T - w) 1 (constant), f + (1 - f)(1 - p) (linear), or
    f + (1 - f)(1 + cos(pi p)) / 2 (cosine). So the first step of a warmup has learning rate 0, as in transformers.
    For the other shapes see :func:`rate_of`.

    Args:
        scale: What an optimizer step and an epoch are; needed where a length is in epochs, samples or tokens.

    Raises:
        FrameworkError: the minimum is not below the peak, or a length cannot be turned into steps.
    """
    schedule, peak = phase.schedule, phase.optimizer.learning_rate
    if not _plain(schedule):
        try:
            rate = rate_of(schedule, peak, total_steps, scale or Scale())
        except ValueError as problem:
            raise FrameworkError(f"schedule: {problem}") from problem
        return LambdaLR(optimizer, lambda step: rate(step) / peak)
    warmup, floor = schedule.warmup.in_steps(total_steps, scale), phase.min_learning_rate()
    if schedule.name == "constant":
        return get_constant_schedule_with_warmup(optimizer, warmup)
    if schedule.name == "cosine":
        return get_cosine_with_min_lr_schedule_with_warmup(optimizer, warmup, total_steps, min_lr=floor)
    if floor >= peak:
        raise FrameworkError(f"the minimum learning rate {floor} is not below {peak}")
    return get_polynomial_decay_schedule_with_warmup(optimizer, warmup, total_steps, lr_end=floor, power=1.0)


def advance(schedule: LRScheduler) -> None:
    """Go on to the next optimizer step's learning rate. Every step of the plan counts, also one whose update was
    skipped by the loss scaling of fp16; torch would warn of that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
        schedule.step()


def rate_of(schedule: RecipeSchedule, peak: float, total: int, scale: Scale) -> Rate:
    """The learning rate of a whole training of ``total`` optimizer steps, after any number of them.

    Lengths in steps are rounded up. Milestones, and the factor of `step` and `exponential`, count from the start of the
    training, not from the end of the warmup.

    Raises:
        ValueError: a length cannot be turned into steps, or the shape has no formula.
    """
    if schedule.name == "one_cycle":
        return _one_cycle(schedule, peak, total, scale)
    steps = _in_steps(total, scale)
    warmup = steps(schedule.warmup)
    if schedule.segments is not None:
        after = _joined(list(_pieces(schedule.segments, peak, warmup, total, steps)))
    elif schedule.decay is not None:
        after = _stable(schedule, schedule.decay, peak, warmup, total, steps)
    else:
        after = _shape(schedule, peak, warmup, total, steps)
    start = schedule.warmup.factor * peak if schedule.warmup.factor is not None else schedule.warmup.from_ or 0.0
    rise = _fall(schedule.warmup.shape or "linear")

    def rate(done: float) -> float:
        if done >= warmup:
            return after(done)
        # A warmup is a decay from the peak to its start, run backwards; a constant one stays at its start.
        left = 0.0 if schedule.warmup.shape == "constant" else rise(1.0 - done / warmup, 1.0)
        return start + (peak - start) * left

    return rate


def _plain(schedule: RecipeSchedule) -> bool:
    """Whether transformers' own schedulers are all that is stated."""
    warmup = schedule.warmup
    bent = warmup.from_ is not None or warmup.factor is not None or warmup.shape not in (None, "linear")
    return schedule.name in _LIKE_TRANSFORMERS and schedule.decay is None and schedule.segments is None and not bent


def _in_steps(total: int, scale: Scale) -> Callable[[Duration], int]:
    return lambda length: length.in_steps(total, scale)


def _fall(shape: str) -> Callable[[float, float], float]:
    try:
        return _FALLS[shape]
    except KeyError:
        raise ValueError(f"no formula leads from one value to another by {shape!r}") from None


def _way(shape: str, first: float, last: float, power: float | None) -> Rate:
    """From a first value to a last one, by the share of the way from 0 to 1."""
    if shape == "exponential":
        if min(first, last) <= 0:
            raise ValueError("an exponential way leads from a value above 0 to another one above 0")
        return lambda share: math.exp(math.log(first) + share * (math.log(last) - math.log(first)))
    fall, exponent = _fall(shape), 1.0 if power is None else power
    return lambda share: last + (first - last) * fall(share, exponent)


def _shape(schedule: RecipeSchedule, peak: float, warmup: int, total: int, steps: Callable[[Duration], int]) -> Rate:
    """A shape that takes all of the training after the warmup."""
    floor = schedule.min_learning_rate
    if schedule.name in ("step", "milestones") or (schedule.name == "exponential" and schedule.gamma is not None):
        decays = _decays(schedule, total, steps)
        gamma = 0.1 if schedule.gamma is None else schedule.gamma  # torch's default
        return lambda done: max(floor, peak * math.pow(gamma, decays(done)))
    if schedule.name == "inverse_sqrt":
        # Vaswani et al. 2017, with transformers' timescale of 10,000 steps where there is no warmup to take it from.
        timescale = warmup or 10_000
        return lambda done: max(floor, peak * math.sqrt(timescale / (done - warmup + timescale)))
    length = max(1, total - warmup)
    if schedule.name == "cosine_restarts":
        cycles, cosine = schedule.cycles or 1, _way("cosine", peak, floor, None)
        return lambda done: cosine(math.fmod(cycles * (done - warmup) / length, 1.0)) if done < total else floor
    way = _way(schedule.name, peak, floor, schedule.power)
    return lambda done: way(min(1.0, (done - warmup) / length))


def _decays(schedule: RecipeSchedule, total: int, steps: Callable[[Duration], int]) -> Callable[[float], int]:
    """How many times the rate was multiplied, after so many steps."""
    if schedule.milestones is not None:
        places = sorted(steps(milestone) for milestone in schedule.milestones)
        return lambda done: bisect_right(places, done)
    every = schedule.every or Duration(epochs=1.0)
    each = max(1, steps(every))
    return lambda done: int(done // each)


def _one_cycle(schedule: RecipeSchedule, peak: float, total: int, scale: Scale) -> Rate:
    """Smith & Topin 2018 with cosines, as torch's OneCycleLR counts: the peak is reached in the last step of the rise,
    which takes 30% of the steps where no warmup is stated, not rounded; the end in the last step of all. It starts at
    a 25th of the peak, and ends at a 10,000th of its start. The momentum stays as it is."""
    stated = schedule.warmup
    rise = stated.exact_steps(total, scale) if stated.amount else 0.3 * total
    if rise is None:
        raise ValueError(f"{stated} in optimizer steps needs {scale.lacks(stated.unit)}")
    start = peak / 25.0
    if stated.from_ is not None or stated.factor is not None:
        start = stated.from_ if stated.from_ is not None else (stated.factor or 0.0) * peak
    top, end = rise - 1.0, schedule.min_learning_rate or start / 1e4
    up, down = _way("cosine", start, peak, None), _way("cosine", peak, end, None)

    def rate(done: float) -> float:
        if done <= top:
            return up(done / top) if top else peak
        return down(min(1.0, (done - top) / (total - 1 - top)))

    return rate


def _stable(
    schedule: RecipeSchedule,
    decay: RecipeSegment,
    peak: float,
    warmup: int,
    total: int,
    steps: Callable[[Duration], int],
) -> Rate:
    """The peak until the decay: at its stated begin, else so late that its stated length ends with the training."""
    length = steps(decay.length) if decay.length else None
    if decay.begin is not None:
        begin = steps(decay.begin)
    else:
        begin = warmup if length is None else total - length
    last = schedule.min_learning_rate if decay.to is None else decay.to
    span = max(1, total - begin if length is None else length)
    way = _way(decay.shape or "linear", peak, last, decay.power)
    return lambda done: peak if done < begin else way(min(1.0, (done - begin) / span))


class _Piece(NamedTuple):
    """A piece of the curve from step ``begin`` on; ``rate`` takes the share of its ``length`` that is done."""

    begin: int
    length: int
    rate: Rate
    last: float


def _pieces(
    segments: Sequence[RecipeSegment], peak: float, warmup: int, total: int, steps: Callable[[Duration], int]
) -> Iterator[_Piece]:
    """The segments with what each of them leaves open: where it begins and ends, and at which values."""
    begins = [None if segment.begin is None else steps(segment.begin) for segment in segments]
    here, value = warmup, peak
    for segment, (begin, following) in zip(segments, pairwise([*begins, None]), strict=True):
        if begin is not None and begin < here:
            raise ValueError(f"a segment begins at step {begin}, before the one before it ends at step {here}")
        here = here if begin is None else begin
        if segment.length is not None:
            end = here + steps(segment.length)
        else:
            end = total if following is None else following
        first = value if segment.from_ is None else segment.from_
        value = first if segment.to is None else segment.to
        yield _Piece(here, end - here, _way(segment.shape or "constant", first, value, segment.power), value)
        here = end


def _joined(pieces: Sequence[_Piece]) -> Rate:
    """One curve: the first piece's first value before it, and after each piece its last until the next one begins."""

    def rate(done: float) -> float:
        place = bisect_right([piece.begin for piece in pieces], done) - 1
        if place < 0:
            return pieces[0].rate(0.0)
        piece = pieces[place]
        share = (done - piece.begin) / piece.length if piece.length else 1.0
        return piece.last if share >= 1.0 else piece.rate(share)

    return rate
