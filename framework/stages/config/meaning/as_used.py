"""Values that follow from others (`0.1 * learning_rate`), as the variant or the task that a file is about has those."""

from __future__ import annotations

from framework.manifest.clauses import Clause, own, value_at
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.derived import is_expression
from framework.manifest.formulas.language import value_in
from framework.manifest.lengths import phase_under


def as_used(experiment: Experiment, clause: Clause, variant: str | None, task: str | None) -> Clause:
    """The clause with the value that it has in a variant and in a task, where it follows from what these state
    otherwise than the phase; else as it is.

    Raises:
        InputError: the variant sets what the phase does not take.
    """
    path = clause.path
    if path[0] != "phases" or len(path) < 3 or (variant is None and task is None):
        return clause
    stated = value_at(experiment.stated, path)
    if not isinstance(stated, str) or not is_expression(stated):
        return clause
    phase = phase_under(experiment, str(path[1]), variant)
    used = phase.for_task(task) if task in phase.tasks else phase
    value = value_in(experiment.stated, used, own(stated, path))
    return clause if value == clause.value else clause._replace(value=value)
