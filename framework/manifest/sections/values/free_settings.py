"""Facts of the paper's own kind, under any names: the sections `settings`."""

import math
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema


def _plain(value: Any) -> Any:
    """Nested mappings, lists and scalars with texts as keys.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or not key:
                raise ValueError(f"a setting's name is a text, not {key!r}: put it in quotes")
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and math.isnan(value):
        raise ValueError("not a number is no value that a paper states")
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise ValueError(f"a setting is a number, a text, a list or a mapping of them, not {value!r}")


def _settings(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("settings are a mapping of names to values")
    return _plain(value)


Settings = Annotated[
    dict[str, Any] | None,
    PlainValidator(_settings),
    WithJsonSchema({"type": "object", "description": "Any names and values."}),
]
"""Names of the paper's own, nested as it likes: numbers, texts, lists, booleans; `none` (or null) for what is absent.
A text such as `about 130M` is a rounded number, and `0.1 * learning_rate` follows from the clauses that it names."""
