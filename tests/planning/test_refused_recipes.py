"""What the built-in training does not have is refused before anything starts: by the clause's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.manifest.sections.optimizers import OPTIMIZERS
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.schedules import SHAPES
from framework.planning.recipes import Recipe, recipe_of
from framework.planning.refusing.optimizer_arguments import TAKES
from tests.support.project import Project

STATED: dict[str, Any] = {"objective": "causal_lm", "dataset": "data", "batch_size": 8, "max_steps": 10}
VALUES: dict[str, Any] = {"weight_decay": 0.1, "betas": [0.9, 0.99], "eps": 1e-8, "momentum": 0.9, "nesterov": True}


def closed(optimizer: dict[str, Any] | None = None, schedule: dict[str, Any] | None = None) -> Recipe | list[Any]:
    sections = {"optimizer": {"learning_rate": 1e-3, **(optimizer or {})}, "schedule": schedule or {}}
    return recipe_of(Manifest.model_construct(), Phase.model_validate({**STATED, **sections}))


def refused(**sections: Any) -> dict[tuple[str | int, ...], str]:
    found = closed(**sections)
    assert isinstance(found, list)
    return {refusal.path: refusal.message for refusal in found}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("key", VALUES)
def test_a_hyperparameter_that_the_optimizer_does_not_take(name: str, key: str) -> None:
    optimizer = {"name": name, key: VALUES[key]} | ({"momentum": 0.9} if key == "nesterov" and name == "sgd" else {})
    if key in TAKES[name]:
        assert isinstance(closed(optimizer), Recipe)
        return
    message = f"optimizer.{key} is stated, and {name} of torch.optim takes no {key}"
    assert refused(optimizer=optimizer) == {("optimizer", key): message}


@pytest.mark.parametrize("key", ["weight_decay", "momentum"])
def test_none_of_what_it_does_not_take_is_no_fault(key: str) -> None:
    assert isinstance(closed({"name": "rprop", key: "none"}), Recipe)
    assert isinstance(closed({"name": "rprop", "nesterov": False}), Recipe)


OPTIMIZER: dict[str, tuple[dict[str, Any], tuple[str | int, ...], str]] = {
    "an optimizer of nobody": ({"name": "lion"}, ("name",), "does not know the optimizer.name 'lion'"),
    "one that asks for the loss": ({"name": "lbfgs"}, ("name",), "it computes the loss several times for one update"),
    "one for sparse gradients": ({"name": "SparseAdam"}, ("name",), "it needs sparse gradients"),
    "three betas": ({"name": "nadam", "betas": [0.9, 0.9, 0.9]}, ("betas",), "takes two of them"),
    "Nesterov without momentum": ({"name": "sgd", "nesterov": True}, ("nesterov",), "no momentum is"),
    "Nesterov with dampening": (
        {"name": "sgd", "nesterov": True, "momentum": 0.9, "settings": {"dampening": 0.1}},
        ("settings", "dampening"),
        "Nesterov's momentum of torch.optim has none",
    ),
    "another setting": ({"settings": {"rho": 0.9}}, ("settings", "rho"), "adamw of torch.optim takes no 'rho'"),
    "a setting of another kind": ({"settings": {"amsgrad": 1}}, ("settings", "amsgrad"), "takes true or false for it"),
    "a pair of three": (
        {"name": "rprop", "settings": {"etas": [0.5, 1.2, 2]}},
        ("settings", "etas"),
        "takes a pair of numbers for it",
    ),
    "steps that are no whole number": (
        {"name": "muon", "settings": {"ns_steps": 4.5}},
        ("settings", "ns_steps"),
        "takes a whole number for it",
    ),
    "a group's setting": (
        {"groups": [{"parameters": ["head"], "settings": {"trust": 1}}]},
        ("groups", 0, "settings", "trust"),
        "no setting of a group",
    ),
    "a group's decay": (
        {"name": "rprop", "groups": [{"parameters": ["head"], "weight_decay": 0.1}]},
        ("groups", 0, "weight_decay"),
        "takes no weight_decay",
    ),
    "a rate of what is frozen": (
        {"groups": [{"parameters": ["norms"]}, {"parameters": ["head"], "frozen": True, "learning_rate": 1e-4}]},
        ("groups", 1, "learning_rate"),
        "the group is frozen",
    ),
    "no rate of what is trained": (
        {"groups": [{"parameters": ["head"], "learning_rate": "none"}]},
        ("groups", 0, "learning_rate"),
        "learning_rate is none",
    ),
}


@pytest.mark.parametrize("case", OPTIMIZER)
def test_what_an_optimizer_does_not_have(case: str) -> None:
    optimizer, path, words = OPTIMIZER[case]
    ((found, message),) = refused(optimizer=optimizer).items()
    assert found == ("optimizer", *path)
    assert words in message


SCHEDULE: dict[str, tuple[dict[str, Any], tuple[str | int, ...], str]] = {
    "an unknown shape": ({"name": "cosin"}, ("name",), "does not know the schedule.name 'cosin'"),
    "a warmup without a length": ({"warmup": {"factor": 0.1}}, ("warmup",), "the length of the warmup is not stated"),
    "a warmup that cannot rise so": (
        {"warmup": {"steps": 3, "shape": "step"}},
        ("warmup", "shape"),
        "schedule.warmup.shape 'step'",
    ),
    "a segment without a formula": (
        {"segments": [{"length": "3 steps"}, {"shape": "inverse_sqrt", "to": 0.0}]},
        ("segments", 1, "shape"),
        "schedule.segments.1.shape 'inverse_sqrt'",
    ),
    "a decay without a formula": (
        {"decay": {"shape": "step", "length": "10%"}},
        ("decay", "shape"),
        "schedule.decay.shape 'step'",
    ),
    "a second decay": ({"name": "cosine", "decay": {"length": "10%"}}, ("decay",), "cosine has one of its own"),
    "stable without end": ({"name": "warmup_stable_decay"}, ("decay",), "schedule.decay is not stated"),
    "steps without a length": ({"name": "step"}, ("milestones",), "step needs it"),
    "exponential to nothing": ({"name": "exponential"}, ("gamma",), "exponential needs it"),
    "frames": (
        {"name": "milestones", "milestones": ["3 steps", "1M frames"]},
        ("milestones", 1),
        "does not count environment steps",
    ),
}


@pytest.mark.parametrize("case", SCHEDULE)
def test_what_a_schedule_does_not_have(case: str) -> None:
    schedule, path, words = SCHEDULE[case]
    ((found, message),) = refused(schedule=schedule).items()
    assert found == ("schedule", *path)
    assert words in message


NEEDED: dict[str, dict[str, Any]] = {
    "warmup_stable_decay": {"decay": {"length": "10%"}},
    "step": {"every": "3 steps"},
    "milestones": {"milestones": ["3 steps"]},
    "exponential": {"min_learning_rate": 1e-6},
}


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_executed_with_what_it_needs(name: str) -> None:
    found = closed(schedule={"name": name, **NEEDED.get(name, {})})
    assert isinstance(found, Recipe), found


def test_segments_are_executed_and_a_decay_without_a_shape_is_linear() -> None:
    found = closed(schedule={"segments": [{"length": "50%"}, {"shape": "linear", "to": "0.1 * learning_rate"}]})
    assert isinstance(found, Recipe)
    assert [each.to for each in found.schedule.segments or ()] == [None, pytest.approx(1e-4)]


def test_frozen_groups_under_an_adapter_are_refused_at_their_place(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.replace(
        "optimizer: {name: adamw, learning_rate: 1e-4}",
        "optimizer: {name: adamw, learning_rate: 1e-4, groups: [{parameters: [in_proj], frozen: «true}]}",
    )
    steps = [step for step in project.plan().steps if step.name == "finetune"]
    assert steps
    for step in steps:
        (problem,) = step.missing
        assert str(problem).startswith(f"{project.place}: "), problem
        assert "under an adapter nothing is trained but the adapter" in str(problem)
