"""`--shard I/N`: a plan in shares, for machines that share nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from framework.errors import UsageError
from framework.evidence.store import RunStore
from framework.planning.machines.plan_shares import Shard, shard, shared
from tests.support.project import Project
from tests.support.searched import recorded

SEEDS = list(range(1, 13))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "study").replace("seeds: [1, 2, 3]", f"seeds: {SEEDS}")


def shares(project: Project, of: int) -> list[set[str]]:
    plan = project.plan()
    return [{step.key for step in shared(plan, plan, Shard(number, of)).steps} for number in range(1, of + 1)]


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_every_step_is_in_one_share(project: Project, of: int) -> None:
    found = shares(project, of)
    assert sorted(key for share in found for key in share) == sorted(step.key for step in project.plan().steps)


def test_what_starts_from_a_step_or_refers_to_one_is_in_its_share(project: Project) -> None:
    plan = project.plan()
    for share in shares(project, 5):
        for step in plan.steps:
            if step.key in share:
                assert {key for key in (step.parent, *step.references.values()) if key} <= share


def test_several_machines_have_something_to_do(project: Project) -> None:
    assert all(shares(project, 3))


def test_a_further_variant_moves_none_of_the_others(project: Project) -> None:
    before = shares(project, 3)
    project.replace("rules:\n", "  later: {from: dense, steps: [{permute: csp}, finetune]}\nrules:\n")
    assert all(old <= new for old, new in zip(before, shares(project, 3), strict=True))


def test_a_further_seed_moves_none_of_the_others(project: Project) -> None:
    before = shares(project, 3)
    project.replace(f"seeds: {SEEDS}", f"seeds: {[*SEEDS, 99]}")
    assert all(old <= new for old, new in zip(before, shares(project, 3), strict=True))


def test_a_further_machine_takes_its_part_and_the_others_exchange_nothing(project: Project) -> None:
    before, after = shares(project, 3), shares(project, 4)
    assert all(new <= old for old, new in zip(before, after, strict=False))
    assert after[3]


def test_a_selection_leaves_steps_where_they_are(project: Project) -> None:
    whole = project.plan()
    chosen = project.plan("dense")
    for number in (1, 2, 3):
        of_all = {step.key for step in shared(whole, whole, Shard(number, 3)).steps}
        of_some = {step.key for step in shared(whole, chosen, Shard(number, 3)).steps}
        assert of_some == of_all & {step.key for step in chosen.steps}


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "2", "a/b", "-1/3", "1/3 ", "", "1/9999999999"])
def test_what_is_no_share_is_refused(project: Project, text: str) -> None:
    with pytest.raises(UsageError, match="is no share of a plan"):
        shard(text)
    assert project.cli("plan", f"--shard={text}").code == 2


def test_the_folders_of_three_machines_put_together_are_the_whole(project: Project, tmp_path: Path) -> None:
    together = RunStore(tmp_path / "study" / "runs").root
    for number in (1, 2, 3):
        machine = Project(tmp_path / f"machine{number}", project.read())
        found = machine.cli("plan", "--shard", f"{number}/3", "--format", "json").json["steps"]
        of = {step.key: step for step in machine.plan().steps}
        for each in found:
            recorded(of[each["key"]], RunStore(machine.path("runs")), {})
        shutil.copytree(machine.path("runs"), together, dirs_exist_ok=True)
    told = project.cli("plan", "--format", "json").json["steps"]
    assert {each["status"] for each in told} == {"done"}


def test_a_share_without_a_step_is_nothing_to_do_and_no_failure(project: Project) -> None:
    project.replace(f"seeds: {SEEDS}", "seeds: [1]")
    told = [project.cli("run", "--variant", "dense", "--shard", f"{number}/900") for number in range(1, 4)]
    assert [each.code for each in told] == [0, 0, 0]
    assert "nothing to do: the share 1/900" in told[0].out
