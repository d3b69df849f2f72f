"""A plain PyTorch training as people write it, three lines of which record it; each argument can let it drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

import framework
from framework import api
from framework.manifest.loading import load
from framework.stages.verify import VerifyResult

MANIFEST = """
version: 1
paper: {title: A study}
models: {tiny: {family: perceptron, path: models/tiny}}
datasets: {rows: {path: rows.csv, train_examples: 40}}
phases:
  train:
    objective: classification
    dataset: rows
    epochs: 2
    batch_size: 8
    max_grad_norm: 1.0
    optimizer:
      name: adamw
      learning_rate: 1.0e-2
      weight_decay: 0.1
      betas: [0.9, 0.95]
      eps: 1.0e-8
      groups: [{parameters: [biases, norms], weight_decay: 0.0}]
    schedule: {name: linear, warmup: {steps: 2}}
variants:
  dense: {steps: [train]}
seeds: [1, 2]
claims: [{id: better, assert: "accuracy(dense) <= 20", over: seeds}]
"""
TOTAL, WARMUP = 10, 2


def project(root: Path, **phase: Any) -> Path:
    """The manifest in a folder, with other values of the phase, and the data that it names."""
    data = yaml.safe_load(MANIFEST)
    data["phases"]["train"] |= phase
    path = root / "experiment.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    (root / "rows.csv").write_text("a,b\n1,2\n", "utf-8")
    return path


def network(width: int = 8) -> nn.Module:
    return nn.Sequential(nn.Linear(4, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, 2))


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    features = torch.randn(40, 4, generator=torch.Generator().manual_seed(7))
    return features, (features.sum(1) > 0).long()


@dataclass
class Script:
    """What the script does, and what it says of itself."""

    seed: int = 1
    own_seed: int | None = None
    peak: float = 1e-2
    warmup: int = WARMUP
    weight_decay: float = 0.1
    decay_all: bool = False
    betas: tuple[float, float] = (0.9, 0.95)
    optimizer: Callable[..., Any] = torch.optim.AdamW
    batch: int = 8
    epochs: int = 2
    gathered: int = 1
    clip: float = 1.0
    data: str = "rows.csv"
    frozen: str | None = None
    prepare: Callable[[nn.Module, Any], None] = field(default=lambda model, optimizer: None)
    between: Callable[[int, Any], None] = field(default=lambda step, optimizer: None)
    scheduler_first: bool = False
    shown: bool = True
    each_batch: bool = False

    def train(self, root: Path, recorded: bool = True) -> nn.Module:
        """Train, with the recorder or without."""
        torch.manual_seed(self.seed if self.own_seed is None else self.own_seed)
        features, labels = rows()
        model = network()
        if self.frozen is not None:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(not name.startswith(self.frozen))
        optimizer = self.built(model)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._factor)
        self.prepare(model, optimizer)
        if not recorded:
            self._steps(model, optimizer, schedule, features, labels, None)
            return model
        with framework.record(variant="dense", seed=self.seed, manifest=root / "experiment.yaml") as run:
            if self.shown:
                run.watch(model)
            run.data(root / self.data, name="rows", examples=len(features))
            run.settings(max_grad_norm=self.clip)
            self._steps(model, optimizer, schedule, features, labels, run)
            accuracy = (model(features).argmax(1) == labels).float().mean()
            run.evaluation(accuracy=accuracy, epoch=self.epochs)
        return model

    def built(self, model: nn.Module) -> Any:
        weights = [each for each in model.parameters() if each.ndim > 1 and each.requires_grad]
        others = [each for each in model.parameters() if each.ndim < 2 and each.requires_grad]
        options = {} if self.optimizer is torch.optim.SGD else {"betas": self.betas}
        return self.optimizer(
            [
                {"params": weights, "weight_decay": self.weight_decay},
                {"params": others, "weight_decay": self.weight_decay if self.decay_all else 0.0},
            ],
            lr=self.peak,
            **options,
        )

    def _factor(self, done: int) -> float:
        return done / self.warmup if done < self.warmup else (TOTAL - done) / (TOTAL - self.warmup)

    def _steps(self, model: nn.Module, optimizer: Any, schedule: Any, features: Any, labels: Any, run: Any) -> None:
        step, waiting = 0, 0
        for _ in range(self.epochs):
            for start in range(0, len(features), self.batch // self.gathered):
                batch = slice(start, start + self.batch // self.gathered)
                loss = nn.functional.cross_entropy(model(features[batch]), labels[batch]) / self.gathered
                loss.backward()
                waiting += len(features[batch])
                last = (start // (self.batch // self.gathered) + 1) % self.gathered == 0
                if last:
                    step += 1
                    self.between(step, optimizer)
                    nn.utils.clip_grad_norm_(model.parameters(), self.clip)
                    if self.scheduler_first:
                        schedule.step()
                    optimizer.step()
                    if not self.scheduler_first:
                        schedule.step()
                    optimizer.zero_grad()
                if run is not None and (self.each_batch or last):
                    counted = len(features[batch]) if self.each_batch else waiting
                    run.step(optimizer, loss=loss, samples=counted)
                waiting = 0 if last else waiting


def verified(root: Path) -> VerifyResult:
    return api.verify(load(root / "experiment.yaml"))


def codes(root: Path) -> set[str]:
    """The codes of the run stage."""
    return {finding.code for finding in verified(root).findings}
