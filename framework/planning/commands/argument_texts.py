"""Values as arguments of a command line, one text each: nothing is quoted, since no shell reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_FLAG = re.compile(r"(--?[A-Za-z][\w.-]*)(?:=|$)")
_OVERRIDE = re.compile(r"\+{0,2}([A-Za-z_][\w./@-]*)=")


def names_in(arguments: Sequence[str]) -> set[str]:
    """The names of the flags and overrides that arguments state, without dashes before and within."""
    found = set()
    for argument in arguments:
        if match := _FLAG.match(argument) or _OVERRIDE.match(argument):
            found.add(match[1].lstrip("-").replace("-", "_"))
    return found


def as_arguments(values: Mapping[str, Any], style: str) -> list[str]:
    """Values as flags; below `key=value` sections are dotted, else they are JSON.

    `--key value` gives each item of a list an argument of its own, as argparse's `nargs` takes it.
    """
    if style == "key=value":
        return [f"{key}={_override(value)}" for key, value in _dotted(values, "")]
    found: list[str] = []
    for key, value in values.items():
        name = key if key.startswith("-") else f"--{key}"
        if style == "--key=value":
            found.append(f"{name}={_text(value)}")
        elif isinstance(value, (list, tuple)):
            found += [name, *(_text(item) for item in value)]
        else:
            found += [name, _text(value)]
    return found


def _dotted(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _text(value: Any) -> str:
    """A value as argument parsers read it: `True`, `2e-05`, and JSON for what has parts."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (dict, list, tuple)) else str(value)


def _override(value: Any) -> str:
    """A value in Hydra's own grammar."""
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_override(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
