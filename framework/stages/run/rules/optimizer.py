"""The optimizer and the further settings of a training, as they really were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import same
from framework.manifest.clauses import Clause
from framework.manifest.sections.optimizers import Optimizer
from framework.manifest.sections.values.quantities import NONE
from framework.planning.steps import Training
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed, recorded
from framework.stages.run.recomputed.trained_groups import FAMILIES, Demanded, demanded

OPTIMIZER = Rule(
    "R120", "optimizer", Severity.ERROR, Stage.RUN, "another optimizer, or other hyperparameters of it, than declared"
)
SETTING = Rule("R121", "training-setting", Severity.ERROR, Stage.RUN, "a training setting other than declared")

_HYPERPARAMETERS = ("weight_decay", "betas", "eps", "momentum", "nesterov")
_SETTINGS = (
    *("sequence_length", "max_grad_norm", "precision", "objective"),
    *("master_weights", "loss_normalization"),
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        step, optimizer = observed.step, work.phase.optimizer
        kind = recorded("observed", "optimizer", "class")
        clause = context.clause(step, "optimizer.name")
        yield from context.hold(OPTIMIZER, observed, clause, optimizer.name, kind, "the optimizer", folded=True)
        for name in _HYPERPARAMETERS:
            if name == "weight_decay" and observed.scripted:
                continue  # of each parameter: `recorded_parameters`
            if (declared := getattr(optimizer, name)) is not None:
                clause = context.clause(step, f"optimizer.{name}")
                seen = recorded("observed", "optimizer", name)
                yield from context.hold(OPTIMIZER, observed, clause, _amount(declared), seen, name)
        # Of a script's own training its settings tell them, see `own_settings`.
        for name, declared in (optimizer.settings or {}).items() if not observed.logged or observed.scripted else ():
            clause = context.clause(step, f"optimizer.settings.{name}")
            seen = recorded("observed", "optimizer", "settings", name)
            yield from context.hold(OPTIMIZER, observed, clause, declared, seen, name)
        if not observed.scripted:
            yield from _groups(context, observed, work)
        for name in _SETTINGS:
            if (declared := getattr(work.phase, name)) is not None:
                clause = context.clause(step, name)
                yield from context.hold(SETTING, observed, clause, declared, recorded("observed", name), name)


def _groups(context: EvidenceContext, observed: Observed, work: Training) -> Iterator[Verdict]:
    """The groups that the optimizer really had, each parameter by name, held to those that are declared."""
    step, optimizer = observed.step, work.phase.optimizer

    def hold(fact: str, expected: Any, observe: Callable[[Observed], Any], what: str) -> Iterator[Verdict]:
        clause = context.clause(step, f"optimizer.{fact}")
        return context.hold(OPTIMIZER, observed, clause, expected, observe, what)

    if optimizer.layer_decay is not None:
        yield from hold("layer_decay", optimizer.layer_decay, _layer_decay(optimizer), "the layer decay")
    for index, group in enumerate(optimizer.groups or ()):
        what = f"of groups[{index}]"
        if (clause := context.clause(step, f"optimizer.groups[{index}].parameters")) is not None:
            yield _members(context, observed, clause, optimizer, index)
        for name in ("learning_rate", "weight_decay"):
            if (declared := getattr(group, name)) is not None:
                fact = f"groups[{index}].{name}"
                yield from hold(fact, _amount(declared), _of_group(index, name), f"{name} {what}")
        if group.frozen is not None:
            yield from hold(f"groups[{index}].frozen", group.frozen, _of_group(index, "frozen"), f"frozen {what}")


def _amount(declared: Any) -> Any:
    """What a clause that states none of it demands of a number."""
    return 0.0 if declared == NONE else declared


def _recorded(observed: Observed) -> list[dict[str, Any]]:
    """The recorded groups that hold something.

    Raises:
        NotRecorded: the run recorded none.
    """
    groups = observed.recorded("observed", "optimizer", "groups")
    return [group for group in groups if group["names"]]


def _of_group(index: int, name: str) -> Callable[[Observed], Any]:
    """What the optimizer had for a declared group: one value, or all where it had several."""

    def observe(observed: Observed) -> Any:
        own = [group for group in _recorded(observed) if group["group"] == index]
        if not own:
            raise NotRecorded(f"no trained parameter is in groups[{index}]")
        values = [group.get(name, False if name == "frozen" else None) for group in own]
        distinct = [value for place, value in enumerate(values) if value not in values[:place]]
        return distinct[0] if len(distinct) == 1 else distinct

    return observe


def _by_name(observed: Observed, optimizer: Optimizer) -> Iterator[tuple[str, dict[str, Any], Demanded]]:
    """Each recorded parameter with the group that it was in, and what is demanded of it."""
    groups = _recorded(observed)
    of = {name: group for group in groups for name in group["names"]}
    for name, demand in demanded(optimizer, list(of)).items():
        yield name, of[name], demand


def _members(context: EvidenceContext, observed: Observed, clause: Clause, optimizer: Optimizer, index: int) -> Verdict:
    """Whether the parameters that were in a group are those that its words mean, by their names."""
    stage, family = context.stage, observed.step.model.family
    if observed.run is None:
        return context.judge.unverified(clause, stage, observed.absent)
    where = observed.place()
    try:
        rows = list(_by_name(observed, optimizer))
    except NotRecorded as missing:
        return context.judge.unverified(clause, stage, str(missing), where.file)
    there = [name for name, group, _ in rows if group["group"] == index]
    wanted = [name for name, _, demand in rows if demand.group == index]
    if family not in FAMILIES:
        reason = f"which parameters of a {family} are in groups[{index}] is not known here by their names"
        return context.judge.unverified(clause, stage, reason, where.file)
    if not there and not wanted:
        reason = f"no trained parameter is in groups[{index}]"
        return context.judge.unverified(clause, stage, reason, where.file)
    for names, others, what in ((wanted, there, "was not"), (there, wanted, "was")):
        odd = [name for name in names if name not in others]
        if odd:
            more = f" and {len(odd) - 1} more" if odd[1:] else ""
            message = f"{observed.step.label}: {odd[0]}{more} {what} in groups[{index}]"
            return context.violated(OPTIMIZER, clause, message, wanted, there, where)
    return context.judge.conforms(clause, stage, f"{len(there)} parameters, by their names", where.file)


def _layer_decay(optimizer: Optimizer) -> Callable[[Observed], Any]:
    """The layer decay, where each layer's rate follows from it; else the rates that do not."""

    def observe(observed: Observed) -> Any:
        rows = [row for row in _by_name(observed, optimizer) if row[2].layered and not row[1].get("frozen")]
        if not rows:
            raise NotRecorded("no trained parameter has a rate that follows from its layer")
        wrong = {
            name: group.get("learning_rate")
            for name, group, demand in rows
            if not same(demand.learning_rate, group.get("learning_rate"))
        }
        return wrong or optimizer.layer_decay

    return observe
