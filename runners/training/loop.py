"""The training loop: optimizer steps from the beginning or from a checkpoint, and what happens between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from framework.errors import FrameworkError
from framework.evidence.record import EVENTS, STEPS, VALIDATION
from framework.planning.recipes import Recipe
from framework.planning.steps import Knobs
from runners.data.preparing import Prepared
from runners.progress import Progress
from runners.run_files import Lines
from runners.training.batches import Geometry, global_batches
from runners.training.checkpointing.saving import Saver
from runners.training.checkpointing.state import TrainingState
from runners.training.evaluating.early_stopping import BestState
from runners.training.evaluating.evaluation import NotFinite, evaluate
from runners.training.figures.divergence import Divergence
from runners.training.figures.readings import Fault, Readings, waits_for_nothing
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
    _readings: Any = None

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
        prepared = self.accelerator.prepare(optimizer)
        # accelerate's wrapper scales for fp16, and otherwise only looks for packages at each step
        self._optimizer = optimizer if self.accelerator.scaler is None else prepared
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
            self._steps = Lines(self.folder / STEPS, self._log_every, lines[STEPS]["bytes"])
            self._events = Lines(self.folder / EVENTS, 1, lines[EVENTS]["bytes"])
        return done

    def run(self, done: int) -> None:
        """Train from ``done`` optimizer steps on; ``observed`` holds afterwards what happened, in the record's words.

        Raises:
            FrameworkError: the loss of a step is not a number, or the training diverged.
        """
        per_epoch = steps_per_epoch(len(self.data.train), self.phase.batch_size)
        state, update = self._state, self._update()
        write = self._steps.write if self._steps else None
        self._readings = Readings(self.steps, state.divergence, state.scaler is not None, write)
        self.model.train()
        with ExitStack() as closing:
            for lines in filter(None, (self._steps, self._events)):
                closing.enter_context(lines)
            batches = global_batches(len(self.data.train), self.phase.batch_size, self.seed, self.steps, start=done)
            for epoch, indices in batches:
                done += 1
                learning_rate = state.schedule.get_last_lr()[0]
                self._step(update, done, {"epoch": epoch + 1, "learning_rate": learning_rate}, indices)
                epoch_ends = done % per_epoch == 0 or done == self.steps
                decides = bool(state.best and epoch_ends)
                looks = not decides and self._look_due(done)
                if self._line_due(done) or decides or looks:
                    self._read(done)
                if done % self._log_every == 0 or done == self.steps:
                    self.progress.update(done, self._readings.loss, learning_rate)
                if done < self.steps:
                    advance(state.schedule)
                if looks:
                    self._event(event=VALIDATION, step=done, epoch=done / per_epoch, **self.validated(done))
                if state.best and epoch_ends:
                    metrics = self.validated(done)
                    self._event(event="evaluation", step=done, epoch=done / per_epoch, **metrics)
                    if state.best.exhausted(metrics, epoch + 1) and done < self.steps:
                        self.observed["stopped_early"] = {"epoch": epoch + 1, "best": state.best.best}
                        self.progress.event("stopped_early", step=done, **self.observed["stopped_early"])
                        break
                if self._may_save and self.saver.due(done):
                    self._read(done)
                    if not (state.divergence and state.divergence.suspicious):
                        self._save(done)
            if state.best:
                state.best.restore()
                self.observed["best"] = {"epoch": state.best.best_epoch, state.best.stated.metric: state.best.best}
                self._event(event="restored", step=done, **self.observed["best"])
        self.observed |= {"optimizer_steps": done, "epochs": done / per_epoch}

    @property
    def _log_every(self) -> int:
        return self.knobs.log_every or LOG_EVERY

    def _line_due(self, done: int) -> bool:
        """Whether the figures up to optimizer step ``done`` are read now, on every process: a fault ends all at once.

        Where reading makes nobody wait that is at each step, else with a line for the terminal and before a state
        is saved."""
        at_once = waits_for_nothing(self.accelerator.device)
        saved = self.knobs.checkpoint_every is not None and done % self.knobs.checkpoint_every == 0
        return at_once or saved or done % self._log_every == 0 or done == self.steps

    def _look_due(self, done: int) -> bool:
        """Whether the validation split is looked at after optimizer step ``done``; the last is measured anyhow."""
        every = self.knobs.validate_every
        return every is not None and done % every == 0 and done < self.steps

    @property
    def _may_save(self) -> bool:
        """Several processes save between two lines only what all of them have looked at: their clocks differ."""
        return self.accelerator.num_processes == 1 or not len(self._readings)

    def _step(self, update: Update, done: int, line: dict[str, Any], indices: Sequence[int]) -> None:
        """Optimizer step ``done`` (from 1)."""
        sums = update.gradients(done - 1, indices)
        self._readings.take(done, {**line, "samples": len(indices)}, sums)
        if waits_for_nothing(self.accelerator.device):
            self._looked_at(done, applied=False)
        self._readings.applied(update.apply())

    def _read(self, done: int) -> None:
        """Fetch the figures of all steps up to ``done``, and write their lines."""
        self._looked_at(done)
        self._readings.write()
        for method in self.methods:
            method.read()

    def _looked_at(self, done: int, applied: bool = True) -> None:
        """A training that broke leaves its last good state: that before the update, where it is not ``applied``."""
        try:
            self._readings.check()
        except Fault as fault:
            if fault.unspoilt and not applied and fault.step == done and fault.good > 0:
                self._save(fault.good)
            raise self._broken(str(fault), fault.good) from None

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

    def result(self, metrics: Mapping[str, float]) -> dict[str, int]:
        """Write the final metrics beside the evaluations, where the hash of the file covers them.

        Returns:
            For the record: how many `events` there are.
        """
        if self.folder is None:
            return {}
        path = self.folder / EVENTS
        with Lines(path, kept=path.stat().st_size) as lines:
            lines.write(event="result", **metrics)
        return {"events": path.read_bytes().count(b"\n")}

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
