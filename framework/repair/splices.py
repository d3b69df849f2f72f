"""Changes of a text at marks: what lies between the marks is untouched, to the byte."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Splice:
    """``text`` in the place of the characters from ``start`` to before ``stop``."""

    start: int
    stop: int
    text: str


class Uncertain(Exception):
    """Which repair is right is not certain, so none is made. The message says why."""


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with all changes made.

    Raises:
        Uncertain: two changes touch the same characters.
    """
    parts = []
    done = 0
    for splice in sorted(set(splices)):
        if splice.start < done or splice.stop < splice.start or splice.stop > len(text):
            raise Uncertain("two repairs of the same value")
        parts += [text[done : splice.start], splice.text]
        done = splice.stop
    return "".join([*parts, text[done:]])
