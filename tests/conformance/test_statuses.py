"""`conforms`, `violated`, `waived`, `unverified`: the four never blur. What nobody looked at is not a pass."""

from __future__ import annotations

import shutil
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest

from framework.conformance import Finding, Rule, Severity, Stage, Status, Verdict
from framework.conformance.matrix import Matrix, worst
from framework.conformance.stage import applies
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record, seal
from tests.support.statuses import codes, status_of
from tests.support.study import TODAY

RATE = "phases.pretrain.optimizer.learning_rate"
WAIVER = "waivers:\n  - {{clause: {clause}, stage: {stage}, reason: gone, owner: lab, until: {until}}}\n"


def waived(project: Project, clause: str, stage: str, until: str = "2026-12-31") -> Project:
    return project.append(WAIVER.format(clause=clause, stage=stage, until=until))


# Configs


def test_a_clause_that_a_config_states_alike_conforms(tmp_path: Path) -> None:
    assert status_of(Project(tmp_path).check(), RATE, Stage.CONFIG) is Status.CONFORMS


def test_a_clause_that_no_config_states_is_unverified(tmp_path: Path) -> None:
    result = Project(tmp_path).check()
    assert status_of(result, "phases.pretrain.sequence_length", Stage.CONFIG) is Status.UNVERIFIED
    assert result.summary()["unverified"] > 0


@pytest.mark.parametrize("value", ["'${lr}'", "'${oc.env:LR}'", "$LR", "'{{ lr }}'", "!env LR", "!!python/name:x.y z"])
def test_what_only_its_own_program_knows_is_unverified_and_not_a_pass(tmp_path: Path, value: str) -> None:
    result = Project(tmp_path).config("lr: 2e-4", f"lr: {value}").check()
    assert status_of(result, RATE, Stage.CONFIG) is Status.UNVERIFIED
    assert "C101" not in codes(result)


@pytest.mark.parametrize("value", ["[0.9, '${b}']", "[0.9, !env B]", "'${betas}'", "!env BETAS"])
def test_a_list_with_something_unknown_in_it_is_unverified(tmp_path: Path, value: str) -> None:
    result = Project(tmp_path).config("[0.9, 0.98]", value).check()
    assert status_of(result, "phases.pretrain.optimizer.betas", Stage.CONFIG) is Status.UNVERIFIED
    assert codes(result) == ["C109"]


@pytest.mark.parametrize("value", ["'${micro}'", "!env MICRO"])
def test_a_batch_with_an_unknown_factor_is_unverified(tmp_path: Path, value: str) -> None:
    result = Project(tmp_path).config("{micro: 1,", f"{{micro: {value},").check()
    assert status_of(result, "phases.pretrain.batch_size", Stage.CONFIG) is Status.UNVERIFIED
    assert codes(result) == ["C109"]


