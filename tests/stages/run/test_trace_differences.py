"""A trace of another schedule: what differs, in one value or two, is found from the rates alone."""

from __future__ import annotations

import math
from typing import Any

import pytest

from framework.manifest.sections.phases import Phase
from framework.manifest.sections.values.durations import Scale
from framework.stages.run.recomputed.learning_rate import learning_rate_at
from framework.stages.run.recomputed.trace_differences import differences

TOTAL = 200
STATED: dict[str, Any] = {"name": "cosine", "warmup": "10%", "min_learning_rate": 1e-5}


def phase(rate: float = 1e-3, **schedule: Any) -> Phase:
    stated = {"optimizer": {"learning_rate": rate}, "schedule": STATED | schedule}
    return Phase.model_validate({"objective": "x", "dataset": "d", "batch_size": 1, **stated})


def trace(of: Phase, total: int = TOTAL, steps: int = TOTAL, shift: int = 0) -> list[tuple[int, float]]:
    return [(step, learning_rate_at(of, max(1, step + shift), total)) for step in range(1, steps + 1)]


def counted_from_one() -> list[tuple[int, float]]:
    """A warmup of 20 steps whose first step has a twentieth of the peak."""
    rates = [(step, 1e-3 * step / 20) for step in range(1, 20)]
    cosine = [1e-5 + 0.99e-3 * 0.5 * (1 + math.cos(math.pi * (step - 20) / 181)) for step in range(20, 201)]
    return rates + list(enumerate(cosine, 20))


CASES: dict[str, tuple[list[tuple[int, float]], list[str]]] = {
    "another peak": (trace(phase(2e-3)), ["its peak is 0.002, not 0.001"]),
    "another peak and floor": (
        trace(phase(2e-3, min_learning_rate=2e-5)),
        ["its peak is 0.002, not 0.001, and its floor as large a share of it"],
    ),
    "no floor": (trace(phase(min_learning_rate=0.0)), ["its floor is 0, not 1e-05"]),
    "another floor": (trace(phase(min_learning_rate=1e-4)), ["its floor is 0.0001, not 1e-05"]),
    "no warmup": (trace(phase(warmup="none")), ["its warmup is 0 steps, not 20"]),
    "a shorter warmup": (trace(phase(warmup="7 steps")), ["its warmup is 7 steps, not 20"]),
    "a longer warmup": (trace(phase(warmup="63 steps")), ["its warmup is 63 steps, not 20"]),
    "another start": (
        trace(phase(warmup={"ratio": 0.1, "factor": 0.25})),
        ["its warmup starts from 0.00025"],
    ),
    "another shape": (trace(phase(name="linear")), ["it is linear, not cosine"]),
    "no decay": (trace(phase(name="constant")), ["it is constant, not cosine"]),
    "a step ahead": (trace(phase(), shift=1), ["each step has the rate of the one after it"]),
    "a step late": (trace(phase(), shift=-1), ["each step has the rate of the one before it"]),
    "another length": (trace(phase(warmup="20 steps"), total=300), ["it is stretched over 300 steps, not 200"]),
    "another length of all": (trace(phase(), total=400), ["it is stretched over 400 steps, not 200"]),
    "linear without a warmup": (
        trace(phase(name="linear", warmup="none")),
        ["its warmup is 0 steps, not 20", "it is linear, not cosine"],
    ),
    "another peak and warmup": (
        trace(phase(2e-3, warmup="40 steps")),
        ["its peak is 0.002, not 0.001", "its warmup is 40 steps, not 20"],
    ),
    "another floor and no warmup": (
        trace(phase(min_learning_rate=0.0, warmup="none")),
        ["its floor is 0, not 1e-05", "its warmup is 0 steps, not 20"],
    ),
    "noise": ([(step, rate * (1 + 0.01 * (step % 3))) for step, rate in trace(phase())], []),
    "nothing": ([], []),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("every", [1, 7])
def test_the_least_that_explains_a_trace_is_told(case: str, every: int) -> None:
    rates, expected = CASES[case]
    if (case, every) == ("another peak and warmup", 7):
        expected = []  # no line is at the peak, and the rise has the slope of the declared one
    sparse = [each for each in rates if every == 1 or each[0] % every == 1]
    found = [each.said for each in differences(phase(), sparse, TOTAL, Scale(), 1e-6)]
    assert sorted(found) == sorted(expected)


def test_a_warmup_that_counts_from_one_is_described() -> None:
    found = differences(phase(), counted_from_one(), TOTAL, Scale(), 1e-6)
    assert [each.said for each in found] == ["its warmup starts from 5e-05 and takes 19 steps, not 20"]


def test_what_rounds_is_explained_within_its_tolerance() -> None:
    rates = [(step, float(f"{rate:.3g}")) for step, rate in trace(phase(2e-3))]
    (found,) = differences(phase(), rates, TOTAL, Scale(), 0.005)
    assert found.said.startswith("its peak is 0.002")


def test_a_long_trace_takes_no_time() -> None:
    rates = [(step, 1e-3 * (1 + 0.01 * (step % 3))) for step in range(1, 20_001)]
    assert differences(phase(), rates, 20_000, Scale(), 1e-6) == []
