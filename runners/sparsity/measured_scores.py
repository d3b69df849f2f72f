"""Scores measured on data for a checkpoint that was saved by a run, outside of a run of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator

from framework.errors import UsageError
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.record import MODEL
from framework.manifest.experiment import Experiment
from framework.manifest.sections.models import Model
from framework.names import did_you_mean
from framework.planning.steps import Training
from runners.data.preparing import prepare
from runners.models.checkpoints import Checkpoint, load_checkpoint
from runners.models.classifier import SequenceClassifier
from runners.sparsity.scored import TensorScores
from runners.sparsity.scores import SCORES, Measured, Score
from runners.transforms.calibration import batches_of, chosen_examples

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """Scores a checkpoint's tensors once it is known which."""

    checkpoint: Checkpoint
    score: Score
    batches: list[Any]
    seed: int

    def __call__(self, shapes: Shapes) -> TensorScores:
        parameters = dict(self.checkpoint.model.named_parameters())
        weights = {name: parameters[name] for name in shapes}
        return TensorScores(self.score.scores(Measured(weights, self.seed, self.checkpoint.model, self.batches)))


def measure(
    experiment: Experiment, files: CheckpointFiles, score: str, dataset: str, examples: int, seed: int
) -> tuple[Callable[[Shapes], TensorScores], dict[str, Any]]:
    """What scores the tensors, and what a mask file says about the calibration.

    The model is measured as it is, once; the sequence length is that of the manifest's first phase.

    Raises:
        UsageError: the manifest has no such dataset, the checkpoint is no run's, or it has no tokenizer.
        FrameworkError: the data cannot be had, or is too little.
    """
    manifest = experiment.manifest
    if dataset not in manifest.datasets:
        raise UsageError(f"unknown dataset {dataset!r}: {did_you_mean(dataset, manifest.datasets)}")
    if files.folder.name != MODEL:
        raise UsageError(f"{score} is measured with a run's model: name a run's folder or a variant, not {files.path}")
    checkpoint = load_checkpoint(files.folder.parent)
    if checkpoint.tokenizer is None:
        raise UsageError(f"{files.folder} has no tokenizer to read {dataset} with")
    objective = "classification" if isinstance(checkpoint.model, SequenceClassifier) else "causal_lm"
    phase = next(iter(manifest.phases.values())).model_copy(update={"objective": objective})
    work = Training(phase, dataset, manifest.datasets[dataset])
    model = Model(family=checkpoint.family.name, path=str(files.folder))
    data = prepare(work, checkpoint.family.name, model, checkpoint.tokenizer, experiment.runs.parent)
    device: torch.device = Accelerator(mixed_precision="no").device
    checkpoint.model.to(device).eval()
    batches = batches_of(data, chosen_examples(len(data.train), examples, seed, score), 1, device)
    found = SCORES.get(score)
    assert isinstance(found, Score)
    calibration = {name: data.facts[name] for name in ("name", "source", "fingerprint")}
    calibration |= {"examples": examples, "sequence_length": phase.sequence_length}
    return _Calibrated(checkpoint, found, batches, seed), {"calibration": calibration, "seed": seed}
