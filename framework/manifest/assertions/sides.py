"""Comparisons of arithmetic over results, and what they come to.

The arithmetic is that of derived values (:mod:`framework.manifest.formulas.derived`), and `mean`, `median`, `best`,
`worst` and `deviation` of what varies. Nothing is evaluated but that.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from framework.manifest.assertions.calls import CALL, Call
from framework.manifest.formulas.derived import computed
from framework.manifest.sections.statements import Claim

AGGREGATES = ("mean", "median", "best", "worst", "deviation")
"""Functions of all that a claim is over, to one number."""

Results = Mapping[str, Sequence[float]]
"""What varies, by the text of its call."""


class Unsupported(Exception):
    """The claim cannot be decided yet; the message says why."""


class Undefined(Unsupported):
    """A side has no value for these results: it divides by zero, or is beyond all numbers."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison. ``names`` are the calls by their placeholder in ``tree``; ``aggregates`` the functions
    of all places by theirs, with what they are of, and whether more is better there."""

    text: str
    tree: ast.expr
    names: dict[str, str]
    aggregates: dict[str, tuple[str, ast.expr, bool]]

    @property
    def varies(self) -> bool:
        """Whether it has another value at each place."""
        return any(isinstance(node, ast.Name) and node.id in self.names for node in ast.walk(self.tree))

    @property
    def calls(self) -> list[str]:
        """The texts of all its calls."""
        trees = [self.tree, *(inner for _, inner, _ in self.aggregates.values())]
        found = (node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name))
        return list(dict.fromkeys(self.names[name] for name in found if name in self.names))

    def values(self, results: Results) -> list[float]:
        """Its value at each place.

        Raises:
            Undefined: it has none.
        """
        count = max((len(values) for values in results.values()), default=1)
        return [self._computed(self.tree, results, place) for place in range(count)]

    def value(self, results: Results) -> float:
        """Its one value, where it does not vary.

        Raises:
            Undefined: it has none.
        """
        return self._computed(self.tree, results, 0)

    def _computed(self, tree: ast.expr, results: Results, place: int) -> float:
        def named(name: str) -> float:
            if name in self.aggregates:
                return self._aggregated(name, results)
            return results[self.names[name]][place]

        try:
            found = computed(tree, named)
        except ArithmeticError as problem:
            raise Undefined(f"{self.text!r} has no value: {problem}") from None
        if not math.isfinite(found):
            raise Undefined(f"{self.text!r} has no finite value, but {found}")
        return found

    def _aggregated(self, name: str, results: Results) -> float:
        function, inner, rising = self.aggregates[name]
        count = max((len(values) for values in results.values()), default=1)
        values = [self._computed(inner, results, place) for place in range(count)]
        if function == "deviation" and count < 2:
            raise Undefined(f"{self.text!r} has no value: a deviation needs at least 2 results")
        if function in ("best", "worst"):
            return max(values) if rising is (function == "best") else min(values)
        return float(fmean(values) if function == "mean" else median(values) if function == "median" else stdev(values))


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison."""

    left: Side
    symbol: str
    right: Side

    @property
    def text(self) -> str:
        return f"{self.left.text} {self.symbol} {self.right.text}"

    @property
    def calls(self) -> list[str]:
        return list(dict.fromkeys([*self.left.calls, *self.right.calls]))

    @property
    def aggregates(self) -> frozenset[str]:
        """The functions of all places that it uses."""
        return frozenset(name for side in (self.left, self.right) for name, _, _ in side.aggregates.values())

    @property
    def target(self) -> bool:
        """Whether it holds one variant to a number."""
        return len({Call.of(match).variant for text in self.calls if (match := CALL.fullmatch(text))}) == 1


def by_comparison_alone(claim: Claim, parts: Sequence[Part], seeds: int) -> bool:
    """Whether a claim is decided without confidence: as it says, or as a target of one run has it."""
    if claim.test is not None:
        return claim.test == "comparison"
    return claim.over == "seeds" and seeds == 1 and all(part.target for part in parts)
