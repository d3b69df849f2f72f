"""A small study whose phase a script of its own trains."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from typing import Any

from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.planning.build import Plan, build
from framework.planning.commands.command import Command
from framework.planning.steps import Step

MANIFEST = """\
version: 1
paper: {title: A study with a script of its own}
hardware: {accelerator: cpu, count: 2}
models:
  small: {family: llama, hub: example/small, layers: 12, hidden: 768, heads: 12, vocabulary: 32000}
datasets:
  corpus: {hub: example/corpus, train_examples: 64_000}
  pairs: {hub: example/pairs, labels: 2, train_examples: 640}
phases:
  train:
    objective: causal_lm
    dataset: corpus
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1, betas: [0.9, 0.95], eps: 1e-8}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 64
    epochs: 3
    sequence_length: 1024
    max_grad_norm: 1.0
    precision: bf16
  tune:
    objective: classification
    tasks: {pairs: {epochs: 2, learning_rate: 1e-4}}
    optimizer: {learning_rate: 5e-5}
    batch_size: 32
variants:
  full: {steps: [train]}
  lora: {steps: [{train: {adapter: {lora: {rank: 16, alpha: 32, dropout: 0.05, targets: [q_proj, v_proj]}}}}]}
  tuned: {from: full, steps: [tune]}
seeds: [42]
runners:
"""
HF = "    command: [python, train.py, --output_dir, '{output}']\n    flags: hf-training-arguments\n"
ON_FLAGS = HF.replace(
    "flags: hf-training-arguments", "flags: {dialect: hf-training-arguments, keys: {block_size: sequence_length}}"
)


class Study:
    """The study's folder, with a runner for the phase `train`."""

    def __init__(self, root: Path, runner: str = ON_FLAGS, *changes: tuple[str, str], name: str = "train"):
        self.root = root
        text = MANIFEST
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
            text = text.replace(old, new)
        (root / "experiment.yaml").write_text(f"{text}  {name}:\n{runner}")
        if not (root / "train.py").exists():
            (root / "train.py").write_text("print('trains')\n")

    @property
    def experiment(self) -> Experiment:
        with chdir(self.root):
            return load("experiment.yaml")

    def plan(self, *variants: str) -> Plan:
        return build(self.experiment, variants or ("full",))

    def step(self, variant: str = "full", name: str = "train") -> Step:
        return next(step for step in self.plan(variant).steps if step.name == name and variant in step.variants)

    def command(self, variant: str = "full", name: str = "train") -> Command:
        command = self.step(variant, name).command
        assert command is not None
        return command

    def data(self, file: str, variant: str = "full") -> dict[str, Any]:
        return dict(self.command(variant).configs[file])


def flag(argv: tuple[str, ...], name: str) -> str:
    """The argument after a flag."""
    assert argv.count(name) == 1, f"{name} stands {argv.count(name)} times in {argv}"
    return argv[argv.index(name) + 1]
