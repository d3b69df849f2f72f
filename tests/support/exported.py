"""A small study of pruned language models, and its export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from framework.exporters.cerebras import export
from framework.exporters.exported import Exported, bindings_text, write_all
from tests.support.manifests import TRAIN
from tests.support.study import Study
from tests.support.texts import replaced

MANIFEST = """\
version: 1
paper: {title: A study of pruned language models}
hardware: {count: 2}
models:
  small:
    {family: llama, weights: random, layers: 2, hidden: 64, heads: 4, key_value_heads: 2, intermediate: 128,
     positions: 256, vocabulary: 512, tokenizer: bytes}
datasets:
  corpus: {hub: example/corpus, train_examples: 6400}
  boolq: {hub: example/boolq, prompt: "{q}", choices: [a, b], train_examples: 640}
  arc: {hub: example/arc, prompt: "{q}", choices: [a, b], train_examples: 320}
phases:
TRAIN
  tune:
    objective: completion
    tasks: {boolq: {epochs: 2, learning_rate: 1e-4}, arc: {epochs: 3}}
    optimizer: {name: adamw, learning_rate: 5e-5}
    schedule: {name: linear, warmup: 2 steps}
    batch_size: 32
    sequence_length: 128
    precision: bf16
variants:
  full: {steps: [train]}
  pruned:
    from: full
    steps: [{prune: {score: magnitude, sparsity: 0.5, tensors: [q_proj, k_proj, v_proj, o_proj]}}]
  lora:
    from: pruned
    steps: [{tune: {adapter: {lora: {rank: 16, alpha: 32, dropout: 0.05, targets: [q_proj, k_proj, v_proj, o_proj]}}}}]
seeds: [42]
""".replace("TRAIN\n", replaced(TRAIN, ("sequence_length: 1024", "sequence_length: 256")))
ATTENTION = "targets: [q_proj, k_proj, v_proj, o_proj]"
FOLDER = "configs/cerebras"


class ExportedStudy(Study):
    """The study's folder, with changes to its manifest."""

    def __init__(self, root: Path, *changes: tuple[str, str]):
        super().__init__(root, MANIFEST, *changes)

    def export(self, *variants: str) -> list[Exported]:
        return export(self.load(), self.plan(*variants), list(variants))

    def data(self, name: str, *variants: str) -> dict[str, Any]:
        """The `trainer` section of one exported file, without having written it."""
        (found,) = [each for each in self.export(*variants) if each.name == name]
        return dict(yaml.safe_load(found.text)["trainer"])

    def written(self, *variants: str) -> list[Exported]:
        """Written, and bound in the manifest."""
        exported = self.export(*variants)
        folder = self.root / FOLDER
        bindings = bindings_text(exported, folder, FOLDER)
        write_all({folder / each.name: each.text for each in exported}, force=False)
        self.manifest.write_text(self.manifest.read_text() + bindings)
        return exported
