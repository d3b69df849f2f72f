"""The values of Hydra's overrides on a command line."""

from __future__ import annotations

import re
from typing import Any

from framework.reading.tree import Opaque

_WORDS: dict[str, Any] = {"null": None, "true": True, "false": False}
_INT, _FLOAT = re.compile(r"[-+]?\d+(?:_\d+)*"), re.compile(r"[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?")


def hydra_value(text: str, depth: int = 0) -> Any:
    """A value as Hydra's override grammar takes it: `yes` stays text, `1e-4` is a number, `[a,b]` a list."""
    text = text.strip()
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return text[1:-1]
    if "${" in text:
        return Opaque(text, "an interpolation of its own config")
    if text[:1] == "[" and text[-1:] == "]" and depth < 20:
        inner = text[1:-1].strip()
        if re.search(r"[\[\]{}()'\"]", inner):
            return Opaque(text, "a nested list")
        return [hydra_value(part, depth + 1) for part in inner.split(",")] if inner else []
    if re.match(r"(?:range|interval|choice|shuffle|glob|tag)\(", text):
        return Opaque(text, "a search space, of which each run takes a value")
    if text[:1] == "{" or re.fullmatch(r"\w+\(.*\)", text):
        return Opaque(text, "only Hydra knows what it makes of it")
    if "," in text:
        parts = tuple(hydra_value(part, depth + 1) for part in text.split(","))
        return Opaque(text, "a sweep over several values", each=parts if not re.search(r"[()\[\]{}'\"]", text) else ())
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if len(text) < 4000 and _INT.fullmatch(text):
        return int(text)
    return float(text.replace("_", "")) if _FLOAT.fullmatch(text) else text
