"""Values that follow from others (`0.1 * learning_rate`), as the variant or the task that a file is about has those."""

from __future__ import annotations

from typing import Any

from framework.manifest.clauses import Clause
from framework.manifest.loading import Experiment
from framework.manifest.settings import settled
from framework.manifest.variants import uses_of

_DERIVED = ("schedule", "min_learning_rate")


def as_used(experiment: Experiment, clause: Clause, variant: str | None, task: str | None) -> Clause:
    """The clause with the value that it has in a variant and in a task, where it follows from what these state
    otherwise than the phase; else as it is."""
    path = clause.path
    if path[0] != "phases" or path[2:] != _DERIVED:
        return clause
    phase = experiment.stated.phases[str(path[1])]
    if not isinstance(phase.schedule.min_learning_rate, str):
        return clause
    try:
        phase = settled(phase, _settings(experiment, variant, str(path[1])))
        value = (phase.for_task(task) if task in phase.tasks else phase).min_learning_rate()
    except ValueError:
        return clause  # a setting that the phase does not take has a finding of its own
    return clause if value == clause.value else clause._replace(value=value)


def _settings(experiment: Experiment, variant: str | None, phase: str) -> dict[str, Any]:
    """What a variant sets in the first step that runs a phase."""
    uses = uses_of(experiment.stated.variants, variant) if variant else ()
    return next((use.set for name, use, _ in uses if name == phase), {})
