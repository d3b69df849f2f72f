"""What a transform did to the loss: the validation of the training before it, on both sides of the change."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from framework.errors import FrameworkError
from runners.models.checkpoints import Checkpoint
from runners.step_context import RunContext
from runners.training.evaluating.evaluation import NotFinite, evaluate
from runners.transforms.calibration import data_of

_EVALUATED = 8
"""Examples per evaluation batch where no knob says how many."""


class Comparison:
    """Measures a model before and after, in float32, as the training before it was validated. Nothing is measured
    where there was none, or where its data cannot be had any more: that is said, and no reason not to transform."""

    def __init__(self, context: RunContext, checkpoint: Checkpoint):
        self._context, self._data = context, None
        self.metrics: dict[str, float] = {}
        training = context.step.measured_as
        if training is None:
            return
        try:
            self._data = data_of(training, context, checkpoint)
        except FrameworkError as problem:
            context.progress.message(f"the loss is not measured: {problem}")

    def before(self, model: Any) -> None:
        if (found := self._measured(model)) is not None:
            self.metrics["initial_validation_loss"] = found["loss"]

    def after(self, model: Any) -> None:
        if (found := self._measured(model)) is not None:
            self.metrics |= {"validation_loss" if name == "loss" else name: value for name, value in found.items()}
        if self.metrics:
            said = ", ".join(f"{name} {value:.4f}" for name, value in self.metrics.items())
            self._context.progress.message(said)

    def _measured(self, model: Any) -> dict[str, float] | None:
        if self._data is None:
            return None
        AcceleratorState._reset_state()  # a run before in this process may have had another precision
        accelerator = Accelerator(mixed_precision="no")
        size = self._context.step.knobs.evaluation_batch_size or _EVALUATED
        state = torch.random.get_rng_state()  # what is drawn after it is the same whether it is measured or not
        try:
            moved = model.to(accelerator.device)
            return evaluate(accelerator, moved, self._data.validation, size, len(self._data.classes))
        except NotFinite as problem:
            self._context.progress.message(str(problem))
            return None
        finally:
            torch.random.set_rng_state(state)
            model.cpu()
