"""Values that are the best of a grid, for the steps of the variants that state them: open, or among what chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.errors import Problem
from framework.manifest.experiment import Experiment
from framework.manifest.sections.variants import lineage
from framework.names import format_path


def awaited(experiment: Experiment, variant: str) -> Iterator[Problem]:
    """What a variant waits for: the values that are open, of itself and of those that it starts from."""
    for name in lineage(experiment.manifest.variants, variant) if experiment.best.values else ():
        for value in experiment.best.of_variant(name):
            if value.is_open:
                advice = f"framework run --variant '{value.grid}/*', then this one; or framework run --all"
                yield Problem(f"{name}: {value.reason}", value.place, advice)


def decided(experiment: Experiment, variant: str) -> Iterator[dict[str, Any]]:
    """The values of a variant that were chosen from a grid, as its runs record them: the clause's place, `best_of`,
    `by`, the chosen `variant`, and what it was chosen `among`: each with what was measured, and its runs."""
    for value in experiment.best.of_variant(variant):
        if not value.is_open:
            yield {
                "clause": format_path(value.path),
                "best_of": value.grid,
                "by": value.metric,
                "variant": value.variant,
                "among": [dict(each) for each in value.among],
            }
