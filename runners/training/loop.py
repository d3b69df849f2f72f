"""The training loop: optimizer steps over accumulated micro-batches, on one process or several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from framework.errors import FrameworkError
from framework.evidence.record import EVENTS, STEPS
from framework.manifest.phases import Phase
from framework.planning.steps import Knobs
from runners.data.examples import Examples
from runners.data.preparing import Prepared
from runners.files import Lines
from runners.progress import Progress
from runners.seeds import seed_everything
from runners.training.batches import Geometry, global_batches, micro_batches
from runners.training.early_stopping import BestState
from runners.training.evaluation import evaluate
from runners.training.length import steps_per_epoch, total_steps
from runners.training.methods import Method
from runners.training.objectives import logits_of, summed_loss
from runners.training.optimizers import build_optimizer, build_schedule, observed_optimizer

LOG_EVERY = 10


@dataclass(slots=True)
class Loop:
    """One training: its model on its device, its data, and what takes part in it.

    Args:
        model: Prepared by the accelerator. ``parameters`` are those of its weights that are trained.
        methods: Called at each step, in order.
        folder: Where `steps.jsonl` and `events.jsonl` go; None on processes other than the first.
    """

    accelerator: Accelerator
    model: Any
    parameters: Sequence[Tensor]
    data: Prepared
    phase: Phase
    knobs: Knobs
    seed: int
    methods: Sequence[Method]
    folder: Path | None
    progress: Progress
    observed: dict[str, Any] = field(default_factory=dict)

    @property
    def geometry(self) -> Geometry:
        return Geometry.of(self.phase.batch_size, self.knobs.micro_batch_size, self.accelerator.num_processes)

    @property
    def steps(self) -> int:
        """Planned optimizer steps."""
        return total_steps(len(self.data.train), self.phase.batch_size, self.phase.epochs, self.phase.max_steps)

    def evaluate(self) -> dict[str, float]:
        """The model as it is now on the validation split."""
        size = self.knobs.evaluation_batch_size or self.geometry.micro_batch_size
        return evaluate(self.accelerator, self.model, self.data.validation, size, len(self.data.classes))

    def run(self) -> None:
        """Train; ``observed`` holds afterwards what happened, in the run record's words.

        Raises:
            FrameworkError: the loss of a step is not a number.
        """
        phase, per_epoch = self.phase, steps_per_epoch(len(self.data.train), self.phase.batch_size)
        further = [group for method in self.methods for group in method.parameter_groups()]
        optimizer = build_optimizer(phase.optimizer, self.parameters, further)
        self.observed = self._facts(optimizer)
        schedule = build_schedule(phase, optimizer, self.steps)
        optimizer = self.accelerator.prepare(optimizer)
        trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        best = BestState(phase.early_stopping, trained) if phase.early_stopping else None
        log_every = self.knobs.log_every or LOG_EVERY
        done = 0
        self.model.train()
        with self._lines(STEPS, log_every) as steps, self._lines(EVENTS, 1) as events:
            batches = global_batches(len(self.data.train), phase.batch_size, self.seed, self.steps)
            for done, (epoch, indices) in enumerate(batches, 1):
                learning_rate = schedule.get_last_lr()[0]
                loss, tokens, extra = self._step(done - 1, indices, optimizer)
                if steps:
                    line = {"learning_rate": learning_rate, "samples": len(indices), "tokens": tokens, "loss": loss}
                    steps.write(step=done, epoch=epoch + 1, **line, **extra)
                if done % log_every == 0 or done == self.steps:
                    self.progress.update(done, loss, learning_rate)
                if done < self.steps:
                    schedule.step()
                if best and (done % per_epoch == 0 or done == self.steps):
                    metrics = self.evaluate()
                    if events:
                        events.write(event="evaluation", step=done, epoch=done / per_epoch, **metrics)
                    if best.exhausted(metrics, epoch + 1) and done < self.steps:
                        self.observed["stopped_early"] = {"epoch": epoch + 1, "best": best.best}
                        break
            if best:
                best.restore()
                self.observed["best"] = {"epoch": best.best_epoch, best.stated.metric: best.best}
                if events:
                    events.write(event="restored", step=done, **self.observed["best"])
        self.observed |= {"optimizer_steps": done, "epochs": done / per_epoch}

    def _step(self, step: int, indices: Sequence[int], optimizer: Any) -> tuple[float, int, dict[str, float]]:
        """One optimizer step: its mean loss over all processes, its tokens, and what the methods trace."""
        accelerator, train = self.accelerator, self.data.train
        seed_everything(self.seed, "step", step, accelerator.process_index)
        for method in self.methods:
            method.begin_step(step, self.steps)
        totals = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
        chunks = list(micro_batches(indices, self.geometry, accelerator.process_index))
        for number, (own, counts) in enumerate(chunks, 1):
            with nullcontext() if number == len(chunks) else accelerator.no_sync(self.model):
                totals += self._backward(train, own, counts, train.predictions(indices))
        loss, tokens = accelerator.reduce(totals).tolist()
        if not math.isfinite(loss):
            raise FrameworkError(f"the training loss is {loss} at optimizer step {step + 1} of {self.steps}")
        extra: dict[str, float] = {}
        for method in self.methods:
            method.after_backward()
        if self.phase.max_grad_norm is not None:
            extra["gradient_norm"] = float(accelerator.clip_grad_norm_(self.parameters, self.phase.max_grad_norm))
        optimizer.step()
        optimizer.zero_grad()
        for method in self.methods:
            method.after_update()
            extra |= method.trace()
        return loss, int(tokens), extra

    def _backward(self, train: Examples, own: Sequence[int], counts: bool, predictions: int) -> Tensor:
        """The gradients of one micro-batch, and its part of [loss, tokens].

        The loss of an optimizer step is one mean over all its predictions, on all processes: each micro-batch adds its
        sum divided by their number. The processes' gradients are averaged, hence the factor.
        """
        for method in self.methods:
            method.begin_micro_batch()
        batch = train.batch(own).to(self.accelerator.device)
        with self.accelerator.autocast():
            logits = logits_of(self.model, batch)
        part = summed_loss(logits, batch) / predictions * counts
        objective = part
        for method in self.methods:
            penalty = method.penalty()
            if penalty is not None:
                objective = objective + penalty * (counts * batch.predictions / predictions)
        self.accelerator.backward(objective * self.accelerator.num_processes)
        return torch.stack([part.detach().double(), part.new_tensor(counts * batch.tokens).double()])

    def _lines(self, name: str, flush_every: int) -> Any:
        return nullcontext() if self.folder is None else Lines(self.folder / name, flush_every)

    def _facts(self, optimizer: Any) -> dict[str, Any]:
        geometry, phase = self.geometry, self.phase
        return {
            "planned_steps": self.steps,
            "train_examples": len(self.data.train),
            "batch_size": geometry.batch_size,
            "micro_batch_size": geometry.micro_batch_size,
            "accumulation": geometry.accumulation,
            "processes": geometry.processes,
            "seed": self.seed,
            "optimizer": observed_optimizer(optimizer),
            "schedule": {
                "name": phase.schedule.name,
                "warmup_steps": phase.schedule.warmup.in_steps(self.steps),
                "min_learning_rate": phase.min_learning_rate(),
            },
            "max_grad_norm": phase.max_grad_norm,
            "sequence_length": phase.sequence_length,
            "objective": phase.objective,
            "stopped_early": None,
        }
