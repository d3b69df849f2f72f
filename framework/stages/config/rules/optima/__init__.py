"""Files that state what a search chose."""

from collections.abc import Iterator

from framework.conformance import Finding, Verdict
from framework.stages.config.context import ConfigContext
from framework.stages.config.rules.optima.optima_rules import APART, OTHER_OPTIMUM

__all__ = ["APART", "OTHER_OPTIMUM", "check"]


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    if any(search.optima for search in context.experiment.stated.searches.values()):
        from framework.stages.config.rules.optima.optima_of_files import held  # reads studies and what they recorded

        yield from held(context)
