"""The plan stage: what would be started, held to the clauses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.finding import plain
from framework.conformance.meaning import compare, is_absence, said, same
from framework.conformance.stage import applies
from framework.conformance.waivers import Judge
from framework.manifest.clauses import Clause, fact_of, value_at
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.derived import is_expression
from framework.manifest.formulas.language import value_in
from framework.manifest.hyperparameters import same_metric
from framework.manifest.lengths import examples_in, optimizer_steps, scale_of
from framework.manifest.overrides import about_phase
from framework.manifest.own.own_models import own_parts, part_in
from framework.manifest.sections.methods import Prune
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.durations import Duration
from framework.manifest.sections.values.quantities import number, whole
from framework.manifest.sections.values.stated_metrics import falls
from framework.names import Path
from framework.planning.build import Plan
from framework.planning.commands.leftovers import covers_fact
from framework.planning.steps import Measure, Step, Training

DIFFERS = Rule(
    "P101", "plan-differs", Severity.ERROR, Stage.PLAN, "a planned step would do something else than declared"
)


def plan_verdicts(experiment: Experiment, plan: Plan, judge: Judge) -> Iterator[Verdict]:
    """Verdicts for every clause that a planned step takes its settings from."""
    near: dict[tuple[object, ...], list[Step]] = {}
    for step in plan.steps:
        for owner in _owners(step):
            near.setdefault(owner, []).append(step)
    for clause in experiment.clauses:
        if applies(clause, Stage.PLAN):
            users = [step for step in near.get(clause.path[:2], ()) if _uses(experiment, step, clause)]
            yield _verdict(experiment, plan, judge, clause, users)


def _owners(step: Step) -> Iterator[tuple[str, str]]:
    """The sections whose clauses may be about a step: only these are asked, so that a study of many variants takes a
    time in proportion to them."""
    yield "models", step.model_name
    yield from (("variants", name) for name in step.variants)
    if isinstance(step.work, Measure):
        yield "measurements", step.work.name
    elif isinstance(step.work, Training):
        yield "datasets", step.work.dataset_name
        yield "phases", step.name


def _verdict(experiment: Experiment, plan: Plan, judge: Judge, clause: Clause, users: Sequence[Step]) -> Verdict:
    if clause.section == "seeds":
        planned = sorted({step.seed for step in plan.steps})
        if same(sorted(clause.effective or []), planned):
            return judge.conforms(clause, Stage.PLAN, f"{len(planned)} seeds planned")
        missing = sorted(set(clause.effective or []) - set(planned))
        return judge.unverified(clause, Stage.PLAN, f"not planned: seeds {said(missing)}")
    if not users and clause.deviation and clause.effective is None:
        return judge.conforms(clause, Stage.PLAN)
    if not users:
        return judge.unverified(clause, Stage.PLAN, "no planned step uses it")
    if (lacking := next((step for step in users if step.missing), None)) is not None:
        return judge.unverified(clause, Stage.PLAN, f"{lacking.label} cannot be executed: {lacking.missing[0].message}")
    for step in users:
        found = _planned(experiment, step, clause)
        demanded, planned_value = plain(clause.effective), plain(found)
        if not _agree(experiment, step, clause, found):
            message = f"{step.label} would use {said(planned_value)}, not {said(demanded)}"
            return judge.violated(
                clause, Finding(DIFFERS, message, clause.id, demanded, planned_value, declared=clause.location)
            )
    if (claimed := next((step for step in users if _unpassed(experiment, step, clause)), None)) is not None:
        assert claimed.command is not None
        reason = f"runners.{claimed.command.runner} is not told: that it does so by itself, `unpassed` claims"
        return judge.unverified(clause, Stage.PLAN, reason)
    return judge.conforms(clause, Stage.PLAN, f"{len(users)} planned steps")


def _unpassed(experiment: Experiment, step: Step, clause: Clause) -> bool:
    """Whether a clause is one that a script is not told, since its author says that it does so by itself."""
    if step.command is None or not isinstance(step.work, Training):
        return False
    path = clause.path
    if path[0] in ("models", "datasets"):
        inner: Path = (path[0].removesuffix("s"), *path[2:])
    elif path[0] == "variants":
        inner = fact_of(experiment.manifest, path) or path[5:]
    else:
        inner = path[2:]
    inner = inner[2:] if inner[:1] == ("tasks",) else inner
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner)[1:]
    fact = "optimizer.learning_rate" if name == "learning_rate" else name
    return fact not in step.command.passed and any(covers_fact(text, fact) for text in step.command.unpassed)


def _agree(experiment: Experiment, step: Step, clause: Clause, planned: Any) -> bool:
    """Whether what a step would use is what the clause says, in whatever unit the paper says it."""
    stated = clause.effective
    if is_absence(stated):
        return is_absence(planned) or bool(compare(clause.path, stated, planned).same)
    if isinstance(stated, Batch) and isinstance(planned, int) and isinstance(step.work, Training):
        length = whole(step.work.phase.sequence_length)
        return stated.examples(length, experiment.manifest.hardware.count) == planned
    if isinstance(stated, Duration) and _is_phase_length(clause.path) and isinstance(step.work, Training):
        phase, examples = step.work.phase, examples_in(step.work.dataset)
        scale = scale_of(phase, examples, experiment.manifest.hardware.count)
        exact, made = stated.exact_steps(None, scale), optimizer_steps(phase, examples)
        if stated.unit == "epochs":
            return number(phase.epochs) == stated.amount
        return exact is None or made is None or abs(exact - made) < 1
    if clause.path[-1] == "metric" or clause.path[-2:] == ("metric", "name"):
        return isinstance(stated, str) and isinstance(planned, str) and same_metric(stated, planned)
    return same(plain(stated), plain(planned))


def _is_phase_length(path: Path) -> bool:
    """Whether a clause is how long a phase trains, and not how long a piece of a schedule is."""
    return path[-1] == "length" and not {"schedule", "schedules"} & set(path[2:])


def _uses(experiment: Experiment, step: Step, clause: Clause) -> bool:
    section, name = clause.path[0], clause.path[1] if len(clause.path) > 1 else None
    if section == "models":
        return step.model_name == name and not _own_part(experiment, step, clause.path[2:])
    if part_in(clause.path) is not None:
        return name in step.variants
    if section == "measurements" or isinstance(step.work, Measure):
        return section == "measurements" and isinstance(step.work, Measure) and step.work.name == name
    if section == "variants":
        index = next((place[-1] for place in step.places if place[1] == name), None)
        own = [("steps", index), ("from",) if index == 0 else None]
        fact = fact_of(experiment.manifest, clause.path)
        other_task = fact is not None and fact[0] == "tasks" and fact[1:2] != (step.task,)
        elsewhere = clause.path[5:6] in (("mask",), ("adapter",)) and _set_elsewhere(experiment, step, clause.path[5:])
        return index is not None and clause.path[2:4] in own and not other_task and not elsewhere
    if not isinstance(step.work, Training):
        return False
    if section == "datasets":
        return step.work.dataset_name == name
    if section != "phases" or step.name != name:
        return False
    inner = clause.path[2:]
    if _own_setting(experiment, step, inner) or _set_elsewhere(experiment, step, inner):
        return False
    if inner[0] == "tasks":
        return len(inner) > 1 and inner[1] == step.task
    return not _overridden(experiment, step, inner)


def _own_part(experiment: Experiment, step: Step, inner: Path) -> bool:
    """Whether the step's variant states the same part of the model anew."""
    return any(inner[: len(part)] == part for part in own_parts(experiment, step.variant))


