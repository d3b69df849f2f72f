"""What the manifest demands of a run: lengths, batches, and the learning rate of every step."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.manifest.lengths import optimizer_steps, samples_at, steps_per_epoch
from framework.manifest.sections.phases import Phase
from framework.stages.run.recomputed.learning_rate import learning_rate_at


def phase(**changes: Any) -> Phase:
    stated: dict[str, Any] = {
        "objective": "causal_lm",
        "dataset": "x",
        "optimizer": {"learning_rate": 1.0},
        "batch_size": 4,
        "max_steps": 10,
    }
    return Phase.model_validate({**stated, **changes})


def scheduled(name: str, warmup: int = 0, least: float = 0.0, peak: float = 1.0) -> Phase:
    schedule = {"name": name, "warmup": {"steps": warmup}, "min_learning_rate": least}
    return phase(schedule=schedule, optimizer={"learning_rate": peak})


# Lengths


@pytest.mark.parametrize(
    ("examples", "batch", "steps"), [(8, 4, 2), (9, 4, 3), (3, 4, 1), (4, 4, 1), (67_349, 32, 2105)]
)
def test_the_last_batch_of_a_pass_may_be_smaller_and_counts(examples: int, batch: int, steps: int) -> None:
    assert steps_per_epoch(examples, batch) == steps


@pytest.mark.parametrize(
    ("epochs", "examples", "steps"),
    [(1, 10, 3), (3, 10, 9), (0.5, 16, 2), (0.5, 10, 2), (0.1, 10, 1), (1.5, 8, 3), (0.3, 40, 3), (0.7, 40, 7)],
)
def test_the_steps_of_a_training_are_whole_passes_or_round_up(epochs: float, examples: int, steps: int) -> None:
    assert optimizer_steps(phase(epochs=epochs, max_steps=None), examples) == steps


def test_stated_steps_go_before_the_data() -> None:
    assert optimizer_steps(phase(max_steps=7), 1000) == 7


@given(st.integers(1, 500), st.integers(1, 64), st.integers(1, 4))
def test_the_batches_of_a_pass_hold_every_example_once(examples: int, batch: int, epochs: int) -> None:
    steps = steps_per_epoch(examples, batch)
    for epoch in range(epochs):
        samples = [samples_at(epoch * steps + step, examples, batch) for step in range(1, steps + 1)]
        assert sum(samples) == examples
        assert all(number == batch for number in samples[:-1])
        assert 1 <= samples[-1] <= batch


# Learning rates, by hand


@pytest.mark.parametrize(
    ("name", "warmup", "least", "rates"),
    [
        ("constant", 0, 0.0, [1, 1, 1, 1, 1]),
        ("constant", 2, 0.0, [0, 0.5, 1, 1, 1]),
        ("linear", 0, 0.0, [1, 0.8, 0.6, 0.4, 0.2]),
        ("linear", 1, 0.0, [0, 1, 0.75, 0.5, 0.25]),
        ("linear", 1, 0.2, [0, 1, 0.8, 0.6, 0.4]),
        ("cosine", 1, 0.0, [0, 1, 0.8535533905932737, 0.5, 0.14644660940672624]),
        ("cosine", 1, 0.5, [0, 1, 0.9267766952966369, 0.75, 0.5732233047033631]),
        ("linear", 5, 0.0, [0, 0.2, 0.4, 0.6, 0.8]),
    ],
)
def test_the_learning_rate_of_every_step(name: str, warmup: int, least: float, rates: list[float]) -> None:
    stated = scheduled(name, warmup, least)
    assert [learning_rate_at(stated, step, 5) for step in range(1, 6)] == pytest.approx(rates, abs=1e-12)


def test_the_learning_rate_is_a_multiple_of_the_declared_peak() -> None:
    assert learning_rate_at(scheduled("cosine", 1, 0.0, peak=2e-4), 4, 5) == pytest.approx(1e-4)


def test_a_warmup_that_is_a_share_counts_in_steps_rounded_up() -> None:
    stated = phase(schedule={"name": "constant", "warmup": {"ratio": 0.25}})
    assert [learning_rate_at(stated, step, 10) for step in (1, 2, 3, 4)] == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_a_derived_minimum_is_where_the_decay_ends() -> None:
    stated = phase(schedule={"name": "linear", "min_learning_rate": "0.1 * learning_rate"})
    assert learning_rate_at(stated, 11, 10) == pytest.approx(0.1)


# Learning rates, as identities

SCHEDULES = st.tuples(
    st.sampled_from(["linear", "cosine", "constant"]),
    st.integers(0, 20),
    st.floats(0, 0.5),
    st.integers(1, 200),
)


@given(SCHEDULES)
def test_the_peak_is_reached_at_the_end_of_the_warmup(case: tuple[str, int, float, int]) -> None:
    name, warmup, least, rest = case
    assert learning_rate_at(scheduled(name, warmup, least), warmup + 1, warmup + rest) == pytest.approx(1.0)


@given(SCHEDULES)
def test_the_minimum_is_reached_right_after_the_last_step(case: tuple[str, int, float, int]) -> None:
    name, warmup, least, rest = case
    total = warmup + rest
    after = learning_rate_at(scheduled(name, warmup, least), total + 1, total)
    assert after == pytest.approx(1.0 if name == "constant" else least, abs=1e-12)


@given(SCHEDULES)
def test_the_rate_rises_in_the_warmup_and_never_after(case: tuple[str, int, float, int]) -> None:
    name, warmup, least, rest = case
    stated, total = scheduled(name, warmup, least), warmup + rest
    rates = [learning_rate_at(stated, step, total) for step in range(1, total + 1)]
    assert all(one < two for one, two in pairwise(rates[: warmup + 1]))
    assert all(one >= two - 1e-12 for one, two in pairwise(rates[warmup:]))
    assert all(0 <= rate <= 1 + 1e-12 for rate in rates)
    assert rates[0] == (0 if warmup else pytest.approx(1.0))


@given(st.integers(2, 100), st.floats(0, 0.9))
def test_a_decay_is_half_way_down_in_the_middle(half: int, least: float) -> None:
    for name in ("linear", "cosine"):
        middle = learning_rate_at(scheduled(name, 0, least), half + 1, 2 * half)
        assert middle == pytest.approx((1 + least) / 2)


@given(st.integers(1, 199))
def test_a_cosine_is_symmetric_around_its_middle(step: int) -> None:
    stated = scheduled("cosine")
    one, other = learning_rate_at(stated, step + 1, 200), learning_rate_at(stated, 201 - step, 200)
    assert one + other == pytest.approx(1.0)
    assert one == pytest.approx(0.5 * (1 + math.cos(math.pi * step / 200)))
