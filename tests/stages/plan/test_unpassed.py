"""What a script is said to do by itself is its author's claim: no plan shows it, and what it logs may."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.support.scripted import ON_FLAGS, ScriptedStudy
from tests.support.statuses import status_of


@pytest.mark.parametrize(
    ("unpassed", "unverified"),
    [
        ("max_grad_norm", {"max_grad_norm"}),
        ("schedule", {"schedule.name", "schedule.warmup", "schedule.min_learning_rate"}),
        ("schedule.name", {"schedule.name"}),
        ("optimizer.betas", {"optimizer.betas"}),
    ],
)
def test_what_is_not_passed_is_unverified_at_the_plan_stage(
    tmp_path: Path, unpassed: str, unverified: set[str]
) -> None:
    """Whatever the dialect could write is passed by it; a script with keys alone is told what they name."""
    facts = {
        "lr": "optimizer.learning_rate", "opt": "optimizer.name", "wd": "optimizer.weight_decay",
        "eps": "optimizer.eps", "b": "optimizer.betas", "s": "schedule.name", "w": "schedule.warmup.steps",
        "m": "schedule.min_learning_rate", "mb": "batch_size.micro", "acc": "batch_size.accumulation", "e": "epochs",
        "len": "sequence_length", "clip": "max_grad_norm", "p": "precision", "seed": "seeds",
    }  # fmt: skip
    left = {key: fact for key, fact in facts.items() if not f"{fact}.".startswith(f"{unpassed}.")}
    keys = ", ".join(f"{key}: {fact}" for key, fact in left.items())
    runner = f"    command: [python, train.py]\n    flags: {{keys: {{{keys}}}}}\n    unpassed: [{unpassed}]\n"
    study = ScriptedStudy(tmp_path, runner)
    result = study.verify(plan=study.plan("full"))
    stated = [each.id for each in result.matrix.clauses if each.id.startswith("phases.train.")]
    found = {each for each in stated if status_of(result, each, Stage.PLAN) is Status.UNVERIFIED}
    assert found == {f"phases.train.{name}" for name in unverified}
    reasons = {each.reason for each in result.matrix.verdicts if each.clause in found and each.stage is Stage.PLAN}
    assert all("runners.train is not told" in reason for reason in reasons)


@pytest.mark.parametrize("prefix", ["", "phases.train."])
def test_a_part_of_a_schedule_is_unverified_by_its_own_name(tmp_path: Path, prefix: str) -> None:
    cosine = "{name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}"
    runner = ON_FLAGS.replace("{block_size:", "{s: schedule.name, block_size:")
    runner += f"    unpassed: ['{prefix}schedule.segments[0].shape', '{prefix}schedule.segments[0].to']\n"
    study = ScriptedStudy(tmp_path, runner, (cosine, "{segments: [{shape: linear, to: 0.0}]}"))
    result = study.verify(plan=study.plan("full"))
    for name in ("shape", "to"):
        assert status_of(result, f"phases.train.schedule.segments[0].{name}", Stage.PLAN) is Status.UNVERIFIED


def test_what_is_passed_all_the_same_conforms(tmp_path: Path) -> None:
    study = ScriptedStudy(tmp_path, ON_FLAGS + "    unpassed: [max_grad_norm, schedule]\n")
    result = study.verify(plan=study.plan("full"))
    for clause in ("max_grad_norm", "schedule.name", "schedule.min_learning_rate"):
        assert status_of(result, f"phases.train.{clause}", Stage.PLAN) is Status.CONFORMS


def test_of_several_variants_the_one_that_is_not_told_counts(tmp_path: Path) -> None:
    """A clause is no pass where one of the steps that it is about rests on a claim."""
    other = ON_FLAGS + "    variants: [full]\n"
    study = ScriptedStudy(tmp_path, other)
    rest = "    command: [python, other.py]\n    flags: hf-training-arguments\n    variants: [lora]\n"
    rest += "    unpassed: [sequence_length, adapter]\n    phase: train\n"
    study.manifest.write_text(f"{study.manifest.read_text()}  other:\n{rest}")
    (tmp_path / "other.py").write_text("1")
    result = study.verify(plan=study.plan("full", "lora"))
    for clause in ("phases.train.sequence_length", "variants.lora.steps[0].train.adapter.lora.rank"):
        assert status_of(result, clause, Stage.PLAN) is Status.UNVERIFIED, clause
    assert status_of(result, "phases.train.optimizer.learning_rate", Stage.PLAN) is Status.CONFORMS
