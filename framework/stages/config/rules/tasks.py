"""Tasks with values of their own: one number for all of them is not what the paper states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said, same
from framework.manifest.clauses import Clause
from framework.manifest.hyperparameters import folded
from framework.manifest.sections.phases import Phase
from framework.names import Path, format_path
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.training_facts import Fact, facts_of, is_about, within_phase

FLATTENED = Rule(
    "C106", "flattened-tasks", Severity.ERROR, Stage.CONFIG, "one value for tasks whose declared values differ"
)
UNBOUND_TASK = Rule(
    "C107", "task-not-bound", Severity.WARNING, Stage.CONFIG, "a task's own value is bound for its sisters, not for it"
)

_KNOBS = {"epochs": "epochs", "learning_rate": "learning_rate", "global_batch_size": "batch_size"}
"""Hyperparameter -> the key of a task that states it."""


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    """Nothing yet; which phases a file is about is found out while it is open."""
    for name, phase in context.experiment.stated.phases.items():
        for bound in bounds if phase.tasks else ():
            is_about(context, bound, name)
    yield from ()


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    for name, phase in context.experiment.stated.phases.items():
        for knob, key in _KNOBS.items():
            declared = {task: getattr(own, key) for task, own in phase.tasks.items() if getattr(own, key) is not None}
            if not declared:
                continue
            files = [bound for bound in context.files if is_about(context, bound, name)]
            bound = _bound_tasks(context, name, key)
            yield from _missing(context, name, key, declared, bound, files)
            common = _common(phase, key)
            if all(same(value, common) for value in declared.values()):
                continue
            stating = {context.experiment.by_path["phases", name, "tasks", task, key].id for task in bound}
            for file in files:
                if not _told_apart(context, file, stating):
                    yield from _flattened(context, file, name, knob, key, common if stating else None)


def _common(phase: Phase, key: str) -> Any:
    """What a task without a value of its own has; the first task's where the phase states none."""
    stated = phase.optimizer.learning_rate if key == "learning_rate" else getattr(phase, key)
    own = [getattr(task, key) for task in phase.tasks.values()]
    return stated if None in own else own[0]


def _bound_tasks(context: ConfigContext, phase: str, key: str) -> set[str]:
    """The tasks for which some file's key is bound to a value of their own."""
    paths = {target.clause.path for bound in context.files for target in bound.targets.values()}
    return {str(path[3]) for path in paths if path[:3] == ("phases", phase, "tasks") and path[4:] == (key,)}


def _told_apart(context: ConfigContext, file: BoundFile, clauses: set[str]) -> bool:
    """Whether a file, or one of the same run, states tasks' own values."""
    own = context.companions.group(file.file)
    return not clauses.isdisjoint(own.stated_by_key) or context.companions.of(
        file.file, lambda other: not clauses.isdisjoint(other.stated_by_key)
    )


def _missing(
    context: ConfigContext, phase: str, key: str, declared: dict[str, Any], bound: set[str], files: list[BoundFile]
) -> Iterator[Finding]:
    for task in declared if bound else ():
        if task in bound or not files:
            continue
        path: Path = ("phases", phase, "tasks", task, key)
        clause = context.experiment.by_path[path]
        yield Finding(
            UNBOUND_TASK,
            f"{key} is bound for {', '.join(sorted(bound))}, and no file states {clause.id} = {said(clause.value)}",
            clause.id,
            expected=clause.value,
            location=context.experiment.location(("configs", files[0].pattern.stated, "file")),
            declared=clause.location,
            advice=f"bind the key that states it: `KEY: {_as_bound(files[0], path)}` under `keys:`",
        )


def _flattened(
    context: ConfigContext, bound: BoundFile, name: str, knob: str, key: str, common: Any
) -> Iterator[Verdict]:
    """``common`` is what the phase states for tasks without a value of their own, where other files state those."""
    if _of_one_task(context, bound, name):
        return
    clauses = [
        clause
        for task in context.experiment.stated.phases[name].tasks
        if (clause := context.experiment.by_path.get(("phases", name, "tasks", task, key)))
    ]
    told = context.cache.get("fits none", ())
    own = bound.binding.describes is not None
    for fact in facts_of(context, bound):
        if (bound.file, fact.path) in told:
            continue  # C101 tells that it is no task's at all
        whole = not [part for part in fact.scope if own or folded(part) != folded(name)]
        inside = own or within_phase(fact.path, name)
        if fact.knob == knob and whole and inside and not (common is not None and same(common, fact.value)):
            spelled = ", ".join(f"{said(clause.value)} for {clause.path[3]}" for clause in clauses)
            wrong = [clause for clause in clauses if not same(clause.value, fact.value)]
            yield from (_verdict(context, bound, fact, clause, spelled) for clause in wrong[:1])


def _verdict(context: ConfigContext, bound: BoundFile, fact: Fact, clause: Clause, spelled: str) -> Verdict:
    key = str(fact.location.key)
    message = f"{key} is {said(fact.value)} for all tasks; the manifest states {spelled}"
    advice = (
        f"state a value for each task (`{key}: {{{clause.path[3]}: {said(clause.value)}, ...}}`) and bind each, "
        f"such as `{key}.{clause.path[3]}: {_as_bound(bound, clause.path)}`; "
        f"or bind {bound.file} to the one task that it is for"
    )
    finding = Finding(FLATTENED, message, clause.id, clause.value, fact.value, fact.location, clause.location, advice)
    return context.judge.violated(clause, finding, str(fact.location))


def _as_bound(bound: BoundFile, path: Path) -> str:
    """A task's clause as a binding of the file names it."""
    return format_path(path if bound.binding.describes is None else path[2:])


def _of_one_task(context: ConfigContext, bound: BoundFile, phase: str) -> bool:
    """Whether a file says, in its name or in a value, that it is for one of the tasks only."""
    tasks = {folded(task) for task in context.experiment.stated.phases[phase].tasks}
    stem = folded(PurePath(bound.file).stem)
    if any(task in stem for task in tasks):
        return True
    named = set()
    for path, node in bound.document.leaves():
        if bound.binding.describes is None and not within_phase(path, phase):
            continue
        value = bound.document.value(node)
        if isinstance(value, str) and folded(value) in tasks:
            named.add(folded(value))
    return len(named) == 1
