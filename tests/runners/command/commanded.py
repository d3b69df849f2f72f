"""A study whose phase a script trains, carried out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import dedent, indent

from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.planning.steps import Step
from framework.stages.verify import VerifyResult
from runners.execute import execute
from runners.progress import Silent
from tests.support.scripted import ScriptedStudy

PYTHON = json.dumps(sys.executable)
KEYS = "{optimizer: optimizer.name, lr: optimizer.learning_rate, floor: schedule.min_learning_rate, eps: optimizer.eps,\
 wd: optimizer.weight_decay, betas: optimizer.betas, schedule: schedule.name, warmup: schedule.warmup.steps,\
 micro: batch_size.micro, accum: batch_size.accumulation, steps: max_steps, length: sequence_length,\
 clip: max_grad_norm, precision: precision, seed: seed}"
SMALL = (
    ("batch_size: 64\n    epochs: 3", "batch_size: 8\n    max_steps: 20"),
    ("count: 2", "count: 1"),
)
LOGS = """
import json, math, sys
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
out, peak, floor = sys.argv[1], float(given["--lr"]), float(given["--floor"])
steps, warmup = int(given["--steps"]), int(given["--warmup"])
def rate(done):
    if done < warmup:
        return peak * done / warmup
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * (done - warmup) / (steps - warmup)))
with open(out + "/log.jsonl", "w") as log:
    for step in range(1, steps + 1):
        print(json.dumps({"step": step, "lr": rate(step - 1), "loss": 1 / step, "samples": 8}), file=log)
    print(json.dumps({"step": steps, "val_loss": 0.5}), file=log)
"""
"""A script that trains nothing and logs what one would that is passed its settings after its output folder."""


def script(root: Path, body: str) -> None:
    (root / "train.py").write_text(dedent(body))


def study(root: Path, body: str, more: str = "", arguments: str = "", *changes: tuple[str, str]) -> ScriptedStudy:
    script(root, body)
    betas = "betas: optimizer.betas"  # argparse's way of a list would not pair up
    keys = KEYS.replace(betas, "b1: 'optimizer.betas[0]', b2: 'optimizer.betas[1]'")
    command = f"    command: [{PYTHON}, train.py, '{{output}}'{arguments}]\n    flags: {{keys: {keys}}}\n"
    return ScriptedStudy(root, command + indent(dedent(more), "    "), *SMALL, *changes)


class Telling(Silent):
    """Keeps what a run tells."""

    verbose = True

    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        self.told.append(text)


def run(made: ScriptedStudy, progress: Silent | None = None, step: Step | None = None) -> tuple[RunRecord, Path]:
    step = step or made.step()
    store = RunStore(made.root / "runs")
    record = execute(step, store, made.root, progress or Silent())
    return record, store.folder(step.folder)


def failed(made: ScriptedStudy) -> RunRecord:
    return RunRecord.read(made.root / "runs" / made.step().folder)


def verified(made: ScriptedStudy) -> VerifyResult:
    return made.verify(plan=made.plan("full"))
