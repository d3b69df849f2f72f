"""Whether two values say the same thing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from framework.manifest.clauses import shown
from framework.manifest.hyperparameters import same_metric
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.durations import Duration, Scale
from framework.manifest.sections.values.quantities import NONE, About, Formula
from framework.names import Path
from framework.reading.nodes import Opaque
from framework.reading.scalars import resolve

_RELATIVE = 1e-9
"""Two floats this close are one number written twice: `0.1 * 2e-4` and `2e-5`."""
_NAMES = {
    "name", "metric", "score", "structure", "objective", "precision", "method", "importance", "noise_schedule",
    "prediction_type",
}  # fmt: skip
"""Clauses whose value is a term of the field, which trainers spell in several ways: `AdamW`, `adamw`."""
_DIRECTIONS = {
    **dict.fromkeys(("max", "maximize", "maximise", "higher", "greater", "true"), "higher"),
    **dict.fromkeys(("min", "minimize", "minimise", "lower", "less", "false"), "lower"),
}
_INTERPOLATION = re.compile(r"\$\{.*\}|\$\w+|\{\{.*\}\}")


class Comparison(NamedTuple):
    """``same`` is None where the question cannot be answered; ``expected`` is what should have been stated."""

    same: bool | None
    expected: Any
    reason: str = ""
    wrong_type: bool = False


def compare(
    path: Path,
    declared: Any,
    stated: Any,
    facet: str | None = None,
    totals: Sequence[int] | None = None,
    scale: Scale | None = None,
) -> Comparison:
    """Hold what a file states to what the manifest declares at ``path``.

    ``facet`` names a unit of a value that has several: `ratio` and `steps` of a duration. ``totals`` are the numbers
    of optimizer steps of the trainings that the value is about, where all are known: they translate between units, and
    so does ``scale``, what one optimizer step and one epoch are.
    """
    if isinstance(stated, Opaque) and stated.each:
        return _of_each(path, declared, stated, facet, totals, scale)
    if isinstance(stated, Opaque) and stated.among:
        found = (compare(path, declared, value, facet, totals, scale) for value in stated.among)
        if all(each.same is False for each in found):
            return Comparison(False, declared, f"no value of {stated.tag} is {said(declared)}")
        return Comparison(None, declared, unknowable(stated) or "")
    if is_absence(declared):
        return _absent(stated)
    stated = _alone(declared, stated)
    if isinstance(declared, Duration):
        return _duration(path, declared, stated, facet, totals, scale)
    if isinstance(declared, Batch) and facet == declared.unit:
        return Comparison(_number(stated) and stated in declared.amounts, declared.amount)
    if isinstance(declared, (Formula, Batch)) and stated != declared:
        return Comparison(None, str(declared), f"declared as {declared}, of which not all is known here")
    if path[-2:] == ("metric", "direction") and (direction := direction_of(stated)) is not None:
        return Comparison(direction == declared, declared)
    folded = path[0] != "datasets" and str(path[-1]).rpartition(".")[2] in _NAMES
    if same(declared, stated, folded) or (_of_metric(path) and _same_metric(declared, stated)):
        return Comparison(True, declared)
    if path == ("seeds",) and _same_items(declared, stated):
        return Comparison(True, declared)
    if isinstance(stated, Opaque) and stated.between is not None and _number(declared):
        low, high = stated.between
        if not low - _RELATIVE * abs(low) <= declared <= high + _RELATIVE * abs(high):
            return Comparison(False, declared, f"no value of {stated.tag} is {said(declared)}")
    if (unknown := unknowable(stated)) is not None:
        return Comparison(None, declared, unknown)
    if isinstance(stated, str) and _number(declared) and _number(resolve(stated.strip() or "~", "yaml-1.2")):
        return Comparison(False, declared, f"its reader takes it for the string {stated!r}", wrong_type=True)
    return Comparison(False, declared)


def _of_each(
    path: Path,
    declared: Any,
    stated: Opaque,
    facet: str | None,
    totals: Sequence[int] | None,
    scale: Scale | None,
) -> Comparison:
    """Hold what a loop runs, each value in its turn: all of the seeds; and of anything else the one that is stated."""
    if path == ("seeds",) and isinstance(declared, list):
        values = list(stated.each)
        return Comparison(all(x in declared for x in values) and all(x in values for x in declared), declared)
    found = [compare(path, declared, value, facet, totals, scale) for value in stated.each]
    if all(each.same is False for each in found):
        return Comparison(False, declared)
    said_as = ", ".join(str(value) for value in stated.each)
    return Comparison(None, declared, f"{stated.tag} is each of {said_as} in its turn")


_GROUPED = re.compile(r"[-+]?\d{1,3}(?:_\d{3})+")


def _alone(declared: Any, stated: Any) -> Any:
    """A list of one where one value is stated (argparse's `nargs="+"`), one value where a list of one is; and whole
    numbers with separators, which PyYAML and Python read and YAML 1.2 takes for text."""
    if isinstance(stated, list) and len(stated) == 1 and not isinstance(declared, (list, tuple, dict)):
        return stated[0]
    if isinstance(declared, list) and len(declared) == 1 and isinstance(stated, (str, int, float)):
        return [stated]
    if isinstance(stated, str) and _number(declared) and _GROUPED.fullmatch(stated):
        return int(stated.replace("_", ""))
    return stated


def _same_items(declared: Any, stated: Any) -> bool:
    """Whether two lists have the same items, in any order."""
    if not isinstance(declared, list) or not isinstance(stated, list):
        return False
    found = all(any(same(one, other) for other in stated) for one in declared)
    return found and all(any(same(one, other) for one in declared) for other in stated)


def direction_of(word: Any) -> str | None:
    """Which of a metric is better, as trainers say it: `greater_is_better: true`, `mode: min`; None for other words."""
    if isinstance(word, bool):
        return "higher" if word else "lower"
    return _DIRECTIONS.get(word.strip().casefold()) if isinstance(word, str) else None


def _of_metric(path: Path) -> bool:
    """Whether a clause is a metric, or the name of one."""
    return path[-1] == "metric" or (len(path) > 1 and path[-2:] == ("metric", "name"))


def _same_metric(declared: Any, stated: Any) -> bool:
    return isinstance(declared, str) and isinstance(stated, str) and same_metric(declared, stated)


def unknowable(stated: Any) -> str | None:
    """Why nobody but its own program can tell what a file's value is; None where anybody can."""
    if isinstance(stated, Opaque):
        if stated.reason:
            return f"{stated.tag} is not known here: {stated.reason}"
        return f"only its own program knows what {stated.tag} makes of it"
    if isinstance(stated, str) and _INTERPOLATION.search(stated):
        return f"the interpolation {stated!r} is resolved by its own program"
    items = stated.values() if isinstance(stated, dict) else stated if isinstance(stated, list) else ()
    return next((reason for item in items if (reason := unknowable(item)) is not None), None)


def same(declared: Any, stated: Any, folded: bool = False) -> bool:
    """Equality of meaning: numbers by value, `true` never equal to 1, lists by their items."""
    if isinstance(declared, bool) or isinstance(stated, bool):
        return declared is stated
    if isinstance(declared, About):
        number = resolve(stated.strip() or "~", "yaml-1.2") if isinstance(stated, str) else stated
        return stated == declared or (_number(number) and declared.holds(number))
    if _number(declared) and _number(stated):
        try:
            return bool(declared == stated or math.isclose(declared, stated, rel_tol=_RELATIVE, abs_tol=0.0))
        except OverflowError:
            return False
    if isinstance(declared, (list, tuple)) and isinstance(stated, (list, tuple)):
        return len(declared) == len(stated) and all(same(a, b, folded) for a, b in zip(declared, stated, strict=True))
    if folded and isinstance(declared, str) and isinstance(stated, str):
        return _folded(declared) == _folded(stated)
    if isinstance(declared, BaseModel) and not isinstance(stated, BaseModel):
        try:
            return type(declared).model_validate(stated) == declared
        except ValueError:
            return False
    return bool(declared == stated)


def is_absence(declared: Any) -> bool:
    """Whether a clause states that there is none of it."""
    if isinstance(declared, Duration):
        return declared.none is True
    return declared is None or (isinstance(declared, str) and declared == NONE)


def _absent(stated: Any) -> Comparison:
    """Hold a value to a clause that states none of it: nothing, 0, false and `none` are none."""
    if (unknown := unknowable(stated)) is not None:
        return Comparison(None, NONE, unknown)
    nothing = stated is None or stated is False or (_number(stated) and stated == 0)
    word = isinstance(stated, str) and stated.strip().casefold() in ("", NONE, "null", "no", "off", "false")
    return Comparison(nothing or word or (isinstance(stated, (list, dict)) and not stated), NONE)


def _duration(
    path: Path,
    declared: Duration,
    stated: Any,
    facet: str | None,
    totals: Sequence[int] | None,
    scale: Scale | None = None,
) -> Comparison:
    if facet is None:
        try:
            duration = Duration.model_validate(stated)
        except ValueError:
            return Comparison(None, str(declared), "its unit is not known: bind it as `.ratio` or `.steps`")
        if duration == declared:
            return Comparison(True, str(declared))
        facet, stated = duration.unit, getattr(duration, duration.unit)
    own = getattr(declared, facet)
    if own is not None:
        about = About.around(own, declared.within) if declared.within is not None else own
        comparison = compare((*path, facet), about, stated)
        return Comparison(comparison.same, own, comparison.reason, comparison.wrong_type)
    if declared.amount == 0 and _number(stated):
        return Comparison(stated == 0, 0)  # nothing is nothing, in any unit
    if not _number(stated):
        reason = f"declared as {declared}, stated in {facet}: the number of steps is not known here"
        return Comparison(None, str(declared), reason if totals is None else f"{stated!r} is no number of {facet}")
    if (found := _by_scale(declared, stated, facet, scale)) is not None:
        return found
    if not totals or facet not in ("ratio", "steps") or declared.unit not in ("ratio", "steps"):
        lacking = _lacking(declared.unit, facet, scale)
        reason = f"declared as {declared}, stated in {facet}: {lacking} is not known here"
        return Comparison(None, str(declared), reason)
    return _in_steps(declared, stated, facet, totals)


def _lacking(declared: str, stated: str, scale: Scale | None) -> str:
    for unit in (declared, stated):
        if unit not in ("ratio", "steps") and (scale or Scale()).steps_in(unit, 1) is None:
            return (scale or Scale()).lacks(unit)
    return "the number of steps"


def _by_scale(declared: Duration, stated: float, facet: str, scale: Scale | None) -> Comparison | None:
    """Compare lengths in units that turn into steps by what a step is; None where they do not."""
    if scale is None or "ratio" in (declared.unit, facet):
        return None
    exact, other, each = declared.exact_steps(None, scale), scale.steps_in(facet, stated), scale.steps_in(facet, 1)
    if exact is None or other is None or not each:
        return None
    slack = max(1 - _RELATIVE, (declared.within or 0) * exact)
    for unit, amount in ((declared.unit, declared.amount), (facet, stated)):
        if unit == "epochs":  # whether an incomplete batch is a step decides one step of each epoch
            slack = max(slack, amount)
    expected = exact / each
    whole = round(expected) if facet in ("steps", "samples", "tokens") or expected == round(expected) else expected
    return Comparison(abs(exact - other) <= slack, whole, f"{declared} is {exact:g} steps")


def _in_steps(declared: Duration, stated: float, facet: str, totals: Sequence[int]) -> Comparison:
    """Compare across units, in steps. Trainers round a share up or down, so both are the declared length."""
    fits = []
    for total in totals:
        share, steps = (declared.ratio, stated) if facet == "steps" else (stated, declared.steps)
        assert share is not None
        assert steps is not None
        fits.append(abs(share * total - steps) < 1 - _RELATIVE)
    first = declared.in_steps(totals[0])
    expected: Any = first if facet == "steps" else float(f"{first / totals[0]:.6g}")
    spelled = ", ".join(f"{declared.in_steps(total)} of {total}" for total in totals)
    if all(fits):
        return Comparison(True, expected, f"{declared} is {spelled} steps")
    if any(fits):
        return Comparison(None, expected, f"{declared} is {spelled} steps, by task: one number fits only one of them")
    if len(totals) > 1:
        return Comparison(False, str(declared), f"{declared} is {spelled} steps, by task")
    return Comparison(False, expected, f"{declared} is {spelled} steps")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _folded(text: str) -> str:
    return re.sub(r"[-_ ]", "", text).casefold()


def said(value: Any) -> str:
    """A value in a message: strings in quotes, numbers as people write them."""
    return repr(value) if isinstance(value, str) else shown(value)
