"""A config's one seed must be one of those that the manifest states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.clauses import Clause
from framework.stages.config.alike_files import by_precedent
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.training_facts import fact_leaves, facts_of

OTHER_SEED = Rule(
    "C116", "undeclared-seed", Severity.WARNING, Stage.CONFIG, "a config's seed is none of the declared ones"
)


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    clause = context.experiment.by_path.get(("seeds",))
    if clause is not None:
        for bound in bounds:
            yield from _held(context, bound, clause)


def _held(context: ConfigContext, bound: BoundFile, clause: Clause) -> Iterator[Verdict | Finding]:
    yield from by_precedent(
        context,
        "seeds",
        bound,
        lambda: fact_leaves(context, bound, seeds=True),
        lambda: _undeclared(context, bound, clause),
    )


def _undeclared(context: ConfigContext, bound: BoundFile, clause: Clause) -> Iterator[Verdict]:
    for fact in facts_of(context, bound):
        if fact.knob == "seed" and fact.target is None and not fact.scope and fact.value not in clause.value:
            finding = Finding(
                OTHER_SEED,
                f"{fact.location.key} is {said(fact.value)}, none of the declared seeds {said(clause.value)}",
                clause.id,
                clause.value,
                fact.value,
                fact.location,
                clause.location,
                f"write one of the declared seeds, such as {clause.value[0]}, or add {said(fact.value)} to `seeds`",
            )
            yield context.judge.violated(clause, finding, str(fact.location))