def _own_setting(experiment: Experiment, step: Step, inner: Path) -> bool:
    """Whether a variant states the same thing anew."""
    places = ((*place, step.name) for place in step.places)
    paths = [(*place, *inner[:length]) for place in places for length in range(1, len(inner) + 1)]
    return any(path in experiment.settings for path in paths)


def _set_elsewhere(experiment: Experiment, step: Step, inner: Path) -> bool:
    """Whether the step's model or dataset states the same thing anew, for all that a phase does with it."""
    if not isinstance(step.work, Training):
        return False
    manifest = experiment.manifest
    for found in (manifest.models.get(step.model_name), manifest.datasets.get(step.work.dataset_name or "")):
        stated = dict(found.set or {}) if found is not None else {}
        for name in (*stated, *dict(about_phase(step.name, stated))):
            if inner[: name.count(".") + 1] == tuple(name.split(".")):
                return True
    return False


def _overridden(experiment: Experiment, step: Step, inner: Path) -> bool:
    """Whether the task states the same thing anew: then that clause is the one to hold."""
    task = experiment.manifest.phases[step.name].tasks.get(step.task) if step.task else None
    if task is None:
        return False
    if inner == ("optimizer", "learning_rate") and task.learning_rate is not None:
        return True
    stated = task.model_dump(exclude_unset=True, by_alias=True)
    for length in range(1, len(inner) + 1):
        try:
            found = value_at(stated, inner[:length])
        except LookupError:
            return False
        if found is not None and not isinstance(found, dict):
            return True
    return False


