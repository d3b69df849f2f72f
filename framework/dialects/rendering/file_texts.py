"""Plain data as the text of a config file that every reader of its format takes for the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from framework.names import Path
from framework.reading.scalars import resolve

SUFFIXES = (".yaml", ".yml", ".json", ".toml")


def text_of(data: dict[str, Any], suffix: str) -> str:
    """The file's text, by the suffix of its name.

    Raises:
        ValueError: TOML has no word for an empty value.
    """
    if suffix == ".json":
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return _toml(data) if suffix == ".toml" else _yaml(data)


def _yaml(data: dict[str, Any]) -> str:
    """YAML that readers of 1.1 and 1.2 agree on: PyYAML writes `2.0e-05`, which both take for a number, and texts that
    one of them would take for something else are quoted."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: Any, value: str) -> Any:
        plain = all(isinstance(resolve(value, rules), str) for rules in ("yaml-1.2", "omegaconf", "pyyaml"))
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')

    Dumper.add_representer(str, text)
    Dumper.ignore_aliases = lambda dumper, value: True  # type: ignore[method-assign, assignment]
    found: str = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return found


def _toml(data: dict[str, Any]) -> str:
    """TOML with dotted keys: one line for each value."""
    lines = (f"{'.'.join(_quoted(part) for part in path)} = {_value(value)}\n" for path, value in _leaves(data, ()))
    return "".join(lines)


def _leaves(data: dict[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _value(value: Any) -> str:
    if value is None:
        raise ValueError("TOML has no word for an empty value")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {_value(item)}" for key, item in value.items()) + "}"
    return _quoted(value) if isinstance(value, str) else json.dumps(value, allow_nan=False)


def _quoted(text: Any) -> str:
    """A basic string; JSON's escapes are TOML's, but for the one character that JSON does not escape."""
    return json.dumps(str(text)).replace("\x7f", "\\u007f")
