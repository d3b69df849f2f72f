"""The rules about files that state what a search chose."""

from framework.conformance import Rule, Severity, Stage

APART = Rule(
    "C117", "optima-apart", Severity.ERROR, Stage.CONFIG, "two files give different optima for one task and method"
)
OTHER_OPTIMUM = Rule(
    "C118", "other-optimum", Severity.ERROR, Stage.CONFIG, "a file states an optimum that its search cannot have given"
)
