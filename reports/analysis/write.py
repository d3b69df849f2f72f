"""The analysis as files: the tables, the figures, and a document that says what to look at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from framework.errors import UsageError
from framework.evidence.atomic import write_bytes, write_text
from framework.manifest.experiment import Experiment
from framework.manifest.hyperparameters import recorded_as
from framework.manifest.metrics import falls_in
from reports.analysis.figures import figures, throughput_figures
from reports.analysis.rows import Study
from reports.analysis.run_groups import PREFERRED, Group, groups
from reports.analysis.tables import curve_csv, grouped_csv, summary_csv
from reports.analysis.throughput import Curve, throughput_csv
from reports.analysis.tradeoffs import front, tradeoffs
from reports.analysis.versus_baseline import Comparison, compare
from reports.statistics.section import statistics_of, tables_of
from reports.template_environment import render

DOCUMENT = "ANALYSIS.md"


def write(
    experiment: Experiment,
    found: Study,
    folder: Path,
    metrics: Sequence[str] = (),
    baseline: Path | None = None,
    speeds: Sequence[Curve] = (),
) -> list[Path]:
    """Write everything into a folder; the paths of what was written. All is made before the first file is written.

    Args:
        metrics: Which to draw and compare; by default those of accuracy, exact match, F1, perplexity and loss that
            there are.
        speeds: Measured throughputs over the batch size, for a table and figures of their own.

    Raises:
        UsageError: no run is finished, or none has such a metric.
        InputError: the baseline file is no table of known columns.
    """
    if not found.rows:
        raise UsageError(f"no finished run to analyse below {experiment.runs}; execute some first: framework run")
    grouped = groups(found.rows)
    chosen = _metrics(grouped, metrics)
    compared = compare(baseline, grouped, partial(falls_in, experiment.manifest)) if baseline else []
    drawn = {**dict(figures(grouped, chosen)), **dict(throughput_figures(speeds))}
    context = _context(experiment, found, grouped, chosen, list(drawn), compared)
    context["statistics"] = statistics = statistics_of(experiment, found.rows, metrics)
    context["machines"] = list(dict.fromkeys(curve.machine for curve in speeds))
    texts = {
        "summary.csv": summary_csv(found.rows),
        "grouped_summary.csv": grouped_csv(grouped),
        "sparsity_vs_performance.csv": curve_csv(grouped),
        **({"throughput_vs_batch_size.csv": throughput_csv(speeds)} if speeds else {}),
        **tables_of(statistics),
        DOCUMENT: render(experiment, "ANALYSIS.md.j2", context),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    for name, data in drawn.items():
        write_bytes(folder / name, data)
    return [folder / name for name in (*texts, *drawn)]


def _metrics(grouped: Sequence[Group], asked: Sequence[str]) -> list[str]:
    there = {name for group in grouped for name in group.metrics}
    chosen = []
    for name in asked:
        if (own := recorded_as(name, sorted(there))) is None:
            raise UsageError(f"no run has the metric {name!r}; there are: {', '.join(sorted(there))}")
        chosen.append(own)
    return chosen or [name for name in PREFERRED if name in there] or sorted(there)


def _context(
    experiment: Experiment,
    found: Study,
    grouped: list[Group],
    metrics: list[str],
    drawn: list[str],
    compared: list[Comparison],
) -> dict[str, Any]:
    places = list(dict.fromkeys((group.first.model, group.first.task) for group in grouped))
    lower = {metric: falls_in(experiment.manifest, metric) for metric in metrics}
    return {
        "title": experiment.manifest.paper.title,
        "profile": experiment.profile,
        "declared": len(found.rows) + found.missing,
        "missing": found.missing,
        "distinct": len({row.key for row in found.rows}),
        "adopted": len({row.key for row in found.rows if row.adopted}),
        "recorded": len({row.key for row in found.rows if row.recorded}),
        "seeds": sorted({row.seed for row in found.rows}),
        "metrics": metrics,
        "tradeoffs": [each for metric in metrics for each in tradeoffs(grouped, metric, lower[metric])],
        "fronts": [
            (metric, model, task, members)
            for metric in metrics
            for model, task in places
            if len(members := front(grouped, metric, model, task, lower[metric])) > 1
        ],
        "figures": drawn,
        "compared": compared,
    }
