"""How a list of scalars is changed: item by item, and at its end where it is too short or too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from framework.reading.nodes import SequenceNode
from framework.repair.splices import Splice, Uncertain

_ITEM = re.compile(r"(?P<break>\r\n|\n|\A)(?P<lead>[ \t]*-[ \t]+)\Z")

ScalarSplices = Callable[[Any, Any], Iterator[Splice]]
"""Value and node of one item -> the changes that make it say that."""


def list_splices(text: str, node: SequenceNode, values: Sequence[Any], one: ScalarSplices) -> Iterator[Splice]:
    """The changes that make a list say ``values``. ``one`` gives those of a single item.

    Raises:
        Uncertain: a comment or another value stands where the list would shrink or grow.
    """
    if not node.items or not values:
        raise Uncertain("one of the lists is empty")
    for item, value in zip(node.items, values, strict=False):
        yield from one(value, item)
    kept, last = len(values), node.items[-1]
    if kept < len(node.items):
        start = node.items[kept - 1].stop
        if "#" in text[start : last.stop]:
            raise Uncertain("a comment stands among the items that would go")
        yield Splice(start, last.stop, "")
    elif kept > len(node.items):
        between = _separator(text, node)
        spelled = [_as_item(value, one, last, text) for value in values[len(node.items) :]]
        yield Splice(last.stop, last.stop, "".join(between + item for item in spelled))


def _separator(text: str, node: SequenceNode) -> str:
    """What stands before a further item: `, ` in a flow list, else a line break and the same dash."""
    last = node.items[-1]
    if text[node.start : node.start + 1] == "[":
        if "\n" in text[node.start : last.stop]:
            raise Uncertain("a list over several lines that would grow")
        return ", "
    found = _ITEM.search(text[: last.start])
    if found is None or (found["break"] == "" and last.start > len(found["lead"])):
        raise Uncertain("an item that does not stand on a line of its own")
    line_end = text.find("\n", last.stop)
    if "#" in text[last.stop : line_end if line_end >= 0 else len(text)]:
        raise Uncertain("a comment stands behind the last item")
    return (found["break"] or ("\r\n" if "\r\n" in text else "\n")) + found["lead"]


def _as_item(value: Any, one: ScalarSplices, model: Any, text: str) -> str:
    """A new item, written like the last one that is there."""
    changes = list(one(value, model))
    if not changes:
        return text[model.start : model.stop]
    (change,) = changes
    return text[model.start : change.start] + change.text + text[change.stop : model.stop]
