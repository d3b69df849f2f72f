"""Profiles: a named, declared set of deviations, put over the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import UsageError
from framework.manifest.profiles import overlay
from tests.support.project import MARK, Project

DATA: dict[str, Any] = {
    "models": {"qwen2.5": {"layers": 2, "hidden": 4}, "tiny": {"layers": 1}},
    "phases": {"train": {"optimizer": {"name": "adamw"}, "epochs": 5}},
    "seeds": [1, 2],
    "rules": [{"a": 1}, {"b": 2}],
}


def set_to(settings: dict[str, Any]) -> Any:
    return overlay(DATA, settings).data


def test_mappings_merge() -> None:
    assert set_to({"phases.train": {"epochs": 1}})["phases"]["train"] == {"optimizer": {"name": "adamw"}, "epochs": 1}


def test_other_values_replace() -> None:
    assert set_to({"seeds": [3]})["seeds"] == [3]
    assert set_to({"phases.train.optimizer": 7})["phases"]["train"]["optimizer"] == 7


def test_null_removes() -> None:
    assert set_to({"phases.train.epochs": None})["phases"]["train"] == {"optimizer": {"name": "adamw"}}
    assert set_to({"models": {"tiny": None}})["models"] == {"qwen2.5": {"layers": 2, "hidden": 4}}
    assert set_to({"rules[0]": None})["rules"] == [{"b": 2}]


def test_a_new_key_may_stand_below_a_mapping() -> None:
    assert set_to({"phases.train.max_steps": 3})["phases"]["train"]["max_steps"] == 3


def test_a_key_with_dots_is_found() -> None:
    assert set_to({"models.qwen2.5.layers": 1})["models"]["qwen2.5"]["layers"] == 1
    assert set_to({'models."qwen2.5".heads': 1})["models"]["qwen2.5"]["heads"] == 1


def test_settings_apply_in_order() -> None:
    changed = set_to({"phases.train": {"optimizer": {"name": "sgd"}}, "phases.train.optimizer.name": "adam"})
    assert changed["phases"]["train"]["optimizer"]["name"] == "adam"


def test_the_manifest_itself_is_left_alone() -> None:
    before = repr(DATA)
    changed = set_to({"models.tiny.layers": 9, "seeds": None})
    changed["models"]["qwen2.5"]["layers"] = 0
    assert repr(DATA) == before


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("phases.other.epochs", 1),
        ("phases.train.optimizer.betas.first", 1),
        ("nothing.at.all", 1),
        ("seeds.first", 1),
        ("rules[5]", 1),
        ("phases.train.max_steps", None),
        ("", 1),
        ("a..b", 1),
    ],
)
def test_a_place_that_does_not_exist_is_an_error(entry: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        set_to({entry: value})


def under(tmp_path: Path, settings: str) -> Project:
    return Project(tmp_path).append(f"profiles:\n  small:\n    reason: quick\n    set:\n{settings}")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (f"      {MARK}phases.nope.epochs: 2\n", "'phases.nope.epochs' is not in the manifest"),
        (f"      phases.pretrain.epochs: {MARK}fast\n", "valid number, not 'fast'"),
        (f"      phases.pretrain: {{epochs: {MARK}fast}}\n", "valid number, not 'fast'"),
        (f"      phases.pretrain: {{{MARK}epoch: 1}}\n", "unknown key 'epoch' in phases.pretrain"),
        (f"      phases.pretrain.dataset: {MARK}manuel\n", "unknown dataset 'manuel'"),
        (f"      {MARK}models.tiny.heads: null\n", "there is nothing to remove"),
    ],
)
def test_what_is_wrong_with_a_profile_is_told_at_its_place(tmp_path: Path, settings: str, words: str) -> None:
    project = under(tmp_path, settings)
    outcome = project.cli("plan", "--profile", "small")
    assert outcome.code == 2
    assert outcome.err.startswith(f"{project.place}: error: ")
    assert words in outcome.err


def test_entries_that_exclude_each_other_are_told(tmp_path: Path) -> None:
    project = under(tmp_path, "      models.tiny: null\n      models.tiny.layers: 2\n")
    outcome = project.cli("plan", "--profile", "small")
    assert outcome.code == 2
    assert "models.tiny.layers" in outcome.err


def test_an_unknown_profile_is_refused_with_the_near_name(tmp_path: Path) -> None:
    project = under(tmp_path, "      seeds: [1]\n")
    with pytest.raises(UsageError, match="did you mean 'small'"):
        project.load("smal")


@pytest.mark.parametrize("name", ["../out", "a/b", "..", "."])
def test_a_profile_s_documents_stay_below_the_others(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path).append(f"profiles:\n  «{name}: {{reason: quick, set: {{seeds: [1]}}}}\n")
    outcome = project.cli("check")
    assert outcome.code == 2
    assert outcome.err.startswith(f"{project.place}: error: ")


def test_a_clause_that_a_profile_changes_says_so(tmp_path: Path) -> None:
    project = under(tmp_path, f"      phases.pretrain.epochs: {MARK}1\n")
    clause = project.load("small").by_path["phases", "pretrain", "epochs"]
    assert (clause.value, clause.effective) == (4, 1)
    assert clause.deviation is not None
    assert (clause.deviation.profile, clause.deviation.reason) == ("small", "quick")
    assert str(clause.deviation.location) == project.place


def test_a_clause_that_a_profile_does_not_change_is_as_stated(tmp_path: Path) -> None:
    experiment = under(tmp_path, "      phases.pretrain.epochs: 1\n      seeds: [1, 2, 3]\n").load("small")
    changed = [clause.id for clause in experiment.clauses if clause.deviation]
    assert changed == ["phases.pretrain.epochs"]


def test_a_derived_clause_deviates_with_its_base(tmp_path: Path) -> None:
    experiment = under(tmp_path, "      phases.pretrain.optimizer.learning_rate: 1e-3\n").load("small")
    clause = experiment.by_path["phases", "pretrain", "schedule", "min_learning_rate"]
    assert clause.effective == pytest.approx(1e-4)
    assert clause.deviation is not None


def test_what_only_a_profile_states_is_a_clause_of_its_own(tmp_path: Path) -> None:
    experiment = under(tmp_path, "      datasets.manual.limit: 5\n").load("small")
    clause = experiment.by_path["datasets", "manual", "limit"]
    assert clause.added
    assert (clause.value, clause.effective) == (None, 5)


@pytest.mark.parametrize(
    "settings",
    [
        "      phases.finetune.early_stopping: null\n",
        "      phases.finetune: {early_stopping: null}\n",
        "      phases.pretrain.schedule: null\n",
        "      hardware: {packages: null, memory_gb: null}\n",
    ],
)
def test_a_whole_section_may_be_removed(tmp_path: Path, settings: str) -> None:
    experiment = under(tmp_path, settings).load("small")
    removed = [clause for clause in experiment.clauses if clause.deviation]
    assert removed
    assert under(tmp_path, settings).cli("plan", "--profile", "small").code == 0


def test_a_profile_removes_a_model_with_all_its_clauses(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("models:\n", "models:\n  big: {family: gpt2, hub: gpt2, layers: 12}\n")
    project.append("profiles:\n  small: {reason: quick, set: {models.big: null}}\n")
    experiment = project.load("small")
    assert list(experiment.manifest.models) == ["tiny"]
    assert list(experiment.stated.models) == ["big", "tiny"]
    assert {clause.effective for clause in experiment.below(("models", "big"))} == {None}


def test_without_a_profile_nothing_deviates(tmp_path: Path) -> None:
    experiment = under(tmp_path, "      seeds: [1]\n").load()
    assert experiment.manifest is experiment.stated
    assert not any(clause.deviation for clause in experiment.clauses)
