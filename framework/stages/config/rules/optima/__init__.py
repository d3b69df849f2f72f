"""Files that state what a search chose."""

from framework.stages.config.rules.optima.optima_of_files import APART, OTHER_OPTIMUM, check

__all__ = ["APART", "OTHER_OPTIMUM", "check"]
