"""The training loop: optimizer steps from the beginning or from a checkpoint, and what happens between them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from framework.errors import FrameworkError
from framework.evidence.record import EVENTS, STEPS
from framework.planning.recipes import Recipe
from framework.planning.steps import Knobs
from runners.data.preparing import Prepared
from runners.progress import Progress
from runners.run_files import Lines
from runners.training.batches import Geometry, global_batches
from runners.training.checkpointing.saving import Saver
from runners.training.checkpointing.state import TrainingState
from runners.training.divergence import Divergence
from runners.training.evaluating.early_stopping import BestState
from runners.training.evaluating.evaluation import NotFinite, evaluate
from runners.training.length import scale_of, steps_per_epoch, total_steps
from runners.training.methods import Method
from runners.training.observing import planned_facts
from runners.training.optimizers import build_optimizer
from runners.training.parameter_groups import Group
from runners.training.schedules import advance, build_schedule
from runners.training.update import Update

LOG_EVERY = 10


@dataclass(slots=True)
class Loop:
    """One training: its model on its device, its data, and what takes part in it.

    Args:
        model: Prepared by the accelerator. ``parameters`` are those of its weights that are trained, ``groups`` how the
            optimizer treats them where it does not treat all alike.
        methods: Called at each step, in order.
        folder: Where `steps.jsonl` and `events.jsonl` go; None on processes other than the first.
        saver: Finds the checkpoint to go on from, and writes those of the first process.
    """

    accelerator: Accelerator
    model: Any
    parameters: Sequence[Tensor]
    data: Prepared
    phase: Recipe
    knobs: Knobs
    seed: int
    methods: Sequence[Method]
    folder: Path | None
    saver: Saver
    progress: Progress
    groups: Sequence[Group] | None = None
    observed: dict[str, Any] = field(default_factory=dict)
    initial: dict[str, float] = field(default_factory=dict)
    _optimizer: Any = None
    _state: Any = None
    _steps: Lines | None = None
    _events: Lines | None = None

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

    def begin(self) -> int:
        """Put optimizer and schedule together, and go back to where an earlier attempt was saved.

        ``initial`` holds afterwards the validation metrics before training.

        Returns:
            The optimizer steps that are done.

        Raises:
            FrameworkError: there is a checkpoint, but of a training under other circumstances.
        """
        further = [group for method in self.methods for group in method.parameter_groups()]
        examples = len(self.data.train)
        optimizer = build_optimizer(self.phase.optimizer, self.parameters, further, self.groups)
        unwrapped = self.accelerator.unwrap_model(self.model)
        named, geometry = unwrapped.named_parameters(), self.geometry
        self.observed = planned_facts(
            self.phase, geometry, self.steps, examples, self.seed, optimizer, self.groups, named
        )
        scale = scale_of(self.phase.batch_size, self.phase.sequence_length, examples)
        schedule = build_schedule(self.phase, optimizer, self.steps, scale)
        self._optimizer = self.accelerator.prepare(optimizer)
        trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        self._state = TrainingState(
            model=unwrapped,
            optimizer=optimizer,
            schedule=schedule,
            scaler=self.accelerator.scaler,
            methods=self.methods,
            best=BestState(self.phase.early_stopping, trained) if self.phase.early_stopping else None,
            divergence=Divergence(self.knobs.divergence) if self.knobs.divergence else None,
        )
        saved = self.saver.newest(self.progress.message)
        if saved is None:
            self.initial = self.evaluate()
        else:
            self._state.load(saved)
            self.initial = saved.state["initial"]
        done = saved.step if saved else 0
        found = self.accelerator.gather(torch.tensor([done], device=self.accelerator.device)).tolist()
        if len(set(found)) > 1:
            raise FrameworkError(f"the processes found checkpoints of different steps: {found}; do they share a disk?")
        if self.folder is not None:
            self.saver.folder.clean()
            lines = saved.state["lines"] if saved else {STEPS: {"bytes": 0}, EVENTS: {"bytes": 0}}
            self._steps = Lines(self.folder / STEPS, self.knobs.log_every or LOG_EVERY, lines[STEPS]["bytes"])
            self._events = Lines(self.folder / EVENTS, 1, lines[EVENTS]["bytes"])
        return done

    def run(self, done: int) -> None:
        """Train from ``done`` optimizer steps on; ``observed`` holds afterwards what happened, in the record's words.

        Raises:
            FrameworkError: the loss of a step is not a number, or the training diverged.
        """
        per_epoch = steps_per_epoch(len(self.data.train), self.phase.batch_size)
        log_every = self.knobs.log_every or LOG_EVERY
        state, update = self._state, self._update()
        self.model.train()
        with ExitStack() as closing:
            for lines in filter(None, (self._steps, self._events)):
                closing.enter_context(lines)
            batches = global_batches(len(self.data.train), self.phase.batch_size, self.seed, self.steps, start=done)
            for epoch, indices in batches:
                done += 1
                learning_rate = state.schedule.get_last_lr()[0]
                loss, tokens, extra = self._checked(update, done, indices)
                if self._steps:
                    line = {"learning_rate": learning_rate, "samples": len(indices), "tokens": tokens, "loss": loss}
                    self._steps.write(step=done, epoch=epoch + 1, **line, **extra)
                if done % log_every == 0 or done == self.steps:
                    self.progress.update(done, loss, learning_rate)
                if done < self.steps:
                    advance(state.schedule)
                if state.best and (done % per_epoch == 0 or done == self.steps):
                    metrics = self.validated(done)
                    self._event(event="evaluation", step=done, epoch=done / per_epoch, **metrics)
                    if state.best.exhausted(metrics, epoch + 1) and done < self.steps:
                        self.observed["stopped_early"] = {"epoch": epoch + 1, "best": state.best.best}
                        self.progress.event("stopped_early", step=done, **self.observed["stopped_early"])
                        break
                if self.saver.due(done) and not (state.divergence and state.divergence.suspicious):
                    self._save(done)
            if state.best:
                state.best.restore()
                self.observed["best"] = {"epoch": state.best.best_epoch, state.best.stated.metric: state.best.best}
                self._event(event="restored", step=done, **self.observed["best"])
        self.observed |= {"optimizer_steps": done, "epochs": done / per_epoch}

    def _checked(self, update: Update, done: int, indices: Sequence[int]) -> tuple[float, int, dict[str, float]]:
        """Optimizer step ``done`` (from 1); a training that breaks there leaves its last good state."""
        good = done - 1
        try:
            loss, tokens, extra = update(done - 1, indices)
            fault = self._state.divergence.seen(loss) if self._state.divergence else None
        except NotFinite as problem:
            fault = str(problem)
            if problem.good and good > 0:
                self._save(good)
            elif not problem.good:
                good -= 1
        if fault is None:
            return loss, tokens, extra
        raise self._broken(fault, good)

    def validated(self, done: int) -> dict[str, float]:
        """The validation metrics of the model after ``done`` optimizer steps.

        Raises:
            FrameworkError: the loss is not a number; the states that have such a loss are removed.
        """
        try:
            return self.evaluate()
        except NotFinite as problem:
            raise self._broken(f"{problem} after optimizer step {done} of {self.steps}", done - 1) from None

    def _broken(self, fault: str, good: int) -> FrameworkError:
        return FrameworkError(fault if self.folder is None else f"{fault}; {self.saver.left(good)}")

    def _save(self, done: int) -> None:
        if self._steps and self._events:
            self.saver.save(done, self._state, (self._steps, self._events), self.initial)
            self.progress.event("checkpoint", step=done)

    def _event(self, **values: Any) -> None:
        if self._events:
            self._events.write(**values)
        self.progress.event(**values)

    def _update(self) -> Update:
        return Update(
            accelerator=self.accelerator,
            model=self.model,
            parameters=self.parameters,
            optimizer=self._optimizer,
            examples=self.data.train,
            geometry=self.geometry,
            methods=self.methods,
            max_grad_norm=self.phase.max_grad_norm,
            seed=self.seed,
            steps=self.steps,
        )
