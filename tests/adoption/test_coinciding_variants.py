"""Variants that state the same are one planned step; runs that were adopted of each of them are each variant's own."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework import api
from framework.adoption.adopting import adopt
from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.stages.verify import VerifyResult
from tests.adoption.left_runs import project, rows, trainer_output, write
from tests.support.commands import called
from tests.support.statuses import codes, status_of

PATTERN = "results/{variant}/{task}/seed{seed}"
RATE = "phases.finetune.optimizer.learning_rate"
ALIKE = {"base": {"steps": ["finetune"]}, "ours": {"steps": ["finetune"]}}


def study(root: Path, variants: Any = None, **more: Any) -> Experiment:
    """The study of two variants that state the same."""
    path = project(root, [{"path": PATTERN}])
    data = yaml.safe_load(path.read_text("utf-8")) | {"variants": variants or ALIKE, **more}
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return load(path)


def left(root: Path, variant: str, task: str = "sst2", seed: int = 1, times: float = 1.0, **more: Any) -> Path:
    """A finished run, made with so many times the learning rate that is stated."""
    history = [{**row, "learning_rate": row["learning_rate"] * times} for row in rows()]
    measured = {"epoch": 3.0, "eval_accuracy": more.get("accuracy", 0.9), "eval_loss": 0.3, "step": len(history)}
    folder = root / "results" / variant / task / f"seed{seed}"
    return trainer_output(folder, **more, log_history=[*history, measured])


def taken(experiment: Experiment) -> None:
    _, problems = adopt(experiment)
    assert not problems


def drifting(result: VerifyResult) -> set[str]:
    """The runs whose learning rate is another than stated, by the first words of the finding."""
    return {finding.message.partition(":")[0] for finding in result.findings if finding.code == "R110"}


@pytest.mark.parametrize("drifts", ["base", "ours"])
def test_the_run_of_each_variant_is_held(tmp_path: Path, drifts: str) -> None:
    experiment = study(tmp_path)
    for variant in ALIKE:
        left(tmp_path, variant, times=1.5 if variant == drifts else 1.0)
    taken(experiment)
    result = api.verify(experiment)
    assert drifting(result) == {f"{drifts} · finetune[sst2] · tiny · seed 1"}
    assert (result.adopted, result.finished) == (2, 2)


def test_a_run_of_one_variant_is_no_evidence_of_another(tmp_path: Path) -> None:
    experiment = study(tmp_path, seeds=[1])
    left(tmp_path, "base")
    left(tmp_path, "base", "mrpc")
    taken(experiment)
    result = api.verify(experiment)
    assert (result.finished, result.planned) == (2, 4)
    reasons = {each.reason for each in result.matrix.verdicts if each.clause == RATE and each.stage is Stage.RUN}
    assert any("not run: ours · finetune[sst2] · tiny · seed 1" in reason and "base" in reason for reason in reasons)
    assert status_of(result, RATE, Stage.RUN) is Status.UNVERIFIED


def test_a_run_that_names_no_variant_is_of_all_that_the_step_is_of(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    trainer_output(tmp_path / "out")
    written = tmp_path / "experiment.yaml"
    data = yaml.safe_load(written.read_text("utf-8")) | {"adopted": [{"path": "out", "task": "sst2", "seed": 1}]}
    written.write_text(yaml.safe_dump(data), "utf-8")
    experiment = load(written)
    taken(experiment)
    result = api.verify(experiment)
    assert (result.finished, result.planned) == (1, len(result.plan.steps))


def test_the_variant_that_is_named_goes_before_the_run_that_names_none(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    trainer_output(tmp_path / "out", accuracy=0.5)
    assert called(tmp_path, "adopt", "out", "--task", "sst2", "--seed", "1").code == 0
    left(tmp_path, "ours", accuracy=0.9)
    taken(experiment)
    assert figures(tmp_path) == {("base", "sst2", 1): 0.5, ("ours", "sst2", 1): 0.9}


def figures(root: Path) -> dict[tuple[str, str, int], float]:
    """What the analysis's table says of each variant, task and seed."""
    assert called(root, "analyse").code == 0
    with next(root.rglob("summary.csv")).open(encoding="utf-8", newline="") as stream:
        return {
            (row["variant"], row["task"], int(row["seed"])): float(row["accuracy"]) for row in csv.DictReader(stream)
        }


def test_tables_and_claims_use_the_figures_of_the_variants_own_run(tmp_path: Path) -> None:
    claims = [{"id": "C1", "assert": "accuracy(ours, sst2) > accuracy(base, sst2)", "confidence": 0.9}]
    experiment = study(tmp_path, claims=claims)
    expected = {}
    for variant, better in (("base", 0.0), ("ours", 0.1)):
        for task in ("sst2", "mrpc"):
            for seed in (1, 2):
                accuracy = round(0.7 + better + seed / 100, 3)
                expected[variant, task, seed] = accuracy
                left(tmp_path, variant, task, seed, accuracy=accuracy)
    taken(experiment)
    result = api.verify(experiment)
    held = [each for each in result.matrix.verdicts if each.stage is Stage.CLAIM]
    assert {str(each.status) for each in held} == {"conforms"}
    assert figures(tmp_path) == expected


