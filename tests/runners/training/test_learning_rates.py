"""The learning rates that are used: those of torch's and transformers' schedulers, and those that verify demands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import (
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
    StepLR,
)
from transformers.optimization import (
    get_cosine_schedule_with_warmup,
    get_cosine_with_hard_restarts_schedule_with_warmup,
    get_inverse_sqrt_schedule,
    get_polynomial_decay_schedule_with_warmup,
    get_wsd_schedule,
)

from framework.errors import FrameworkError
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.schedules import SHAPES
from framework.manifest.sections.values.durations import Scale
from framework.planning.recipes import Recipe, recipe_of
from framework.planning.refusing.schedule_shapes import PIECES, RISES
from framework.stages.run.recomputed.learning_rate import learning_rate_at
from runners.training.length import scale_of
from runners.training.schedules import build_schedule, rate_of

PEAK = 3e-3
SCALE = Scale(steps_per_epoch=7, samples_per_step=8, tokens_per_step=256)


def recipe(**schedule: Any) -> Recipe:
    stated = {
        "objective": "causal_lm",
        "dataset": "data",
        "optimizer": {"name": "sgd", "learning_rate": PEAK},
        "schedule": schedule,
        "batch_size": 8,
        "max_steps": 10,
    }
    found = recipe_of(Manifest.model_construct(), Phase.model_validate(stated))
    assert isinstance(found, Recipe), found
    return found


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=PEAK)


def run_through(schedule: Any, total: int) -> list[float]:
    """The learning rate of each optimizer step of a whole training."""
    rates = []
    for _ in range(total):
        rates.append(float(schedule.get_last_lr()[0]))
        schedule.optimizer.step()
        if len(rates) < total:
            schedule.step()
    return rates


def ours(total: int, **schedule: Any) -> list[float]:
    return run_through(build_schedule(recipe(**schedule), optimizer(), total, SCALE), total)


Theirs = Callable[[torch.optim.Optimizer, int], Any]

LIKE_THEIRS: dict[str, tuple[dict[str, Any], Theirs]] = {
    "polynomial": (
        {"name": "polynomial", "power": 2.0, "warmup": "5 steps", "min_learning_rate": 1e-4},
        lambda opt, total: get_polynomial_decay_schedule_with_warmup(opt, 5, total, lr_end=1e-4, power=2.0),
    ),
    "polynomial of torch": (
        {"name": "polynomial", "power": 0.9},
        lambda opt, total: PolynomialLR(opt, total_iters=total, power=0.9),
    ),
    "step": (
        {"name": "step", "every": "9 steps", "gamma": 0.3},
        lambda opt, total: StepLR(opt, step_size=9, gamma=0.3),
    ),
    "step with torch's factor": (
        {"name": "step", "every": "2 epochs"},
        lambda opt, total: StepLR(opt, step_size=14),
    ),
    "milestones": (
        {"name": "milestones", "milestones": ["10 steps", "3 epochs", "240 samples"], "gamma": 0.2},
        lambda opt, total: MultiStepLR(opt, milestones=[10, 21, 30], gamma=0.2),
    ),
    "exponential by steps": (
        {"name": "exponential", "gamma": 0.97, "every": "1 steps"},
        lambda opt, total: ExponentialLR(opt, gamma=0.97),
    ),
    "exponential by epochs": (
        {"name": "exponential", "gamma": 0.9},
        lambda opt, total: StepLR(opt, step_size=7, gamma=0.9),
    ),
    "inverse square root": (
        {"name": "inverse_sqrt", "warmup": "6 steps"},
        lambda opt, total: get_inverse_sqrt_schedule(opt, 6),
    ),
    "inverse square root without a warmup": (
        {"name": "inverse_sqrt"},
        lambda opt, total: get_inverse_sqrt_schedule(opt, 0),
    ),
    "1-sqrt": (
        {"name": "1-sqrt", "warmup": "4 steps"},
        lambda opt, total: get_wsd_schedule(opt, 4, total - 4, num_stable_steps=0, decay_type="1-sqrt"),
    ),
    "one cycle": ({"name": "one_cycle"}, lambda opt, total: OneCycleLR(opt, PEAK, total_steps=total)),
    "one cycle with a stated rise": (
        {"name": "one_cycle", "warmup": {"ratio": 0.41, "factor": 0.1}},
        lambda opt, total: OneCycleLR(opt, PEAK, total_steps=total, pct_start=0.41, div_factor=10.0),
    ),
    "warmup, stable, decay": (
        {"name": "warmup_stable_decay", "warmup": "5 steps", "decay": {"length": "9 steps"}},
        lambda opt, total: get_wsd_schedule(opt, 5, 9, num_training_steps=total, decay_type="linear"),
    ),
    "warmup, stable, cosine decay": (
        {
            "name": "constant",
            "warmup": {"steps": 5, "shape": "cosine"},
            "decay": {"shape": "cosine", "length": "9 steps"},
        },
        lambda opt, total: get_wsd_schedule(
            opt, 5, 9, num_training_steps=total, warmup_type="cosine", decay_type="cosine"
        ),
    ),
    "warmup and decay by a root": (
        {
            "name": "warmup_stable_decay",
            "warmup": {"steps": 5, "shape": "1-sqrt"},
            "decay": {"shape": "1-sqrt", "begin": "20 steps"},
        },
        lambda opt, total: get_wsd_schedule(
            opt, 5, total - 20, num_stable_steps=15, warmup_type="1-sqrt", decay_type="1-sqrt"
        ),
    ),
    "cosine with restarts": (
        {"name": "cosine_restarts", "cycles": 3, "warmup": "4 steps"},
        lambda opt, total: get_cosine_with_hard_restarts_schedule_with_warmup(opt, 4, total, num_cycles=3),
    ),
    "cosine with a warmup in tokens": (
        {"name": "cosine", "warmup": "1792 tokens"},
        lambda opt, total: get_cosine_schedule_with_warmup(opt, 7, total),
    ),
    "linear warmup from a share of the peak": (
        {"name": "constant", "warmup": {"epochs": 1, "factor": 0.25}},
        lambda opt, total: LinearLR(opt, start_factor=0.25, total_iters=7),
    ),
    "cosine after a warmup from a number": (
        {"name": "cosine", "warmup": {"steps": 5, "from": PEAK / 10}},
        lambda opt, total: SequentialLR(
            opt,
            [LinearLR(opt, 0.1, total_iters=5), torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=total - 5)],
            milestones=[5],
        ),
    ),
}


@pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step")
@pytest.mark.parametrize("total", [37, 40])
@pytest.mark.parametrize("case", LIKE_THEIRS)
def test_a_whole_training_has_the_rates_of_their_scheduler(case: str, total: int) -> None:
    schedule, theirs = LIKE_THEIRS[case]
    expected = run_through(theirs(optimizer(), total), total)
    assert len(set(expected)) > 1
    assert ours(total, **schedule) == pytest.approx(expected, rel=1e-12, abs=1e-18)


def test_restarts_of_whole_length_are_torchs() -> None:
    schedule = CosineAnnealingWarmRestarts(optimizer(), T_0=12, eta_min=1e-4)
    expected = run_through(schedule, 36)
    found = ours(36, name="cosine_restarts", cycles=3, min_learning_rate=1e-4)
    assert found == pytest.approx(expected, rel=1e-12)


SEGMENTS = [
    {"shape": "constant", "length": "4 steps"},
    {"shape": "cosine", "to": 1e-3, "length": "8 steps"},
    {"shape": "linear", "from": 2e-3, "to": 1e-4, "begin": "25 steps", "length": "5 steps"},
    {"shape": "exponential", "to": 1e-6},
]


def test_segments_by_hand() -> None:
    found = ours(40, warmup={"steps": 3}, segments=SEGMENTS)
    assert found[:3] == pytest.approx([0, PEAK / 3, 2 * PEAK / 3])
    assert found[3:8] == pytest.approx([PEAK] * 5)
    assert found[11] == pytest.approx((PEAK + 1e-3) / 2)  # half of the cosine, from step 7 to 15
    assert found[15:25] == pytest.approx([1e-3] * 10)
    assert found[25:31] == pytest.approx([2e-3, 1.62e-3, 1.24e-3, 8.6e-4, 4.8e-4, 1e-4])
    assert found[35] == pytest.approx(1e-5)  # half of the way in logarithms


def test_a_segment_that_begins_within_another_is_refused() -> None:
    segments = [{"length": "9 steps"}, {"shape": "linear", "to": 0.0, "begin": "5 steps"}]
    with pytest.raises(FrameworkError, match="begins at step 5, before the one before it ends at step 9"):
        ours(20, segments=segments)


def test_a_length_in_epochs_needs_the_data() -> None:
    stated = recipe(name="polynomial", warmup="1 epochs")
    with pytest.raises(FrameworkError, match="schedule: 1 epochs in optimizer steps needs the number of training"):
        build_schedule(stated, optimizer(), 20)
    assert scale_of(batch_size=8, sequence_length=32, examples=50) == SCALE


def test_each_group_goes_its_own_way_by_the_same_factor() -> None:
    parameters = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 10 * PEAK}]
    schedule = build_schedule(recipe(name="step", every="2 steps"), torch.optim.SGD(groups, lr=PEAK), 6)
    for factor in (1, 1, 0.1, 0.1, 0.01, 0.01):
        assert schedule.get_last_lr() == pytest.approx([PEAK * factor, 10 * PEAK * factor])
        schedule.optimizer.step()
        schedule.step()


# The same as what verify demands, computed a second time


UNITS = st.sampled_from(["steps", "epochs", "samples", "tokens"])


def length(steps: int, unit: str) -> dict[str, Any]:
    each = {"steps": 1, "epochs": 1 / 7, "samples": 8, "tokens": 256}[unit]
    return {unit: steps if unit == "steps" else steps * each}


@st.composite
def warmups(draw: st.DrawFn, most: int) -> dict[str, Any]:
    stated = length(draw(st.integers(0, most)), draw(UNITS))
    start = draw(st.sampled_from([{}, {"from": 1e-6}, {"factor": 0.2}, {"from": 2 * PEAK}]))
    shape = draw(st.sampled_from([None, *RISES]))
    return {**stated, **start, **({"shape": shape} if shape else {})}


@st.composite
def schedules(draw: st.DrawFn, name: str, total: int) -> dict[str, Any]:
    """Any schedule of a shape."""
    least = draw(st.sampled_from([0.0, 1e-5, 1e-3]))
    stated: dict[str, Any] = {"name": name, "warmup": draw(warmups(total)), "min_learning_rate": least}
    if name in ("step", "milestones", "exponential"):
        stated["gamma"] = draw(st.floats(0.1, 0.99))
        many = st.lists(st.integers(0, total), min_size=1, max_size=4)
        if name == "milestones" or (name == "step" and draw(st.booleans())):
            stated["milestones"] = [length(each, draw(UNITS)) for each in draw(many)]
        elif name == "step" or draw(st.booleans()):
            stated["every"] = length(draw(st.integers(1, total)), draw(UNITS))
        elif draw(st.booleans()):
            stated |= {"gamma": None, "min_learning_rate": 1e-5}
    if name == "cosine_restarts":
        stated["cycles"] = draw(st.integers(1, 5))
    if name == "polynomial":
        stated["power"] = draw(st.floats(0.3, 3.0))
    if name == "warmup_stable_decay" or (name == "constant" and draw(st.booleans())):
        decay: dict[str, Any] = {"shape": draw(st.sampled_from(PIECES)), "to": draw(st.sampled_from([1e-6, 1e-4]))}
        if draw(st.booleans()):
            decay["begin"] = length(draw(st.integers(0, total)), draw(UNITS))
        if draw(st.booleans()):
            decay["length"] = length(draw(st.integers(0, total)), draw(UNITS))
        stated["decay"] = decay
    return {key: value for key, value in stated.items() if value is not None}


def held(stated: Recipe, total: int) -> None:
    """Every step's rate is the demanded one, to 1e-12 of the peak."""
    rates = run_through(build_schedule(stated, optimizer(), total, SCALE), total)
    demanded = [learning_rate_at(stated, step, total, SCALE) for step in range(1, total + 1)]
    assert rates == pytest.approx(demanded, rel=1e-12, abs=1e-12 * PEAK)


