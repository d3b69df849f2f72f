"""A record's choice among the runs of a grid is held to those runs: a forged one is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framework.evidence.store import RunStore
from framework.planning.build import build
from framework.planning.tuned.best_of_grids import filled
from framework.stages.verify import verify
from tests.searching.test_best_of_grids import CONFIG, MANIFEST, made
from tests.support.project import Project
from tests.support.searched import recorded


def found(project: Project, forge: Callable[[dict[str, Any]], None]) -> list[str]:
    """What is found of the record of `decay/0.05` after its choice was changed."""
    made(project, "rate/*")
    experiment = filled(project.load())
    store = RunStore(experiment.runs)
    step = build(experiment, ["decay/0.05"]).steps[0]
    record = recorded(step, store, {"validation_loss": 0.5})
    choice = {**step.chosen[0], "among": [dict(each) for each in step.chosen[0]["among"]]}
    forge(choice)
    replace(record, chosen=[choice]).write(store.folder(step.folder))
    again = filled(project.load())
    findings = verify(again, build(again, ["decay/0.05", "rate/*"])).findings
    about = [each.message for each in findings if each.rule.code == "T122"]
    return [each for each in about if "best of rate" in each or "is listed" in each]


def the_one(choice: dict[str, Any], variant: str) -> dict[str, Any]:
    return next(each for each in choice["among"] if each["variant"] == variant)


def nothing(choice: dict[str, Any]) -> None:
    pass


def another_variant(choice: dict[str, Any]) -> None:
    choice["variant"] = "rate/5e-4"


def another_figure(choice: dict[str, Any]) -> None:
    the_one(choice, "rate/1e-4")["measured"] = 0.2


def both(choice: dict[str, Any]) -> None:
    choice["variant"] = "rate/1e-4"
    the_one(choice, "rate/1e-4")["measured"] = 0.01


def no_runs(choice: dict[str, Any]) -> None:
    the_one(choice, "rate/5e-4")["runs"] = []


def runs_of_another(choice: dict[str, Any]) -> None:
    the_one(choice, "rate/5e-4")["runs"] = the_one(choice, "rate/1e-4")["runs"]
    the_one(choice, "rate/5e-4")["measured"] = 0.3


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST, CONFIG)


def test_a_choice_as_it_was_made_is_held(project: Project) -> None:
    assert found(project, nothing) == []


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (another_variant, "of those listed that is rate/3e-4"),
        (another_figure, "rate/1e-4 is listed with a validation_loss of 0.2"),
        (both, "its runs give rate/3e-4"),
        (no_runs, "rate/5e-4 is listed without its runs"),
        (runs_of_another, "rate/5e-4 is listed with a validation_loss of 0.3"),
    ],
)
def test_a_forged_choice_is_found(project: Project, forge: Callable[[dict[str, Any]], None], said: str) -> None:
    assert any(said in each for each in found(project, forge))
