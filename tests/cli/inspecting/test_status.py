"""`framework status`: how it stands, in one screen."""

from __future__ import annotations

from pathlib import Path

import framework
from framework.evidence.store import RunStore
from tests.support.project import Project
from tests.support.searched import MANIFEST as SEARCHED
from tests.support.searched import recorded


def test_a_new_project_has_everything_before_it(tmp_path: Path) -> None:
    told = Project(tmp_path).cli("status")
    assert told.code == 0
    assert "experiment.yaml: A small study" in told.out
    assert "4 variants, 2 phases, 1 model, 1 task, 3 seeds, 1 claim" in told.out
    assert "1 config file by 1 binding, 10 of 10 keys bound" in told.out
    assert "12 declared runs" in told.out
    assert "15 not run" in told.out
    assert "next      framework run --all\n" in told.out


def test_drift_stands_first_and_is_what_to_look_at(tmp_path: Path) -> None:
    project = Project(tmp_path).config("lr: 2e-4", "lr: 3e-4")
    told = project.cli("status")
    assert told.code == 0, "it is no gate"
    assert "drifted   configs/pretrain.yaml:4:7" in told.out
    assert "C101" in told.out
    assert "next      framework check\n" in told.out
    found = project.cli("status", "--format", "json").json
    assert [each["code"] for each in found["drifted"]] == ["C101"]
    assert found["next"] == "framework check"


def test_many_drifts_are_cut_to_a_screen(tmp_path: Path) -> None:
    changes = [("lr: 2e-4", "lr: 3e-4"), ("min_lr: 2e-5", "min_lr: 3e-5"), ("warmup_ratio: 0.2", "warmup_ratio: 0.3")]
    changes += [("epochs: 4", "epochs: 5"), ("AdamW", "SGD"), ("[0.9, 0.98]", "[0.9, 0.99]")]
    project = Project(tmp_path)
    for old, new in changes:
        project.config(old, new)
    told = project.cli("status").out
    assert sum(" C1" in line for line in told.splitlines()) == 5
    assert "more: `framework check` lists them" in told


def test_configs_that_cannot_be_held_are_said_and_the_rest_still_shown(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.path("configs/pretrain.yaml").unlink()
    told = project.cli("status")
    assert told.code == 0
    assert "cannot be held: experiment.yaml:" in told.out
    assert "stated    4 variants" in told.out
    assert "next      framework check\n" in told.out


def test_runs_that_failed_are_named_with_the_reason(tmp_path: Path) -> None:
    project = Project(tmp_path)
    steps = project.plan("dense").steps
    store = RunStore(tmp_path / "runs")
    recorded(steps[0], store, {"perplexity": 3.0})
    broken = recorded(steps[1], store, {}, "failed")
    broken.error = "no [memory]\nleft"
    broken.write(store.folder(steps[1].folder))
    told = project.cli("status").out
    assert "1 done, 1 failed, 13 not run" in told
    assert "failed    dense · pretrain · tiny · seed 2: no [memory]\n" in told


def test_a_search_says_how_far_it_is_and_comes_next(tmp_path: Path) -> None:
    project = Project(tmp_path, SEARCHED)
    told = project.cli("status").out
    assert "bound     no config file" in told
    assert "lr · lora · topics · tiny: 0 of 6 completed trials, not chosen yet" in told
    assert "next      framework sweep lr\n" in told


def test_when_all_is_done_the_next_is_to_verify(tmp_path: Path) -> None:
    project = Project(tmp_path).append("profiles:\n  small: {reason: quick, set: {phases.pretrain.epochs: 2}}\n")
    store = RunStore(tmp_path / "runs")
    for step in project.plan("dense", profile="small").steps:
        recorded(step, store, {})
    assert (
        "next      framework verify --profile small"
        in project.cli("status", "--variant", "dense", "--profile", "small").out
    )


def test_a_check_of_an_experiment_under_a_profile_is_that_of_the_statement(tmp_path: Path) -> None:
    """A profile may leave out what variants name: the files are held to what the paper states."""
    project = Project(tmp_path).append(
        "profiles:\n"
        "  small: {reason: q, variants: [dense], set: {datasets.other: null, phases.finetune.tasks: {other: null}}}\n"
    )
    project.replace("  topics: {builtin", "  other: {builtin: reference-topics, labels: 2}\n  topics: {builtin")
    project.replace("metric: f1}\n", "metric: f1}\n      other: {epochs: 1, metric: f1}\n")
    assert framework.check(project.load("small")).summary() == framework.check(project.load()).summary()
    assert project.cli("status", "--profile", "small", "--format", "json").json["refused"] == []
