"""A figure of masks: sparsity by tensor, outputs by their own sparsity, and the overlap of each pair."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_DPI, _WIDTH = 150, 11.0


def draw(
    names: Sequence[str], statistics: Sequence[Any], overlaps: Mapping[tuple[int, int], float], output: Path
) -> None:
    """Write the figure, whole or not at all.

    Args:
        names: Of the mask files.
        statistics: Of each, with `tensors` (each with `name` and `sparsity`), `histogram` and `sparsity`.
        overlaps: Intersection over union of what each pair keeps, by index.
    """
    from matplotlib.figure import Figure

    labels = _labels(names)
    tensors = list(dict.fromkeys(each.name for one in statistics for each in one.tensors))
    figure = Figure(figsize=(_WIDTH, max(4.5, 2.0 + 0.17 * len(tensors))), layout="constrained")
    widths = [2, 1, 1] if overlaps else [2, 1]
    axes = figure.subplots(1, len(widths), width_ratios=widths)
    _by_tensor(axes[0], labels, statistics, tensors)
    _by_output(axes[1], labels, statistics)
    if overlaps:
        _pairs(figure, axes[2], labels, overlaps)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=7)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.partial{output.suffix}")
    try:
        figure.savefig(partial, dpi=_DPI)
        os.replace(partial, output)
    finally:
        partial.unlink(missing_ok=True)


def _labels(names: Sequence[str]) -> list[str]:
    """The shortest ends of the paths that tell them apart."""
    parts = [Path(name.removesuffix(".safetensors")).parts for name in names]
    for length in range(1, max(map(len, parts)) + 1):
        labels = ["/".join(part[-length:]) for part in parts]
        if len(set(labels)) == len(set(names)):
            return labels
    return list(names)


def _by_tensor(axes: Any, labels: Sequence[str], statistics: Sequence[Any], tensors: Sequence[str]) -> None:
    places = {name: index for index, name in enumerate(tensors)}
    markers = "osD^vPX*"
    for index, (label, one) in enumerate(zip(labels, statistics, strict=True)):
        shares = [100 * each.sparsity for each in one.tensors]
        rows = [places[each.name] for each in one.tensors]
        axes.plot(shares, rows, markers[index % len(markers)], label=f"{label} ({one.sparsity:.1%})", alpha=0.8, ms=4)
    axes.set_yticks(range(len(tensors)), tensors, fontsize=6)
    axes.set_ylim(len(tensors) - 0.5, -0.5)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("weights removed (%)")
    axes.grid(axis="both", alpha=0.3)


def _by_output(axes: Any, labels: Sequence[str], statistics: Sequence[Any]) -> None:
    for label, one in zip(labels, statistics, strict=True):
        bins = len(one.histogram)
        edges = [100 * index / bins for index in range(bins + 1)]
        axes.stairs([count / max(sum(one.histogram), 1) for count in one.histogram], edges, label=label, lw=1.5)
    axes.set_xlabel("an output's own weights removed (%)")
    axes.set_ylabel("share of all outputs")
    axes.set_ylim(0, None)
    axes.grid(alpha=0.3)


def _pairs(figure: Any, axes: Any, labels: Sequence[str], overlaps: Mapping[tuple[int, int], float]) -> None:
    size = len(labels)
    matrix = [[1.0 if row == column else 0.0 for column in range(size)] for row in range(size)]
    for (one, other), value in overlaps.items():
        matrix[one][other] = matrix[other][one] = value
    axes.imshow(matrix, vmin=0, vmax=1, cmap="viridis")
    for row in range(size):
        for column in range(size):
            shade = "black" if matrix[row][column] > 0.6 else "white"
            axes.text(column, row, f"{matrix[row][column]:.2f}", ha="center", va="center", color=shade, fontsize=7)
    axes.set_xticks(range(size), labels, rotation=90, fontsize=6)
    axes.set_yticks(range(size), labels, fontsize=6)
    axes.set_title("kept by both / kept by either", fontsize=8)
