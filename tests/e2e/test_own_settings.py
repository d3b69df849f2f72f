"""A paper of another field, trained by a script of its own: stated, passed, run, and held by what the script wrote."""

from __future__ import annotations

import json
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from framework.api import load, plan, run, verify
from framework.conformance import Stage, Status
from framework.stages.verify import VerifyResult

MANIFEST = """\
version: 1
paper: {title: A policy}
phases:
  train:
    objective: PPO
    optimizer: {name: adam, learning_rate: 3e-4}
    batch_size: 64
    max_steps: 20
    settings: {clip_range: 0.2, gae: {lambda: 0.95}, layers: [64, 64], entropy: 0.1 * clip_range}
    tasks:
      hopper: {}
      walker: {settings.clip_range: 0.1}
seeds: [1]
runners:
  train:
    command: [PYTHON, train.py, "{output}", --task, "{task}"]
    flags:
      keys:
        lr: optimizer.learning_rate
        clip: settings.clip_range
        gae-lambda: settings.gae.lambda
        entropy: settings.entropy
        steps: max_steps
        seed: seed
        batch: batch_size
        layers: settings.layers
    unpassed: [optimizer.name]
    outputs: {log: log.jsonl, settings: args.json, settings_dialect: generic}
"""
SCRIPT = """\
import argparse, json, os
p = argparse.ArgumentParser()
p.add_argument("output")
p.add_argument("--task")
for name in ("lr", "clip", "gae-lambda", "entropy"):
    p.add_argument("--" + name, type=float)
for name in ("steps", "seed", "batch"):
    p.add_argument("--" + name, type=int)
p.add_argument("--layers", nargs="+", type=int)
a = p.parse_args()
#DRIFT
os.makedirs(a.output, exist_ok=True)
with open(a.output + "/args.json", "w") as file:
    json.dump(vars(a), file)
with open(a.output + "/log.jsonl", "w") as file:
    for step in range(1, a.steps + 1):
        file.write(json.dumps({"step": step, "loss": 1 / step, "learning_rate": RATE, "samples": a.batch}) + "\\n")
"""
OWN = ("clip_range", "gae.lambda", "layers", "entropy")


def verified(folder: Path, drift: str = "", rate: str = "a.lr") -> VerifyResult:
    (folder / "experiment.yaml").write_text(MANIFEST.replace("PYTHON", json.dumps(sys.executable)))
    (folder / "train.py").write_text(SCRIPT.replace("#DRIFT", drift).replace("RATE", rate))
    with chdir(folder):
        experiment = load()
        assert len(list(run(experiment, plan(experiment)))) == 2
        return verify(experiment)


def cell(result: VerifyResult, clause: str, stage: Stage) -> Status | None:
    found = next(each for each in result.matrix.clauses if each.id == clause)
    return result.matrix.status(found, stage)


def test_what_the_script_wrote_is_held_to_every_setting(tmp_path: Path) -> None:
    result = verified(tmp_path)
    assert not result.findings
    for name in OWN:
        clause = f"phases.train.settings.{name}"
        assert cell(result, clause, Stage.PLAN) is Status.CONFORMS, name
        assert cell(result, clause, Stage.RUN) is Status.CONFORMS, name
    assert cell(result, 'phases.train.tasks.walker."settings.clip_range"', Stage.RUN) is Status.CONFORMS


def test_a_task_s_own_value_is_passed_and_what_follows_from_it(tmp_path: Path) -> None:
    verified(tmp_path)
    written = {}
    for file in tmp_path.glob("runs/*/*/args.json"):
        found = json.loads(file.read_text())
        written[found["task"]] = (found["clip"], pytest.approx(found["entropy"]), found["layers"])
    assert written == {"hopper": (0.2, 0.02, [64, 64]), "walker": (0.1, 0.01, [64, 64])}


def test_a_script_that_uses_another_value_is_found_with_the_step_and_both_values(tmp_path: Path) -> None:
    result = verified(tmp_path, 'a.clip = 0.3 if a.task == "hopper" else a.clip')
    (finding,) = [each for each in result.findings if each.code == "R124"]
    assert finding.clause == "phases.train.settings.clip_range"
    assert "train[hopper]" in finding.message
    assert (finding.expected, finding.actual) == (0.2, 0.3)


def test_a_setting_that_the_script_did_not_write_is_unverified(tmp_path: Path) -> None:
    result = verified(tmp_path, "del a.gae_lambda")
    assert cell(result, "phases.train.settings.gae.lambda", Stage.RUN) is Status.UNVERIFIED
    assert not result.findings


@pytest.mark.parametrize(
    ("rate", "status"),
    [
        ("a.lr", Status.CONFORMS),
        ("a.lr * (a.steps - step + 1) / a.steps", Status.CONFORMS),
        ("a.lr * min(1, step / 5)", Status.CONFORMS),
        ("2 * a.lr", Status.VIOLATED),
        ("a.lr / 2", Status.UNVERIFIED),
    ],
)
def test_where_no_schedule_is_stated_the_peak_alone_is_held(tmp_path: Path, rate: str, status: Status) -> None:
    result = verified(tmp_path, rate=rate)
    assert cell(result, "phases.train.optimizer.learning_rate", Stage.RUN) is status
    found = [finding.code for finding in result.findings]
    assert found == (["R110"] * len(found) if status is Status.VIOLATED else [])
