"""Lightning's Trainer: its callback, of `lightning` or of `pytorch_lightning`, whichever the script uses.

Automatic optimization gives `optimizer.step` a closure that computes the loss (`lightning/pytorch/loops/optimization/
automatic.py` 2.6); `trainer.global_step` counts the steps of all optimizers, and one that a loss scaler skipped, too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from framework.errors import UsageError
from framework.evidence.logs.logged_names import evaluation

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def lightning_callback(run: Any) -> Any:
    """A `Callback` that tells a :class:`framework.recording.recording.Recording`.

    Raises:
        UsageError: the script has not imported Lightning.
    """
    packages = (sys.modules.get(name) for name in _PACKAGES)
    base = next((each.Callback for each in packages if each is not None and hasattr(each, "Callback")), None)
    if base is None:
        raise UsageError("for_lightning: the script has not imported lightning.pytorch (or pytorch_lightning)")
    return type("RecordingCallback", (_Hooks, base), {})(run)


class _Hooks:
    """What Lightning tells; other hooks are those of its own base class."""

    def __init__(self, run: Any):
        self._run = run
        self._steps = 0

    def on_train_start(self, trainer: Any, module: Any) -> None:
        self._run.watch(module)
        clip, planned = trainer.gradient_clip_val, trainer.estimated_stepping_batches
        facts = {"accumulation": trainer.accumulate_grad_batches, "precision": _PRECISIONS.get(str(trainer.precision))}
        if clip and (trainer.gradient_clip_algorithm or "norm") == "norm":
            facts["max_grad_norm"] = clip
        if isinstance(planned, int) and planned > 0:
            facts["planned_steps"] = planned
        data: Any = getattr(trainer.train_dataloader, "dataset", None)
        if hasattr(data, "__len__"):
            facts["train_examples"] = len(data)
        self._run.settings({name: value for name, value in facts.items() if value is not None})
        if module.hparams:
            self._run.settings(dict(module.hparams))
        self._steps = int(trainer.global_step)
        if self._steps:
            self._run.resume(self._steps)

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        stepped, self._steps = trainer.global_step > self._steps, int(trainer.global_step)
        alone = trainer.accumulate_grad_batches == 1
        loss = outputs.get("loss") if alone and isinstance(outputs, Mapping) else outputs if alone else None
        # A scaler that leaves a step out leaves no trace but that the trainer counts one.
        self._run.step(list(trainer.optimizers), samples=_rows(batch), loss=loss, scaler=trainer if stepped else None)

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        found = evaluation(_numbers(trainer.callback_metrics))
        if found and not trainer.sanity_checking:
            self._run.evaluation(found, step=int(trainer.global_step), epoch=trainer.current_epoch + 1)

    def on_train_end(self, trainer: Any, module: Any) -> None:
        stop = trainer.early_stopping_callback
        if stop is not None and stop.stopped_epoch:
            self._run.stopped_early(stop.stopped_epoch + 1)


_PRECISIONS = {
    **dict.fromkeys(("32-true", "32"), "fp32"),
    **dict.fromkeys(("bf16-mixed", "bf16-true", "bf16"), "bf16"),
    **dict.fromkeys(("16-mixed", "16-true", "16"), "fp16"),
}


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


def _rows(batch: Any) -> int | None:
    """The size of a batch, where all tensors in it have the same; None where that leaves a doubt."""
    sizes = set(_sizes(batch))
    return sizes.pop() if len(sizes) == 1 else None


def _sizes(batch: Any) -> Iterator[int]:
    if isinstance(batch, Mapping):
        for value in batch.values():
            yield from _sizes(value)
    elif isinstance(batch, (list, tuple)):
        for value in batch:
            yield from _sizes(value)
    elif hasattr(batch, "shape") and len(batch.shape):
        yield int(batch.shape[0])
