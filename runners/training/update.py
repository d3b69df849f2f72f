"""One optimizer step: gradients accumulated over micro-batches, on one process or several, then the update."""

from __future__ import annotations

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
from runners.training.methods import Method
from runners.training.objectives import logits_of, summed_loss


@dataclass(frozen=True, slots=True)
class Sums:
    """What an optimizer step adds up, on its device.

    Args:
        totals: The mean loss over all processes and its tokens, float64 [2].
        norm: The norm of the gradient before it was clipped, a scalar; None where nothing is clipped.
    """

    totals: Tensor
    norm: Tensor | None


@dataclass(frozen=True, slots=True)
class Update:
    """What an optimizer step needs.

    Args:
        model: Prepared by the accelerator. ``parameters`` are those of its weights that are trained.
        optimizer: torch's own; where a loss scaler takes part, as the accelerator prepared it.
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

    def gradients(self, step: int, indices: Sequence[int]) -> Sums:
        """The gradients of optimizer step ``step`` (from 0), clipped where that is declared, and what is known of the
        step before they are applied. Nothing here waits for the device."""
        accelerator = self.accelerator
        seed_everything(self.seed, "step", step, accelerator.process_index)
        for method in self.methods:
            method.begin_step(step, self.steps)
        loss, tokens = torch.zeros((), dtype=torch.float64, device=accelerator.device), 0
        chunks = list(micro_batches(indices, self.geometry, accelerator.process_index))
        for number, (own, counts) in enumerate(chunks, 1):
            with nullcontext() if number == len(chunks) else accelerator.no_sync(self.model):
                part, own_tokens = self._backward(own, counts, self.examples.predictions(indices))
            loss += part
            tokens += own_tokens
        totals = accelerator.reduce(torch.stack([loss, torch.full_like(loss, tokens)]))
        for method in self.methods:
            method.after_backward()
        norm = None
        if self.max_grad_norm is not None:
            norm = accelerator.clip_grad_norm_(self.parameters, self.max_grad_norm)
        return Sums(totals, norm)

    def apply(self) -> dict[str, float | Tensor]:
        """Let the optimizer step; what the step's line says beside its sums."""
        extra: dict[str, float | Tensor] = {}
        self.optimizer.step()
        # fp16: the scaled gradient overflowed, and its scale is halved; torch's own optimizer skips nothing
        if getattr(self.optimizer, "step_was_skipped", False):
            extra["skipped"] = 1
        self.optimizer.zero_grad()
        for method in self.methods:
            method.after_update()
            extra |= method.trace()
        return extra

    def _backward(self, own: Sequence[int], counts: bool, predictions: int) -> tuple[Tensor, int]:
        """The gradients of one micro-batch, and its part of the step's loss and tokens.

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
        return part.detach(), counts * batch.tokens
