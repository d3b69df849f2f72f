"""Grids: many variants stated once, by what they differ in.

A grid is expanded in the tree of the file, before anything is validated: each of its variants is a copy of the
template whose `$axis` places hold the axis' own nodes; rules over grids are written out likewise. So every finding
about a variant's value points to the place where the axis states it, and all that follows sees variants as if they had
been written out.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Annotated, Any

from pydantic import Field

from framework.errors import InputError, Problem
from framework.manifest.sections.base import Section
from framework.manifest.sections.grid_rules import Axes, expanded_rules
from framework.names import did_you_mean
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, ScalarNode, SequenceNode

MOST_VARIANTS = 10_000
"""More than anybody runs; written out they would need more memory than a machine has."""
_PLACE = re.compile(r"\$([A-Za-z_][\w-]*)((?:\.[A-Za-z_][\w-]*)*)")


class Grid(Section):
    """Variants that differ in declared axes: one for each combination, called `GRID/VALUE/VALUE/...`."""

    over: Annotated[dict[str, list[Any] | dict[str, Any]], Field(min_length=1)]
    """The axes, in the order of the name: a list of values, or a mapping from the name of each value to the value."""
    from_: Annotated[str | None, Field(alias="from")] = None
    """As a variant's."""
    steps: Annotated[list[Any], Field(min_length=1)]
    """As a variant's; `$axis` stands for the axis' value, `$axis.key` for what that value holds under a key."""
    model: dict[str, Any] = {}
    """As a variant's."""
    description: str | None = None
    """One sentence; each variant's own values are added to it."""


Choice = dict[str, tuple[str, AnyNode]]
"""By axis: the name of the chosen value, and the value."""


def expanded(document: Document) -> Document:
    """The document with the variants of its grids among its `variants`; itself where it has no grids.

    Raises:
        InputError: a `$axis` that the grid does not state, or two variants of one name; each with its place.
    """
    root = document.root
    grids = root.get("grids") if isinstance(root, MappingNode) else None
    if grids is None or not isinstance(root, MappingNode) or not isinstance(grids[1], MappingNode):
        return document
    stated = root.get("variants")
    if stated is not None and not isinstance(stated[1], MappingNode):
        return document
    variants = _empty_like(stated[1] if stated else grids[1])
    for key, value in stated[1].pairs().values() if stated else ():  # type: ignore[union-attr]
        variants.add(key, value)
    problems: list[Problem] = []
    axes: dict[str, Axes] = {}
    total = 0
    for name, grid in grids[1].pairs().values():
        if isinstance(grid, MappingNode):
            own = _axes(grid)
            count = math.prod(len(labels) for labels in own.values())
            total += count
            if total > MOST_VARIANTS:
                others = f" ({total:,} with those before it)" if total > count else ""
                message = f"the grid {name.text!r} states {count:,} variants{others}"
                raise InputError.at(
                    document.location(name),
                    f"{message}, and at most {MOST_VARIANTS:,} are written out",
                    "leave values out, or state grids of fewer axes each",
                )
            axes[name.text] = own
            for variant, node in _variants(document, name, grid, problems):
                if variants.get(variant.text) is not None:
                    where = document.location(variant)
                    problems.append(Problem(f"there is a variant {variant.text!r} already", where, "rename the grid"))
                else:
                    variants.add(variant, node)
    replaced: dict[str, AnyNode] = {"variants": variants}
    if (rules := root.get("rules")) is not None and isinstance(rules[1], SequenceNode):
        replaced["rules"] = expanded_rules(document, rules[1], axes, problems)
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    whole = _empty_like(root)
    for key, value in root.pairs().values():
        whole.add(key, replaced.get(key.text, value))
    if stated is None:
        whole.add(_named(grids[0], "variants"), variants)
    return replace(document, root=whole)


def grid_of(variant: str, grids: Mapping[str, Grid]) -> str | None:
    """The grid that states a variant, by the variant's name; None for one that is written out."""
    grid, slash, _ = variant.partition("/")
    return grid if slash and grid in grids else None