def test_reports_and_plans_say_from_where_each_variants_run_is(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    for variant, accuracy in (("base", 0.5), ("ours", 0.75)):
        left(tmp_path, variant, accuracy=accuracy)
    taken(experiment)
    plan = " ".join(called(tmp_path, "plan").out.split())
    assert "adopted from results/base/sst2/seed1 (base), adopted from results/ours/sst2/seed1 (ours)" in plan
    assert called(tmp_path, "docs").code == 0
    report = next(tmp_path.rglob("COMPLIANCE.md")).read_text("utf-8")
    lines = [line for line in report.splitlines() if "adopted from" in line]
    assert [("base" in line, "ours" in line) for line in lines] == [(True, False), (False, True)]
    assert ["accuracy 0.5" in line for line in lines] == [True, False]


def test_the_plan_says_which_variant_has_none(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    left(tmp_path, "base")
    taken(experiment)
    assert "adopted from results/base/sst2/seed1 (base); none of ours" in " ".join(called(tmp_path, "plan").out.split())
    assert api.verify(experiment).summary()["runs"] == {"adopted": 1, "not run": 4}


def test_it_is_told_which_of_the_runs_of_one_step_goes_before(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    left(tmp_path, "ours")
    taken(experiment)
    assert why_of(tmp_path, "adopted").endswith("ours/sst2/seed1; a run made here would go before")
    own_run(experiment, 0.6)
    assert why_of(tmp_path, "adopted").endswith("ours/sst2/seed1; a run made here goes before")
    assert called(tmp_path, "docs").code == 0
    report = next(tmp_path.rglob("COMPLIANCE.md")).read_text("utf-8")
    assert "adopted from results/ours/sst2/seed1, beside the run that counts" in report


def why_of(root: Path, state: str) -> str:
    (row,) = json.loads(called(root, "runs", "--status", state, "--format", "json").out)["runs"]
    return str(row["why"])


def test_one_adopted_run_can_be_held_alone(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    for variant in ALIKE:
        left(tmp_path, variant, times=1.5)
    taken(experiment)
    folder = next(run.folder.name for run in RunStore(experiment.runs).runs() if run.record.variants == ["ours"])
    outcome = called(tmp_path, "verify", folder)
    assert outcome.code == 1
    assert "ours · finetune[sst2]" in outcome.out
    assert "base · finetune[sst2]" not in outcome.out


def own_run(experiment: Experiment, accuracy: float) -> None:
    """The first planned step, as the built-in training would have left it."""
    step = api.plan(experiment).steps[0]
    source = next(run for run in RunStore(experiment.runs).runs() if run.record.seed == step.seed)
    folder = experiment.runs / step.folder
    shutil.copytree(source.folder, folder)
    record = RunRecord.read(folder)
    record.key, record.folder, record.identity = step.key, step.folder, dict(step.identity)
    record.variants, record.artefacts, record.metrics = list(step.variants), {}, {"accuracy": accuracy}
    record.observed.pop("adopted")
    record.write(folder)


def test_an_adopted_run_beside_one_that_was_made_here_is_held_too(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    left(tmp_path, "ours", times=1.5, accuracy=0.9)
    taken(experiment)
    own_run(experiment, 0.6)
    result = api.verify(experiment)
    assert drifting(result) >= {"ours · finetune[sst2] · tiny · seed 1"}
    assert (result.finished, result.adopted) == (1, 0)
    (said,) = [finding for finding in result.findings if finding.code == "R146"]
    assert "results/ours/sst2/seed1" in said.message
    assert figures(tmp_path) == {("base", "sst2", 1): 0.6, ("ours", "sst2", 1): 0.6}


def test_a_run_that_cannot_be_read_is_said_to_be_none_beside_an_adopted_one(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    left(tmp_path, "ours", accuracy=0.9)
    taken(experiment)
    own_run(experiment, 0.6)
    (experiment.runs / api.plan(experiment).steps[0].folder / "steps.jsonl").write_text('{"step": "x"}\n')
    result = api.verify(experiment)
    (said,) = [finding for finding in result.findings if finding.code == "R146"]
    assert said.message.endswith("lies beside a run that cannot be read, and gives no results")


def test_of_two_runs_of_one_place_both_are_held_and_that_is_said(tmp_path: Path) -> None:
    """Such as are there when the plan's step got another key, or folders of two machines were put together."""
    experiment = study(tmp_path)
    left(tmp_path, "ours")
    taken(experiment)
    (first,) = RunStore(experiment.runs).runs()
    second = experiment.runs / f"{first.folder.name.rpartition('.')[0]}.0123456789"
    shutil.copytree(first.folder, second)
    record = RunRecord.read(second)
    record.key, record.folder = "0123456789" + record.key[10:], second.name
    record.metrics["accuracy"] = 0.1
    record.write(second)
    result = api.verify(experiment)
    (said,) = [finding for finding in result.findings if finding.code == "R146"]
    assert first.folder.name in said.message
    assert second.name in said.message
    assert result.finished == 1


LATER = {
    "base": {"steps": ["warm", "finetune"]},
    "ours": {"steps": ["warm", "finetune"]},
}


def test_a_step_that_starts_from_a_shared_one_starts_from_its_own_variants_run(tmp_path: Path) -> None:
    """Each variant's second training is held with the first training of that variant."""
    path = project(tmp_path, [{"path": "results/{variant}/{phase}/{task}/seed{seed}"}])
    data = yaml.safe_load(path.read_text("utf-8"))
    warm = {name: value for name, value in data["phases"]["finetune"].items() if name != "tasks"}
    data["phases"] = {"warm": {**warm, "dataset": "sst2"}, **data["phases"]}
    data |= {"variants": LATER, "seeds": [1]}
    data["rules"] = [{"equal": {"variants": ["base", "ours"], "of": ["optimizer_steps"]}}]
    data["adopted"] = [
        {"path": "first/{variant}", "phase": "warm"},
        {"path": "second/{variant}", "phase": "finetune", "task": "sst2"},
    ]
    path.write_text(yaml.safe_dump(data), "utf-8")
    for variant in LATER:
        trainer_output(tmp_path / "second" / variant)
    trainer_output(tmp_path / "first/base")
    write(tmp_path / "first/ours/train.jsonl", "".join(f'{{"step": {s}, "loss": 1.0}}\n' for s in range(1, 7)))
    experiment = load(path)
    taken(experiment)
    result = api.verify(experiment)
    assert not [finding for finding in result.findings if finding.code == "R136"]
    (unequal,) = [finding for finding in result.findings if finding.code == "R113"]
    assert (unequal.expected, unequal.actual) == (24, 18)


@pytest.mark.parametrize("part", ["task", "model"])
def test_what_only_its_name_tells_apart_is_planned_apart(tmp_path: Path, part: str) -> None:
    """Two tasks, or two models, of which nothing but the names is known are two."""
    path = project(tmp_path, [{"path": f"results/{{variant}}/{{{part}}}/seed{{seed}}"}])
    data = yaml.safe_load(path.read_text("utf-8"))
    data["seeds"] = [1]
    if part == "task":
        data["datasets"] = {"sst2": {"train_examples": 32}, "mrpc": {}}
        names = ["sst2", "mrpc"]
    else:
        data["models"] = {"small": {"family": "bert"}, "large": {"family": "bert"}}
        data["phases"]["finetune"]["tasks"] = {"sst2": {}}
        names = ["small", "large"]
    path.write_text(yaml.safe_dump(data), "utf-8")
    for name in names:
        trainer_output(tmp_path / "results/dense" / name / "seed1")
    experiment = load(path)
    taken(experiment)
    assert api.verify(experiment).adopted == 2


def test_a_record_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    experiment = study(tmp_path)
    left(tmp_path, "ours")
    taken(experiment)
    (run,) = RunStore(experiment.runs).runs()
    (run.folder / "record.json").write_text("{", "utf-8")
    result = api.verify(experiment)
    (finding,) = (each for each in result.findings if not each.code.startswith("M"))
    assert finding.code == "T121"
    assert run.folder.name in str(finding.location)


BUILT_ON = {
    **ALIKE,
    "late": {"from": "ours", "steps": ["more"]},
    "masked": {"from": "base", "steps": [{"prune": {"score": "magnitude", "sparsity": 0.5, "tensors": ["query"]}}]},
    "other": {"from": "ours", "steps": [{"prune": {"score": "magnitude", "sparsity": {"same_as": "masked"}}}]},
}


def test_what_builds_on_a_shared_step_is_seen_with_the_run_of_its_own_variant(tmp_path: Path) -> None:
    """A start that nobody recorded is unverified, and the pruning of the one variant is not that of the other."""
    path = project(tmp_path, [{"path": "results/{phase}/{variant}", "task": "sst2"}])
    data = yaml.safe_load(path.read_text("utf-8"))
    data["phases"]["finetune"]["tasks"] = {"sst2": {}}
    data["phases"]["more"] = {**data["phases"]["finetune"]}
    path.write_text(yaml.safe_dump(data | {"variants": BUILT_ON, "seeds": [1]}), "utf-8")
    for name in ("finetune/base", "finetune/ours", "more/late"):
        trainer_output(tmp_path / "results" / name)
    experiment = load(path)
    taken(experiment)
    result = api.verify(experiment)
    assert [code for code in codes(result) if not code.startswith("M")] == []
    assert status_of(result, "variants.late.from", Stage.RUN) is Status.UNVERIFIED
    assert (result.finished, result.planned) == (3, 5)


def test_the_same_phase_twice_is_two_runs(tmp_path: Path) -> None:
    """A run that is adopted for the last of them is no evidence of the first."""
    twice = {"base": {"steps": ["finetune", "finetune"]}}
    experiment = study(tmp_path, twice, seeds=[1])
    left(tmp_path, "base")
    taken(experiment)
    result = api.verify(experiment)
    assert result.adopted == 1
    assert next(each for each in result.steps if each.adopted).step.index == 1
