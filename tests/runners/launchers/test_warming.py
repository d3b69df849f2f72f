"""What is found out once for all runs of a pool: by a process that stays fit to fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.executed import study

REPOSITORY = Path(__file__).parents[3]
VARIANTS = """\
  dense: {steps: [pretrain]}
  masked: {steps: [{pretrain: {mask: {sdm: {target_sparsity: 0.3}}}}]}
  pruned: {from: dense, steps: [{prune: {sparsity: 0.5, tensors: [in_proj]}}]}
  tuned: {from: dense, steps: [{finetune: {adapter: {lora: {rank: 2, alpha: 4, targets: [in_proj]}}}}]}
"""
OURS = ("runners.models.", "runners.adapters.", "runners.transforms.", "runners.sparsity.scores.")
PROGRAM = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from framework import api
from runners.launchers import pool
from runners.launchers.forking import in_child
os.chdir(sys.argv[1])
steps = [
    replace(step, knobs=replace(step.knobs, trackers=["tensorboard"]))
    for step in api.plan(api.load("experiment.yaml")).steps
]
pool.imported()
bare = set(sys.modules)
execute = pool.imported(steps)

def started(event, arguments):
    if event == "subprocess.Popen":
        processes.append(str(arguments[0]))

def late():
    # what a run still imports, once for each of its steps
    from framework.evidence.store import RunStore
    from runners.progress import Silent
    before = set(sys.modules)
    sys.addaudithook(started)
    for step in steps:
        execute(step, RunStore(Path("runs")), Path(), Silent())
    return [sorted(set(sys.modules) - before), processes]

processes = []
tasks = "/proc/self/task"
threads = len(os.listdir(tasks)) if os.path.isdir(tasks) else 1
imports, started_ones = in_child(late)
warmed = sorted(set(sys.modules) - bare)
print(json.dumps({"warmed": warmed, "late": imports, "processes": started_ones, "threads": threads}))
"""


def test_a_run_imports_next_to_nothing_that_its_parent_could_have(tmp_path: Path) -> None:
    made = study(tmp_path, VARIANTS)
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(made.root), str(REPOSITORY)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = json.loads(ended.stdout.splitlines()[-1])
    assert "transformers.models.mamba.modeling_mamba" in found["warmed"]
    assert "runners.transforms.sdm" in found["warmed"]
    assert found["threads"] == 1
    assert [name for name in found["late"] if name.startswith(OURS)] == []
    assert [
        name for name in found["late"] if name.startswith(("transformers.models.", "torch.utils.tensorboard"))
    ] == []
    assert [name for name in found["processes"] if "git" not in name] == []  # those tell of this moment
    assert len(found["late"]) < 30, found["late"]  # 200 and more without


def test_what_cannot_be_had_is_left_to_the_run_that_says_so(tmp_path: Path) -> None:
    made = study(tmp_path, "  dense: {steps: [pretrain]}\n", "{family: nothing, weights: random, layers: 1, hidden: 8}")
    program = (
        "import os, sys\nsys.path.insert(0, sys.argv[2])\nos.chdir(sys.argv[1])\n"
        "from framework import api\nfrom runners.launchers import pool\n"
        "steps = api.plan(api.load('experiment.yaml')).steps\nassert steps\npool.imported(steps)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, str(made.root), str(REPOSITORY)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr[-2000:]
