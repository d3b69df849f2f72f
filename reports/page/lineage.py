"""How variants come about, as a drawing of boxes and arrows: the SVG that stands beside the setup's flow chart."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

Edge = tuple[str, str, str]
"""From what, to what, and for a value that is the best of a grid which one that is."""
_WIDE, _HIGH, _BETWEEN, _APART, _MOST_LETTERS = 176, 30, 96, 14, 24
_MOST_BOXES = 60
_TIP = (
    '<defs><marker id="lineage-tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>'
)


def drawing(edges: Sequence[Edge]) -> Markup | None:
    """A drawing from left to right, each box right of all that lead to it; None without two steps of descent to show,
    or of more boxes than anybody reads."""
    boxes = list(dict.fromkeys(name for one, other, _ in edges for name in (one, other)))
    columns = layers(edges)
    if max(columns.values(), default=0) < 2 or len(boxes) > _MOST_BOXES:
        return None
    rows: dict[int, list[str]] = {}
    for box in boxes:
        rows.setdefault(columns[box], []).append(box)
    tallest = max(map(len, rows.values()))
    place = {
        box: (column * (_WIDE + _BETWEEN), (row + (tallest - len(own)) / 2) * (_HIGH + _APART))
        for column, own in rows.items()
        for row, box in enumerate(own)
    }
    width = max(rows) * (_WIDE + _BETWEEN) + _WIDE
    height = tallest * (_HIGH + _APART) - _APART
    view = f"-2 -2 {width + 4} {height + 4:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" role="img" aria-label="{escape(said(edges))}">',
        _TIP,
    ]
    # What a grid decides a value of comes after it: an arrow from the very start would run through all between.
    late = {other for _, other, label in edges if label}
    drawn = {(one, other): "" for one, other, label in edges if not label and not (columns[one] == 0 and other in late)}
    decided: dict[tuple[str, str], list[str]] = {}
    for one, other, label in edges:
        if label:
            decided.setdefault((one, other), []).append(label)
    for pair in (*drawn, *decided):
        (x, y), (u, v) = place[pair[0]], place[pair[1]]
        x, y, v = x + _WIDE, y + _HIGH / 2, v + _HIGH / 2
        dashed = ' stroke-dasharray="5 4"' if pair in decided else ""
        middle = (x + u) / 2
        title = f"<title>{escape(', '.join(decided[pair]))}</title>" if pair in decided else ""
        parts.append(
            f'<path d="M{x:g} {y:g}C{middle:g} {y:g} {middle:g} {v:g} {u:g} {v:g}" fill="none" stroke="currentColor"'
            f' stroke-opacity=".55" marker-end="url(#lineage-tip)"{dashed}>{title}</path>'
        )
    for box, (x, y) in place.items():
        text = box if len(box) <= _MOST_LETTERS else f"{box[: _MOST_LETTERS - 1]}…"
        parts.append(
            f'<g><title>{escape(box)}</title><rect x="{x:g}" y="{y:g}" width="{_WIDE}" height="{_HIGH}" rx="5"'
            ' fill="var(--sheet)" stroke="currentColor" stroke-opacity=".5"/>'
            f'<text x="{x + _WIDE / 2:g}" y="{y + _HIGH / 2 + 4:g}" text-anchor="middle" font-size="12">'
            f"{escape(text)}</text></g>"
        )
    return Markup("".join(parts) + "</svg>")


def layers(edges: Sequence[Edge]) -> dict[str, int]:
    """By box its column: one more than the rightmost of those that lead to it. Nothing leads to itself: a manifest in
    which a variant starts from its own descendant, or a grid is chosen from itself, is refused when it is loaded."""
    found: dict[str, int] = {name: 0 for one, other, _ in edges for name in (one, other)}
    for _ in found:
        changed = False
        for one, other, _label in edges:
            if one != other and found[other] <= found[one]:
                found[other], changed = found[one] + 1, True
        if not changed:
            break
    return found


def said(edges: Sequence[Edge]) -> str:
    """The same in words, for who hears the page."""
    starts = [f"{other} starts from {one}" for one, other, label in edges if not label]
    chosen = [
        f"{other} takes {label.removeprefix('best ')} from the best of {one}" for one, other, label in edges if label
    ]
    return "; ".join([*starts, *chosen])
