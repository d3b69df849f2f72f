"""Files that state what a search chose."""

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.stages.config.context import ConfigContext

APART = Rule(
    "C117", "optima-apart", Severity.ERROR, Stage.CONFIG, "two files give different optima for one task and method"
)
OTHER_OPTIMUM = Rule(
    "C118", "other-optimum", Severity.ERROR, Stage.CONFIG, "a file states an optimum that its search cannot have given"
)


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    if any(search.optima for search in context.experiment.stated.searches.values()):
        from framework.stages.config.rules.optima.optima_of_files import held  # reads studies and what they recorded

        yield from held(context)
