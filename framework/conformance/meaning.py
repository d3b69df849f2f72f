"""Whether two values say the same thing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from framework.manifest.base import Duration
from framework.manifest.clauses import shown
from framework.names import Path
from framework.reading.nodes import Opaque
from framework.reading.scalars import resolve

_RELATIVE = 1e-9
"""Two floats this close are one number written twice: `0.1 * 2e-4` and `2e-5`."""
_NAMES = {"name", "metric", "score", "structure", "objective", "precision", "method", "importance"}
"""Clauses whose value is a term of the field, which trainers spell in several ways: `AdamW`, `adamw`."""
_INTERPOLATION = re.compile(r"\$\{.*\}|\$\w+|\{\{.*\}\}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """``same`` is None where the question cannot be answered; ``expected`` is what should have been stated."""

    same: bool | None
    expected: Any
    reason: str = ""
    wrong_type: bool = False


def compare(path: Path, declared: Any, stated: Any, facet: str | None = None) -> Comparison:
    """Hold what a file states to what the manifest declares at ``path``.

    ``facet`` names a unit of a value that has several: `ratio` and `steps` of a duration.
    """
    if isinstance(declared, Duration):
        return _duration(path, declared, stated, facet)
    if isinstance(stated, Opaque):
        return Comparison(None, declared, f"only its own program knows what {stated.tag} makes of it")
    if isinstance(stated, str) and stated != declared and _INTERPOLATION.search(stated):
        return Comparison(None, declared, f"the interpolation {stated!r} is resolved by its own program")
    if same(declared, stated, folded=path[-1] in _NAMES):
        return Comparison(True, declared)
    if isinstance(stated, str) and _number(declared) and _number(resolve(stated.strip() or "~", "yaml-1.2")):
        return Comparison(False, declared, f"its reader takes it for the string {stated!r}", wrong_type=True)
    return Comparison(False, declared)


def same(declared: Any, stated: Any, folded: bool = False) -> bool:
    """Equality of meaning: numbers by value, `true` never equal to 1, lists by their items."""
    if isinstance(declared, bool) or isinstance(stated, bool):
        return declared is stated
    if _number(declared) and _number(stated):
        return bool(declared == stated or math.isclose(declared, stated, rel_tol=_RELATIVE, abs_tol=0.0))
    if isinstance(declared, (list, tuple)) and isinstance(stated, (list, tuple)):
        return len(declared) == len(stated) and all(same(a, b, folded) for a, b in zip(declared, stated, strict=True))
    if folded and isinstance(declared, str) and isinstance(stated, str):
        return _folded(declared) == _folded(stated)
    return bool(declared == stated)


def _duration(path: Path, declared: Duration, stated: Any, facet: str | None) -> Comparison:
    if facet is None:
        try:
            return Comparison(Duration.model_validate(stated) == declared, str(declared))
        except ValueError:
            return Comparison(None, str(declared), "its unit is not known: bind it as `.ratio` or `.steps`")
    own = getattr(declared, facet)
    if own is None:
        return Comparison(
            None, str(declared), f"declared as {declared}, stated in {facet}: the number of steps is not known here"
        )
    comparison = compare((*path, facet), own, stated)
    return Comparison(comparison.same, own, comparison.reason, comparison.wrong_type)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _folded(text: str) -> str:
    return re.sub(r"[-_ ]", "", text).casefold()


def said(value: Any) -> str:
    """A value in a message: strings in quotes, numbers as people write them."""
    return repr(value) if isinstance(value, str) else shown(value)
