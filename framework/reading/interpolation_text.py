"""The text of an interpolation: its pieces, its keys, its arguments."""

from __future__ import annotations

import re
from typing import Any

from framework.reading.scalars import resolve

KEY = re.compile(r"(\.*)((?:[^\s.:{}\[\]]+|\[[^\]]*\])(?:\.[^\s.:{}\[\]]+|\[[^\]]*\])*)")
PART = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
RESOLVER = re.compile(r"([A-Za-z_][\w.]*)\s*:(.*)", re.DOTALL)


class Unknown(Exception):
    """The answer is not in the file."""

    def __init__(self, reason: str, default: Any = None):
        super().__init__(reason)
        self.default = default


def split(text: str) -> list[tuple[bool, str]]:
    """The text in pieces: (False, literal) and (True, what stands between `${` and its `}`)."""
    pieces: list[tuple[bool, str]] = []
    literal, position = "", 0
    while position < len(text):
        if text.startswith("\\", position):
            slashes = len(text) - position - len(text[position:].lstrip("\\"))
            after = position + slashes
            if text.startswith("${", after):
                literal += "\\" * (slashes // 2)
                if slashes % 2:
                    literal, after = literal + "${", after + 2
            else:
                literal += "\\" * slashes
            position = after
            continue
        if not text.startswith("${", position):
            literal, position = literal + text[position], position + 1
            continue
        depth, stop = 1, position + 2
        while stop < len(text) and depth:
            depth += (text[stop] == "{") - (text[stop] == "}")
            stop += 1
        if depth:
            raise Unknown("a brace is not closed")
        if literal:
            pieces.append((False, literal))
        pieces.append((True, text[position + 2 : stop - 1]))
        literal, position = "", stop
    return [*pieces, (False, literal)] if literal or not pieces else pieces


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0] else text


def literal_of(text: str) -> Any:
    inner = unquoted(text)
    return inner if inner != text else resolve(text, "omegaconf")
