"""The recorder: what a script says and does, written down as the evidence of a planned step."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from framework.adoption.placing import Place
from framework.adoption.written_run import keep_model
from framework.errors import InputError, UsageError
from framework.evidence.record import EVENTS, STEPS, RunRecord
from framework.evidence.run_index import Registry
from framework.manifest.experiment import Experiment
from framework.planning.steps import Training
from framework.recording import attempts, process_group
from framework.recording.closing import add_other_processes, fill
from framework.recording.device_values import taken
from framework.recording.machine_facts import hardware_of, torch_seed
from framework.recording.named_parameters import Named, named
from framework.recording.optimizer_watch import OptimizerWatch
from framework.recording.recorded_facts import seed_facts
from framework.recording.recorded_runs import place_of
from framework.recording.step_lines import StepLines
from framework.recording.steps_taken import StepsTaken
from framework.recording.told import Told


def _while_recording(method: Any) -> Any:
    """A method that does nothing once the recording has failed: a training goes on without it."""

    @wraps(method)
    def carefully(self: Recording, *arguments: Any, **options: Any) -> None:
        if self._lines is None:
            if self._trouble is None:
                raise UsageError("nothing is being recorded: `with framework.record(...) as run:`")
            return
        try:
            method(self, *arguments, **options)
        except OSError as problem:
            self._failed(problem)

    return carefully


class Recording:
    """One run of a script, as a context manager; see :func:`framework.record`.

    Nothing of the training is changed. Where the disk takes no more, a warning says so once, the training goes on, and
    the record ends as failed.
    """

    def __init__(self, experiment: Experiment, place: Place, resume_from: int = 0):
        self._experiment, self._place, self._resume_from = experiment, place, resume_from
        self._names: dict[int, str] = {}
        self._watch = OptimizerWatch(self._names, self._failed)
        self._steps = StepsTaken(self._watch)
        self._model: Named | None = None
        self._attempt: attempts.Attempt | None = None
        self._process = process_group.ProcessGroup(0, 1)
        self._folder = self._counts = Path()
        self._lines: StepLines | None = None
        self._events: StepLines | None = None
        work = place.step.work
        self._told = Told(experiment.root, work.phase.objective if isinstance(work, Training) else None)
        self._seeds: list[int] = []
        self._trouble: str | None = None
        self._begun = 0.0

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._folder

    @property
    def steps_done(self) -> int:
        """Optimizer steps so far, those of the checkpoint that it went on from included."""
        return self._steps.done

    def __enter__(self) -> Self:
        runs, self._begun = self._experiment.runs, time.time()
        self._process = process_group.this_process()
        identity = repr(place_of(self._place.step, self._place.variants))
        self._counts = process_group.folder_of(runs, identity)
        if self._process.is_first:
            self._attempt = attempts.begin(self._place, runs, self._experiment.root)
            self._folder = self._attempt.folder
            self._events = StepLines(self._folder / EVENTS)
            self._lines = StepLines(self._folder / STEPS, self._steps.seen)
            self._note_row()
        else:
            self._lines = StepLines(process_group.begin_counting(self._counts, self._process.rank))
        self._see_seed()
        self._watch.begin()
        if self._resume_from:
            self.resume(self._resume_from)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.end()
        try:
            self._close(error)
        except (OSError, InputError) as problem:
            self._failed(problem)
        finally:
            if self._attempt is not None:
                self._attempt.held.close()
            self._lines = None

    @_while_recording
    def watch(self, model: Any) -> None:
        """Name a `torch.nn.Module` whose parameters are trained, before the first step: which are trained and decayed
        is then recorded by name."""
        self._model = named(model)
        self._names |= self._model.names

    @_while_recording
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
        assert self._lines is not None
        if not self._steps.done:
            self._first()
        line = self._steps.told(optimizer, samples, tokens, loss, scaler is not None, step)
        if epoch is not None and line:
            line[-1]["epoch"] = epoch
        self._write(line)

    @_while_recording
    def add_to_step(self, *, loss: Any = None, epoch: float | None = None) -> None:
        """Add to the last step what is known of it only now."""
        assert self._lines is not None
        self._write(self._steps.unclaimed())
        told = {"loss": taken(loss), "epoch": epoch}
        self._lines.add_to_last({name: value for name, value in told.items() if value is not None})

    @_while_recording
    def evaluation(
        self, metrics: Mapping[str, Any] | None = None, /, *, step: int | None = None, epoch: float | None = None,
        **values: Any,
    ) -> None:  # fmt: skip
        """Record an evaluation on the validation data: `run.evaluation(loss=1.2, accuracy=0.9)`; those of the last one
        are the final metrics where no others are told."""
        self._write(self._steps.unclaimed())
        found = self._told.evaluated({**(metrics or {}), **values})
        where = {"step": self._steps.done if step is None else step, **({} if epoch is None else {"epoch": epoch})}
        if self._events is not None:
            self._events.add({"event": "evaluation", **where, **found})
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
        self._write(self._steps.unclaimed())
        self._told.checkpoint(Path(path), self._steps.done)
        if keep:
            keep_model(self._folder, self._attempt.record, Path(path))

    @_while_recording
    def stopped_early(self, epoch: float | None = None) -> None:
        """Say that the training ended by its patience, and not because of its length."""
        self._told.observed["stopped_early"] = {"step": self._steps.done, "epoch": epoch}

    @_while_recording
    def used_seed(self, seed: int) -> None:
        """Say which seed the training's own program used, where it is not that of torch's generator."""
        self._told.seed = seed

    @_while_recording
    def resume(self, step: int) -> None:
        """Go on after ``step`` optimizer steps, from a checkpoint: the lines up to it are taken over from the attempt
        that made it; steps that no attempt recorded stay unrecorded."""
        assert self._lines is not None
        if self._steps.done:
            self._lines.take_back(step)
        elif self._attempt is not None:
            earlier = attempts.gone_on_from(self._attempt, self._experiment.runs, step)
            if earlier is not None:
                self._lines.begin_with(earlier.lines)
                assert self._events is not None
                self._events.begin_with(earlier.events)
                self._attempt.record.attempts[:0] = earlier.run.record.attempts
            self._attempt.record.attempts[-1]["from_step"] = step
            self._attempt.record.write(self._folder)
        self._steps.done = step

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

    def _first(self) -> None:
        """What is known when the first step is done."""
        self._watch.begin()
        self._see_seed()
        device = self._watch.device()
        if self._attempt is not None and device is not None:
            self._attempt.record.environment["hardware"] = hardware_of(device)
        now = process_group.this_process()
        if now != self._process:
            raise UsageError(
                f"this process is number {now.rank} of {now.size}, and was {self._process.rank} of "
                f"{self._process.size} when the recording began: begin it when torch.distributed is initialised"
            )

    def _see_seed(self) -> None:
        seed = torch_seed()
        if seed is not None and seed not in self._seeds:
            self._seeds.append(seed)

    def _write(self, lines: Sequence[dict[str, Any]]) -> None:
        assert self._lines is not None
        for line in lines:
            if self._lines.add(line) and self._events is not None:
                for change in self._watch.look_again():
                    self._events.add({"event": "optimizer_changed", "step": line["step"], **change})
                    self._events.write()

    def _failed(self, problem: Exception) -> None:
        """Record no more: the script is not to fail with its recorder."""
        if self._trouble is None:
            said = problem.strerror if isinstance(problem, OSError) else None
            self._trouble = f"the recording ended: {said or problem}"
            warnings.warn(f"framework.record: {self._trouble}; the training goes on", stacklevel=2)
        self._lines = None

    def _close(self, error: BaseException | None) -> None:
        if self._lines is not None:
            self._write(self._steps.unclaimed())
            for change in self._watch.look_again() if self._events is not None else ():
                assert self._events is not None
                self._events.add({"event": "optimizer_changed", "step": self._steps.done, **change})
            if self._attempt is None:
                self._lines.add({"ended": True})
            self._lines.close()
            if self._events is not None:
                self._events.close()
        if self._attempt is None:
            return
        record = self._attempt.record
        try:
            if self._trouble is None:
                self._fill(record)
        except (OSError, InputError) as problem:
            self._failed(problem)
        self._end(record, error)

    def _fill(self, record: RunRecord) -> None:
        told = self._told.observed | seed_facts(record.seed, self._told.seed, self._seeds)
        told["processes"] = self._process.size
        if self._process.size > 1:
            unheard = add_other_processes(self._folder, self._counts, self._process, self._steps.done, self._begun)
            if unheard:
                told["unheard"] = unheard
        fill(record, self._folder, self._watch, self._steps, self._model, told)
        record.data, record.metrics = self._told.of_data, self._told.final_metrics

    def _end(self, record: RunRecord, error: BaseException | None) -> None:
        clean = error is None or (isinstance(error, SystemExit) and error.code in (None, 0))
        record.status = "done" if clean and self._trouble is None else "failed"
        record.error = self._trouble if clean else f"{type(error).__name__}: {error}"
        record.finished = datetime.now(UTC).isoformat(timespec="seconds")
        record.seconds = round(max(0.0, time.time() - self._begun), 3)
        record.attempts[-1] |= {"finished": record.finished, "error": record.error}
        record.write(self._folder)
        self._note_row()

    def _note_row(self) -> None:
        """The run's row in the registry, which is made anew from the records at any time."""
        assert self._attempt is not None
        registry = Registry(self._experiment.runs)
        try:
            registry.note(self._attempt.record, self._folder)
        except (OSError, InputError) as problem:
            warnings.warn(f"framework.record: {problem}", stacklevel=2)
        finally:
            registry.close()