@pytest.mark.parametrize("name", SHAPES)
@given(data=st.data(), total=st.integers(1, 60))
def test_the_rates_are_those_that_verify_demands(name: str, data: st.DataObject, total: int) -> None:
    held(recipe(**data.draw(schedules(name, total))), total)


@given(data=st.data(), total=st.integers(1, 60))
def test_the_rates_of_segments_are_those_that_verify_demands(data: st.DataObject, total: int) -> None:
    warmup = data.draw(warmups(total))
    here = Phase.model_validate({"schedule": {"warmup": warmup}}).schedule.warmup.in_steps(total, SCALE)
    segments: list[dict[str, Any]] = []
    for _ in range(data.draw(st.integers(1, 4))):
        steps, shape = data.draw(st.integers(0, 20)), data.draw(st.sampled_from([None, *PIECES]))
        segment: dict[str, Any] = {"length": length(steps, "steps")} | ({"shape": shape} if shape else {})
        if data.draw(st.booleans()):
            here += data.draw(st.integers(0, 5))
            segment["begin"] = length(here, "steps")
        for key in ("from", "to"):
            if data.draw(st.booleans()):
                segment[key] = data.draw(st.sampled_from([1e-6, 1e-3, PEAK, 2 * PEAK]))
        here += steps
        segments.append(segment)
    if data.draw(st.booleans()):
        segments[-1].pop("length")
    held(recipe(warmup=warmup, segments=segments), total)


def test_what_is_run_through_does_not_end_with_the_training() -> None:
    """A step after the last one, as an evaluation may ask for it, has the last value."""
    rate = rate_of(recipe(name="polynomial", min_learning_rate=1e-4).schedule, PEAK, 10, SCALE)
    assert rate(10) == rate(25) == pytest.approx(1e-4)
