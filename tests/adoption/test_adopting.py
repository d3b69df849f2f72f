"""Runs that were made elsewhere, as evidence: put at their step, and held to the manifest."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework import api
from framework.adoption.adopting import Outcome, adopt
from framework.errors import Problem
from framework.evidence.store import Run, RunStore
from framework.evidence.tensors import TensorFile
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.stages.verify import VerifyResult
from tests.adoption.left_runs import LEFT, project, shard, trainer_output, write
from tests.support.tensors import save_tensors

PATTERN = "results/{variant}/{task}/seed{seed}"


def taken(root: Path, adopted: Any = None, **changed: Any) -> tuple[Experiment, list[Outcome], list[Problem]]:
    experiment = load(project(root, adopted or [{"path": PATTERN}], **changed))
    return experiment, *adopt(experiment)


def runs(experiment: Experiment) -> list[Run]:
    return list(RunStore(experiment.runs).runs())


def verified(experiment: Experiment) -> VerifyResult:
    return api.verify(experiment)


def codes(result: VerifyResult) -> list[str]:
    """Of what was made; the statement of these small studies is looked at elsewhere."""
    return sorted(finding.code for finding in result.findings if not finding.code.startswith("M"))


def statuses(result: VerifyResult, clause: str) -> set[str]:
    return {str(each.status) for each in result.matrix.verdicts if each.clause == clause and str(each.stage) == "run"}


def test_a_tree_is_taken_in_by_what_its_names_say(tmp_path: Path) -> None:
    for variant in ("dense", "lora"):
        for task in ("sst2", "mrpc"):
            trainer_output(tmp_path / "results" / variant / task / "seed2")
    experiment, outcomes, problems = taken(tmp_path)
    assert not problems
    assert {each.status for each in outcomes} == {"adopted"}
    places = {(run.record.variants[0], run.record.task, run.record.seed) for run in runs(experiment)}
    assert places == {(variant, task, 2) for variant in ("dense", "lora") for task in ("sst2", "mrpc")}


def test_the_record_says_that_it_is_adopted_and_from_what(tmp_path: Path) -> None:
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    experiment, _, _ = taken(tmp_path)
    (run,) = runs(experiment)
    facts = run.record.observed["adopted"]
    assert (facts["format"], facts["from"]) == ("transformers", "results/dense/sst2/seed1")
    assert [each["file"].rpartition("/")[2] for each in facts["sources"]] == [
        "trainer_state.json", "all_results.json", "README.md"
    ]  # fmt: skip
    assert all(len(each["sha256"]) == 64 for each in facts["sources"])


def test_nothing_of_this_machine_is_recorded(tmp_path: Path) -> None:
    LEFT["log"](tmp_path / "results/dense/sst2/seed1")
    experiment, _, _ = taken(tmp_path)
    (run,) = runs(experiment)
    assert run.record.environment == {}
    assert "seed" not in run.record.observed


def test_adopting_twice_changes_nothing(tmp_path: Path) -> None:
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    experiment, _, _ = taken(tmp_path)
    before = {path: path.read_bytes() for path in experiment.runs.rglob("*") if path.is_file()}
    _, outcomes, _ = taken(tmp_path)
    assert [each.status for each in outcomes] == ["unchanged"]
    assert {path: path.read_bytes() for path in experiment.runs.rglob("*") if path.is_file()} == before


def test_a_changed_source_is_said_by_verify_and_taken_in_anew_by_adopt(tmp_path: Path) -> None:
    folder = trainer_output(tmp_path / "results/dense/sst2/seed1")
    experiment, _, _ = taken(tmp_path)
    assert codes(verified(experiment)) == []
    trainer_output(folder, accuracy=0.95)
    assert set(codes(verified(experiment))) == {"R145"}
    _, (outcome,), _ = taken(tmp_path)
    assert outcome.status == "changed"
    assert set(outcome.changed) == {
        f"results/dense/sst2/seed1/{name}" for name in ("trainer_state.json", "all_results.json")
    }
    assert codes(verified(experiment)) == []
    assert runs(experiment)[0].record.metrics["accuracy"] == 0.95


def test_a_source_that_is_gone_is_no_finding(tmp_path: Path) -> None:
    folder = trainer_output(tmp_path / "results/dense/sst2/seed1")
    experiment, _, _ = taken(tmp_path)
    (folder / "README.md").unlink()
    assert codes(verified(experiment)) == []


def test_what_the_source_says_is_held_and_the_rest_is_unverified(tmp_path: Path) -> None:
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    experiment, _, _ = taken(tmp_path)
    result = verified(experiment)
    assert "conforms" in statuses(result, "phases.finetune.optimizer.learning_rate")
    assert "conforms" in statuses(result, "phases.finetune.epochs")
    assert statuses(result, "phases.finetune.optimizer.weight_decay") == {"unverified"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"epochs": 5}, "R101"),
        ({"batch_size": 16}, "R102"),
        ({"optimizer": {"name": "adamw", "learning_rate": 3.0e-5}}, "R110"),
        ({"schedule": {"name": "cosine", "warmup": "none"}}, "R110"),
    ],
)
def test_a_run_of_other_values_is_a_violation_whatever_the_manifest_said_before(
    tmp_path: Path, changed: dict[str, Any], code: str
) -> None:
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    taken(tmp_path)
    experiment = load(project(tmp_path, [{"path": PATTERN}], **changed))
    assert code in codes(verified(experiment))


def test_written_settings_are_held_like_a_config_file(tmp_path: Path) -> None:
    LEFT["hydra"](tmp_path / "results/dense/sst2/seed1")
    experiment, _, _ = taken(tmp_path)
    result = verified(experiment)
    (finding,) = [each for each in result.findings if each.code == "R125"]
    assert finding.clause == "phases.finetune.optimizer.weight_decay"
    assert finding.location is not None
    assert finding.location.file.endswith("settings.json")
    assert "conforms" in statuses(result, "phases.finetune.optimizer.name")


def test_settings_settle_what_no_log_tells(tmp_path: Path) -> None:
    LEFT["wandb"](tmp_path / "results/dense/sst2/seed2")
    experiment, _, _ = taken(tmp_path, [{"path": PATTERN, "phase": "finetune"}])
    held = [
        each
        for each in verified(experiment).matrix.verdicts
        if each.clause == "phases.finetune.optimizer.learning_rate" and "adopted.dense" in str(each.evidence)
    ]
    assert [str(each.status) for each in held] == ["conforms"]


def test_a_seed_that_the_settings_deny_is_a_violation(tmp_path: Path) -> None:
    LEFT["hydra"](tmp_path / "results/dense/sst2/seed2")
    experiment, _, _ = taken(tmp_path)
    assert "R130" in codes(verified(experiment))


def test_a_seed_that_no_name_says_is_the_one_of_the_settings(tmp_path: Path) -> None:
    LEFT["wandb"](tmp_path / "out")
    experiment, _, problems = taken(tmp_path, [{"path": "out", "variant": "dense", "task": "sst2"}])
    assert not problems
    assert runs(experiment)[0].record.seed == 2


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"path": "out", "variant": "dense"}, "say its task and its seed of it"),
        ({"path": "runs_of/{variant}/sst2", "task": "sst2", "seed": 1}, "no variant 'DENSE'"),
        ({"path": "nowhere/*"}, "matches nothing"),
        ({"path": "empty"}, "no program is known"),
    ],
)
def test_what_cannot_be_placed_is_an_error_with_what_to_say(
    tmp_path: Path, stated: dict[str, Any], message: str
) -> None:
    for name in ("out", "runs_of/DENSE/sst2"):
        LEFT["log"](tmp_path / name)
    (tmp_path / "empty").mkdir()
    experiment, outcomes, problems = taken(tmp_path, [stated])
    assert not outcomes
    assert message in f"{problems[0].message} {problems[0].advice}"
    assert not experiment.runs.exists()


def test_one_that_cannot_be_taken_leaves_the_others(tmp_path: Path) -> None:
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    write(tmp_path / "results/lora/sst2/seed1/trainer_state.json", "{")
    experiment, outcomes, problems = taken(tmp_path)
    assert len(outcomes) == len(problems) == 1
    assert "trainer_state.json" in str(problems[0])
    assert len(runs(experiment)) == 1


def test_two_sources_of_one_run_are_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        LEFT["log"](tmp_path / name)
    one = {"variant": "dense", "task": "sst2", "seed": 1}
    _, outcomes, problems = taken(tmp_path, [{"path": "a", **one}, {"path": "b", **one}])
    assert len(outcomes) == 1
    assert "and from this too" in problems[0].message


def test_a_link_to_a_run_that_is_there_is_no_second_run(tmp_path: Path) -> None:
    LEFT["wandb"](tmp_path / "wandb/run-1")
    (tmp_path / "wandb/latest-run").symlink_to("run-1")
    _, outcomes, problems = taken(tmp_path, [{"path": "wandb/*", "variant": "dense", "task": "sst2"}])
    assert not problems
    assert [Path(each.source).name for each in outcomes] == ["run-1"]


TABLES = {
    "csv": "method,data,seed,acc\ndense,SST-2,1,91.5%\nlora,SST-2,2,0.905\n",
    "tsv": "method\tdata\tseed\tacc\ndense\tSST-2\t1\t91.5%\nlora\tSST-2\t2\t0.905\n",
    "md": "# Results\n\n| method | data | seed | acc |\n|---|---|---|---|\n| dense | SST-2 | 1 | **91.5%** |\n"
    "| lora | SST-2 | 2 | 0.905 |\n\nMore.\n",
    "json": json.dumps([{"method": "dense", "data": "SST-2", "seed": 1, "acc": 0.915},
                        {"method": "lora", "data": "SST-2", "seed": 2, "acc": 0.905}]),
    "jsonl": '{"method": "dense", "data": "SST-2", "seed": 1, "acc": 0.915}\n'
    '{"method": "lora", "data": "SST-2", "seed": 2, "acc": 0.905}\n',
}  # fmt: skip
COLUMNS = {
    "columns": {"variant": "method", "task": "data"},
    "captures": {"task": {"SST-2": "sst2"}},
    "metrics": {"accuracy": "acc"},
}


@pytest.mark.parametrize("suffix", sorted(TABLES))
def test_the_rows_of_a_table_are_runs(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"table.{suffix}", TABLES[suffix])
    experiment, outcomes, problems = taken(tmp_path, [{"path": f"table.{suffix}", **COLUMNS}])
    assert not problems
    assert len(outcomes) == 2
    found = {(run.record.variants[0], run.record.seed): run.record.metrics["accuracy"] for run in runs(experiment)}
    assert found == {("dense", 1): pytest.approx(0.915), ("lora", 2): 0.905}


def test_rows_of_json_in_one_line_are_told_apart(tmp_path: Path) -> None:
    rows = [{"variant": name, "seed": 1, "task": "sst2", "accuracy": 0.9} for name in ("dense", "lora")]
    write(tmp_path / "table.json", json.dumps(rows))
    _, outcomes, problems = taken(tmp_path, [{"path": "table.json", "format": "table"}])
    assert not problems
    first, second = (outcome.source for outcome in outcomes)
    assert first == "table.json:1"
    assert second.startswith("table.json:1:")


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path / "table.csv", TABLES["csv"])
    _, _, problems = taken(tmp_path, [{"path": "table.csv", **COLUMNS, "metrics": {"accuracy": "accu"}}])
    assert "no column 'accu'" in problems[0].message


def test_a_mean_over_seeds_is_no_run(tmp_path: Path) -> None:
    write(tmp_path / "table.csv", TABLES["csv"].replace("0.905", "0.905 ± 0.2"))
    _, outcomes, problems = taken(tmp_path, [{"path": "table.csv", **COLUMNS}])
    assert len(outcomes) == len(problems) == 1
    assert "no number of one run" in problems[0].message
    assert problems[0].location is not None
    assert problems[0].location.line == 3


def test_a_claim_is_judged_by_adopted_runs(tmp_path: Path) -> None:
    rows = "".join(f"dense,sst2,{seed},0.8{seed}\nlora,sst2,{seed},0.9{seed}\n" for seed in (1, 2))
    rows += rows.replace("sst2", "mrpc")
    write(tmp_path / "table.csv", "variant,task,seed,accuracy\n" + rows)
    path = project(tmp_path, [{"path": "table.csv", "format": "table"}])
    claim = 'claims: [{id: C1, assert: "accuracy(lora, sst2) > accuracy(dense, sst2)", confidence: 0.9}]\n'
    path.write_text(path.read_text("utf-8") + claim, "utf-8")
    experiment = load(path)
    _, problems = adopt(experiment)
    assert not problems
    claims = [each for each in verified(experiment).matrix.verdicts if str(each.stage) == "claim"]
    assert {str(each.status) for each in claims} == {"conforms"}


def test_a_run_of_its_own_takes_the_place_of_an_adopted_one(tmp_path: Path) -> None:
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    experiment, _, _ = taken(tmp_path)
    assert verified(experiment).adopted == 1
    (run,) = runs(experiment)
    step = next(
        step for step in api.plan(experiment).steps if (step.variant, step.task, step.seed) == ("dense", "sst2", 1)
    )
    own = experiment.runs / step.folder
    own.mkdir()
    record = run.record
    record.key, record.folder, record.identity, record.artefacts = step.key, step.folder, dict(step.identity), {}
    record.observed.pop("adopted")
    record.write(own)
    assert verified(experiment).adopted == 0


@pytest.mark.parametrize("names", [("a", "d"), ("d", "adopted")])
def test_a_run_of_a_variant_that_shares_its_steps_is_found_whatever_the_names_are(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    path = project(tmp_path, [{"path": PATTERN}])
    data = yaml.safe_load(path.read_text("utf-8"))
    data["variants"] = {name: {"steps": ["finetune"]} for name in names}
    path.write_text(yaml.safe_dump(data), "utf-8")
    trainer_output(tmp_path / "results" / names[1] / "sst2/seed1")
    experiment = load(path)
    (outcome,), problems = adopt(experiment)
    assert not problems
    assert outcome.folder.startswith(f"adopted.{names[1]}.0-finetune.sst2.")
    assert verified(experiment).adopted == 1


def test_a_metric_that_a_run_does_not_have_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    experiment, outcomes, problems = taken(tmp_path, [{"path": PATTERN, "metrics": {"accuracy": "eval_acuracy"}}])
    assert not outcomes
    assert "no final metric 'eval_acuracy'" in problems[0].message
    assert "eval_accuracy" in problems[0].advice
    assert not list(experiment.runs.glob("*"))


def test_a_checkpoint_in_shards_is_the_runs_model(tmp_path: Path) -> None:
    folder = trainer_output(tmp_path / "results/dense/sst2/seed1")
    shard(folder, {"a": {"w": ("F32", (2, 2), bytes(16))}, "b": {"v": ("BF16", (3,), b"\x00\x3f" * 3)}})
    experiment, _, problems = taken(tmp_path)
    assert not problems
    (run,) = runs(experiment)
    model = TensorFile(run.folder / "model/model.safetensors")
    assert {name: (each.dtype, each.shape) for name, each in model.tensors.items()} == {
        "w": ("F32", (2, 2)), "v": ("BF16", (3,))
    }  # fmt: skip
    assert (model.zeros("w"), model.zeros("v"), run.record.parameters) == (4, 0, {"total": 7})


def test_a_shard_that_is_gone_is_an_error(tmp_path: Path) -> None:
    folder = trainer_output(tmp_path / "results/dense/sst2/seed1")
    shard(folder, {"a": {"w": ("F32", (2, 2), bytes(16))}})
    (folder / "a.safetensors").unlink()
    _, outcomes, problems = taken(tmp_path)
    assert not outcomes
    assert "a.safetensors" in str(problems[0])


def test_an_adapter_whose_scale_is_not_alpha_by_rank_is_held_with_its_doubts(tmp_path: Path) -> None:
    folder = trainer_output(tmp_path / "results/lora/sst2/seed1")
    config = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "lora_dropout": 0.0, "use_rslora": True}
    write(folder / "adapter_config.json", json.dumps(config))
    save_tensors(folder / "adapter_model.safetensors", {"x.lora_A.weight": ("F32", (8, 2), bytes(64))})
    experiment, _, _ = taken(tmp_path)
    result = verified(experiment)
    clause = "variants.lora.steps[0].finetune.adapter.lora.alpha"
    assert (runs(experiment)[0].record.adapter["alpha"], runs(experiment)[0].record.adapter["rank"]) == (16, 8)
    held = [each for each in result.matrix.verdicts if each.clause == clause and "adopted.lora" in str(each.evidence)]
    assert {(str(each.stage), str(each.status)) for each in held} == {("run", "unverified"), ("checkpoint", "violated")}


def test_a_file_that_may_not_be_read_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variant in ("dense", "lora"):
        trainer_output(tmp_path / "results" / variant / "sst2/seed1")
    real = os.open

    def denied(path: str | Path, *more: Any, **further: Any) -> int:
        if "dense" in Path(path).parts and Path(path).name == "trainer_state.json":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *more, **further)

    monkeypatch.setattr(os, "open", denied)
    _, outcomes, problems = taken(tmp_path)
    assert len(outcomes) == len(problems) == 1
    assert "Permission denied" in problems[0].message


def test_a_path_with_the_signs_of_a_pattern_is_taken_as_it_is_written(tmp_path: Path) -> None:
    trainer_output(tmp_path / "out[1]/run")
    _, outcomes, problems = taken(tmp_path, [{"path": "out[1]/run", "variant": "dense", "task": "sst2", "seed": 1}])
    assert not problems
    assert [each.status for each in outcomes] == ["adopted"]
