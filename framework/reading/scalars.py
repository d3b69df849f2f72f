"""What a plain scalar means to its reader: the same text is a number to one and a string to another."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

Rules = Literal["manifest", "yaml-1.2", "pyyaml"]
"""`yaml-1.2`: the core schema (YAML 1.2.2, section 10.3.2). `manifest`: that, with `1_000` for integers.
`pyyaml`: YAML 1.1 as PyYAML's SafeLoader reads it."""

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE, _FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]+")
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(?:_[0-9]{3})+")
_HEX, _OCTAL = re.compile(r"0x[0-9a-fA-F]+"), re.compile(r"0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN = {".nan", ".NaN", ".NAN"}
_LONGEST_NUMBER = 4000


def resolve(text: str, rules: Rules) -> Any:
    """The value of a plain (unquoted, untagged) scalar under these rules."""
    if rules == "pyyaml":
        return _pyyaml(text)
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    first = text[0]
    if first not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
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
    if text in _NAN:
        return math.nan
    if rules == "manifest" and _GROUPED.fullmatch(text):
        return int(text.replace("_", ""))
    return text


def _pyyaml(text: str) -> Any:
    import yaml

    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    try:
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except (yaml.YAMLError, ValueError):
        return text
