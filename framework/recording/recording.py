"""The recorder: what a script says and does, written down as the evidence of a planned step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from framework.adoption.written_run import keep_model
from framework.errors import UsageError
from framework.recording.device_values import taken
from framework.recording.named_parameters import named
from framework.recording.session import Session


def _while_recording(method: Any) -> Any:
    """A method that does nothing once the recording has failed: a training goes on without it."""

    @wraps(method)
    def carefully(self: Recording, *arguments: Any, **options: Any) -> None:
        _asked(self)
        try:
            if self._lines is not None:
                method(self, *arguments, **options)
        except OSError as problem:
            self._failed(problem)

    return carefully


def _asked(run: Recording) -> None:
    if run._lines is None and run._trouble is None:
        raise UsageError("nothing is being recorded: `with framework.record(...) as run:`")


class Recording(Session):
    """One run of a script, as a context manager; see :func:`framework.record`."""

    @_while_recording
    def watch(self, model: Any) -> None:
        """Name a `torch.nn.Module` whose parameters are trained, before the first step: which are trained and decayed
        is then recorded by name."""
        self._model = named(model)
        self._names |= self._model.names

    def step(
        self,
        optimizer: Any = None,
        *,
        loss: Any = None,
        samples: int | None = None,
        tokens: int | None = None,
        scaler: Any = None,
        step: int | None = None,
        epoch: float | None = None,
    ) -> None:
        """Record an optimizer step, after it was done; where in the loop the scheduler is stepped does not matter.

        Called without an update since the last call, the numbers are added to those of the next: so it may be called
        for each micro-batch. A loss is recorded where one call makes a step.

        Args:
            optimizer: The one that stepped, or several, whose steps are counted by the first; by default all that
                step, counted by the first.
            samples: Sequences that this process has used, ``tokens`` likewise; those of all processes are added up.
            scaler: A `GradScaler`, where one may skip the update: a call without an update is then a skipped step.
            step: The number of this optimizer step, from 1; by default they are counted.

        Raises:
            UsageError: the process became one of several after the recording began.
        """
        if self._lines is None or not self._stepped:
            _asked(self)
            if self._lines is None:
                return
            self._first()
        self._steps.told(optimizer, samples, tokens, loss, scaler is not None, step, epoch)
        if time.monotonic() > self._due:
            self._write()

    @_while_recording
    def add_to_step(self, *, loss: Any = None, epoch: float | None = None) -> None:
        """Add to the last step what is known of it only now."""
        assert self._lines is not None
        self._settle(whole=self._steps.never_told)
        told = {"loss": taken(loss), "epoch": epoch}
        self._lines.add_to_last({name: value for name, value in told.items() if value is not None})

    @_while_recording
    def evaluation(
        self, metrics: Mapping[str, Any] | None = None, /, *, step: int | None = None, epoch: float | None = None,
        **values: Any,
    ) -> None:  # fmt: skip
        """Record an evaluation on the validation data: `run.evaluation(loss=1.2, accuracy=0.9)`; those of the last one
        are the final metrics where no others are told."""
        self._settle()
        found = self._told.evaluated({**(metrics or {}), **values})
        where = {"step": self._steps.done if step is None else step, **({} if epoch is None else {"epoch": epoch})}
        if self._events is not None:
            self._events.add([{"event": "evaluation", **where, **found}])
            self._events.write()

    @_while_recording
    def metrics(self, metrics: Mapping[str, Any] | None = None, /, **values: Any) -> None:
        """Record the final metrics of the run, by the manifest's names: `run.metrics(accuracy=0.91)`."""
        self._told.metrics({**(metrics or {}), **values})

    @_while_recording
    def data(self, data: Any, *, name: str | None = None, examples: int | None = None, validation: Any = None) -> None:
        """Record what is trained on: its fingerprint, and the number of examples.

        Args:
            data: Files, a dataset or plain data; see :func:`framework.recording.data_facts.data_facts`.
            name: The dataset's in the manifest.
            examples: Training examples, where the data do not tell their number.
            validation: What is evaluated on.

        Raises:
            UsageError: the content of the data cannot be had.
        """
        self._told.data(data, name, examples, validation)

    @_while_recording
    def settings(self, settings: Mapping[str, Any] | None = None, /, **values: Any) -> None:
        """Record settings as the script has them: `run.settings(vars(arguments))`, `run.settings(max_grad_norm=1.0)`.
        What the record has a name for (max_grad_norm, precision, sequence_length, ...) is held to the manifest."""
        self._told.settings({**(settings or {}), **values})

    @_while_recording
    def checkpoint(self, path: str | Path, *, keep: bool = False) -> None:
        """Record what was saved at a file or folder: size and SHA-256 of each file.

        Args:
            keep: Copy a model in safetensors (with its config.json), or an adapter in peft's format, to the run's
                folder: the checkpoint stage then holds its tensors.

        Raises:
            UsageError: nothing is there.
        """
        if self._attempt is None:
            return
        self._settle()
        self._told.checkpoint(Path(path), self._steps.done)
        if keep:
            keep_model(self._folder, self._attempt.record, Path(path))

    @_while_recording
    def stopped_early(self, epoch: float | None = None) -> None:
        """Say that the training ended by its patience, and not because of its length."""
        self._told.observed["stopped_early"] = {"step": self.steps_done, "epoch": epoch}

    @_while_recording
    def used_seed(self, seed: int) -> None:
        """Say which seed the training's own program used, where it is not that of torch's generator."""
        self._told.seed = seed

    @_while_recording
    def resume(self, step: int) -> None:
        """Go on after ``step`` optimizer steps, from a checkpoint: the lines up to it are taken over from the attempt
        that made it; steps that no attempt recorded stay unrecorded."""
        self._go_on_after(step)

    def for_trainer(self) -> Any:
        """A callback of transformers' Trainer, and of TRL's: `Trainer(..., callbacks=[run.for_trainer()])`."""
        from framework.recording.callbacks.trainer_callback import trainer_callback

        return trainer_callback(self)

    def for_lightning(self) -> Any:
        """A callback of Lightning: `Trainer(..., callbacks=[run.for_lightning()])`."""
        from framework.recording.callbacks.lightning_callback import lightning_callback

        return lightning_callback(self)

    def for_accelerate(self) -> Any:
        """A tracker of accelerate: `Accelerator(log_with=run.for_accelerate())`."""
        from framework.recording.callbacks.accelerate_tracker import accelerate_tracker

        return accelerate_tracker(self)
