"""Which step of a plan may start when, and what a failure takes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.planning.steps import Step
from runners.launchers.schedule import Schedule, needs
from tests.support.executed import study

VARIANTS = """\
  dense: {steps: [pretrain]}
  other: {steps: [{pretrain: {set: {optimizer.learning_rate: 1e-3}}}]}
  pruned: {from: dense, steps: [{prune: {sparsity: 0.5, tensors: [in_proj]}}, finetune]}
  tuned: {from: other, steps: [finetune]}
  same: {from: other, steps: [{prune: {sparsity: {same_as: pruned_only}}}]}
  pruned_only: {from: dense, steps: [{prune: {sparsity: 0.5, tensors: [in_proj]}}]}
"""


@pytest.fixture
def steps(tmp_path: Path) -> tuple[Step, ...]:
    return study(tmp_path, VARIANTS).plan().steps


def test_a_step_starts_only_after_all_that_it_needs(steps: tuple[Step, ...]) -> None:
    schedule, over = Schedule(steps), set()
    started = []
    while (step := schedule.next()) is not None:
        assert set(needs(step)) <= over
        started.append(step)
        schedule.finish(step)
        over.add(step.key)
    assert {step.key for step in started} == {step.key for step in steps}


def test_what_waits_is_not_given_out(steps: tuple[Step, ...]) -> None:
    schedule = Schedule(steps)
    first = [schedule.next(), schedule.next()]
    assert all(step is not None and not needs(step) for step in first)
    assert schedule.next() is None


def test_a_failure_takes_with_it_what_needs_it_and_nothing_else(steps: tuple[Step, ...]) -> None:
    schedule = Schedule(steps)
    by_variant = {step.variant: step for step in steps if not step.parent}
    assert schedule.next() is by_variant["dense"]
    lost = list(schedule.fail(by_variant["dense"]))
    names = {(step.variant, step.name) for step in lost}
    assert names == {("pruned", "prune"), ("pruned", "finetune"), ("same", "prune")}
    rest = []
    while (step := schedule.next()) is not None:
        rest.append(step.variant)
        schedule.finish(step)
    assert rest == ["other", "tuned"]


def test_a_step_is_lost_once_however_many_of_its_needs_fail(steps: tuple[Step, ...]) -> None:
    schedule = Schedule(steps)
    dense, other = schedule.next(), schedule.next()
    assert dense is not None
    assert other is not None
    lost = [step.key for failed in (dense, other) for step in schedule.fail(failed)]
    assert len(lost) == len(set(lost)) == len(steps) - 2
    assert schedule.next() is None


def test_finished_steps_are_not_given_out_again(steps: tuple[Step, ...]) -> None:
    done = [step.key for step in steps if not step.parent]
    schedule = Schedule(steps, done)
    assert len(schedule) == len(steps) - len(done)
    assert schedule.next() is not None


def test_what_measures_times_waits_until_nothing_else_runs_or_can(tmp_path: Path) -> None:
    variants = "  dense: {steps: [pretrain]}\n  tuned: {from: dense, steps: [finetune]}\n"
    measured = "measurements: {speed: {measure: [latency], sequence_lengths: [8]}}\n"
    schedule = Schedule(study(tmp_path, variants + measured).plan().steps)
    trained = schedule.next()
    assert trained is not None
    schedule.finish(trained)
    beside = schedule.next(idle=False)
    assert (beside and beside.name, schedule.next(idle=False)) == ("finetune", None)
    alone = schedule.next(idle=True)
    assert (alone and alone.name) == "measure-speed"