def _axes(grid: MappingNode) -> Axes:
    """By axis, the names of its values."""
    over = grid.get("over")
    found = over[1].children() if over is not None and isinstance(over[1], MappingNode) else ()
    return {axis: [label for label, _ in _choices(values)] for axis, values in found}


def _variants(
    document: Document, name: ScalarNode, grid: MappingNode, problems: list[Problem]
) -> Iterator[tuple[ScalarNode, MappingNode]]:
    """Every variant of one grid, its key first. A grid of another shape has none: the schema says what is wrong."""
    over = grid.get("over")
    if over is None or not isinstance(over[1], MappingNode):
        return
    used = {match[1] for node in _scalars(grid) if (match := _PLACE.fullmatch(node.text))}
    for axis, _ in over[1].pairs().values():
        if axis.text not in used:
            message = f"the axis {axis.text!r} is used nowhere: the variants would differ in their names alone"
            problems.append(Problem(message, document.location(axis), f"write ${axis.text} where its value belongs"))
    axes = [[(axis, *choice) for choice in _choices(values)] for axis, values in over[1].children()]
    for chosen in product(*axes):
        choice: Choice = {axis: (label, node) for axis, label, node in chosen}
        variant = _empty_like(grid)
        for key, value in grid.pairs().values():
            if key.text == "description" and isinstance(value, ScalarNode):
                said = ", ".join(f"{axis} {label}" for axis, (label, _) in choice.items())
                text = f"{value.text} ({said})"
                variant.add(key, ComputedNode(value, text, text))
            elif key.text != "over":
                variant.add(key, _filled(document, value, choice, problems))
        yield _named(name, "/".join([name.text, *(label for label, _ in choice.values())])), variant


def _scalars(node: AnyNode) -> Iterator[ScalarNode]:
    if isinstance(node, MappingNode):
        for _, value in node.children():
            yield from _scalars(value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _scalars(item)
    else:
        yield node


def _choices(values: AnyNode) -> list[tuple[str, AnyNode]]:
    """An axis' values with their names."""
    if isinstance(values, MappingNode):
        return list(values.children())
    if isinstance(values, SequenceNode):
        return [
            (item.text if isinstance(item, ScalarNode) else str(place), item) for place, item in enumerate(values.items)
        ]
    return []


def _filled(document: Document, node: AnyNode, choice: Choice, problems: list[Problem]) -> AnyNode:
    """The node with the chosen values in the places of the axes."""
    if isinstance(node, MappingNode):
        made = _empty_like(node)
        for key, value in node.pairs().values():
            made.add(key, _filled(document, value, choice, problems))
        return made
    if isinstance(node, SequenceNode):
        items = [_filled(document, item, choice, problems) for item in node.items]
        return SequenceNode(node.line, node.column, node.start, node.stop, node.tag, items)
    match = _PLACE.fullmatch(node.text) if node.text.startswith("$") else None
    if match is None:
        return node
    found = _chosen(match, choice)
    if isinstance(found, str):
        problems.append(Problem(f"{node.text}: {found}", document.location(node), "name an axis of `over`"))
        return node
    return found


def _chosen(match: re.Match[str], choice: Choice) -> AnyNode | str:
    """The value that a `$axis.key` stands for, or what is wrong with it."""
    axis, *keys = match[0][1:].split(".")
    if axis not in choice:
        return f"the grid has no such axis: {did_you_mean(axis, choice)}"
    label, node = choice[axis]
    for key in keys:
        pair = node.get(key) if isinstance(node, MappingNode) else None
        if pair is None:
            known: Mapping[str, Any] = node.pairs() if isinstance(node, MappingNode) else {}
            return f"{label!r} holds no {key!r}" + (f": {did_you_mean(key, known)}" if known else "")
        node = pair[1]
    return node


def _named(at: ScalarNode, text: str) -> ScalarNode:
    return ScalarNode(at.line, at.column, at.start, at.stop, None, text, False)


def _empty_like(node: AnyNode) -> MappingNode:
    return MappingNode(node.line, node.column, node.start, node.stop, node.tag)
