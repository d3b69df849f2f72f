"""What a plain scalar means to its reader: the same text is a number to one and a string to another."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Any, Literal

Reader = Literal[
    "yaml-1.2",
    "pyyaml",
    "omegaconf",
    "json",
    "toml",
    "ini",
    "gin",
    "shell",
    "python",
    "notebook",
    "markdown",
    "latex",
]
"""How the consumer of a config file may read it."""
Rules = Literal["manifest", Reader]
"""`yaml-1.2`: the core schema (YAML 1.2.2, section 10.3.2). `manifest`: that, with `1_000` for integers.
`pyyaml`: YAML 1.1 as PyYAML's SafeLoader reads it. `omegaconf`: that, as OmegaConf changes it: `2e-4` is a number and
a date is a string. `json`, `toml`, `gin` and `python`: the language's own literals. `shell`: words of a command line,
as a typed argument parser takes them. `ini`: as a program takes an option's text with `int`, `float` or `getboolean`.
`markdown` and `latex`: as people write values."""

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+")
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(?:_[0-9]{3})+")
_HEX, _OCTAL = re.compile(r"0x[0-9a-fA-F]+"), re.compile(r"0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN = {".nan", ".NaN", ".NAN"}
_NUMERIC = frozenset("+-.0123456789")
_LARGEST = int(sys.float_info.max)
_DIGITS = 256
"""An integer of up to so many characters, in base 16 or less, is not above all floats."""
LONGEST_NUMBER = 4000
"""Characters above which a scalar is text, whatever it looks like."""


def resolve(text: str, rules: Rules) -> Any:
    """The value of a plain (unquoted, untagged) scalar under these rules, as :func:`within_floats` leaves it; a
    manifest's numbers are bounded where each is stated."""
    resolver = _RESOLVERS.get(rules)
    value = _core(text) if resolver is None else resolver(text)
    return within_floats(value) if len(text) > _DIGITS and rules != "manifest" else value


def within_floats(data: Any) -> Any:
    """Data whose integers have a floating-point number: one beyond them is infinite. A file may hold any digits, and
    whatever is worked out of them must end in an answer; the very data where there is none."""
    if isinstance(data, dict):
        changed = {key: new for key, value in data.items() if (new := within_floats(value)) is not value}
        return {**data, **changed} if changed else data
    if isinstance(data, list):
        items = [within_floats(value) for value in data]
        return items if any(new is not value for new, value in zip(items, data, strict=True)) else data
    if type(data) is int and not -_LARGEST <= data <= _LARGEST:
        return math.inf if data > 0 else -math.inf
    return data


def _core(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC or len(text) > LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if match := _INFINITE.fullmatch(text):
        return -math.inf if match[1] == "-" else math.inf
    return math.nan if text in _NAN else text


def _manifest(text: str) -> Any:
    if text and text[0] in _NUMERIC and len(text) <= LONGEST_NUMBER and _GROUPED.fullmatch(text):
        return int(text.replace("_", ""))
    return _core(text)


def _pyyaml(text: str) -> Any:
    from framework.reading.yaml.yaml_1_1 import resolve_1_1

    return text if len(text) > LONGEST_NUMBER else resolve_1_1(text, "pyyaml")


def _omegaconf(text: str) -> Any:
    from framework.reading.yaml.yaml_1_1 import resolve_1_1

    return text if len(text) > LONGEST_NUMBER else resolve_1_1(text, "omegaconf")


def _json(text: str) -> Any:
    import json

    return json.loads(text)


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(f"x = {text}")["x"]


_SHELL_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
_SHELL_INT, _SHELL_FLOAT = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*"), _FLOAT


def _shell(text: str) -> Any:
    if text in _SHELL_BOOLEANS:
        return _SHELL_BOOLEANS[text]
    if not text or text[0] not in _NUMERIC or len(text) > LONGEST_NUMBER:
        return text
    if _SHELL_INT.fullmatch(text):
        return int(text)
    return float(text) if _SHELL_FLOAT.fullmatch(text) else text


def _python(text: str) -> Any:
    import ast

    return ast.literal_eval(text)


def _ini(text: str) -> Any:
    from framework.reading.ini.option_values import resolve_ini

    return resolve_ini(text)


def _prose(text: str) -> Any:
    from framework.reading.prose.written_values import resolve_prose

    return resolve_prose(text)


_RESOLVERS: dict[str, Callable[[str], Any]] = {
    "manifest": _manifest,
    "pyyaml": _pyyaml,
    "omegaconf": _omegaconf,
    "json": _json,
    "toml": _toml,
    "shell": _shell,
    "python": _python,
    "notebook": _python,
    "ini": _ini,
    "gin": _python,
    "markdown": _prose,
    "latex": _prose,
}


class _Table(dict[str, Any]):
    """Tokens and what they mean, remembered: the few hundred of a project recur in all of its files."""

    __slots__ = ("quoted", "rules")

    LARGEST = 1 << 15

    def __init__(self, rules: Rules):
        super().__init__()
        self.rules = rules
        self.quoted = ("'", '"') if rules in ("manifest", "yaml-1.2", "pyyaml", "omegaconf") else ()

    def __missing__(self, token: str) -> Any:
        value = token[1:-1] if token[:1] in self.quoted else resolve(token, self.rules)
        if len(self) >= self.LARGEST:
            self.clear()
        if len(token) < 64:
            self[token] = value
        return value


_TABLES: dict[str, _Table] = {}


def table(rules: Rules) -> dict[str, Any]:
    """What plain scalars mean, by their text; for YAML also quoted tokens of one line, without escapes."""
    found = _TABLES.get(rules)
    if found is None:
        found = _TABLES[rules] = _Table(rules)
    return found
