"""The optimizer and the further settings of a training, as they really were."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import same
from framework.manifest.sections.optimizers import Optimizer
from framework.planning.steps import Training
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed, recorded

OPTIMIZER = Rule(
    "R120", "optimizer", Severity.ERROR, Stage.RUN, "another optimizer, or other hyperparameters of it, than declared"
)
SETTING = Rule("R121", "training-setting", Severity.ERROR, Stage.RUN, "a training setting other than declared")

_HYPERPARAMETERS = ("weight_decay", "betas", "eps", "momentum", "nesterov")
_OF_A_GROUP = ("learning_rate", "weight_decay", "frozen")
_SETTINGS = ("sequence_length", "max_grad_norm", "precision", "objective")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        step, optimizer = observed.step, work.phase.optimizer
        kind = recorded("observed", "optimizer", "class")
        clause = context.clause(step, "optimizer.name")
        yield from context.hold(OPTIMIZER, observed, clause, optimizer.name, kind, "the optimizer", folded=True)
        for name in _HYPERPARAMETERS:
            if (declared := getattr(optimizer, name)) is not None:
                clause = context.clause(step, f"optimizer.{name}")
                seen = recorded("observed", "optimizer", name)
                yield from context.hold(OPTIMIZER, observed, clause, declared, seen, name)
        yield from _groups(context, observed, work)
        for name in _SETTINGS:
            if (declared := getattr(work.phase, name)) is not None:
                clause = context.clause(step, name)
                yield from context.hold(SETTING, observed, clause, declared, recorded("observed", name), name)


def _groups(context: EvidenceContext, observed: Observed, work: Training) -> Iterator[Verdict]:
    """What the groups of parameters got, and how the learning rate falls from layer to layer."""
    optimizer = work.phase.optimizer
    for index, group in enumerate(optimizer.groups or ()):
        for name in _OF_A_GROUP:
            if (declared := getattr(group, name)) is not None:
                clause = context.clause(observed.step, f"optimizer.groups[{index}].{name}")
                what = f"{name} of {', '.join(group.parameters)}"
                yield from context.hold(OPTIMIZER, observed, clause, declared, _of_group(index, name, declared), what)
    if optimizer.layer_decay is not None:
        clause = context.clause(observed.step, "optimizer.layer_decay")
        decay = optimizer.layer_decay
        yield from context.hold(OPTIMIZER, observed, clause, decay, _decay(optimizer), "the layer-wise decay")


def _recorded_groups(observed: Observed) -> list[Mapping[str, Any]]:
    groups = observed.recorded("observed", "optimizer", "groups")
    if not isinstance(groups, list) or not all(isinstance(each, Mapping) for each in groups):
        raise NotRecorded("the groups of parameters are not recorded")
    return groups


def _of_group(index: int, name: str, declared: Any) -> Callable[[Observed], Any]:
    """What a stated group got: of the several that it may be split into, the first that got something else."""

    def look(observed: Observed) -> Any:
        there = [each for each in _recorded_groups(observed) if each.get("group") == index]
        if not there:
            raise NotRecorded("no parameter is in the group")
        values = [each.get(name, False if name == "frozen" else None) for each in there]
        return next((value for value in values if not same(declared, value)), values[0])

    return look


def _decay(optimizer: Optimizer) -> Callable[[Observed], Any]:
    """By what the rates of the layers fall from one to the next: of several, the first that is not the declared one."""

    def look(observed: Observed) -> Any:
        own = {index for index, group in enumerate(optimizer.groups or ()) if group.learning_rate is not None}
        rates = [
            (each["distance"], each["learning_rate"])
            for each in _recorded_groups(observed)
            if each.get("distance") is not None and each.get("group") not in own and "learning_rate" in each
        ]
        peak = observed.recorded("observed", "optimizer", "learning_rate")
        seen = [(rate / peak) ** (1 / far) for far, rate in rates if far]
        if not seen:
            raise NotRecorded("the record tells no layers apart")
        return next((each for each in seen if not same(optimizer.layer_decay, each)), optimizer.layer_decay)

    return look
