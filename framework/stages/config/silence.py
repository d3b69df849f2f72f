"""Files of a training that say nothing of a clause which other files of such a training state.

What every file of a training has to state is not known in general. But where one states it, one beside it that does
not, and that no file of its own run completes, is not vouched for: the clause is unverified there.
"""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Verdict
from framework.conformance.meaning import is_absence
from framework.manifest.clauses import Clause
from framework.manifest.sections.phases import LENGTHS
from framework.manifest.sections.variants import lineage
from framework.stages.config.companions import Companions, Group, inner_path
from framework.stages.config.context import ConfigContext

_OF_TRAINING = {
    "optimizer", "optimizers", "learning_rate", "schedule", "schedules", "batch_size", "precision", "max_grad_norm",
    "sequence_length", "early_stopping", "settings", *LENGTHS,
}  # fmt: skip
"""What of a phase configs of its training state; its data and its objective may stand elsewhere."""


def silent(context: ConfigContext, companions: Companions) -> Iterator[Verdict]:
    """For each file of a training, that a clause is unverified which only files of other runs state."""
    stated = frozenset().union(*(group.stated for group in companions.groups.values()))
    clauses = [
        clause
        for clause in context.experiment.clauses
        if clause.id in stated and not clause.added and not is_absence(clause.value) and _of_training(clause)
    ]
    for group in companions.groups.values() if clauses else ():
        trained = {phase for phase, _, _ in group.core}
        asked = [clause for clause in clauses if _is_to_state(context, group, clause, trained)]
        beside = companions.beside(group) if asked else []
        for clause in asked:
            if any(clause.id in other.stated for other in beside):
                continue
            for file in group.files:
                if not any(clause.id in companions.group(name).stated for name in companions.named(file)):
                    yield context.judge.unverified(clause, context.stage, f"{file} says nothing of it", file)


def _of_training(clause: Clause) -> bool:
    found = inner_path(clause.path)
    return found is not None and bool(found[1]) and found[1][0] in _OF_TRAINING


def _is_to_state(context: ConfigContext, group: Group, clause: Clause, trained: set[str]) -> bool:
    """Whether files of a group train the clause's phase, as it is stated for their variant and task, and do not state
    it."""
    found = inner_path(clause.path)
    assert found is not None
    if clause.id in group.stated or found[0] not in trained:
        return False
    return all(
        _takes(context, variant, task, clause) for variant, phase, task in group.about if phase in (None, found[0])
    )


def _takes(context: ConfigContext, variant: str | None, task: str | None, clause: Clause) -> bool:
    """Whether a training of a variant and a task takes the clause: its own, or one of the phase that neither states
    otherwise."""
    path = clause.path
    if path[0] == "variants":
        return variant is not None and path[1] in lineage(context.experiment.stated.variants, variant)
    if path[2] == "tasks":
        return path[3] == task
    names = (".".join(map(str, path[2:])), str(path[-1]))
    return not _stated_otherwise(context, str(path[1]), variant, task).intersection(names)


def _stated_otherwise(context: ConfigContext, phase: str, variant: str | None, task: str | None) -> frozenset[str]:
    """What a variant or a task states in the place of the phase."""
    known: dict[object, frozenset[str]] = context.cache.setdefault("stated otherwise", {})
    key = (phase, variant, task)
    if key not in known:
        variants = context.experiment.stated.variants
        own = set(lineage(variants, variant)) if variant else set()
        paths = [each.path for each in context.experiment.clauses if (variant or task)]
        known[key] = frozenset(
            ".".join(map(str, found[1]))
            for path in paths
            if (found := inner_path(path)) is not None
            and found[0] == phase
            and (path[1] in own if path[0] == "variants" else path[2] == "tasks" and path[3] == task)
        )
    return known[key]
