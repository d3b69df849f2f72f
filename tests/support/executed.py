"""A whole small study: a manifest, its plan executed, and its evidence verified."""

from __future__ import annotations

import shutil
from pathlib import Path

from framework.conformance import Stage, Status
from framework.evidence.store import RunStore
from runners.execute import execute
from runners.progress import Silent
from tests.support.study import Study

TINY = "{family: mamba, weights: random, layers: 2, hidden: 16, state: 6, vocabulary: 256, tokenizer: bytes}"
MANIFEST = f"""\
version: 1
paper: {{title: A small study}}
hardware: {{accelerator: cpu}}
models:
  tiny: {TINY}
datasets:
  text: {{builtin: language-reference, limit: 64, validation_limit: 16}}
  topics: {{builtin: reference-topics, labels: 2, limit: 48, validation_limit: 16}}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {{learning_rate: 3e-3}}
    batch_size: 8
    max_steps: 6
    sequence_length: 32
  finetune:
    objective: classification
    dataset: topics
    optimizer: {{learning_rate: 3e-3}}
    batch_size: 8
    max_steps: 4
    sequence_length: 32
seeds: [3]
variants:
"""


class ExecutedStudy(Study):
    """A project folder whose runs are done, to look at and to break."""

    def folder(self, variant: str, name: str) -> Path:
        step = next(step for step in self.plan().steps if step.variant == variant and step.name == name)
        return self.root / "runs" / step.folder

    def copy(self, root: Path) -> ExecutedStudy:
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return ExecutedStudy(root)

    def execute(self) -> ExecutedStudy:
        store = RunStore(self.root / "runs")
        for step in self.plan().steps:
            execute(step, store, self.root, Silent())
        return self

    def statuses(self, stage: Stage, *within: str) -> dict[str, Status | None]:
        """The cells of a stage, of the clauses whose path has one of these names."""
        matrix = self.verify().matrix
        return {clause.id: matrix.status(clause, stage) for clause in matrix.clauses if set(within) & set(clause.path)}

    def findings(self, *codes: str) -> list[str]:
        return [finding.message for finding in self.verify().findings if finding.code in codes]


def study(root: Path, variants: str, model: str = TINY) -> ExecutedStudy:
    """The study with these variants, and what may come after them; ``model`` is its only one."""
    return ExecutedStudy(root, MANIFEST + variants, (TINY, model))
