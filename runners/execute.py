"""Executing one step of a plan: its run folder, its record, and the work itself."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError, in_words
from framework.evidence.locks import lock_of, only_one
from framework.evidence.record import (
    CHANGED,
    CHECKPOINTS,
    EVENTS,
    MODEL,
    REMOVED,
    SETTINGS,
    STEPS,
    RunRecord,
    artefacts_below,
)
from framework.evidence.remembering.run_contents import changed_artefacts
from framework.evidence.standing.run_state import on_disk, unreadable
from framework.evidence.store import Run, RunStore
from framework.manifest.sections.methods import Permute
from framework.planning.contents.since_planned import changed_before, changed_while_running
from framework.planning.steps import Measure, Step, Training
from runners.adapters.lora import ADAPTER
from runners.command.perform import train_by_command
from runners.command.places import CONFIGS, KEPT, LOG, STATE, STDERR, STDOUT
from runners.environment import environment
from runners.journal import Journal
from runners.measurement.energy import EnergyMeter
from runners.measurement.measure import measure
from runners.processes import this_process
from runners.progress import Progress, Several, Silent
from runners.sparsity.masks import MASKS
from runners.step_context import RunContext, Trial
from runners.trackers import Tracking
from runners.training.checkpointing.checkpoint_files import has_checkpoints, remove_checkpoints
from runners.training.determinism import deterministic
from runners.training.phase import train_phase
from runners.transforms import TRANSFORMS
from runners.transforms.csp import CORRELATIONS, PERMUTATION

_CONTINUED = (CHECKPOINTS, STEPS, EVENTS)
"""What a training that goes on finds in its folder."""
_ARTEFACTS = (
    MODEL, ADAPTER, MASKS, PERMUTATION, CORRELATIONS, STEPS, EVENTS, SETTINGS, CONFIGS, LOG, STATE, STDOUT, STDERR,
)  # fmt: skip


def execute(step: Step, store: RunStore, project: Path, progress: Progress) -> RunRecord:
    """Carry out one step and leave its run in the store.

    The record is there from the beginning with the status `running`, and ends as `done`, or as `failed` with the
    error's text. An earlier attempt that was cut off in a training is gone on with from its last checkpoint; what else
    it left is removed first, and so are the checkpoints at the end. With several processes each calls this, and the
    first writes.

    Args:
        project: The folder of the manifest; relative paths of models, datasets and tokenizers start there.

    Raises:
        FrameworkError: the parent or a reference has no finished run, or has other bytes than that wrote (all are
            hashed; the digest of a large file is remembered while it stays as it is); the step itself has one, another
            process executes it, or the work fails; other errors of the work are passed on as they are.
    """
    processes = this_process()
    parent = _finished(store, step, step.parent, "its parent") if step.parent else None
    references = {
        role: _finished(store, step, key, f"what it refers to as `{role}`") for role, key in step.references.items()
    }
    folder = store.folder(step.folder)
    if not processes.is_main_process:
        processes.wait_for_everyone()
        record = _new_record(step, project)
        record.attempts = [{}]
        _perform(RunContext(step, folder, project, parent, references, record, progress, is_main=False))
        processes.wait_for_everyone()
        return record
    with only_one(lock_of(folder), step.label):
        attempts = _cleared(step, store)
        folder.mkdir(parents=True, exist_ok=True)
        record = _new_record(step, project)
        record.attempts = [*attempts, {"started": record.started, "git": record.environment["git"]}]
        record.write(folder)
        processes.wait_for_everyone()
        trackers = [Tracking(name, step, store.root, progress) for name in step.knobs.trackers or ()]
        told = Several([progress, Journal(store.root, step), *trackers])
        _recorded(RunContext(step, folder, project, parent, references, record, told))
        processes.wait_for_everyone()
    return record


def tried(step: Step, store: RunStore, project: Path, folder: Path, trial: Trial) -> None:
    """Do the work of a training in a folder of its own, as a trial: no run is left in the store.

    Raises:
        FrameworkError: the parent has no finished run, or the work fails; other errors of the work as they are.
    """
    parent = _finished(store, step, step.parent, "its parent") if step.parent else None
    record = _new_record(step, project)
    record.attempts = [{}]
    _perform(RunContext(step, folder, project, parent, {}, record, Silent(), trial=trial))


def _finished(store: RunStore, step: Step, key: str, what: str) -> Run:
    run = store.done(key)
    if run is None:
        raise FrameworkError(
            f"{step.label}: {what} ({key[:10]}) has no finished, whole run in {store.root}; execute it first"
        )
    if changed := changed_artefacts(run):
        raise FrameworkError(
            f"{step.label}: {changed[0]} of {what} is not what that run wrote; restore it, or remove {run.folder} to "
            "execute that again"
        )
    return run


def _cleared(step: Step, store: RunStore) -> list[dict[str, Any]]:
    """Remove what an unfinished attempt left, but for checkpoints with the lines that belong to them; the attempts
    that its record tells of. A finished run is never removed, damaged or not."""
    known = store.find(step.key)
    folder = store.folder(step.folder)
    if known is not None and known.record.status == "done" and REMOVED in known.record.observed:
        shutil.rmtree(known.folder)  # a trial's, whose tensors are wanted now
        return []
    if known is not None and known.record.status == "done":
        raise FrameworkError(f"{step.label} is {on_disk(known)}: remove {known.folder} to execute it again")
    if known is None and (
        found := next(store.unreadable(store.folders_of(step.key)), None)
    ):  # it may be a finished run's
        raise FrameworkError(f"{step.label} is {unreadable(*found)}: restore it, or remove {found[0]}")
    if known is not None and known.folder != folder:  # it was named after another variant
        shutil.rmtree(folder, ignore_errors=True)
        known.folder.rename(folder)
    if step.command is not None:
        _clear_all_but(folder, KEPT)
    elif isinstance(step.work, Training) and has_checkpoints(folder):
        _clear_all_but(folder, _CONTINUED)
    elif folder.exists():
        shutil.rmtree(folder)
    return known.record.attempts if known else []


def _clear_all_but(folder: Path, kept: Sequence[str]) -> None:
    for left in folder.iterdir() if folder.exists() else ():
        if left.name not in kept:
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def _new_record(step: Step, project: Path) -> RunRecord:
    return RunRecord(
        key=step.key,
        folder=step.folder,
        step=step.name,
        variants=list(step.variants),
        model=step.model_name,
        task=step.task,
        seed=step.seed,
        profile=step.profile,
        identity=dict(step.identity),
        parent=step.parent,
        references=dict(step.references),
        started=_now(),
        environment=environment(project),
        knobs=asdict(step.knobs),
        deviations=[dict(each) for each in step.deviations],
        chosen=[dict(each) for each in step.chosen],
    )


def _recorded(context: RunContext) -> None:
    """Do the work, and write how it ended."""
    record, begun, meter = context.record, time.monotonic(), EnergyMeter()
    try:
        if changed := changed_before(context.step, context.project):
            raise FrameworkError(f"{_listed(changed)} since the plan was made: start again")
        with meter:
            _perform(context)
        if changed := changed_while_running(context.step, context.project):
            record.observed[CHANGED] = changed
        record.artefacts = artefacts_below(context.folder, *_present(context.folder))
        record.status = "done"
    except BaseException as problem:
        record.status = "failed"
        record.error = in_words(problem)
        raise
    finally:
        record.finished = _now()
        record.seconds = round(time.monotonic() - begun + record.attempts[-1].get("seconds_before", 0), 3)
        record.attempts[-1] |= {"finished": record.finished, "error": record.error}
        record.energy = meter.facts
        record.write(context.folder)
        if record.status == "done":
            remove_checkpoints(context.folder)
        context.progress.end(record)


def _perform(context: RunContext) -> None:
    work = context.step.work
    if context.step.command is not None:
        train_by_command(context, context.step.command)
        return
    if isinstance(work, Measure):
        measure(context, work)
        return
    with deterministic(context.step.knobs.deterministic is not False):
        if isinstance(work, Training):
            train_phase(context, work)
        else:
            TRANSFORMS.get(work.method if isinstance(work, Permute) else "prune")(context, work)


def _listed(changed: Sequence[str]) -> str:
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"changed: {changed[0]}{more}"


def _present(folder: Path) -> list[str]:
    return [name for name in _ARTEFACTS if (folder / name).exists()]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
