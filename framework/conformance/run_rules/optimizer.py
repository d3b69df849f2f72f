"""The optimizer and the further settings of a training, as they really were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.observing import EvidenceContext, Observed

OPTIMIZER = Rule("R120", "optimizer", Severity.ERROR, Stage.RUN, "another optimizer, or other hyperparameters of it, than declared")
SETTING = Rule("R121", "training-setting", Severity.ERROR, Stage.RUN, "a training setting other than declared")

_HYPERPARAMETERS = ("weight_decay", "betas", "eps", "momentum")
_SETTINGS = ("sequence_length", "max_grad_norm", "precision", "objective")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():

        def seen(*path: str, observed: Observed = observed) -> Any:
            return observed.recorded("observed", *path)

        step, optimizer = observed.step, work.phase.optimizer
        clause = context.clause(step, "optimizer.name")
        yield from context.hold(
            OPTIMIZER, observed, clause, optimizer.name, lambda seen=seen: seen("optimizer", "class"), "the optimizer", folded=True
        )
        for name in _HYPERPARAMETERS:
            if (declared := getattr(optimizer, name)) is not None:
                clause = context.clause(step, f"optimizer.{name}")
                yield from context.hold(
                    OPTIMIZER, observed, clause, declared, lambda seen=seen, name=name: seen("optimizer", name), name
                )
        for name in _SETTINGS:
            if (declared := getattr(work.phase, name)) is not None:
                clause = context.clause(step, name)
                yield from context.hold(SETTING, observed, clause, declared, lambda seen=seen, name=name: seen(name), name)
