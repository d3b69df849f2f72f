"""The small-GPT study: its statement, and the whole of it at a laptop's size, as its README runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from framework.manifest.loading import load
from framework.stages.check import check

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "small_gpt"
RUNS = 10
METRIC = "validation_loss_per_character"


def copied(folder: Path) -> Path:
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("runs", "documents", "data"))
    return folder


def framework(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "framework", *arguments]
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def codes(folder: Path) -> set[str]:
    return {finding.code for finding in check(load(folder / "experiment.yaml")).findings}


def changed(folder: Path, old: str, new: str) -> Path:
    manifest = copied(folder) / "experiment.yaml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))
    return folder


def test_the_statement_conforms() -> None:
    assert codes(EXAMPLE) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("optimizer.learning_rate: 6e-3", "optimizer.learning_rate: 6e-3\n            epochs: 8"),
        ("phases.train.batch_size: 8", "phases.train.batch_size: 8\n      phases.train.epochs: 1"),
        ("datasets.titles.limit: 64", "datasets.titles.limit: 64\n      datasets.titles.validation_split: train"),
        ("{optimizer.learning_rate: $rate}", "{optimizer.learning_rate: $rate, metric: perplexity}"),
        ("datasets.titles.limit: 400", "datasets.titles.limit: 400\n      seeds: [1]"),
    ],
)
def test_nobody_changes_what_is_frozen(tmp_path: Path, old: str, new: str) -> None:
    assert "M110" in codes(changed(tmp_path / "study", old, new))


def test_better_with_confidence_is_out_of_reach_of_one_frozen_seed(tmp_path: Path) -> None:
    assert codes(changed(tmp_path / "study", "    test: comparison\n", "")) == {"M171"}


@pytest.mark.slow
def test_every_target_is_judged_at_a_laptop_s_size(tmp_path: Path) -> None:
    folder = copied(tmp_path / "study")
    framework(folder, "run", "--all", "--profile", "smoke", "--jobs", "2")
    records = [json.loads(path.read_text()) for path in (folder / "runs").glob("*/record.json")]
    assert len(records) == RUNS
    held_to_the_grids(records)
    result = json.loads(framework(folder, "verify", "--profile", "smoke", "--format", "json"))
    assert [finding for finding in result["findings"] if finding["severity"] == "error"] == []
    said = {each["clause"]: each for each in result["verdicts"] if each["stage"] == "claim"}
    assert {each["status"] for each in said.values()} == {"unverified"}, "a profile decides nothing for the paper"
    answers = [judged(said[f"claims[{index}].assert"]) for index in range(6)]
    assert set(answers) == {"supported", "refuted"}
    published, better, target, _, best, stretch = answers
    assert (published, better, target, best, stretch) == ("refuted", "supported", "refuted", "supported", "refuted")


def held_to_the_grids(records: list[dict[str, Any]]) -> None:
    """Each grid was run at the best value of the one before, and says among which runs that was chosen."""
    by_key = {each["key"]: each for each in records}
    rates = {
        each["identity"]["does"]["phase"]["optimizer"]["learning_rate"]: each["metrics"][METRIC]
        for each in records
        if each["folder"].startswith(("learning_rate", "stage2"))
    }
    assert set(rates) == {1e-4, 3e-4, 5e-4}
    best = min(rates, key=lambda rate: rates[rate])
    later = [each for each in records if each["folder"].startswith(("weight_decay", "dropout", "stage3"))]
    assert {each["identity"]["does"]["phase"]["optimizer"]["learning_rate"] for each in later} == {best}
    for record in later:
        for chosen in record["chosen"]:
            measured = {
                each["variant"]: [by_key[key]["metrics"][METRIC] for key in each["runs"]] for each in chosen["among"]
            }
            assert min(measured, key=lambda name: measured[name]) == chosen["variant"]


def judged(verdict: dict[str, Any]) -> str:
    answer = str(verdict["reason"]).partition(" there: ")[0].rpartition("; ")[2]
    assert answer in ("supported", "refuted"), verdict
    return answer
