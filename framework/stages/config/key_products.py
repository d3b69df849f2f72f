"""Keys of a binding that are products: `trainer.devices * trainer.num_nodes` states what the two make together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from framework.names import Path
from framework.reading.nodes import AnyNode, ComputedNode, Document, Opaque
from framework.reading.scalars import resolve

_TIMES = re.compile(r"\s+[*×]\s+")


def factors(key: str) -> tuple[str, ...]:
    """The keys and numbers that a product is made of; empty for a plain key."""
    parts = tuple(_TIMES.split(key.strip()))
    return parts if len(parts) > 1 else ()


def keys_in(key: str) -> tuple[str, ...]:
    """The keys of the file that a bound key names: itself, or the factors of a product that are no numbers."""
    return tuple(part for part in factors(key) if number(part) is None) or (key,)


def number(part: str) -> int | float | None:
    """The number that a factor is, if it is one and no key."""
    value = resolve(part, "yaml-1.2")
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def product(document: Document, key: str, found: Sequence[tuple[Path, AnyNode] | None]) -> tuple[Path, AnyNode] | None:
    """The product of the factors' values, standing where the first of its keys does; None where one is absent.

    Args:
        found: The places of :func:`keys_in`, in their order.
    """
    if not found or any(each is None for each in found):
        return None
    places = [each for each in found if each is not None]
    result: int | float = 1
    for part in factors(key):
        result *= number(part) or 1
    for path, node in places:
        value = document.value(node)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            reason = value.reason if isinstance(value, Opaque) else f"{document.location(node, path).key} is no number"
            return places[0][0], ComputedNode(places[0][1], key, Opaque(key, reason), origin=places[0][1])
        result *= value
    return places[0][0], ComputedNode(places[0][1], key, result, origin=places[0][1])
