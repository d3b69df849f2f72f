"""`framework plan`: which steps follow, which are done, and what a choice leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.planning.build import build
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record


def test_a_run_of_nothing_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    head, _, tail = project.read().partition("variants:\n")
    project.write("experiment.yaml", head + "variants: {}\n" + tail[tail.index("rules:") :])
    for section in ("rules", "claims"):
        text = project.read()
        start = text.index(f"{section}:")
        following = min(at for name in ("seeds:", "configs:") if (at := text.find(f"\n{name}", start)) > 0)
        project.write("experiment.yaml", text[:start] + text[following + 1 :])
    outcome = project.cli("run", "--all")
    assert (outcome.code, "no step" in outcome.err) == (2, True), outcome.err


def test_a_plan_names_every_step_and_what_it_reads(tmp_path: Path) -> None:
    project = Project(tmp_path)
    outcome = project.cli("plan", "--format", "json", "--seed", "1")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["profile"] is None
    steps = outcome.json["steps"]
    assert [step["key"] for step in steps] == [step.key for step in build(project.load(), seeds=[1]).steps]
    prune = next(step for step in steps if step["step"] == "prune")
    assert (prune["variants"], prune["model"], prune["task"], prune["seed"]) == (["pruned"], "tiny", None, 1)
    by_key = {step["key"]: step for step in steps}
    assert by_key[prune["parent"]]["variants"] == ["dense"]
    assert by_key[prune["references"]["same_as"]]["variants"] == ["masked"]


def test_a_plan_tells_what_is_done(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project, variants=["dense"])
    (evidence.folder("dense", "pretrain", 2) / "steps.jsonl").unlink()
    change_record(evidence.folder("dense", "pretrain", 3), lambda record: setattr(record, "status", "failed"))
    steps = project.cli("plan", "--variant", "dense", "--format", "json").json["steps"]
    assert [step["status"] for step in steps] == ["done", "damaged", "failed"]
    assert [step["to_run"] for step in steps] == [False, False, True]


def test_a_plan_for_people_counts_its_steps(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, variants=["dense"])
    outcome = project.cli("plan")
    assert outcome.code == 0
    assert "15 steps: 3 done, 12 to run" in outcome.out


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ((), 15),
        (("--variant", "dense"), 3),
        (("--variant", "dense", "--variant", "masked"), 6),
        (("--seed", "1"), 5),
        (("--model", "tiny", "--task", "topics", "--seed", "2"), 5),
    ],
)
def test_a_plan_can_be_narrowed(tmp_path: Path, options: tuple[str, ...], steps: int) -> None:
    assert len(Project(tmp_path).cli("plan", "--format", "json", *options).json["steps"]) == steps


def test_a_profile_may_name_the_variants_that_it_is_for(tmp_path: Path) -> None:
    profile = "profiles:\n  small: {reason: quick, set: {seeds: [1]}, variants: [dense]}\n"
    project = Project(tmp_path).append(profile)
    few = project.cli("plan", "--profile", "small", "--format", "json").json
    every = project.cli("plan", "--profile", "small", "--all", "--format", "json").json
    assert (few["profile"], len(few["steps"]), len(every["steps"])) == ("small", 1, 5)
