"""What is removed: quality over sparsity with its bands, kinds against sparsities, and the share of each tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from framework.stages.run.observed import Observed
from framework.stages.verify import VerifyResult
from reports.analysis.rows import Row
from reports.analysis.run_groups import Group, groups
from reports.figures.drawn_figures import Figure, Style, legend, plain_axes, styles_of, words
from reports.figures.sensitivity import metric_of

_MOST_FIGURES, _MOST_MODELS, _MOST_NAMES = 6, 8, 40


def over_sparsity(result: VerifyResult, rows: Sequence[Row]) -> Iterator[Figure]:
    """For each model and task a curve, and where there are several kinds a heatmap, of at least two sparsities."""
    metric = metric_of(result, rows)
    if metric is None:
        return
    stated = [group for group in groups(rows) if group.first.asked is not None and metric in group.metrics]
    lines = styles_of(dict.fromkeys(group.first.line for group in stated))
    for model, task in list(dict.fromkeys((group.first.model, group.first.task) for group in stated))[:_MOST_FIGURES]:
        kinds: dict[str, list[Group]] = {}
        for group in stated:
            if (group.first.model, group.first.task) == (model, task):
                kinds.setdefault(group.first.line, []).append(group)
        kinds = {line: sorted(own, key=lambda each: each.first.asked or 0) for line, own in kinds.items()}
        if max(len({group.first.asked for group in own}) for own in kinds.values()) < 2:
            continue
        title = " · ".join(part for part in (task, model) if part)
        name = ".".join(part for part in (task, model) if part)
        seeds = sorted({len(group.seeds) for own in kinds.values() for group in own})
        bands = "one seed: no interval" if seeds == [1] else "bands: 95 % t intervals of the mean over seeds"
        note = f"{words(metric)} over the sparsity asked; {bands}"
        yield Figure(f"sparsity.{name}", title, note, partial(_draw_curves, kinds, metric, lines))
        if len(kinds) > 1:
            count = len({group.first.asked for own in kinds.values() for group in own})
            size = (2.6 + 0.62 * count, 1.1 + 0.34 * len(kinds))
            yield Figure(
                f"heatmap.{name}", title, f"{words(metric)}, means", partial(_draw_heatmap, kinds, metric), size
            )


def _draw_curves(kinds: dict[str, list[Group]], metric: str, lines: dict[str, Style], canvas: Any) -> None:
    axes = plain_axes(canvas, "sparsity asked (%)", words(metric))
    for line, members in kinds.items():
        style, found = lines[line], [group.metrics[metric] for group in members]
        shares = [100 * (group.first.asked or 0) for group in members]
        axes.plot(
            shares, [each.mean for each in found], **style.line, marker=style.marker, markersize=4, lw=1.2, label=line
        )
        bounds = [(each.low, each.high) for each in found]
        if all(low is not None and high is not None for low, high in bounds):
            low, high = zip(*bounds, strict=True)
            axes.fill_between(shares, low, high, color=style.colour, alpha=0.15, linewidth=0)
    legend(axes, len(kinds))


def _draw_heatmap(kinds: dict[str, list[Group]], metric: str, canvas: Any) -> None:
    """Cells as vectors: an image in the page would be a picture of numbers."""
    shares = sorted({group.first.asked or 0 for own in kinds.values() for group in own})
    means = [{group.first.asked or 0: group.metrics[metric].mean for group in own} for own in kinds.values()]
    table = [[own.get(share, float("nan")) for share in shares] for own in means]
    axes = plain_axes(canvas, "sparsity asked", "", grid=False)
    mesh = axes.pcolormesh(table, cmap="viridis", edgecolors="none")
    axes.set_xticks([place + 0.5 for place in range(len(shares))], [f"{share:.0%}" for share in shares])
    axes.set_yticks([place + 0.5 for place in range(len(kinds))], list(kinds))
    axes.invert_yaxis()
    for row, values in enumerate(table):
        for column, value in enumerate(values):
            there = value == value
            ink = "#FFFFFF" if there and mesh.norm(value) < 0.5 else "#010101" if there else "#000000"
            text = f"{value:.3g}" if there else "-"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8, color=ink, gid="cell")


def by_tensor(result: VerifyResult, styles: dict[str, Style]) -> Iterator[Figure]:
    """The share of zeros in each tensor, of one run of each variant; the variants of a grid are too many for it where
    there are others."""
    found: dict[str, Observed] = {}
    for observed in result.steps:
        if observed.run is not None and observed.run.record.sparsity.get("tensors"):
            found[observed.step.variant] = observed
    if not found:
        return
    grids = result.experiment.manifest.grids
    written = [name for name in found if name.partition("/")[0] not in grids]
    chosen = (written or list(found))[:_MOST_MODELS]
    tensors = {name: _shares(found[name]) for name in chosen}
    names = list(dict.fromkeys(tensor for own in tensors.values() for tensor in own))
    if len(names) < 2:
        return
    left = f"; {len(found) - len(chosen)} more variants are not drawn" if len(found) > len(chosen) else ""
    note = f"zeroed weights in each tensor, as recorded, one run of each variant{left}"
    size = (6.4, max(2.6, 0.9 + 0.16 * min(len(names), _MOST_NAMES)))
    yield Figure("tensors", "sparsity by tensor", note, partial(_draw_tensors, tensors, names, styles), size)


def _shares(observed: Observed) -> dict[str, float]:
    assert observed.run is not None
    tensors = observed.run.record.sparsity["tensors"]
    return {name: 100 * zeros / elements for name, (zeros, elements) in tensors.items() if elements}


def _draw_tensors(
    tensors: dict[str, dict[str, float]], names: list[str], styles: dict[str, Style], canvas: Any
) -> None:
    axes = plain_axes(canvas, "weights removed (%)", "tensor" if len(names) > _MOST_NAMES else "")
    places = {name: place for place, name in enumerate(names)}
    for variant, own in tensors.items():
        style = styles.get(variant, Style())
        rows = [places[name] for name in own]
        marks = {"marker": style.marker, "markersize": 4, "linestyle": "none", "alpha": 0.85}
        axes.plot(list(own.values()), rows, color=style.colour, label=variant, **marks)
    if len(names) <= _MOST_NAMES:
        axes.set_yticks(range(len(names)), names, fontsize=6)
    axes.set_ylim(len(names) - 0.5, -0.5)
    legend(axes, len(tensors))