def test_a_batch_without_all_its_factors_is_unverified(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("      batch.accumulation: batch_size.accumulation\n", "")
    result = project.config("{micro: 1, accumulation: 2}", "{micro: 1}").check()
    assert status_of(result, "phases.pretrain.batch_size", Stage.CONFIG) is Status.UNVERIFIED


def test_a_key_that_may_be_absent_is_unverified_where_it_is(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("    knobs:\n", "    required: false\n    knobs:\n").config("epochs: 4\n", "")
    result = project.check()
    assert status_of(result, "phases.pretrain.epochs", Stage.CONFIG) is Status.UNVERIFIED
    assert result.findings == []


def test_one_file_that_drifts_among_several_makes_the_clause_violated(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("file: configs/pretrain.yaml", "file: configs/*.yaml")
    project.write("configs/second.yaml", project.read("configs/pretrain.yaml").replace("lr: 2e-4", "lr: 3e-4"))
    result = project.check()
    assert status_of(result, RATE, Stage.CONFIG) is Status.VIOLATED
    assert [finding.location.file for finding in result.findings if finding.location] == ["configs/second.yaml"]


def test_a_title_is_not_held_by_a_config(tmp_path: Path) -> None:
    assert status_of(Project(tmp_path).check(), "paper.title", Stage.CONFIG) is None


def test_the_summary_counts_every_clause_once(tmp_path: Path) -> None:
    project = Project(tmp_path).config("lr: 2e-4", "lr: 3e-4").config("every: 20", "every: 20\nmore: 1")
    result = project.check()
    summary = result.summary()
    statuses = [str(status) for status in Status]
    assert summary["clauses"] == len(result.experiment.clauses) == sum(summary[status] for status in statuses)
    assert (summary["violated"], summary["unbound"], summary["bindings"], summary["files"]) == (1, 1, 1, 1)
    assert summary["keys"] == 11


# Waivers


def test_a_waiver_in_force_makes_a_violation_waived_and_not_a_pass(tmp_path: Path) -> None:
    project = waived(Project(tmp_path).config("lr: 2e-4", "lr: 3e-4"), RATE, "config")
    result = project.check()
    assert status_of(result, RATE, Stage.CONFIG) is Status.WAIVED
    assert result.findings == []
    assert result.summary()["waived"] == 1
    assert "gone (lab, until 2026-12-31)" in [verdict.reason for verdict in result.matrix.verdicts]


def test_a_waiver_covers_all_clauses_below_its_path(tmp_path: Path) -> None:
    project = waived(Project(tmp_path).config("lr: 2e-4", "lr: 3e-4"), "phases.pretrain.optimizer", "config")
    assert status_of(project.check(), RATE, Stage.CONFIG) is Status.WAIVED


def test_a_waiver_covers_no_other_clause(tmp_path: Path) -> None:
    project = waived(Project(tmp_path).config("lr: 2e-4", "lr: 3e-4"), "phases.pretrain.epochs", "config")
    assert status_of(project.check(), RATE, Stage.CONFIG) is Status.VIOLATED


def test_a_waiver_covers_no_other_stage(tmp_path: Path) -> None:
    project = waived(Project(tmp_path).config("lr: 2e-4", "lr: 3e-4"), RATE, "run")
    assert status_of(project.check(), RATE, Stage.CONFIG) is Status.VIOLATED


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (date(2026, 5, 30), Status.WAIVED),
        (date(2026, 5, 31), Status.WAIVED),
        (date(2026, 6, 1), Status.VIOLATED),
    ],
)
def test_a_waiver_holds_to_the_end_of_its_last_day(tmp_path: Path, today: date, status: Status) -> None:
    project = waived(Project(tmp_path).config("lr: 2e-4", "lr: 3e-4"), RATE, "config", "2026-05-31")
    result = project.check(today)
    assert status_of(result, RATE, Stage.CONFIG) is status
    assert ("M120" in codes(result)) == (status is Status.VIOLATED)


def test_what_conforms_in_spite_of_a_waiver_conforms(tmp_path: Path) -> None:
    result = waived(Project(tmp_path), RATE, "config").check()
    assert status_of(result, RATE, Stage.CONFIG) is Status.CONFORMS


# Runs


def test_without_a_run_nothing_about_it_is_known(tmp_path: Path) -> None:
    result = Project(tmp_path).verify()
    assert status_of(result, RATE, Stage.RUN) is Status.UNVERIFIED
    assert status_of(result, "models.tiny.layers", Stage.CHECKPOINT) is Status.UNVERIFIED
    assert status_of(result, "rules[0].iso_sparsity.variants", Stage.CHECKPOINT) is Status.UNVERIFIED
    assert status_of(result, "claims[0].assert", Stage.CLAIM) is Status.UNVERIFIED
    assert result.matrix.count(Stage.RUN)[Status.CONFORMS] == 0
    assert result.matrix.count(Stage.CHECKPOINT)[Status.CONFORMS] == 0
    assert result.finished == 0


def test_one_missing_run_among_many_makes_a_clause_unverified(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    assert status_of(project.verify(), RATE, Stage.RUN) is Status.CONFORMS
    shutil.rmtree(evidence.folder("dense", "pretrain", 3))
    assert status_of(project.verify(), RATE, Stage.RUN) is Status.UNVERIFIED


def test_one_violated_run_outweighs_a_missing_one(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    shutil.rmtree(evidence.folder("dense", "pretrain", 3))
    change_record(evidence.folder("dense", "pretrain", 1), lambda record: record.observed.update(seed=9))
    assert status_of(project.verify(), "seeds", Stage.RUN) is Status.VIOLATED


@pytest.mark.parametrize("status", ["running", "failed"])
def test_a_run_that_did_not_finish_shows_nothing(tmp_path: Path, status: str) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    change_record(evidence.folder("dense", "pretrain"), lambda record: setattr(record, "status", status))
    assert status_of(project.verify(), RATE, Stage.RUN) is Status.UNVERIFIED


@pytest.mark.parametrize(
    ("clause", "stage", "gone"),
    [
        ("phases.pretrain.optimizer.weight_decay", Stage.RUN, ("observed", "optimizer")),
        ("phases.pretrain.epochs", Stage.RUN, ("observed", "train_examples")),
        ("phases.pretrain.batch_size", Stage.RUN, ("observed", "train_examples")),
        (RATE, Stage.RUN, ("observed", "train_examples")),
        ("hardware.torch", Stage.RUN, ("environment", "packages")),
        ("hardware.accelerator", Stage.RUN, ("environment", "hardware")),
        ("seeds", Stage.RUN, ("observed", "seed")),
        ("datasets.manual.builtin", Stage.RUN, ("data", "source")),
        ("models.tiny.weights", Stage.RUN, ("observed", "source")),
        ("models.tiny.parameters", Stage.CHECKPOINT, ("parameters", "total")),
    ],
)
def test_what_a_run_did_not_record_is_unverified(
    tmp_path: Path, clause: str, stage: Stage, gone: tuple[str, str]
) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    assert status_of(project.verify(), clause, stage) is Status.CONFORMS
    change_record(evidence.folder("dense", "pretrain"), lambda record: getattr(record, gone[0]).pop(gone[1]))
    result = project.verify()
    assert status_of(result, clause, stage) is Status.UNVERIFIED
    assert result.findings == []


@pytest.mark.parametrize(
    ("clause", "file", "variant", "step"),
    [
        ("variants.masked.steps[0].pretrain.mask.sdm.target_sparsity", "masks.safetensors", "masked", "pretrain"),
        ("variants.pruned.steps[0].prune.sparsity.same_as", "masks.safetensors", "pruned", "prune"),
        ("rules[0].iso_sparsity.scope", "masks.safetensors", "pruned", "finetune"),
        (
            "variants.pruned.steps[1].finetune.adapter.lora.rank",
            "adapter/adapter_model.safetensors",
            "pruned",
            "finetune",
        ),
        ("variants.pruned.steps[1].finetune.adapter.lora.alpha", "adapter/adapter_config.json", "pruned", "finetune"),
        ("models.tiny.layers", "model/config.json", "dense", "pretrain"),
    ],
)
def test_what_a_run_left_no_file_of_does_not_conform_and_is_said(
    tmp_path: Path, clause: str, file: str, variant: str, step: str
) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    assert status_of(project.verify(), clause, Stage.CHECKPOINT) is Status.CONFORMS
    (evidence.folder(variant, step) / file).unlink()
    seal(evidence.folder(variant, step))
    result = project.verify()
    assert status_of(result, clause, Stage.CHECKPOINT) is not Status.CONFORMS
    said = {finding.code for finding in result.findings}
    assert said
    assert said <= {"T104", "T122", "T130"}, "the record lacks what such a step leaves"


def test_a_selection_leaves_the_rest_unverified(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project)
    result = project.verify(plan=project.plan(variants=["dense"], seeds=[1]))
    assert status_of(result, "seeds", Stage.PLAN) is Status.UNVERIFIED
    assert status_of(result, "phases.finetune.batch_size", Stage.RUN) is Status.UNVERIFIED
    assert status_of(result, "rules[0].iso_sparsity.variants", Stage.CHECKPOINT) is Status.UNVERIFIED
    assert status_of(result, RATE, Stage.RUN) is Status.CONFORMS


def test_a_waiver_holds_at_the_run_stage(tmp_path: Path) -> None:
    project = waived(Project(tmp_path), "hardware.torch", "run")
    evidence = Evidence(project)
    change_record(
        evidence.folder("dense", "pretrain"), lambda record: record.environment["packages"].update(torch="2.13.0")
    )
    result = project.verify()
    assert status_of(result, "hardware.torch", Stage.RUN) is Status.WAIVED
    assert not [finding for finding in result.findings if finding.code == "R132"]


# Profiles


def small(project: Project) -> Project:
    return project.append(
        "profiles:\n  small:\n    reason: quick\n    set: {phases.pretrain.epochs: 2, hardware: {memory_gb: null}}\n"
    )


def test_under_a_profile_what_holds_is_the_deviation_and_waived(tmp_path: Path) -> None:
    project = small(Project(tmp_path))
    Evidence(project, "small")
    result = project.verify("small")
    assert result.findings == []
    for stage in (Stage.PLAN, Stage.RUN):
        assert status_of(result, "phases.pretrain.epochs", stage) is Status.WAIVED
        assert status_of(result, "phases.pretrain.batch_size", stage) is Status.CONFORMS
    assert "profile small: quick" in [verdict.reason for verdict in result.matrix.verdicts]


def test_a_profile_changes_nothing_at_the_manifest_and_config_stages(tmp_path: Path) -> None:
    result = small(Project(tmp_path)).verify("small")
    assert status_of(result, "phases.pretrain.epochs", Stage.CONFIG) is Status.CONFORMS
    assert status_of(result, "phases.pretrain.epochs", Stage.MANIFEST) is Status.CONFORMS


def test_what_a_profile_removes_is_waived(tmp_path: Path) -> None:
    project = small(Project(tmp_path))
    Evidence(project, "small")
    assert status_of(project.verify("small"), "hardware.memory_gb", Stage.RUN) is Status.WAIVED


def test_a_run_that_breaks_the_deviation_is_violated(tmp_path: Path) -> None:
    project = small(Project(tmp_path))
    evidence = Evidence(project, "small")
    (evidence.folder("dense", "pretrain") / "steps.jsonl").write_text("")
    seal(evidence.folder("dense", "pretrain"))
    result = project.verify("small")
    assert status_of(result, "phases.pretrain.epochs", Stage.RUN) is Status.VIOLATED


def test_without_a_run_a_deviation_is_unverified(tmp_path: Path) -> None:
    result = small(Project(tmp_path)).verify("small")
    assert status_of(result, "phases.pretrain.epochs", Stage.RUN) is Status.UNVERIFIED


def test_runs_under_a_profile_are_not_evidence_for_the_paper(tmp_path: Path) -> None:
    project = small(Project(tmp_path))
    Evidence(project, "small", variants=["dense"])
    assert status_of(project.verify(), "phases.pretrain.batch_size", Stage.RUN) is Status.UNVERIFIED


# The matrix

CLAUSE = "phases.pretrain.epochs"
RULE = Rule("C101", "drift", Severity.ERROR, Stage.CONFIG, "")


@pytest.mark.parametrize("statuses", list(permutations(Status)))
def test_a_cell_shows_the_worst_of_what_was_seen(tmp_path: Path, statuses: tuple[Status, ...]) -> None:
    experiment = Project(tmp_path).load()
    clause = next(each for each in experiment.clauses if each.id == CLAUSE)
    order = [Status.CONFORMS, Status.WAIVED, Status.UNVERIFIED, Status.VIOLATED]
    matrix = Matrix(experiment.clauses)
    for number, status in enumerate(statuses, 1):
        matrix.add([Verdict(CLAUSE, Stage.CONFIG, status)])
        assert matrix.status(clause, Stage.CONFIG) is max(statuses[:number], key=order.index)
        assert worst(statuses[:number]) is max(statuses[:number], key=order.index)
    assert matrix.status(clause, Stage.RUN) is Status.UNVERIFIED
    assert matrix.status(clause, Stage.CHECKPOINT) is None


def test_of_nothing_there_is_no_worst() -> None:
    assert worst([]) is None


def test_a_count_has_every_clause_to_which_a_stage_applies(tmp_path: Path) -> None:
    result = Project(tmp_path).verify()
    for stage in Stage:
        expected = sum(applies(clause, stage) for clause in result.matrix.clauses)
        assert sum(result.matrix.count(stage).values()) >= expected


def test_a_finding_that_several_looks_share_is_told_once(tmp_path: Path) -> None:
    matrix = Matrix(Project(tmp_path).load().clauses)
    finding = Finding(RULE, "drifted", CLAUSE)
    matrix.add([Verdict(CLAUSE, Stage.CONFIG, Status.VIOLATED, finding=finding)] * 3)
    matrix.add([Verdict(CLAUSE, Stage.CONFIG, Status.WAIVED, finding=Finding(RULE, "another", CLAUSE))])
    assert list(matrix.findings()) == [finding]


def test_today_is_what_the_caller_says(tmp_path: Path) -> None:
    project = waived(Project(tmp_path), RATE, "run", TODAY.isoformat())
    assert "M120" not in codes(project.check(TODAY))
