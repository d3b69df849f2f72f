"""`framework run`, killed at any moment and called again, leaves what an uninterrupted one leaves."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from framework.evidence.record import CHECKPOINTS, STEPS, RunRecord
from tests.support.killing import differences, evidence
from tests.support.study import Study

MANIFEST = """\
version: 1
paper: {title: A study that is interrupted}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 32, heads: 2, vocabulary: 256, tokenizer: bytes}
datasets:
  text: {builtin: language-reference, limit: 96, validation_limit: 16}
  topics: {builtin: reference-topics, labels: 2, limit: 64, validation_limit: 32}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {learning_rate: 3e-3}
    schedule: {name: cosine, warmup: 10%}
    batch_size: 12
    epochs: 8
    sequence_length: 64
    max_grad_norm: 1.0
  finetune:
    objective: classification
    dataset: topics
    optimizer: {learning_rate: 3e-3}
    batch_size: 8
    epochs: 6
    sequence_length: 64
    early_stopping: {metric: loss, patience: 3}
variants:
  sparse:
    steps:
      - pretrain:
          mask:
            sdm:
              target_sparsity: 0.3
              tensors: [c_fc, c_proj]
              learning_rate: 0.4
              sparsity_weight: 10.0
              initial_logit: 0.5
      - finetune: {adapter: {lora: {rank: 2, alpha: 4, dropout: 0.1, mode: sparse_to_sparse, targets: [c_fc]}}}
seeds: [11]
configs:
  - {file: machine.yaml, knobs: {micro: micro_batch_size, log: log_every, save: checkpoint_every}}
"""


class InterruptedStudy(Study):
    """The study's folder; its `framework run` is started and killed."""

    def __init__(self, root: Path):
        super().__init__(root, MANIFEST)
        (root / "machine.yaml").write_text("micro: 4\nlog: 1\nsave: 5\n")

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "framework", "run", "--all"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def run(self) -> None:
        ended = self.start()
        _, errors = ended.communicate(timeout=240)
        assert ended.returncode == 0, errors.decode()

    def folders(self) -> dict[str, Path]:
        return {path.name: path for path in (self.root / "runs").glob("sparse.*")}

    def lines(self) -> int:
        """Optimizer steps that have been written down so far, of all runs."""
        return sum(path.read_bytes().count(b"\n") for path in self.root.glob(f"runs/*/{STEPS}"))

    def partial(self) -> bool:
        return any(self.root.glob(f"runs/*/{CHECKPOINTS}/.step-*"))


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """At a random moment of its trainings, then in the middle of writing a checkpoint at another."""
    whole = InterruptedStudy(tmp_path / "whole")
    whole.run()
    assert len(whole.folders()) == 2
    total = whole.lines()
    broken = InterruptedStudy(tmp_path / "broken")
    half = (total - 25) // 2
    moments = [number * half + random.Random(time.time_ns()).randint(6, half - 1) for number in range(2)]
    print(f"killed after {moments} of {total} lines")
    kills = 0
    for number, moment in enumerate(moments):
        process = broken.start()
        try:
            deadline = time.monotonic() + 240
            while process.poll() is None and time.monotonic() < deadline:
                if broken.lines() >= moment and (number == 0 or broken.partial()):
                    break
                if broken.lines() < moment:
                    time.sleep(0.001)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills > 0
    broken.run()
    assert broken.folders().keys() == whole.folders().keys()
    attempts = []
    for name, folder in broken.folders().items():
        assert differences(evidence(folder), evidence(whole.folders()[name])) == []
        assert not (folder / CHECKPOINTS).exists()
        attempts += RunRecord.read(folder).attempts
    assert len(attempts) > 2
    assert any(attempt["from_step"] > 0 for attempt in attempts)
