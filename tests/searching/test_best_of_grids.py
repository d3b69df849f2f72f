"""Values that are the best of a grid: filled in from its runs, refused without them, recorded with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.evidence.store import RunStore
from framework.planning.build import complete
from framework.planning.steps import Step, Training
from framework.planning.tuned.best_of_grids import filled
from framework.stages.verify import verify
from tests.support.project import Project
from tests.support.searched import recorded

MANIFEST = """\
version: 1
paper: {title: Each grid at the best value of the one before}
hardware: {accelerator: cpu}
models:
  tiny: {family: mamba, weights: random, layers: 1, hidden: 8, state: 4, vocabulary: 256, tokenizer: bytes}
datasets:
  manual: {builtin: language-reference, limit: 24, validation_limit: 8}
phases:
  train:
    objective: causal_lm
    dataset: manual
    optimizer: {name: adamw, learning_rate: 1e-4, weight_decay: 0.1}
    schedule: {name: cosine, min_learning_rate: 0.1 * learning_rate}
    batch_size: 8
    epochs: 1
    sequence_length: 32
variants:
  base: {steps: [{train: {set: {max_grad_norm: 1.0}}}]}
  joint:
    steps:
      - train:
          set:
            optimizer.learning_rate: {best_of: rate, by: validation_loss}
            optimizer.weight_decay: {best_of: decay, by: validation_loss}
grids:
  rate:
    over: {rate: [1e-4, 3e-4, 5e-4]}
    steps: [{train: {set: {optimizer.learning_rate: $rate}}}]
  decay:
    over: {decay: [0.05, 0.1]}
    steps:
      - train:
          set: {optimizer.learning_rate: {best_of: rate, by: validation_loss}, optimizer.weight_decay: $decay}
seeds: [1, 2]
configs:
  - file: configs/pretrain.yaml
    describes: phases.train
    variant: joint
    keys: {lr: optimizer.learning_rate, min_lr: schedule.min_learning_rate, epochs: epochs}
profiles:
  smoke: {reason: "a laptop", set: {phases.train.epochs: 2}}
