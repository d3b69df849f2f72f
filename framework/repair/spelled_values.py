"""How a value is written in the place of another: in the same quotes and the same style of number."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from framework.conformance.meaning import same
from framework.reading.scalars import resolve
from framework.repair.numbers import spellings
from framework.repair.splices import Uncertain

_ANCHOR = re.compile(r"&\S+[ \t]+")
_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./+%-]*(?: [A-Za-z0-9_./+%-]+)*")
"""Strings that no YAML reader could take for syntax; what it could take for another type is asked separately."""
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_INTERPOLATION = re.compile(r"\$\{|\{\{|\$\w")


def value_start(source: str) -> int:
    """Where the value itself starts in the text of a scalar: behind its anchor."""
    found = _ANCHOR.match(source)
    return found.end() if found else 0


def spelled(value: Any, old: Any, source: str, rules: Any, json_file: bool) -> str:
    """The text of ``value`` for the place where ``source`` states ``old``.

    Raises:
        Uncertain: the two are values of different kinds, or there is no safe way to write it here.
    """
    if not source or "\n" in source or "\r" in source:
        raise Uncertain("its text takes no line, or several")
    if source[0] in "|>!*" or _INTERPOLATION.search(source):
        raise Uncertain("it is a block text, or tagged, or filled in by its own program")
    quoted = source[0] in "\"'"
    if isinstance(value, bool) and isinstance(old, bool):
        return _boolean(value, source)
    if _number(value) and (_number(old) or _numeric(old)):
        return _a_number(value, source.strip("\"'") if quoted else source, rules, json_file)
    if isinstance(value, str) and isinstance(old, str):
        return _a_string(value, source[0] if quoted else "", json_file)
    raise Uncertain("the manifest states a value of another kind")


def _boolean(value: bool, source: str) -> str:
    text = "true" if value else "false"
    return text.upper() if source.isupper() else text.capitalize() if source[0].isupper() else text


def _a_number(value: float, old: str, rules: Any, json_file: bool) -> str:
    if not math.isfinite(value):
        raise Uncertain("not a finite number")
    keeps_whole = re.fullmatch(r"[-+]?\d+", old) and float(value).is_integer()
    for text in spellings(value, old):
        found = _read(text, rules, json_file)
        if _number(found) and same(value, found) and (not keeps_whole or type(found) is int):
            return text
    raise Uncertain(f"no way to write {value!r} as its reader would take it")


def _read(text: str, rules: Any, json_file: bool) -> Any:
    """What the file's reader takes the text for; the text itself where it is no value to it."""
    if json_file and not _JSON_NUMBER.fullmatch(text):
        return text
    try:
        return resolve(text, rules)
    except (ValueError, SyntaxError):
        return text


def _a_string(value: str, quote: str, json_file: bool) -> str:
    if not value.isprintable():
        raise Uncertain("it holds characters that are not printable")
    if quote == '"' or json_file:
        return json.dumps(value, ensure_ascii=False)
    if quote == "'":
        return "'" + value.replace("'", "''") + "'"
    return value if _stays_string(value) else json.dumps(value, ensure_ascii=False)


def _stays_string(value: str) -> bool:
    """Whether every reader takes the bare text for a string: `no`, `1:30` and `1e-4` they do not agree on."""
    return bool(_PLAIN.fullmatch(value)) and all(resolve(value, rules) == value for rules in _readers())


def _readers() -> Iterator[Any]:
    yield "yaml-1.2"
    yield "pyyaml"


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _numeric(value: Any) -> bool:
    return isinstance(value, str) and _number(resolve(value.strip() or "~", "yaml-1.2"))
