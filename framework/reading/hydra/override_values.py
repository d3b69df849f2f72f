"""The values of Hydra's overrides on a command line."""

from __future__ import annotations

import re
from typing import Any

from framework.reading.tree import Opaque

_WORDS: dict[str, Any] = {"null": None, "true": True, "false": False}
_INT, _FLOAT = re.compile(r"[-+]?\d+(?:_\d+)*"), re.compile(r"[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?")


_SPACE = re.compile(r"(?:range|interval|choice|shuffle|glob|tag)\(|(?:int|float)\(\s*(?:range|interval|choice)\(")
_CALL = re.compile(r"(\w+)\((.*)\)")


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
    if _SPACE.match(text):
        return _space(text)
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


def _space(text: str) -> Opaque:
    """A search space: between which numbers its values lie, as far as all sweepers agree. Whether a
    `range` has its upper bound they do not (hydra 1.3.8, hydra-optuna-sweeper 1.3.0): it may."""
    why = "a search space, of which each run takes a value"
    inner = text
    while (call := _CALL.fullmatch(inner.strip())) is not None:
        name, arguments = call[1], call[2]
        if name in ("int", "float"):
            inner = arguments
            continue
        parts = [part.strip() for part in arguments.split(",")] if not re.search(r"[\[\]{}'\"]", arguments) else []
        if name == "tag" and parts and (rest := re.fullmatch(r"(?:[^,()]+,)*?\s*(\w+\(.*\))\s*", arguments)):
            inner = rest[1]
            continue
        if name in ("interval", "range") and len(parts) >= 2 and all(_FLOAT.fullmatch(part) for part in parts[:2]):
            low, high = (float(part.replace("_", "")) for part in parts[:2])
            return Opaque(text, why, between=(min(low, high), max(low, high)))
        if name in ("choice", "shuffle") and parts and "(" not in arguments:
            # Not each of them in its turn: a sampler may leave some out.
            numbers = [float(part.replace("_", "")) for part in parts if _FLOAT.fullmatch(part)]
            bounds = (min(numbers), max(numbers)) if len(numbers) == len(parts) else None
            named = tuple(hydra_value(part) for part in parts)
            return Opaque(text, why, between=bounds, among=() if inner != text and bounds is None else named)
        break
    return Opaque(text, why)
