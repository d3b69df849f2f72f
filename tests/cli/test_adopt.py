"""`framework adopt`, as people call it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.adoption.left_runs import project, trainer_output, write
from tests.support.commands import called, process


def test_what_the_manifest_states_is_taken_in_and_then_unchanged(tmp_path: Path) -> None:
    project(tmp_path, [{"path": "results/{variant}/{task}/seed{seed}"}])
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    first, second = called(tmp_path, "adopt"), called(tmp_path, "adopt")
    assert (first.code, second.code) == (0, 0)
    assert "1 runs, 1 adopted" in first.out
    assert "1 runs, 1 unchanged" in second.out


def test_a_pattern_on_the_command_line_needs_no_section(tmp_path: Path) -> None:
    project(tmp_path)
    trainer_output(tmp_path / "out/dense/1")
    outcome = called(tmp_path, "adopt", "out/{variant}/{seed}", "--task", "sst2", "--format", "json")
    assert outcome.code == 0
    (one,) = json.loads(outcome.out)["adopted"]
    assert (one["status"], one["label"]) == ("adopted", "dense · finetune[sst2] · tiny · seed 1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to adopt"),
        (("nowhere",), "matches nothing"),
        (("out", "--from", "transformer"), "unknown format 'transformer': did you mean 'transformers'"),
        (("out/{run}",), "{run} in `path`"),
        (("table.csv", "--column", "variant"), "write NAME=NAME"),
        (("out", "--seed", "one"), "no whole number"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_would_be_right(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    project(tmp_path)
    outcome = called(tmp_path, "adopt", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert not (tmp_path / "runs").exists()


def test_reports_and_plans_say_that_a_run_was_adopted(tmp_path: Path) -> None:
    project(tmp_path)
    write(tmp_path / "table.csv", "variant,task,seed,accuracy\ndense,sst2,1,0.9\n")
    assert called(tmp_path, "adopt", "table.csv", "--from", "table").code == 0
    planned = called(tmp_path, "plan").out
    assert "adopted dense" in planned
    assert "adopted from table.csv:2; a run made here would go before" in planned
    assert called(tmp_path, "docs").code == 0
    assert "adopted from table.csv" in next(tmp_path.rglob("COMPLIANCE.md")).read_text("utf-8")
    assert called(tmp_path, "analyse").code == 0
    assert "table.csv" in next(tmp_path.rglob("summary.csv")).read_text("utf-8")


def test_a_project_that_only_adopts_needs_no_torch(tmp_path: Path) -> None:
    project(tmp_path, [{"path": "results/{variant}/{task}/seed{seed}"}])
    trainer_output(tmp_path / "results/dense/sst2/seed1")
    write(tmp_path / "hidden/torch.py", "raise ImportError('there is no torch')\n")
    for command in ("adopt", "verify"):
        path = os.pathsep.join([str(tmp_path / "hidden"), os.environ.get("PYTHONPATH", "")])
        done = process(tmp_path, command, PYTHONPATH=path)
        assert (done.returncode, "no torch" in done.stderr) == (0, False), done.stderr


def test_how_a_log_counts_is_said_on_the_command_line(tmp_path: Path) -> None:
    project(tmp_path)
    lines = "".join(f'{{"step": {step}, "loss": 1.0, "lr": 1e-5}}\n' for step in range(12))
    write(tmp_path / "out/train.jsonl", lines)
    arguments = ("adopt", "out", "--variant", "dense", "--task", "sst2", "--seed", "1")
    assert "say `steps_from: 0`" in called(tmp_path, *arguments).err
    assert called(tmp_path, *arguments, "--steps-from", "0", "--learning-rate", "next").code == 0
    (record,) = (tmp_path / "runs").glob("*/record.json")
    log = json.loads(record.read_text("utf-8"))["observed"]["log"]
    assert (log["logged_steps"], log["learning_rate"]) == (12, "next")
