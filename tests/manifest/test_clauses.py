"""The manifest's leaves: stable ids, values by meaning, exact places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.manifest.clauses import shown
from framework.manifest.sections.durations import Duration
from framework.manifest.sections.schedules import Warmup
from framework.names import parse_path
from tests.support.project import Project


def test_every_leaf_is_a_clause_with_its_path_as_id(tmp_path: Path) -> None:
    experiment = Project(tmp_path).load()
    ids = [clause.id for clause in experiment.clauses]
    assert len(ids) == len(set(ids))
    assert "phases.pretrain.optimizer.learning_rate" in ids
    assert "variants.masked.steps[0].pretrain.mask.sdm.target_sparsity" in ids
    assert all(parse_path(clause.id) == clause.path for clause in experiment.clauses)


def test_a_list_of_plain_values_is_one_clause(tmp_path: Path) -> None:
    clause = Project(tmp_path).load().by_path["phases", "pretrain", "optimizer", "betas"]
    assert clause.value == [0.9, 0.98]


def test_a_list_of_steps_is_not_one_clause(tmp_path: Path) -> None:
    experiment = Project(tmp_path).load()
    assert experiment.by_path["variants", "dense", "steps", 0].value == "pretrain"
    assert len(experiment.below(("variants", "pruned", "steps"))) == 6


@pytest.mark.parametrize("section", ["configs", "waivers", "profiles", "documents", "version"])
def test_what_says_how_clauses_are_held_is_no_clause(tmp_path: Path, section: str) -> None:
    project = Project(tmp_path).append("profiles:\n  small: {reason: quick, set: {seeds: [1]}}\ndocuments: {}\n")
    project.append("waivers: [{clause: seeds, reason: r, owner: o, until: 2030-01-01}]\n")
    assert section not in {clause.section for clause in project.load().clauses}


def test_a_clause_knows_where_it_is_stated(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("learning_rate: 2e-4", "learning_rate: «2e-4")
    clause = project.load().by_path["phases", "pretrain", "optimizer", "learning_rate"]
    assert str(clause.location) == project.place
    assert (clause.location.key, clause.location.width) == (clause.id, 4)


def test_a_derived_clause_has_the_value_that_follows(tmp_path: Path) -> None:
    by_path = Project(tmp_path).load().by_path
    assert by_path["phases", "pretrain", "schedule", "min_learning_rate"].value == pytest.approx(2e-5)
    assert by_path["phases", "pretrain", "schedule", "warmup"].value == Warmup(ratio=0.2)


@pytest.mark.parametrize(
    ("written", "path", "value"),
    [
        ("{schedule.min_learning_rate: 0.5 * learning_rate}", ("schedule.min_learning_rate",), 1e-4),
        ("{schedule.warmup: 5 step}", ("schedule.warmup",), Warmup(steps=5)),
        ("{schedule: {warmup: 5 steps}}", ("schedule", "warmup"), Warmup(steps=5)),
        ("{optimizer.learning_rate: 1}", ("optimizer.learning_rate",), 1.0),
    ],
)
def test_a_variant_s_own_setting_means_what_the_phase_makes_of_it(
    tmp_path: Path, written: str, path: tuple[str, ...], value: Any
) -> None:
    experiment = Project(tmp_path).replace("steps: [pretrain]", f"steps: [{{pretrain: {{set: {written}}}}}]").load()
    clause = experiment.by_path["variants", "dense", "steps", 0, "pretrain", "set", *path]
    assert clause.value == (pytest.approx(value) if isinstance(value, float) else value)


def test_a_merged_mapping_is_stated_where_its_anchor_stands(tmp_path: Path) -> None:
    project = Project(tmp_path).replace(
        "    optimizer: {name: adamw, learning_rate: 1e-4}",
        "    optimizer:\n      <<: *optimizer\n      learning_rate: 1e-4",
    )
    project.replace("    optimizer:\n      name: adamw", "    optimizer: &optimizer\n      name: «adamw")
    clauses = project.load().by_path
    assert str(clauses["phases", "finetune", "optimizer", "name"].location) == project.place
    assert clauses["phases", "finetune", "optimizer", "learning_rate"].value == 1e-4


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0001, "0.0001"),
        (1e-6, "1e-06"),
        (2.0, "2"),
        (0.1 * 2e-4, "2e-05"),
        (1 / 3, "0.333333333333"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (True, "true"),
        (None, "none"),
        (136, "136"),
        ([0.9, 0.98], "[0.9, 0.98]"),
        ({"a": 1.0}, "{a: 1}"),
        (Duration(ratio=0.1), "10%"),
    ],
)
def test_a_value_is_shown_as_people_write_it(value: Any, text: str) -> None:
    assert shown(value) == text
