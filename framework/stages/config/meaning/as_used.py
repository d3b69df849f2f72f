"""Values that follow from others (`0.1 * learning_rate`), as the variant or the task that a file is about has those."""

from __future__ import annotations

from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import phase_under

_DERIVED = ("schedule", "min_learning_rate")


def as_used(experiment: Experiment, clause: Clause, variant: str | None, task: str | None) -> Clause:
    """The clause with the value that it has in a variant and in a task, where it follows from what these state
    otherwise than the phase; else as it is.

    Raises:
        InputError: the variant sets what the phase does not take.
    """
    path = clause.path
    if path[0] != "phases" or path[2:] != _DERIVED:
        return clause
    name = str(path[1])
    if not isinstance(experiment.stated.phases[name].schedule.min_learning_rate, str):
        return clause
    phase = phase_under(experiment, name, variant)
    value = (phase.for_task(task) if task in phase.tasks else phase).min_learning_rate()
    return clause if value == clause.value else clause._replace(value=value)
