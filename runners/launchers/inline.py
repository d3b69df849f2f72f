"""Steps in this process, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.errors import in_words
from framework.evidence.run_index import Registry
from framework.evidence.store import RunStore
from framework.planning.outcomes import Outcome
from framework.planning.steps import Step
from runners.execute import execute
from runners.launchers.schedule import Schedule
from runners.progress import Progress


def run_inline(steps: Sequence[Step], store: RunStore, project: Path, progress: Progress) -> Iterator[Outcome]:
    """Execute what has no finished run. A step that fails takes those with it that need it, and no others; where
    several processes execute the plan together the first failure ends it, or the others would wait for ever.

    Raises:
        BaseException: what is no error of a step, such as an interrupt; or any error with several processes.
    """
    found = {step.key: run for step in steps if (run := store.done(step.key))}
    schedule = Schedule(steps, found)
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    registry = Registry(store.root)
    for each in steps:
        if each.key in found:
            yield Outcome(each, "found", found[each.key].record)
    while (step := schedule.next()) is not None:
        try:
            record = execute(step, store, project, progress)
        except Exception as problem:
            registry.note_folder(store.folder(step.folder))
            if not alone:
                raise
            yield Outcome(step, "failed", error=in_words(problem))
            for lost in schedule.fail(step):
                yield Outcome(lost, "skipped", error=f"it needs {step.label}, which failed")
        else:
            if record.status == "done" and (run := store.done(step.key)):
                registry.note(run.record, run.folder)
            schedule.finish(step)
            yield Outcome(step, "done", record)
    registry.close()
