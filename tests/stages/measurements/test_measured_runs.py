"""Measurements: what is planned, what holds at the run stage, and claims about them. Records made without torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.cli import verify as verify_command
from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord
from framework.planning.machines.machine import said
from framework.planning.sharing import coinciding, declared_runs, distinct_runs
from framework.planning.steps import Measure, Step
from tests.support.evidence import Evidence
from tests.support.measured import ELSEWHERE, HERE, SPEED, of, on
from tests.support.project import MANIFEST, Project
from tests.support.run_folders import change_record
from tests.support.statuses import codes, status_of


def measures(steps: tuple[Step, ...]) -> list[Step]:
    return [step for step in steps if isinstance(step.work, Measure)]


# The plan


def test_a_measurement_is_a_step_of_its_own_after_the_last_checkpoint_of_each_variant(project: Project) -> None:
    plan = project.plan(seeds=[1])
    found = {(step.variant, step.name): plan.step(step.parent or "").name for step in measures(plan.steps)}
    assert found == {
        ("dense", "measure-speed"): "pretrain",
        ("masked", "measure-speed"): "pretrain",
        ("reordered", "measure-speed"): "permute",
        ("pruned", "measure-speed"): "finetune",
        ("dense", "measure-size"): "pretrain",
        ("pruned", "measure-size"): "finetune",
    }


def test_what_is_measured_changes_neither_the_other_steps_nor_which_checkpoints_are_final(project: Project) -> None:
    plan, without = project.plan(), Project(project.path("without")).plan()
    assert [step.key for step in plan.steps if not isinstance(step.work, Measure)] == [s.key for s in without.steps]
    assert [step.key for step in plan.final("pruned")] == [step.key for step in without.final("pruned")]


def test_only_chosen_variants_are_measured_and_not_what_they_need(project: Project) -> None:
    assert {step.variant for step in measures(project.plan(variants=["pruned"]).steps)} == {"pruned"}


def test_the_variants_of_a_grid_are_measured_by_a_pattern(tmp_path: Path) -> None:
    grid = "grids:\n  tuned: {over: {epochs: [1, 2]}, steps: [{pretrain: {set: {epochs: $epochs}}}]}\n"
    project = Project(tmp_path, MANIFEST + grid + SPEED.replace("[dense, pruned]", "[tuned/*]"))
    plan = project.plan(variants=["tuned/*", "dense"], seeds=[1])
    assert [step.variant for step in measures(plan.steps) if step.name == "measure-size"] == ["tuned/1", "tuned/2"]


def test_variants_that_share_a_measured_phase_do_not_coincide_for_that(tmp_path: Path) -> None:
    plan = Project(tmp_path, MANIFEST + SPEED.replace("    batch_sizes", "    phase: pretrain\n    batch_sizes")).plan()
    assert coinciding(plan) == []
    assert declared_runs(plan) == distinct_runs(plan) == 12


def test_a_phase_that_variants_share_is_measured_once(tmp_path: Path) -> None:
    project = Project(tmp_path, MANIFEST + SPEED.replace("    batch_sizes", "    phase: pretrain\n    batch_sizes"))
    found = [step for step in measures(project.plan(seeds=[1]).steps) if step.name == "measure-speed"]
    assert [step.variants for step in found] == [("dense", "reordered", "pruned"), ("masked",)]


def test_the_key_of_a_measurement_is_of_its_settings_its_checkpoint_and_its_machine(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys() -> set[str]:
        return {step.key for step in measures(project.plan(variants=["dense"], seeds=[1]).steps)}

    first = keys()
    project.replace("variants: [dense, pruned]", "variants: [dense]")
    assert keys() == first
    project.replace("repeats: 5", "repeats: 6")
    assert len(keys() & first) == 1
    project.replace("repeats: 6", "repeats: 5")
    on(ELSEWHERE, monkeypatch)
    assert not keys() & first
    on(HERE, monkeypatch)
    project.replace("epochs: 4", "epochs: 3")
    assert not keys() & first


def test_another_machine_measures_again_and_the_plan_says_why(
    project: Project, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(ELSEWHERE, monkeypatch)
    steps = project.cli("plan", "--variant", "dense", "--seed", "1", "--format", "json").json["steps"]
    assert [(step["step"], step["status"], step["to_run"]) for step in steps] == [
        ("pretrain", "done", False),
        ("measure-speed", "done", True),
        ("measure-size", "done", True),
    ]
    assert steps[1]["reason"] == "measured on another machine; a run here measures this one"


REFUSED = {
    "a quantity that nothing measures": (
        "measure: [parameters, nonzero_parameters, flops]",
        "measure: [«speed]",
        "input should be",
    ),
    "a variant that is not there": ("[dense, pruned]", "[«dens]", "did you mean 'dense'?"),
    "a phase that is not there": (
        "variants: [dense, pruned]",
        "phase: «pretrai",
        "did you mean 'pretrain'?",
    ),
    "a phase that a variant does not run": (
        "variants: [dense, pruned]",
        "phase: finetune\n    variants: [«dense]",
        "'dense' does not run the phase 'finetune'",
    ),
    "no repeats": ("repeats: 5", "repeats: «0", "greater than or equal to 1"),
    "one size twice": (
        "  speed:\n    measure: [latency, throughput, peak_memory]\n    batch_sizes: [1, 4]\n",
        "  «speed:\n    measure: [latency, throughput, peak_memory]\n    batch_sizes: [4, 4]\n",
        "names one thing twice",
    ),
    "no length": (
        "[parameters, nonzero_parameters, flops]\n    variants: [dense, pruned]\n    sequence_lengths: [8]\n",
        "[parameters, nonzero_parameters, flops]\n    variants: [dense, pruned]\n",
        "`sequence_lengths` is missing: flops depends on it",
    ),
    "zeros of weights that are not there yet": (
        "  size:\n    measure: [parameters, nonzero_parameters, flops]",
        "  «size:\n    measure: [nonzero_parameters, flops]",
        "`nonzero_parameters` are counted of `merged` weights",
    ),
    "a length that nothing needs": (
        "  size:\n    measure: [parameters, nonzero_parameters, flops]",
        "  «size:\n    measure: [parameters]",
        "nothing that is measured depends on it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_measurement_that_cannot_be_is_refused_at_its_place(project: Project, case: str) -> None:
    old, new, words = REFUSED[case]
    if case == "no length":
        project.replace("  size:\n", "  «size:\n")
    if case == "zeros of weights that are not there yet":
        project.replace("[merged, unmerged]", "[unmerged]")
    project.replace(old, new)
    outcome = project.cli("check")
    assert outcome.code == 2
    assert outcome.err.startswith(f"{project.place}: error: ")
    assert words in outcome.err


# The run stage


@pytest.mark.usefixtures("evidence")
def test_measurements_as_declared_conform(project: Project) -> None:
    result = project.verify()
    assert result.findings == []
    for name in ("measure", "batch_sizes", "sequence_lengths", "warmup", "repeats"):
        assert status_of(result, f"measurements.speed.{name}", Stage.RUN) is Status.CONFORMS
        assert status_of(result, f"measurements.speed.{name}", Stage.PLAN) is Status.CONFORMS
    assert status_of(result, "measurements.size.adapters", Stage.RUN) is Status.CONFORMS
    assert status_of(result, "hardware.accelerator", Stage.RUN) is Status.CONFORMS


def test_a_measurement_that_was_not_made_is_unverified(project: Project) -> None:
    result = project.verify()
    assert status_of(result, "measurements.speed.measure", Stage.RUN) is Status.UNVERIFIED
    assert codes(result) == []


def without(record: RunRecord, **place: Any) -> None:
    kept = [facts for facts in record.measurements if any(facts.get(name) != value for name, value in place.items())]
    assert len(kept) < len(record.measurements)
    record.measurements = kept


BROKEN: dict[str, tuple[str, str, Callable[[RunRecord], None], str]] = {
    "a quantity left out": (
        "speed", "measure", lambda record: without(record, quantity="peak_memory", batch_size=4), "was not measured",
    ),
    "no number": ("speed", "measure", of("peak_memory", value="much"), "no number"),
    "less than nothing": ("speed", "measure", of("peak_memory", value=-1), "no number of at least 0"),
    "a latency that its passes do not give": ("speed", "measure", of("latency", value=0.1), "its passes give 0.375"),
    "a throughput that its passes do not give": ("speed", "measure", of("throughput", value=9.0), "its passes give"),
    "fewer passes": ("speed", "repeats", of("latency", seconds=[0.003] * 4), "repeats 4, not 5"),
    "less warm-up": ("speed", "warmup", of("throughput", warmup=0), "warmup 0, not 2"),
    "another format": ("speed", "precision", of("latency", precision="bf16"), "not in fp32"),
    "another state of the adapters": (
        "size", "adapters", lambda record: without(record, adapter="unmerged"), "unmerged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_measurement_made_otherwise_is_r160(project: Project, evidence: Evidence, case: str) -> None:
    name, clause, change, words = BROKEN[case]
    if clause == "precision":
        project.replace("    repeats: 5\n", "    repeats: 5\n    precision: fp32\n")
    change_record(evidence.folder("pruned", f"measure-{name}"), change)
    result = project.verify()
    assert codes(result) == ["R160"]
    found = {finding.clause: finding for finding in result.findings}
    finding = found[f"measurements.{name}.{clause}"]
    assert words in finding.message
    assert "record.json:1" in str(finding.location)
    assert finding.declared == project.load().by_path["measurements", name, clause].location


def test_every_declared_batch_size_must_be_measured(project: Project, evidence: Evidence) -> None:
    change_record(evidence.folder("dense", "measure-speed"), lambda record: without(record, batch_size=4))
    found = {finding.clause for finding in project.verify().findings}
    assert found == {"measurements.speed.measure", "measurements.speed.batch_sizes"}


def test_what_cannot_be_measured_here_has_no_number_and_is_unverified_with_the_reason(
    project: Project, evidence: Evidence
) -> None:
    change = of("peak_memory", value=None, missing="no counter")
    change_record(evidence.folder("dense", "measure-speed"), change)
    result = project.verify()
    assert codes(result) == []
    assert status_of(result, "measurements.speed.measure", Stage.RUN) is Status.UNVERIFIED
    assert "no peak_memory, batch 4, 8 tokens: no counter" in {verdict.reason for verdict in result.matrix.verdicts}


def test_times_of_another_machine_than_declared_are_a_finding(project: Project, evidence: Evidence) -> None:
    def slower(record: RunRecord) -> None:
        record.environment["hardware"]["accelerator"] = "cpu"

    change_record(evidence.folder("dense", "measure-speed"), slower)
    assert codes(project.verify()) == ["R131"]


@pytest.mark.usefixtures("evidence")
def test_measurements_are_verified_on_another_machine_than_the_one_that_measured(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(ELSEWHERE, monkeypatch)
    result = project.verify()
    assert status_of(result, "measurements.speed.repeats", Stage.RUN) is Status.CONFORMS
    assert result.finished == len(result.steps)


@pytest.mark.usefixtures("evidence")
def test_one_run_of_another_machine_is_not_verified_by_itself(
    project: Project, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = evidence.folder("dense", "measure-speed").name
    monkeypatch.setattr(verify_command, "machine", lambda: HERE)
    assert project.cli("verify", name).code == 0
    on(ELSEWHERE, monkeypatch)
    monkeypatch.setattr(verify_command, "machine", lambda: ELSEWHERE)
    outcome = project.cli("verify", name)
    assert outcome.code == 2
    assert "measured another machine, 1 x NVIDIA A100-SXM4-80GB, 4 cores of a processor" in outcome.err


@pytest.mark.usefixtures("evidence")
def test_all_measurements_are_taken_from_one_machine_the_one_with_the_most(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(ELSEWHERE, monkeypatch)
    other = Evidence(project, variants=["dense"], seeds=[1], there=True)
    for step in measures(other.plan.steps):
        other._fabricate(step)
    runs = [each.run for each in project.verify().steps if isinstance(each.step.work, Measure)]
    assert {said(run.record.identity["does"]["machine"]) for run in runs if run} == {said(HERE)}
    assert all(runs)
