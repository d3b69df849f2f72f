"""A step that variants share is held for each of them, wherever it stands in their lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.statuses import status_of

TUNED = "{finetune: {adapter: {lora: {rank: 2, alpha: 4, targets: [in_proj]}}}}"
SHARED = f"""\
variants:
  short: {{from: dense, steps: [{TUNED}]}}
  long: {{steps: [pretrain, {TUNED}]}}
"""
RANKS = ("variants.short.steps[0].finetune.adapter.lora.rank", "variants.long.steps[1].finetune.adapter.lora.rank")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).replace("variants:\n", SHARED)


def test_the_plan_knows_each_position(project: Project) -> None:
    plan = project.plan(variants=["short", "long"], seeds=[1])
    assert [(step.name, step.variants, step.indices) for step in plan.steps] == [
        ("pretrain", ("dense", "long"), (0, 0)),
        ("finetune", ("short", "long"), (0, 1)),
    ]
    assert plan.steps[1].places == [("variants", "short", "steps", 0), ("variants", "long", "steps", 1)]


def test_what_conforms_conforms_at_every_position(project: Project) -> None:
    Evidence(project, variants=["short", "long"], seeds=[1])
    result = project.verify(plan=project.plan(variants=["short", "long"], seeds=[1]))
    for rank in RANKS:
        for stage in (Stage.PLAN, Stage.RUN, Stage.CHECKPOINT):
            assert status_of(result, rank, stage) is Status.CONFORMS, (rank, stage)


def test_what_is_violated_is_so_at_every_position(project: Project) -> None:
    evidence = Evidence(project, variants=["short", "long"], seeds=[1])

    def other(record: object) -> None:
        record.adapter["rank"] = 3  # type: ignore[attr-defined]

    change_record(evidence.folder("short", "finetune"), other)
    result = project.verify(plan=project.plan(variants=["short", "long"], seeds=[1]))
    assert [status_of(result, rank, Stage.RUN) for rank in RANKS] == [Status.VIOLATED] * 2
    found = [finding for finding in result.findings if finding.code == "R140"]
    assert {(finding.clause, str(finding.declared)) for finding in found} == {
        (rank, str(next(each for each in result.matrix.clauses if each.id == rank).location)) for rank in RANKS
    }


def test_a_waiver_covers_the_variant_that_it_names(project: Project) -> None:
    waiver = f"{{clause: '{RANKS[1]}', stage: run, reason: an older run, owner: lab, until: 2027-01-01}}"
    project.append(f"waivers:\n  - {waiver}\n")
    evidence = Evidence(project, variants=["short", "long"], seeds=[1])

    def other(record: object) -> None:
        record.adapter["rank"] = 3  # type: ignore[attr-defined]

    change_record(evidence.folder("short", "finetune"), other)
    result = project.verify(plan=project.plan(variants=["short", "long"], seeds=[1]))
    assert [status_of(result, rank, Stage.RUN) for rank in RANKS] == [Status.VIOLATED, Status.WAIVED]


def test_a_pruning_is_held_in_each_list(tmp_path: Path) -> None:
    prune = "{prune: {score: magnitude, sparsity: {same_as: masked}}}"
    project = Project(tmp_path).replace(
        "variants:\n",
        f"variants:\n  short: {{from: dense, steps: [{prune}]}}\n  long: {{steps: [pretrain, {prune}]}}\n",
    )
    Evidence(project, variants=["masked", "short", "long"], seeds=[1])
    result = project.verify(plan=project.plan(variants=["masked", "short", "long"], seeds=[1]))
    for place in ("short.steps[0]", "long.steps[1]"):
        clause = f"variants.{place}.prune.sparsity.same_as"
        assert status_of(result, clause, Stage.CHECKPOINT) is Status.CONFORMS
