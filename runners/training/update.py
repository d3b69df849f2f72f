"""One optimizer step: gradients accumulated over micro-batches, on one process or several, then the update."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from runners.data.examples import Examples
from runners.seeds import seed_everything
from runners.training.batches import Geometry, micro_batches
from runners.training.evaluating.evaluation import NotFinite
from runners.training.methods import Method
from runners.training.objectives import logits_of, summed_loss


@dataclass(frozen=True, slots=True)
class Update:
    """What an optimizer step needs.

    Args:
        model: Prepared by the accelerator. ``parameters`` are those of its weights that are trained.
        optimizer: Prepared by the accelerator.
        steps: Planned optimizer steps.
    """

    accelerator: Accelerator
    model: Any
    parameters: Sequence[Tensor]
    optimizer: Any
    examples: Examples
    geometry: Geometry
    methods: Sequence[Method]
    max_grad_norm: float | None
    seed: int
    steps: int

    def __call__(self, step: int, indices: Sequence[int]) -> tuple[float, int, dict[str, float]]:
        """Optimizer step ``step`` (from 0): its mean loss over all processes, its tokens, and what the methods trace.

        Raises:
            NotFinite: its loss, or (where it is clipped) the norm of its gradient.
        """
        accelerator = self.accelerator
        seed_everything(self.seed, "step", step, accelerator.process_index)
        for method in self.methods:
            method.begin_step(step, self.steps)
        totals = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
        chunks = list(micro_batches(indices, self.geometry, accelerator.process_index))
        for number, (own, counts) in enumerate(chunks, 1):
            with nullcontext() if number == len(chunks) else accelerator.no_sync(self.model):
                totals += self._backward(own, counts, self.examples.predictions(indices))
        loss, tokens = accelerator.reduce(totals).tolist()
        where = f"at optimizer step {step + 1} of {self.steps}"
        if not math.isfinite(loss):
            raise NotFinite(f"the training loss is {loss} {where}")
        extra: dict[str, float] = {}
        for method in self.methods:
            method.after_backward()
        if self.max_grad_norm is not None:
            norm = float(accelerator.clip_grad_norm_(self.parameters, self.max_grad_norm))
            if math.isfinite(norm):
                extra["gradient_norm"] = norm
            elif accelerator.scaler is None:
                raise NotFinite(f"the norm of the gradient is {norm} {where}", good=True)
        self.optimizer.step()
        if self.optimizer.step_was_skipped:  # fp16: the scaled gradient overflowed, and its scale is halved
            extra["skipped"] = 1
        self.optimizer.zero_grad()
        for method in self.methods:
            method.after_update()
            extra |= method.trace()
        return loss, int(tokens), extra

    def _backward(self, own: Sequence[int], counts: bool, predictions: int) -> Tensor:
        """The gradients of one micro-batch, and its part of [loss, tokens].

        The loss of an optimizer step is one mean over all its predictions, on all processes: each micro-batch adds its
        sum divided by their number. The processes' gradients are averaged, hence the factor.
        """
        for method in self.methods:
            method.begin_micro_batch()
        batch = self.examples.batch(own).to(self.accelerator.device)
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
