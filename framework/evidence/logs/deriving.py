"""What follows from a log without a guess: a number is stated only where no other would give the same log."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from framework.evidence.logs.log import Log
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.values.quantities import number

_RUNTIME_DIGITS, _RATE_DIGITS = 4, 3
"""Decimals to which transformers' `speed_metrics` rounds a runtime and a rate."""
_SINGLE = 6e-8
"""What TensorBoard's 32-bit floats round off, as a share."""


def steps_done(log: Log) -> dict[str, Any]:
    """How many optimizer steps were made, for a log that does not state it outright: exactly where it holds every step,
    else between its last one and the one before it would have logged the next."""
    if "optimizer_steps" in log.observed or not log.steps:
        return {}
    numbers = [line["step"] for line in log.steps]
    last = numbers[-1]
    gaps = [after - before for before, after in zip([0, *numbers], numbers, strict=False)]
    if max(gaps) == 1:
        samples = [line["samples"] for line in log.steps if "samples" in line]
        counted = {"samples_counted": sum(samples)} if len(samples) == last else {}
        return {"optimizer_steps": last, **counted, **_epochs(log)}
    return {"optimizer_steps_between": [last, last + max(gaps) - 1]}


def _epochs(log: Log) -> dict[str, float]:
    """How many epochs were made, by a log of every step: whole ones where each is numbered and the last has as many
    steps as the others, or the fraction that the last step states, where that is a whole number."""
    stated = [line.get("epoch") for line in log.steps]
    values = [value for value in stated if value is not None]
    if len(values) != len(stated) or values != sorted(values):
        return {}
    if any(value != int(value) for value in values):
        return {"epochs": values[-1]} if math.isclose(values[-1], round(values[-1]), rel_tol=1e-9) else {}
    counts = Counter(values)
    numbers = list(counts)
    whole = numbers[0] in (0, 1) and numbers == list(range(int(numbers[0]), int(numbers[-1]) + 1))
    return {"epochs": len(counts)} if whole and len(counts) > 1 and len(set(counts.values())) == 1 else {}


def derived(observed: Mapping[str, Any], phase: Phase) -> dict[str, Any]:
    """The number of training examples, and of sequences in each optimizer step, where the log leaves only one."""
    found: dict[str, Any] = {}
    samples = _samples(observed)
    steps, epochs = observed.get("optimizer_steps"), observed.get("epochs")
    examples, counted = observed.get("train_examples"), observed.get("samples_counted")
    if counted is not None and steps and epochs:
        return _counted(counted, steps, epochs, examples)
    if phase.max_steps is not None:
        if samples is not None and steps and (batch := _only(samples[0] / steps, samples[1] / steps)):
            found["batch_size"] = batch
        return found
    if examples is None and samples is not None and (passes := number(phase.epochs)):
        examples = _only(samples[0] / passes, samples[1] / passes)
        if examples is not None:
            found["train_examples"] = examples
    if examples is not None and steps and epochs:
        factor = observed.get("micro_batch_size", 1) * observed.get("accumulation", 1)
        if (batch := _batch(examples, steps, epochs, factor)) is not None:
            found["batch_size"] = batch
    return found


def _counted(samples: int, steps: int, epochs: float, examples: int | None) -> dict[str, Any]:
    """The examples of a pass, where a last batch is smaller than the others; of batches of one size it is not known
    whether a rest was dropped, but their size is."""
    if samples % steps == 0:
        return {"batch_size": samples // steps}
    each = samples / epochs
    return {"train_examples": round(each)} if examples is None and each == int(each) else {}


def _samples(observed: Mapping[str, Any]) -> tuple[float, float] | None:
    """Between which numbers of samples the rounded runtime and rate of the whole training lie."""
    seconds, rate = observed.get("train_runtime"), observed.get("train_samples_per_second")
    if seconds is None or rate is None:
        return None
    slack = 0.5 * 10**-_RUNTIME_DIGITS + _SINGLE * seconds
    loose = 0.5 * 10**-_RATE_DIGITS + _SINGLE * rate
    return max(0.0, seconds - slack) * max(0.0, rate - loose), (seconds + slack) * (rate + loose)


def _only(low: float, high: float) -> int | None:
    """The one whole number between two; None for none or several."""
    first = math.ceil(low - 1e-9)
    return first if first >= 1 and first <= high + 1e-9 < first + 1 else None


def _batch(examples: int, steps: int, epochs: float, factor: int) -> int | None:
    """The one multiple of ``factor`` with which a pass over the examples takes as many steps as were made."""
    per_epoch = steps / epochs
    whole = round(per_epoch)
    if whole < 2 or not math.isclose(per_epoch, whole, rel_tol=1e-6):
        return None
    least, most = math.ceil(examples / whole), (examples - 1) // (whole - 1)
    possible = range(math.ceil(least / factor) * factor, most + 1, factor)
    return possible[0] if len(possible) == 1 else None
