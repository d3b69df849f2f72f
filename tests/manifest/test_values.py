"""Values that carry a unit or a derivation, choices, and a phase as it runs for one task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from framework.manifest.derived import evaluate, is_expression
from framework.manifest.formulas import resolved
from framework.manifest.sections.durations import Duration
from framework.manifest.sections.methods import Adapter, Permute, Prune
from framework.manifest.sections.phases import Phase
from framework.planning.recipes import Recipe, recipe_of
from tests.support.project import Project

# Durations


@pytest.mark.parametrize(
    ("stated", "ratio", "steps"),
    [
        ("10%", 0.1, None),
        ("7.5 %", 0.075, None),
        ("0%", 0.0, None),
        ("500 steps", None, 500),
        ("1 step", None, 1),
        ("1_000 steps", None, 1000),
        ({"ratio": 0.25}, 0.25, None),
        ({"steps": 3}, None, 3),
    ],
)
def test_a_duration_carries_its_unit(stated: Any, ratio: float | None, steps: int | None) -> None:
    duration = Duration.model_validate(stated)
    assert (duration.ratio, duration.steps) == (ratio, steps)


@pytest.mark.parametrize("stated", ["10", "0.1", 0.1, 500, "ten steps", "-5 steps", "-1%", "100%", "5 fortnights", ""])
def test_a_duration_without_a_known_unit_is_refused(stated: Any) -> None:
    with pytest.raises(ValidationError):
        Duration.model_validate(stated)


@pytest.mark.parametrize("stated", [{}, {"ratio": 0.1, "steps": 5}, {"ratio": 1.0}, {"steps": -1}, None, [5]])
def test_a_duration_has_exactly_one_unit(stated: Any) -> None:
    with pytest.raises(ValidationError):
        Duration.model_validate(stated)


@pytest.mark.parametrize(
    ("stated", "total", "steps"),
    [
        ("10%", 100, 10),
        ("10%", 101, 11),
        ("10%", 1, 1),
        ("30%", 10, 3),
        ("7%", 100, 7),
        ("5 steps", 3, 5),
        ("0%", 9, 0),
    ],
)
def test_a_share_of_the_steps_rounds_up(stated: str, total: int, steps: int) -> None:
    assert Duration.model_validate(stated).in_steps(total) == steps


@given(hundredths=st.integers(0, 9999), total=st.integers(1, 100_000))
def test_a_share_is_the_least_whole_number_that_covers_it(hundredths: int, total: int) -> None:
    steps = Duration.model_validate(f"{hundredths / 100}%").in_steps(total)
    exact = hundredths * total
    assert (steps - 1) * 10_000 < exact <= steps * 10_000


def test_a_duration_is_written_as_people_write_it() -> None:
    for text in ("10%", "7.5%", "500 steps"):
        assert str(Duration.model_validate(text)) == text


# Derived values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1 * learning_rate", 0.02),
        ("learning_rate / 10", 0.02),
        ("learning_rate", 0.2),
        ("(learning_rate + 0.2) / (2 * batch_size)", 0.05),
        ("-learning_rate + 1", 0.8),
        ("learning_rate-0.1", 0.1),
    ],
)
def test_a_derivation_is_arithmetic_over_names(text: str, value: float) -> None:
    assert evaluate(text, {"learning_rate": 0.2, "batch_size": 4.0}) == pytest.approx(value)


CODE = [
    "__import__('os').system('true')",
    "learning_rate.__class__",
    "learning_rate[0]",
    "learning_rate ** 2",
    "learning_rate if 1 else 2",
    "[learning_rate]",
    "lambda: learning_rate",
    "learning_rate < 1",
    "learning_rate := 3",
    "f'{learning_rate}'",
    "learning_rate and 1",
    "True * learning_rate",
    "1j * learning_rate",
    "'a' * learning_rate",
    "learning_rate; 1",
    "learning_rate\n+",
    "learning_rate\x00",
    "(" * 100 + "learning_rate",
    "learning_rate + " * 20 + "1",
]


@pytest.mark.parametrize("text", CODE)
def test_a_derivation_runs_no_code(text: str) -> None:
    assert not is_expression(text)
    with pytest.raises(ValueError, match=r"not arithmetic|characters"):
        evaluate(text, {"learning_rate": 0.2})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.1 * learning_rat", "did you mean 'learning_rate'"),
        ("0.1 * epoch", "'epoch', which has no value here"),
        ("learning_rate / (1 - 1)", "divides by zero"),
        ("learning_rate * 1e308 * 1e308", "no finite number"),
    ],
)
def test_a_derivation_without_a_value_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        evaluate(text, {"learning_rate": 0.2, "batch_size": 4.0})


@pytest.mark.parametrize("text", ["fast", "0.1 * learning_rat", "learning_rate - 1", "-1", ".nan", "learning_rate / 0"])
def test_a_derivation_that_has_no_value_makes_no_manifest(tmp_path: Path, text: str) -> None:
    project = Project(tmp_path).replace("min_learning_rate: 0.1 * learning_rate", f"min_learning_rate: {text}")
    outcome = project.cli("check")
    assert outcome.code == 2
    assert "experiment.yaml:" in outcome.err


def test_a_derived_value_follows_its_base(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert project.load().manifest.phases["pretrain"].min_learning_rate() == pytest.approx(2e-5)
    project.replace("learning_rate: 2e-4", "learning_rate: 4e-4")
    assert project.load().manifest.phases["pretrain"].min_learning_rate() == pytest.approx(4e-5)


# Choices and short forms


@pytest.mark.parametrize(
    "stated", [{}, {"lora": None}, {"lora": {"rank": 1, "alpha": 1}, "sgh": {"importance": "mask"}}]
)
def test_a_choice_names_exactly_one_alternative(stated: Any) -> None:
    with pytest.raises(ValidationError, match="exactly one of lora, sgh must be given"):
        Adapter.model_validate(stated)


def test_a_choice_gives_its_name_and_its_specification() -> None:
    name, spec = Adapter.model_validate({"lora": {"rank": 2, "alpha": 4}}).chosen
    assert (name, spec.rank) == ("lora", 2)


def test_a_permutation_may_be_stated_by_its_name_alone() -> None:
    assert Permute.model_validate("csp") == Permute(method="csp")


@pytest.mark.parametrize("structure", ["unstructured", "channel", "head", "output", "2:4", "10:16"])
def test_a_structure_is_a_word_or_n_of_m(structure: str) -> None:
    sparsity = 0.375 if structure == "10:16" else 0.5
    assert Prune(sparsity=sparsity, tensors=["x"], structure=structure).structure == structure


@pytest.mark.parametrize("structure", ["rows", "2:", "0:4", ":4", "2/4", "2:4:8", ""])
def test_another_structure_is_refused(structure: str) -> None:
    with pytest.raises(ValidationError, match="no structure"):
        Prune(sparsity=0.5, tensors=["x"], structure=structure)


# Tasks

PHASE = {
    "objective": "classification",
    "tasks": {
        "own": {"epochs": 3, "batch_size": 8, "learning_rate": 0.5, "metric": "f1", "dataset": "corpus"},
        "plain": {},
    },
    "metric": "accuracy",
    "optimizer": {"learning_rate": 0.1, "weight_decay": 0.01},
    "schedule": {"name": "linear", "min_learning_rate": "0.1 * learning_rate"},
    "batch_size": 32,
}


def test_a_task_states_what_differs_from_its_phase() -> None:
    phase = Phase.model_validate({**PHASE, "epochs": 5})
    own = phase.for_task("own")
    assert (own.epochs, own.batch_size, own.metric, own.dataset) == (3, 8, "f1", "corpus")
    assert (own.optimizer.learning_rate, own.optimizer.weight_decay) == (0.5, 0.01)
    assert own.min_learning_rate() == pytest.approx(0.05)
    assert own.tasks == {}


def test_a_task_takes_from_its_phase_what_it_does_not_state() -> None:
    phase = Phase.model_validate({**PHASE, "epochs": 5})
    plain = phase.for_task("plain")
    assert (plain.epochs, plain.batch_size, plain.metric, plain.dataset) == (5, 32, "accuracy", "plain")
    assert plain.optimizer == phase.optimizer


def test_a_task_s_epochs_stand_in_the_place_of_the_phase_s_steps() -> None:
    phase = Phase.model_validate({**PHASE, "max_steps": 100})
    assert (phase.for_task("own").epochs, phase.for_task("own").max_steps) == (3, None)
    assert (phase.for_task("plain").epochs, phase.for_task("plain").max_steps) == (None, 100)


def test_a_task_without_a_length_is_no_recipe() -> None:
    phase = Phase.model_validate(PHASE)
    assert isinstance(recipe_of(None, phase.for_task("own")), Recipe)
    refused = recipe_of(None, phase.for_task("plain"))
    assert isinstance(refused, list)
    assert [(each.path, "not stated" in each.message) for each in refused] == [(("epochs",), True)]


def test_a_derivation_is_as_each_task_has_its_base(tmp_path: Path) -> None:
    project = Project(tmp_path).replace(
        "warmup: 1 steps}", "warmup: 1 steps, min_learning_rate: learning_rate / epochs}"
    )
    experiment = project.load()
    found = resolved(experiment.stated, experiment.stated.phases["finetune"].for_task("topics"))
    assert found.schedule.min_learning_rate == pytest.approx(5e-5)
    project.replace("learning_rate / epochs", "learning_rate - epochs")
    assert "input should be greater than or equal to 0" in project.problems()[0]
