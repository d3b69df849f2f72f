"""A config's one seed must be one of those that the manifest states."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance.check import ConfigContext
from framework.conformance.facts import facts_of
from framework.conformance.meaning import said
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict

OTHER_SEED = Rule(
    "C116", "undeclared-seed", Severity.WARNING, Stage.CONFIG, "a config's seed is none of the declared ones"
)


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    clause = context.experiment.by_path.get(("seeds",))
    if clause is None:
        return
    for bound in context.files:
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
