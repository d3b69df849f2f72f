"""The figures, as PNG bytes: a metric over sparsity with its intervals, and kinds against sparsities."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from framework.errors import UsageError
from framework.isolation import to_install
from reports.analysis.run_groups import Group
from reports.analysis.throughput import Curve, by_figure

MARKERS = "osD^v<>Pp*hX"


def figures(groups: Sequence[Group], metrics: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """File names and contents, for each model, task and metric that has a curve of at least two sparsities.

    Raises:
        UsageError: matplotlib is not installed.
    """
    plots = _pyplot()
    stated = [group for group in groups if group.first.asked is not None]
    for model, task in dict.fromkeys((group.first.model, group.first.task) for group in stated):
        own = [group for group in stated if (group.first.model, group.first.task) == (model, task)]
        for metric in metrics:
            curves = _curves([group for group in own if metric in group.metrics])
            if max(map(len, curves.values()), default=0) < 2:
                continue
            name = ".".join(part for part in (metric, model, task) if part).replace("/", "_")
            title = f"{model}, {task}" if task else model
            yield f"curve.{name}.png", _curve(plots, curves, metric, title)
            if len(curves) > 1:
                yield f"heatmap.{name}.png", _heatmap(plots, curves, metric, title)


def throughput_figures(curves: Sequence[Curve]) -> Iterator[tuple[str, bytes]]:
    """File names and contents: tokens per second over the batch size, one figure for each model and length."""
    for common, members in by_figure(curves):
        plots = _pyplot()
        figure, axes = plots.subplots(figsize=(7, 4.5), layout="constrained")
        for number, curve in enumerate(members):
            found = list(curve.points.values())
            style = {"marker": MARKERS[number % len(MARKERS)], "markersize": 4, "label": curve.variant}
            (drawn,) = axes.plot(list(curve.points), [each.mean for each in found], **style)
            if all(each.low is not None for each in found):
                low, high = [each.low for each in found], [each.high for each in found]
                axes.fill_between(list(curve.points), low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)
        sizes = sorted({size for curve in members for size in curve.points})
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_ylim(bottom=0)
        checkpoints = sorted({found.n for curve in members for found in curve.points.values()})
        span = "one checkpoint each" if checkpoints == [1] else f"{checkpoints[-1]} checkpoints; bands: 95% t intervals"
        axes.set(xlabel="batch size", ylabel="tokens per second", title=f"{', '.join(common)} ({span})")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
        name = ".".join(common).replace("/", "_")
        yield f"throughput.{name}.png", _png(plots, figure)


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise UsageError(f"figures need matplotlib: {to_install('reports')}") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _curves(groups: Sequence[Group]) -> dict[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(group.first.line, []).append(group)
    return {line: sorted(members, key=lambda group: group.first.asked or 0) for line, members in found.items()}


def _curve(plots: Any, curves: dict[str, list[Group]], metric: str, title: str) -> bytes:
    figure, axes = plots.subplots(figsize=(7, 4.5), layout="constrained")
    for number, (line, members) in enumerate(curves.items()):
        sparsities = [(group.first.asked or 0) * 100 for group in members]
        found = [group.metrics[metric] for group in members]
        (drawn,) = axes.plot(
            sparsities, [each.mean for each in found], label=line, marker=MARKERS[number % len(MARKERS)], markersize=4
        )
        if all(each.low is not None for each in found):
            low, high = [each.low for each in found], [each.high for each in found]
            axes.fill_between(sparsities, low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)
    seeds = sorted({len(group.seeds) for members in curves.values() for group in members})
    span = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"
    note = f"{span} seeds; bands: 95% t intervals of the mean" if seeds[0] > 1 else "one seed: no interval"
    axes.set(xlabel="sparsity asked (%)", ylabel=metric.replace("_", " "), title=f"{title} ({note})")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return _png(plots, figure)


def _heatmap(plots: Any, curves: dict[str, list[Group]], metric: str, title: str) -> bytes:
    sparsities = sorted({group.first.asked or 0 for members in curves.values() for group in members})
    nothing = float("nan")
    table = []
    for members in curves.values():
        means = {group.first.asked or 0: group.metrics[metric].mean for group in members}
        table.append([means.get(sparsity, nothing) for sparsity in sparsities])
    figure, axes = plots.subplots(
        figsize=(2.5 + 0.75 * len(sparsities), 1.4 + 0.45 * len(curves)), layout="constrained"
    )
    image = axes.imshow(table, aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(sparsities)), [f"{sparsity:.0%}" for sparsity in sparsities])
    axes.set_yticks(range(len(curves)), list(curves))
    for row, values in enumerate(table):
        for column, value in enumerate(values):
            dark = image.norm(value) < 0.5
            text = f"{value:.3g}" if value == value else "-"
            axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black", fontsize="small")
    axes.set(xlabel="sparsity asked", title=f"{metric.replace('_', ' ')}: {title}")
    figure.colorbar(image, ax=axes)
    return _png(plots, figure)


def _png(plots: Any, figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150, metadata={"Software": None})
    plots.close(figure)
    return stream.getvalue()
