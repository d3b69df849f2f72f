"""What a record says that its values were chosen among, held to the runs that it names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean
from typing import Any

from framework.manifest.metrics import falls_in
from framework.planning.tuned.best_of_grids import measured_by
from framework.stages.checkpoint.recorded.contradiction import Contradiction, real
from framework.stages.run.observed import EvidenceContext, Observed


def contradictions(context: EvidenceContext, observed: Observed) -> Iterator[Contradiction]:
    """Each choice is the best of what is listed, each listed figure the mean of its runs, and the variant the one that
    the plan chooses now, among the same runs.

    A value that the manifest now states as a number, or a grid that has grown since, contradicts nothing: the content
    of the run is the same. Runs that are not there leave their figure as it is.
    """
    assert observed.run is not None
    for index, choice in enumerate(observed.run.record.chosen):
        place = f"chosen[{index}]"
        grid, metric, variant = (choice.get(name) for name in ("best_of", "by", "variant"))
        among = choice.get("among")
        listed = [each for each in among if isinstance(each, dict)] if isinstance(among, list) else []
        if not isinstance(metric, str) or not listed:
            yield Contradiction(place, f"{place} does not say by which metric and among which runs it was chosen")
            continue
        for number, each in enumerate(listed):
            yield from _measured(context, f"{place}.among[{number}]", each, metric)
        best = _best(listed, 1.0 if falls_in(context.experiment.manifest, metric) else -1.0)
        if best is not None and variant != best:
            message = f"{variant} was taken as the best of {grid} by {metric}, and of those listed that is {best}"
            yield Contradiction(f"{place}.variant", message, best, variant)
        for planned in observed.step.chosen:
            asked = all(planned.get(name) == choice.get(name) for name in ("clause", "best_of", "by"))
            if asked and _runs(planned["among"]) == _runs(listed) and planned["variant"] != variant:
                message = (
                    f"{variant} was taken as the best of {grid} by {metric}, and its runs give {planned['variant']}"
                )
                yield Contradiction(f"{place}.variant", message, planned["variant"], variant)


def _measured(context: EvidenceContext, place: str, each: dict[str, Any], metric: str) -> Iterator[Contradiction]:
    keys, said = each.get("runs"), real(each.get("measured"))
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        yield Contradiction(place, f"{each.get('variant')} is listed without its runs")
        return
    there = {seen.step.key: seen.run for seen in context.related.each() if seen.run is not None}
    found = [measured_by(there[key].record.metrics, metric) for key in keys if key in there]
    numbers = [value for value in found if value is not None]
    if len(numbers) < len(keys):
        return
    mean = fmean(numbers)
    if said is None or (math.isfinite(mean) and not math.isclose(said, mean, rel_tol=1e-9, abs_tol=1e-12)):
        message = f"{each.get('variant')} is listed with a {metric} of {each.get('measured')}, and its runs have {mean}"
        yield Contradiction(f"{place}.measured", message, mean, each.get("measured"))


def _best(listed: list[dict[str, Any]], sign: float) -> Any:
    """The first of the best, as the plan takes it; None where nothing is a finite number."""
    figures = [(each.get("variant"), real(each.get("measured"))) for each in listed]
    finite = [(variant, value) for variant, value in figures if value is not None and math.isfinite(value)]
    return min(finite, key=lambda each: sign * each[1])[0] if finite else None


def _runs(among: Any) -> list[Any]:
    return [each.get("runs") for each in among]
