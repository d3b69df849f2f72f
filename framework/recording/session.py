"""The files and the state of a recording, from its beginning to its end."""

from __future__ import annotations

import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from framework.adoption.placing import Place
from framework.errors import InputError, UsageError
from framework.evidence.record import EVENTS, STEPS, RunRecord
from framework.evidence.run_index import Registry
from framework.manifest.experiment import Experiment
from framework.planning.steps import Training
from framework.recording import attempts, process_group
from framework.recording.closing import add_other_processes, fill, seed_facts
from framework.recording.machine_facts import hardware_of, torch_seed
from framework.recording.named_parameters import Named
from framework.recording.optimizer_watch import OptimizerWatch
from framework.recording.recorded_runs import place_of
from framework.recording.step_lines import StepLines
from framework.recording.steps_taken import StepsTaken
from framework.recording.told import Told

_EVERY = 1.0
"""Seconds between two writes: a step costs none, and a kill loses no more than that, and the last step."""


class Session:
    """What a :class:`framework.recording.recording.Recording` works with: its folder, its lines, what was seen.

    Nothing of the training is changed. Where the disk takes no more, a warning says so once, the training goes on, and
    the record ends as failed.
    """

    def __init__(self, experiment: Experiment, place: Place, resume_from: int = 0):
        self._experiment, self._place, self._resume_from = experiment, place, resume_from
        self._names: dict[int, str] = {}
        self._watch = OptimizerWatch(self._names, self._failed, self._write)
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
        self._begun = self._due = 0.0
        self._stepped = False

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._folder

    @property
    def steps_done(self) -> int:
        """Optimizer steps so far, those of the checkpoint that it went on from included."""
        self._settle()
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
            self._go_on_after(self._resume_from)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.end()
        try:
            self._close(error)
        except Exception as problem:  # the script has done its work, or says by itself what went wrong
            self._failed(problem)
        finally:
            if self._attempt is not None:
                self._attempt.held.close()
            self._lines = None

    def _go_on_after(self, step: int) -> None:
        assert self._lines is not None
        if self.steps_done:
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

    def _settle(self, whole: bool = False) -> None:
        """Make lines of what was noted; ``whole``: of updates that no call told of, too."""
        if self._lines is not None:
            self._lines.add(self._steps.all_settled() if whole else self._steps.settle())

    def _write(self) -> None:
        """Write what there is, and look whether the optimizers are as they were: done once in a second."""
        self._due = time.monotonic() + _EVERY
        try:
            self._settle(whole=self._steps.never_told)
            if self._lines is not None:
                self._lines.write(but_the_last=True)
            self._look_again()
        except (OSError, ValueError) as problem:
            self._failed(problem)

    def _look_again(self) -> None:
        if self._events is not None:
            changes = list(self._watch.look_again())
            self._events.add({"event": "optimizer_changed", "step": self._steps.done, **each} for each in changes)
            self._events.write()

    def _first(self) -> None:
        """What is known when the first step is done."""
        self._stepped = True
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

    def _failed(self, problem: Exception) -> None:
        """Record no more: the script is not to fail with its recorder."""
        if self._trouble is None:
            said = problem.strerror if isinstance(problem, OSError) else None
            self._trouble = f"the recording ended: {said or problem}"
            warnings.warn(f"framework.record: {self._trouble}; the training goes on", stacklevel=2)
        self._lines = None

    def _close(self, error: BaseException | None) -> None:
        if self._lines is not None:
            self._settle(whole=True)
            self._look_again()
            if self._attempt is None:
                self._lines.add([{"ended": True}])
            self._lines.close()
            if self._events is not None:
                self._events.close()
        if self._attempt is None:
            return
        record = self._attempt.record
        try:
            if self._trouble is None:
                self._fill(record, wait=error is None)
        except (OSError, InputError) as problem:
            self._failed(problem)
        self._end(record, error)

    def _fill(self, record: RunRecord, wait: bool) -> None:
        told = self._told.observed | seed_facts(record.seed, self._told.seed, self._seeds)
        told["processes"] = self._process.size
        if self._process.size > 1:
            last = self._steps.done
            unheard = add_other_processes(self._folder, self._counts, self._process, last, self._begun, wait)
            if unheard:
                told["unheard"] = unheard
        if self._told.not_finite:
            told["not_finite"] = self._told.not_finite
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
