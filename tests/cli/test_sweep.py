"""`framework sweep`, its order in `framework plan`, and values from the command line."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from framework.evidence.store import RunStore
from framework.searching.studies import studies_of
from runners.search.sweeping import sweep
from tests.support.project import Project
from tests.support.searched import MANIFEST, recorded_by_rate

OPEN = MANIFEST.replace("{name: adamw, learning_rate: 1e-4}", "{name: adamw}")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, OPEN, "{}\n")
    text = made.read()
    begin, end = text.index("      adapter.lora.rank"), text.index("    budget")
    made.write("experiment.yaml", text[:begin] + text[end:])
    return made


def searched(project: Project) -> None:
    experiment = project.load()
    for _ in sweep(experiment, studies_of(experiment), 2, execute=recorded_by_rate):
        pass


def test_the_order_is_shown_at_every_point(project: Project) -> None:
    (row,) = project.cli("plan", "--variant", "lora", "--format", "json").json["searches"]
    assert row["progress"] == "0 of 6 completed trials"
    assert (row["searched"], row["chosen"], row["runs"], row["waiting"]) == (False, False, 2, 2)
    assert row["next"] == "framework sweep lr"
    searched(project)
    (row,) = project.cli("plan", "--variant", "lora", "--format", "json").json["searches"]
    assert (row["searched"], row["chosen"], row["next"]) == (True, False, "framework sweep analyze")
    analyzed = project.cli("sweep", "analyze", "--format", "json")
    assert analyzed.code == 0, analyzed.err
    (study,) = analyzed.json["studies"]
    assert analyzed.json["file"] == "optimal_hyperparameters.yaml"
    project.replace("    batch_size: 8\n", "    batch_size: 64\n")
    (row,) = project.cli("plan", "--variant", "lora", "--format", "json").json["searches"]
    assert row["next"].startswith("phases.tune.batch_size is 64, and the optimum is ")
    project.replace("    batch_size: 64\n", "")
    outcome = project.cli("plan", "--variant", "lora")
    assert outcome.code == 0, outcome.err
    assert "search lr · lora · topics · tiny: 6 of 6 completed trials -> chosen -> 2 runs" in outcome.out
    steps = project.cli("plan", "--variant", "lora", "--format", "json").json["steps"]
    assert {step["seed"] for step in steps} == {1, 2}
    assert study["values"]["optimizer.learning_rate"] == pytest.approx(1e-3, rel=10)
    table = project.read("searches/lr/lora.topics.tiny.csv").splitlines()
    assert table[0].startswith("trial,state,accuracy,best_so_far,optimizer_steps,optimizer.learning_rate")
    best = [float(line.split(",")[3]) for line in table[1:]]
    assert best == sorted(best)
    assert best[-1] == study["expected"]["value"]


def test_a_variant_without_a_search_waits_for_none(project: Project) -> None:
    project.replace("optimizer: {name: adamw}", "optimizer: {name: adamw, learning_rate: 1e-4}")
    assert project.cli("plan", "--variant", "full", "--format", "json").json["searches"] == []


def test_choosing_before_searching_says_what_comes_first(project: Project) -> None:
    outcome = project.cli("sweep", "analyze")
    assert outcome.code == 1
    assert "no trials yet: framework sweep lr" in outcome.err
    assert not project.path("optimal_hyperparameters.yaml").exists()


def test_an_unknown_search_is_refused_with_the_near_name(project: Project) -> None:
    outcome = project.cli("sweep", "rl")
    assert outcome.code == 2
    assert "unknown search 'rl'" in outcome.err
    assert project.cli("sweep", "--variant", "full").code == 2


def test_lines_for_a_shell(project: Project) -> None:
    searched(project)
    lines = project.cli("sweep", "analyze", "--shell").out.splitlines()
    assert [line.partition("=")[0] for line in lines] == [
        "TOPICS_LORA_LR", "TOPICS_LORA_WEIGHT_DECAY", "TOPICS_LORA_BATCH_SIZE",
    ]  # fmt: skip


def test_production_before_the_search_is_refused(project: Project) -> None:
    outcome = project.cli("run", "--variant", "lora")
    assert outcome.code == 2
    assert re.search(r"experiment\.yaml:\d+:3: error: lr · lora · topics · tiny: .* not searched yet", outcome.err)
    assert not project.path("runs").exists()


STATED = OPEN.replace("{name: adamw}", "{name: adamw, learning_rate: 1e-4}")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("optimizer.learning_rte=1e-3", "unknown key 'learning_rte'"),
        ("phases.tune.optimizer.learning_rate", "write PATH=VALUE"),
        ("phases.tune.optimizer.learning_rate=fast", "input should be a valid number"),
        ("phases.tune.batch_size=[", "--set phases.tune.batch_size=["),
        ("paper.title=Another", "no step of this selection would do anything else"),
    ],
)
def test_what_cannot_be_set_is_refused(tmp_path: Path, argument: str, said: str) -> None:
    project = Project(tmp_path, STATED, "{}\n")
    outcome = project.cli("run", "--variant", "full", "--set", argument)
    assert outcome.code == 2
    assert said in outcome.err
    assert "Traceback" not in outcome.err
    assert not project.path("runs").exists()


def test_a_set_value_is_a_deviation_in_key_and_plan(tmp_path: Path) -> None:
    project = Project(tmp_path, STATED, "{}\n")
    stated = project.cli("plan", "--variant", "full", "--format", "json").json
    others = project.cli("plan", "--variant", "full", "--set", "optimizer.learning_rate=3e-4", "--format", "json").json
    assert others["profile"] == "with phases.tune.optimizer.learning_rate=0.0003"
    assert not {step["key"] for step in stated["steps"]} & {step["key"] for step in others["steps"]}
    project.replace("phases:\n", "phases:\n  other: {optimizer: {learning_rate: 1e-4}}\n")
    outcome = project.cli("plan", "--set", "optimizer.learning_rate=3e-4")
    assert "several phases have it; write one of phases.other.optimizer.learning_rate, phases.tune." in outcome.err


@pytest.mark.slow
def test_runs_record_what_was_allowed_and_set(tmp_path: Path) -> None:
    project = Project(tmp_path, STATED, "{}\n")
    arguments = ("--variant", "lora", "--seed", "1", "--set", "batch_size=4")
    outcome = project.cli("run", *arguments, "--allow-unswept", "a first look")
    assert outcome.code == 0, outcome.err
    (run,) = RunStore(project.root / "runs").runs()
    unswept = next(each for each in run.record.deviations if each["kind"] == "unswept")
    assert unswept["reason"] == "a first look"
    assert "not searched yet" in unswept["problems"][0]
    assert {"kind": "set", "path": "phases.tune.batch_size", "value": 4, "profile": None} in run.record.deviations
    assert run.record.profile == "with phases.tune.batch_size=4"
    assert "with phases.tune.batch_size=4" in project.cli("runs").out
    verified = project.cli("verify", *arguments, "--format", "json")
    cells = {verdict["clause"]: verdict for verdict in verified.json["verdicts"] if verdict["stage"] == "run"}
    assert cells["phases.tune.batch_size"]["status"] == "waived"
    assert "set on the command line" in cells["phases.tune.batch_size"]["reason"]
    assert project.cli("verify", str(run.folder)).code == verified.code
    assert project.cli("docs", *arguments).code == 0
    assert os.listdir(project.path("documents")) == ["with phases.tune.batch_size=4"]
