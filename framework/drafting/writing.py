"""A draft as YAML: block style, one value per line, with the comment that says where it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from framework.drafting.leaves import Leaf, Remark, listed
from framework.manifest.clauses import shown
from framework.names import Path, format_path
from framework.reading.scalars import resolve

_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*(?: [\w./+-]+)*|\d[\d.]* ?(?:%|steps)")
HEADER = """\
# A first manifest, written by `framework init` from the config files that it recognised. Each value says where it comes
# from. DISAGREES marks what two places state differently, and `differs` what alternatives do: only the paper says which
# of them is right, and what no file states.
"""


def render(tree: Mapping[str, Any], marks: Mapping[str, list[str]]) -> str:
    """The manifest's text; ``marks`` are further words for the comment of a clause, by its id."""
    lines = [HEADER.rstrip("\n")]
    for section, value in tree.items():
        if section not in ("version", "paper"):
            lines.append("")
        lines += _entry(section, value, (section,), 0, marks)
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, path: Path, depth: int, marks: Mapping[str, list[str]]) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, Remark):
        yield f"{pad}# {value.text}"
        return
    name = _scalar(key)
    if isinstance(value, Leaf):
        yield f"{pad}{name}: {_scalar(value.value)}{_comment(value, path, marks)}"
    elif isinstance(value, list):
        yield f"{pad}{name}:"
        for index, item in enumerate(value):
            yield from _item(item, (*path, index), depth + 1, marks)
    elif not value:
        yield f"{pad}{name}: {{}}"
    else:
        yield f"{pad}{name}:"
        for inner, each in value.items():
            yield from _entry(inner, each, (*path, inner), depth + 1, marks)


def _item(item: Any, path: Path, depth: int, marks: Mapping[str, list[str]]) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(item, Leaf):
        yield f"{pad}- {_scalar(item.value)}{_comment(item, path, marks)}"
        return
    lines = [line for key, each in item.items() for line in _entry(key, each, (*path, key), depth + 1, marks)]
    yield f"{pad}- {lines[0].lstrip()}"
    yield from lines[1:]


def _comment(leaf: Leaf, path: Path, marks: Mapping[str, list[str]]) -> str:
    further = [
        mark for mark in marks.get(format_path(path), []) if mark.partition(" ")[0].rstrip(":") not in leaf.comment
    ]
    words = leaf.comment
    if further and not words.endswith(" more"):
        words += ("; " if "DISAGREES" in words else "; DISAGREES: " if words else "DISAGREES: ") + listed(further)
    return f" # {words}" if words else ""


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        plain = (
            _PLAIN.fullmatch(value) and isinstance(resolve(value, "yaml-1.2"), str) and value.casefold() not in _WORDS
        )
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{}"
    return shown(value)


_WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
