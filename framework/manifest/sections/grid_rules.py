"""Rules over grids: one for each combination of the axes that the names of their variants leave open.

`sparse/magnitude/$sparsity` names one variant for each value of the axis `sparsity`; a rule whose names hold such
places is as many rules, in the order of the axes, each with the same value in all its names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from framework.errors import Problem
from framework.names import did_you_mean
from framework.reading.nodes import AnyNode, Document, MappingNode, ScalarNode, SequenceNode

Axes = Mapping[str, Sequence[str]]
"""By axis, the names of its values."""


def expanded_rules(
    document: Document, rules: SequenceNode, grids: Mapping[str, Axes], problems: list[Problem]
) -> SequenceNode:
    """The rules with those that leave axes open written out; a name of no grid stays as it is.

    Args:
        grids: By name, the axes of each.
        problems: Gets what is wrong with a name: an axis that its grid does not have.
    """
    items: list[AnyNode] = []
    for rule in rules.items:
        open_axes: dict[str, Sequence[str]] = {}
        for name in _names(rule):
            for axis in _open(name.text):
                known = grids.get(name.text.partition("/")[0], {})
                if axis in known:
                    open_axes.setdefault(axis, known[axis])
                else:
                    advice = did_you_mean(axis, known) if known else "begin the name with that of a grid"
                    problems.append(Problem(f"{name.text}: there is no axis {axis!r}", document.location(name), advice))
        combinations = product(*open_axes.values()) if open_axes else [()]
        items += [_filled(rule, dict(zip(open_axes, values, strict=True))) for values in combinations]
    return SequenceNode(rules.line, rules.column, rules.start, rules.stop, rules.tag, items)


def _open(name: str) -> list[str]:
    return [part[1:] for part in name.split("/") if part.startswith("$")]


def _names(rule: AnyNode) -> Iterator[ScalarNode]:
    """The scalars in the list `variants` of a rule; none where it has another shape, which the schema tells."""
    for _, spec in rule.children() if isinstance(rule, MappingNode) else ():
        stated = spec.get("variants") if isinstance(spec, MappingNode) else None
        if stated is not None and isinstance(stated[1], SequenceNode):
            yield from (item for item in stated[1].items if isinstance(item, ScalarNode))


def _filled(node: AnyNode, values: Mapping[str, str]) -> AnyNode:
    """A copy with the chosen values in the places of the axes, each at the place of the name that holds it."""
    if not values:
        return node
    if isinstance(node, MappingNode):
        made = MappingNode(node.line, node.column, node.start, node.stop, node.tag)
        for key, value in node.pairs().values():
            made.add(key, _filled(value, values))
        return made
    if isinstance(node, SequenceNode):
        items = [_filled(item, values) for item in node.items]
        return SequenceNode(node.line, node.column, node.start, node.stop, node.tag, items)
    parts = node.text.split("/")
    if not any(part.startswith("$") for part in parts):
        return node
    text = "/".join(values.get(part[1:], part) if part.startswith("$") else part for part in parts)
    return ScalarNode(node.line, node.column, node.start, node.stop, None, text, False)