def _planned(experiment: Experiment, step: Step, clause: Clause) -> Any:
    """What the step would use where the clause has its value; the clause's own value where the step only names it."""
    path, work = clause.path, step.work
    if path[0] == "variants" and path[1] != step.variant and _idle(work, path):
        return clause.effective
    if path[0] == "models":
        return value_at(step.model, path[2:])
    if (part := part_in(path)) is not None:
        return value_at(step.model, part)
    if isinstance(work, Measure):
        return value_at(work.measurement, path[2:])
    if isinstance(work, Training):
        if path[0] == "datasets":
            return value_at(work.dataset, path[2:])
        if path[0] == "phases":
            planned = _set_to(work, path[2:], clause)
            stated = value_at(experiment.manifest.phases[step.name], path[2:])
            if isinstance(stated, str) and is_expression(stated):
                # Derived: it follows what the task, the model or the variant states in the place of its base.
                derived = value_in(experiment.manifest, work.phase, stated, step.model)
                return clause.effective if same(derived, planned) else planned
            return planned
        if path[0] == "variants" and len(path) > 5 and path[5] in ("mask", "adapter"):
            return value_at(getattr(work, str(path[5])), path[6:])
        if (fact := fact_of(experiment.manifest, path)) is not None:
            return _set_to(work, fact, clause)
    elif path[0] == "variants" and len(path) > 5:
        return value_at(work, path[5:])
    return clause.effective


def _idle(work: Any, path: Path) -> bool:
    """Whether a clause decides nothing, so that variants which state it otherwise share one run: how nothing is pruned,
    and how an adapter meets masks (which only variants whose masks keep everything share)."""
    if isinstance(work, Prune):
        return work.sparsity == 0 and path[5:] != ("prune", "sparsity")
    return path[-2:] == ("lora", "mode")


def _set_to(work: Training, inner: Path, clause: Clause) -> Any:
    """What the step's phase has at a path within the phase as stated, where a task's values stand below `tasks`."""
    own = inner[2:] if inner[0] == "tasks" else inner
    if own[:1] == ("learning_rate",):
        own = ("optimizer", *own)
    if own[-2:-1] == ("metric",) and isinstance(metric := value_at(work.phase, own[:-1]), str):
        # The built-in training takes the name alone, and the direction that a metric of that name usually has.
        return {"name": metric, "direction": "lower" if falls(metric) else "higher"}.get(str(own[-1]), clause.effective)
    return value_at(work.phase, own) if own else clause.effective
