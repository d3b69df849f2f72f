"""All figures of a study, in the order in which a reader asks: how it went, where it led, what it depends on."""

from __future__ import annotations

from framework.errors import FrameworkError
from framework.stages.verify import VerifyResult
from reports.analysis.rows import study
from reports.figures.cost import against_cost
from reports.figures.curves import curves
from reports.figures.drawn_figures import Figure, can_draw, styles_of
from reports.figures.ladder import ladder
from reports.figures.sensitivity import sensitivity
from reports.figures.sparsity_figures import by_tensor, over_sparsity


def figures_of(result: VerifyResult) -> list[Figure]:
    """The figures for which there is evidence; none without matplotlib."""
    if not can_draw():
        return []
    styles = styles_of(result.experiment.manifest.variants)
    try:
        rows = study(result.experiment, result.plan).rows
    except (FrameworkError, ImportError):
        rows = ()
    return [
        *curves(result, styles),
        *ladder(result, rows, styles),
        *sensitivity(result, rows, styles),
        *over_sparsity(result, rows),
        *against_cost(result, rows, styles),
        *by_tensor(result, styles),
    ]
