"""The optimizer and the further settings of a training, as they really were."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.stages.run.observed import EvidenceContext, recorded

OPTIMIZER = Rule(
    "R120", "optimizer", Severity.ERROR, Stage.RUN, "another optimizer, or other hyperparameters of it, than declared"
)
SETTING = Rule("R121", "training-setting", Severity.ERROR, Stage.RUN, "a training setting other than declared")

_HYPERPARAMETERS = ("weight_decay", "betas", "eps", "momentum")
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
        for name in _SETTINGS:
            if (declared := getattr(work.phase, name)) is not None:
                clause = context.clause(step, name)
                yield from context.hold(SETTING, observed, clause, declared, recorded("observed", name), name)
