"""A whole small study: a manifest, its plan executed, and its evidence verified."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.conformance import Stage, Status
from framework.evidence.record import RECORD, RunRecord, artefacts_below
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.planning.build import Plan, build
from framework.stages.verify import VerifyResult, verify
from runners.execute import execute
from runners.progress import Silent

MANIFEST = """\
version: 1
paper: {title: A small study}
hardware: {accelerator: cpu}
models:
  tiny: {family: mamba, weights: random, layers: 2, hidden: 16, state: 6, vocabulary: 256, tokenizer: bytes}
datasets:
  text: {builtin: language-reference, limit: 64, validation_limit: 16}
  topics: {builtin: reference-topics, labels: 2, limit: 48, validation_limit: 16}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {learning_rate: 3e-3}
    batch_size: 8
    max_steps: 6
    sequence_length: 32
  finetune:
    objective: classification
    dataset: topics
    optimizer: {learning_rate: 3e-3}
    batch_size: 8
    max_steps: 4
    sequence_length: 32
seeds: [3]
variants:
"""


@dataclass(frozen=True)
class Study:
    """A project folder whose runs are done, to look at and to break."""

    root: Path

    @property
    def experiment(self) -> Experiment:
        with chdir(self.root):
            return load("experiment.yaml")

    @property
    def plan(self) -> Plan:
        return build(self.experiment)

    def folder(self, variant: str, name: str) -> Path:
        step = next(step for step in self.plan.steps if step.variant == variant and step.name == name)
        return self.root / "runs" / step.folder

    def copy(self, root: Path) -> Study:
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Study(root)

    def execute(self) -> Study:
        store = RunStore(self.root / "runs")
        for step in self.plan.steps:
            execute(step, store, self.root, Silent())
        return self

    def verify(self) -> VerifyResult:
        with chdir(self.root):
            experiment = load("experiment.yaml")
            return verify(experiment, build(experiment))

    def statuses(self, stage: Stage, *within: str) -> dict[str, Status | None]:
        """The cells of a stage, of the clauses whose path has one of these names."""
        matrix = self.verify().matrix
        return {clause.id: matrix.status(clause, stage) for clause in matrix.clauses if set(within) & set(clause.path)}

    def findings(self, *codes: str) -> list[str]:
        return [finding.message for finding in self.verify().findings if finding.code in codes]


def study(root: Path, variants: str) -> Study:
    root.mkdir(parents=True, exist_ok=True)
    (root / "experiment.yaml").write_text(MANIFEST + variants)
    return Study(root)


def change(folder: Path, edit: Callable[[RunRecord], Any] = lambda record: None) -> None:
    """Edit a run's record, and state its files as they are now."""
    record = RunRecord.read(folder)
    edit(record)
    names = [path.name for path in folder.iterdir() if path.name != RECORD]
    record.artefacts = artefacts_below(folder, *sorted(names))
    record.write(folder)
