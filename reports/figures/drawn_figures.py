"""What all figures share: their colours, their axes, and how they become SVG that takes its ink from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#AA4499")
"""Told apart with every kind of colour blindness, on white and on black (Okabe & Ito 2008, and one of Tol 2021 in the
place of their yellow, which white swallows)."""
DASHES = ("-", "--", ":", "-.")
MARKERS = "osD^vPX*"
OTHER = "#7F7F7F"
MOST_NAMED = 12
"""Entries of a legend: more than that nobody tells apart."""
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "framework", "font.size": 9, "axes.unicode_minus": True}

Draw = Callable[[Any], None]
"""Draws on a matplotlib figure."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a variant looks in every figure."""

    colour: str = OTHER
    dash: str = "-"
    marker: str = "o"

    @property
    def line(self) -> dict[str, Any]:
        """For matplotlib."""
        return {"color": self.colour, "linestyle": self.dash}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, drawn anew for each format: ``name`` is that of its files, ``size`` in inches."""

    name: str
    title: str
    note: str
    draw: Draw
    size: tuple[float, float] = (6.4, 3.3)

    @property
    def wide(self) -> bool:
        """Whether it has panels side by side, and needs the page's whole width."""
        return self.size[0] > 8

    def svg(self) -> str:
        """As wide as its place, in the page's own ink."""
        return _of_the_page(self.rendered("svg").decode())

    def rendered(self, kind: Literal["svg", "pdf", "png"]) -> bytes:
        """The file of one format: without a time, so that equal evidence gives equal files."""
        import matplotlib
        from matplotlib.figure import Figure as Canvas

        metadata = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
        with matplotlib.rc_context(_STYLE):
            canvas = Canvas(figsize=self.size, layout="constrained")
            self.draw(canvas)
            stream = io.BytesIO()
            canvas.savefig(
                stream,
                format=kind,
                transparent=kind == "svg",
                dpi=200 if kind == "png" else None,
                metadata=metadata[kind],
            )
        return stream.getvalue()


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    return True


def styles_of(variants: Iterable[str]) -> dict[str, Style]:
    """By variant its style: the colours first, then further dashes and markers of them."""
    return {
        name: Style(
            COLOURS[place % len(COLOURS)],
            DASHES[place // len(COLOURS) % len(DASHES)],
            MARKERS[place // len(COLOURS) % len(MARKERS)],
        )
        for place, name in enumerate(variants)
    }


def plain_axes(canvas: Any, x: str, y: str, *, grid: bool = True) -> Any:
    """One pair of axes with their labels."""
    return dressed(canvas.add_subplot(), x, y, grid=grid)


def dressed(axes: Any, x: str, y: str, *, grid: bool = True) -> Any:
    """Axes with their labels, and numbers as they are, not as differences from one that stands elsewhere."""
    axes.set(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.ticklabel_format(useOffset=False)
    if grid:
        axes.grid(alpha=0.2)
    return axes


def legend(axes: Any, named: int) -> None:
    """Beside the axes, where there are few enough to tell apart."""
    if 0 < named <= MOST_NAMED:
        axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)


def words(name: str) -> str:
    """A metric's name as an axis says it, with its unit."""
    said = name.replace("_", " ")
    if "loss" not in said:
        return said
    unit = next((f"nats {each}" for each in ("per character", "per byte", "per token") if said.endswith(each)), "nats")
    return f"{said.removesuffix(unit.removeprefix('nats ')).strip()} ({unit})"


def _of_the_page(svg: str) -> str:
    """Without a header, as wide as its place, with black as the page's own ink; ids are told apart by the caller."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = svg.replace("#000000", "currentColor").replace("stroke: #b0b0b0", "stroke: currentColor")
    return re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d{2})\d+", r"\1", path[0]), svg)


def unique(figures: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each figure with ids of its own: several stand in one page."""
    for place, figure in enumerate(figures):
        svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>f{place}-", figure["svg"])
        yield {**figure, "svg": svg}
