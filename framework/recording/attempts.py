"""The folder of one attempt: each start of a script has its own, and none is overwritten.

An attempt that goes on from a checkpoint takes over the lines of the one before, as far as the checkpoint goes.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from framework.adoption.adopted_runs import key_of
from framework.adoption.placing import Place
from framework.errors import FrameworkError
from framework.evidence.locks import is_held, lock_of, only_one, this_host
from framework.evidence.record import EVENTS, RECORDED, STEPS, RunRecord, read_lines, sha256_of
from framework.evidence.store import Run, RunStore
from framework.recording.machine_facts import environment_of
from framework.recording.recorded_runs import attempts_of, place_of


class Attempt(NamedTuple):
    """A folder that is held by this process, and its record with the status `running`."""

    folder: Path
    record: RunRecord
    held: ExitStack


def begin(place: Place, runs: Path, project: Path) -> Attempt:
    """Begin an attempt: its folder, its lock, and a record that says by whom it is made.

    Raises:
        OSError: the folder cannot be written.
    """
    store = RunStore(runs)
    number = len(list(attempts_of(store, place_of(place.step, place.variants)))) + 1
    held = ExitStack()
    while True:
        identity = {RECORDED: {**place_of(place.step, place.variants), "attempt": number}}
        step = replace(place.step, variants=place.variants, key=key_of(identity))
        folder = runs / f"{RECORDED}.{step.folder}"
        try:
            held.enter_context(only_one(lock_of(folder), folder.name))
            folder.mkdir(parents=True)
            break
        except (FileExistsError, FrameworkError):  # another process was faster
            held.close()
            number += 1
    now = datetime.now(UTC).isoformat(timespec="seconds")
    environment = environment_of(project)
    record = RunRecord(
        key=step.key,
        folder=folder.name,
        step=step.name,
        variants=list(step.variants),
        model=step.model_name,
        task=step.task,
        seed=step.seed,
        profile=step.profile,
        identity=identity,
        started=now,
        environment=environment,
        observed={RECORDED: {**_script(project), "attempt": number}},
        attempts=[{"started": now, "git": environment["git"], "host": this_host(), "process": os.getpid()}],
    )
    record.write(folder)
    return Attempt(folder, record, held)


class Earlier(NamedTuple):
    """What an earlier attempt leaves to one that goes on from its checkpoint."""

    run: Run
    lines: list[dict[str, Any]]
    events: list[dict[str, Any]]


def gone_on_from(attempt: Attempt, runs: Path, step: int) -> Earlier | None:
    """The last earlier attempt that has lines, as far as ``step`` optimizer steps; None where there is none, or one
    that a process still works on."""
    store, own = RunStore(runs), attempt.record.identity[RECORDED]
    for run in reversed(list(attempts_of(store, own))):
        if run.folder == attempt.folder or is_held(lock_of(run.folder)):
            continue
        lines = [line for line in read_lines(run.folder / STEPS) if line.get("step", 0) <= step]
        if lines:
            events = [line for line in read_lines(run.folder / EVENTS) if (line.get("step") or 0) <= step]
            return Earlier(run, lines, events)
    return None


def _script(project: Path) -> dict[str, Any]:
    """The program that runs, as the manifest's folder sees it, and its content."""
    main: Any = sys.modules.get("__main__")
    name: str | None = getattr(main, "__file__", None)
    if name is None or not Path(name).is_file():
        return {"script": "an interactive session", "sha256": None}
    return {"script": os.path.relpath(name, project), "sha256": sha256_of(Path(name))}