"""
OF_DECAY = "{best_of: decay, by: validation_loss}"
CONFIG = "lr: 7e-4\nmin_lr: 7e-5\nepochs: 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST, CONFIG)


def loss_of(step: Step) -> float:
    assert isinstance(step.work, Training)
    optimizer = step.work.recipe.optimizer
    return 1000 * abs(float(optimizer.learning_rate) - 3e-4) + float(optimizer.weight_decay or 0) + 0.001 * step.seed


def made(project: Project, variants: str, profile: str | None = None, **losses: float) -> None:
    """The runs of the variants that a pattern names, without their work."""
    experiment = filled(project.load(profile))
    store = RunStore(experiment.runs)
    from framework.planning.build import build

    for step in build(experiment, [variants]).steps:
        recorded(step, store, {"validation_loss": losses.get(step.variant.partition("/")[0], loss_of(step))})


def rates(project: Project, variant: str, profile: str | None = None) -> set[Any]:
    from framework.planning.build import build

    steps = build(filled(project.load(profile)), [variant]).steps
    assert not any(step.awaits for step in steps)
    return {step.work.phase.optimizer.learning_rate for step in steps if isinstance(step.work, Training)}


def test_the_plan_refuses_a_value_that_no_run_decided(project: Project) -> None:
    from framework.planning.build import build

    plan = build(filled(project.load()))
    waiting = {name for step in plan.steps if step.awaits for name in step.variants}
    assert waiting == {"joint", "decay/0.05", "decay/0.1"}
    with pytest.raises(InputError, match="the best of rate by validation_loss is not known yet: 6 of its 6 runs"):
        complete(plan)


def test_what_stands_in_for_an_open_value_is_no_run_of_it(project: Project) -> None:
    made(project, "rate/1e-4")
    from framework.planning.build import build

    experiment = filled(project.load())
    store = RunStore(experiment.runs)
    assert all(store.done(step.key) is None for step in build(experiment, ["decay/0.1"]).steps)
    made(project, "rate/3e-4")
    (problem,) = {each for step in build(filled(project.load()), ["decay/0.1"]).steps for each in step.awaits}
    assert "2 of its 6 runs are not there (rate/5e-4 · train · tiny · seed 1)" in problem.message
    assert problem.location is not None
    assert problem.location.line == 33


def test_each_grid_is_at_the_best_value_of_the_one_before(project: Project) -> None:
    made(project, "rate/*")
    assert rates(project, "decay/*") == {3e-4}
    made(project, "decay/*")
    from framework.planning.build import build

    (first, _) = build(filled(project.load()), ["joint"]).steps
    assert isinstance(first.work, Training)
    assert (first.work.recipe.optimizer.learning_rate, first.work.recipe.optimizer.weight_decay) == (3e-4, 0.05)
    assert first.work.recipe.schedule.min_learning_rate == pytest.approx(3e-5)


def test_the_runs_that_it_was_chosen_among_are_told(project: Project) -> None:
    made(project, "rate/*")
    from framework.planning.build import build

    experiment = filled(project.load())
    step = build(experiment, ["decay/0.05"]).steps[0]
    (chosen,) = step.chosen
    assert (chosen["best_of"], chosen["by"], chosen["variant"]) == ("rate", "validation_loss", "rate/3e-4")
    assert chosen["clause"] == 'variants."decay/0.05".steps[0].train.set."optimizer.learning_rate"'
    assert [each["variant"] for each in chosen["among"]] == ["rate/1e-4", "rate/3e-4", "rate/5e-4"]
    assert chosen["among"][1]["measured"] == pytest.approx(0.1015)
    store = RunStore(experiment.runs)
    assert all(store.done(key) for each in chosen["among"] for key in each["runs"])


def test_of_equals_the_first_is_taken(project: Project) -> None:
    made(project, "rate/*", rate=1.0)
    assert rates(project, "decay/*") == {1e-4}


def test_a_metric_that_rises_is_chosen_upwards_and_one_that_is_not_recorded_is_said(project: Project) -> None:
    made(project, "rate/*")
    text = project.read()
    project.write("experiment.yaml", text.replace("by: validation_loss", "by: accuracy"))
    from framework.planning.build import build

    step = next(step for step in build(filled(project.load())).steps if step.awaits)
    assert "recorded no accuracy, but validation_loss" in step.awaits[0].message
    store = RunStore(project.root / "runs")
    for step in build(project.load(), ["rate/*"]).steps:
        recorded(step, store, {"accuracy": loss_of(step)})
    assert rates(project, "decay/*") == {5e-4} or rates(project, "decay/*") == {1e-4}
    best = max(("1e-4", "3e-4", "5e-4"), key=lambda rate: abs(float(rate) - 3e-4))
    assert rates(project, "decay/*") == {float(best)}


def test_under_a_profile_it_is_chosen_among_the_runs_of_that_profile(project: Project) -> None:
    made(project, "rate/*")
    with pytest.raises(AssertionError):
        rates(project, "decay/*", "smoke")
    made(project, "rate/*", "smoke")
    assert rates(project, "decay/*", "smoke") == {3e-4}
    experiment = filled(project.load("smoke"))
    clause = next(each for each in experiment.clauses if each.id.startswith("variants.joint.steps[0].train.set"))
    from framework.planning.build import build

    result = verify(experiment, build(experiment))
    statuses = {str(each.status) for each in result.matrix.verdicts if each.clause == clause.id}
    assert "conforms" not in statuses


def test_a_config_is_not_held_to_a_value_that_is_open(project: Project) -> None:
    outcome = project.cli("check", "--format", "json")
    assert outcome.code == 0, outcome.out
    made(project, "rate/*")
    made(project, "decay/*")
    result = project.cli("verify", "--format", "json")
    drifted = {(each["code"], each["clause"]) for each in result.json["findings"] if each["code"] == "C101"}
    assert ("C101", 'variants.joint.steps[0].train.set."optimizer.learning_rate"') in drifted


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{best_of: rate, by: validation_loss}\n", "{best_of: rat, by: validation_loss}\n", "did you mean 'rate'"),
        ("{best_of: rate, by: validation_loss}\n", "{best_of: rate}\n", "stated by two names, best_of and by"),
        ("{best_of: rate, by: validation_loss}\n", "{best_of: base, by: validation_loss}\n", "unknown grid 'base'"),
        ("weight_decay: {best_of: decay", "momentum: {best_of: decay", "state no set.optimizer.momentum"),
        ("optimizer.learning_rate: $rate", "optimizer.weight_decay: $rate, optimizer.learning_rate: " + OF_DECAY,
         "a grid cannot be chosen from itself"),
        ("adamw, learning_rate: 1e-4", "adamw, learning_rate: {best_of: rate, by: validation_loss}",
         "is the best of a grid for all variants"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_refused_at_its_place(project: Project, old: str, new: str, said: str) -> None:
    text = project.read()
    assert old in text
    project.write("experiment.yaml", text.replace(old, new, 1))
    with pytest.raises(InputError) as refused:
        project.load()
    assert said in str(refused.value)
    assert all(each.location is not None and each.location.line > 10 for each in refused.value.problems)


def test_the_plan_shows_what_is_open_and_what_was_chosen(project: Project) -> None:
    rows = project.cli("plan", "--format", "json").json["best_of"]
    assert {row["variant"] for row in rows} == {None}
    made(project, "rate/*")
    text = project.cli("plan").out
    assert "best of rate by validation_loss: rate/3e-4 (among rate/1e-4 0.3015" in text
    assert "best of decay by validation_loss: open: 2 of its 4 runs are not there" in text
