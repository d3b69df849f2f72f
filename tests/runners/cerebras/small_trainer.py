"""A small trainer protocol of our own, after the order in which Model Zoo's trainer (release 2.10) calls its hooks.

It is no part of the vendor's software, and what passes here has not run on a CSX. Like `Trainer` there
(`trainer/trainer.py`): `pre_setup`, `setup` and `post_setup` for all callbacks; in `fit`, the checkpoint is loaded
before `on_fit_start`; in each step forward, backward, `on_before_optimizer_step`, gradients clipped, the update,
`on_after_optimizer_step`, `zero_grad`; `log_metrics` reaches the loggers in logging steps only. Unlike it, a callback
without a hook is passed over: there the vendor's base class has them all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

HOOKS = (
    "pre_setup", "setup", "post_setup", "finalize", "on_enter_fit", "on_fit_start", "on_fit_end", "on_fit_exception",
    "on_enter_train", "on_train_start", "on_train_end", "on_train_exception", "on_train_step_start",
    "on_train_step_end", "on_train_batch_start", "on_train_batch_end", "run_validation", "on_enter_validate",
    "on_validate_start", "on_validate_end", "on_validate_exception", "on_validate_step_start", "on_validate_step_end",
    "on_validate_batch_start", "on_validate_batch_end", "on_enter_validate_all", "on_before_forward",
    "on_after_forward", "on_before_backward", "on_after_backward", "on_before_optimizer_step",
    "on_after_optimizer_step", "on_before_optimizer_zero_grad", "on_after_optimizer_zero_grad",
    "on_before_scheduler_step", "on_after_scheduler_step", "on_save_checkpoint", "on_save_trainer_state",
    "on_after_save_trainer_state", "postprocess_checkpoint", "on_after_save_checkpoint", "on_before_load_checkpoint",
    "preprocess_checkpoint", "on_load_checkpoint", "on_load_trainer_state",
)  # fmt: skip
"""Every hook of the vendor's base class `Callback`."""


class SmallTrainer:
    """Trains a model on batches of tensors that it maps to a loss."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
        callbacks: list[Any],
        max_gradient_norm: float | None = None,
        log_steps: int = 1,
    ):
        self.model, self.callbacks = model, callbacks
        self.optimizer = optimizer(parameter for parameter in model.parameters() if parameter.requires_grad)
        self.max_gradient_norm, self.log_steps, self.global_step = max_gradient_norm, log_steps, 0
        self.backend = SimpleNamespace(is_csx=False)
        self.is_tracing = False
        self.logger = logging.getLogger("small_trainer")
        self.logged: list[dict[str, Any]] = []
        self.norms: list[float] = []
        for hook in ("pre_setup", "setup", "post_setup"):
            self.call(hook)

    def call(self, hook: str, *arguments: Any) -> None:
        assert hook in HOOKS
        for callback in self.callbacks:
            if (found := getattr(callback, hook, None)) is not None:
                found(self, *arguments)

    @property
    def is_log_step(self) -> bool:
        return (self.global_step + 1) % self.log_steps == 0

    def log_metrics(self, **metrics: Any) -> None:
        if self.is_log_step:
            self.logged.append(metrics)

    def fit(self, batches: list[Tensor], state: dict[str, Tensor] | None = None) -> None:
        loop = SimpleNamespace(eval_frequency=None)
        if state is not None:
            self.model.load_state_dict(state)
        self.call("on_fit_start", batches, None, loop)
        self.call("on_train_start", self.model, batches, loop, 0)
        for index, batch in enumerate(batches):
            self.call("on_train_batch_start", self.model, batch, index)
            loss = self._step(batch)
            self.call("on_train_batch_end", self.model, {"loss": loss}, batch, index)
            self.global_step += 1
        self.call("on_train_end", self.model, loop, 0)
        self.call("on_fit_end", loop)

    def _step(self, batch: Tensor) -> Tensor:
        self.call("on_train_step_start", self.model, batch)
        loss: Tensor = self.model(batch)
        self.call("on_before_backward", self.model, {"loss": loss})
        loss.backward()  # type: ignore[no-untyped-call]
        self.call("on_after_backward", self.model, {"loss": loss})
        self.call("on_before_optimizer_step", self.model, self.optimizer)
        if self.max_gradient_norm is not None:
            held = [each for group in self.optimizer.param_groups for each in group["params"]]
            self.norms.append(float(torch.nn.utils.clip_grad_norm_(held, self.max_gradient_norm)))
        self.optimizer.step()
        self.call("on_after_optimizer_step", self.model, self.optimizer)
        self.call("on_before_optimizer_zero_grad", self.model, self.optimizer)
        self.optimizer.zero_grad()
        self.call("on_after_optimizer_zero_grad", self.model, self.optimizer)
        self.call("on_train_step_end", self.model, {"loss": loss}, batch)
        return loss
