"""Reading by table: keys at known places, each with what it states."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from framework.dialects.terms import (
    Default,
    Instead,
    Key,
    Recognition,
    Said,
    Scope,
    Statement,
    Translate,
    Unknown,
    Unset,
    leaves,
    mappings,
)  # fmt: skip
from framework.names import Path

_INTERPOLATION = re.compile(r"\$\{.*\}|\$\w+|\{\{.*\}\}")


def interpolated(word: Any) -> bool:
    """Whether the running program puts the value together: `${optimizer.lr}`."""
    return isinstance(word, str) and _INTERPOLATION.search(word) is not None


def state(path: Path, key: Key, word: Any, scope: Scope, within: tuple[str, ...] = ()) -> Statement | None:
    """What one key states; None where its value says nothing (`???` is to be given on the command line)."""
    if word == "???":
        return None
    value = word if key.translate is None or interpolated(word) else _translated(key.translate, word, scope)
    if isinstance(value, Unset) or (key.translate is None and word is None):
        return None
    if isinstance(value, Instead):
        return Statement(path, value.fact, value.value, word, within=within)
    return Statement(path, key.fact, value, word, within=within)


def _translated(translate: Translate, word: Any, scope: Scope) -> Any:
    try:
        return translate(word, scope)
    except (ArithmeticError, ValueError):  # int(inf), exp(1e9), a share of nothing
        return Unknown("no number comes of what the file says")


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[dict[tuple[str, ...], str], list[tuple[tuple[str, ...], str]]]:
    """Patterns by their parts: those without a `*` by the parts themselves."""
    parts = {pattern: tuple(pattern.split(".")) for pattern in patterns}
    plain = {split: pattern for pattern, split in parts.items() if "*" not in split}
    return plain, [(split, pattern) for pattern, split in parts.items() if "*" in split]


def matching(path: Path, patterns: tuple[str, ...]) -> str | None:
    """The pattern that a place matches: names joined by dots, `*` for any one name or index."""
    plain, wild = _compiled(patterns)
    split = tuple(str(part) for part in path)
    if split in plain:
        return plain[split]
    for parts, pattern in wild:
        if len(parts) == len(split) and all(part in ("*", own) for part, own in zip(parts, split, strict=True)):
            return pattern
    return None


def read_table(
    data: Any,
    keys: Mapping[str, Key],
    silent: Sequence[str] = (),
    base: Path = (),
    said: Said | None = None,
) -> Said:
    """What the mapping ``data``, which stands at ``base``, states by the table; ``silent`` are patterns of places
    that, with all below them, state nothing about a paper, unless it states the catalogued fact that they name."""
    said = said or Said()
    patterns, quiet = tuple(keys), tuple(silent)
    within = tuple(part for part in base if isinstance(part, str))
    for path, word in leaves(data):
        pattern = matching(path, patterns)
        if pattern is not None:
            found = state((*base, *path), keys[pattern], word, data, within)
            if found is None:
                said.silent.add((*base, *path))
            else:
                said.statements.append(found)
            if not keys[pattern].fact.startswith("settings."):
                continue
        for length in range(1, len(path) + 1):
            if matching(path[:length], quiet) is not None:
                said.silent.add((*base, *path[:length]))
                break
    return said


def assume(said: Said, defaults: Iterable[Default]) -> Said:
    """Add the defaults of facts that nothing in the file states; `a|b` and the parts of a fact count as it."""
    stated = {fact for statement in said.statements for fact in (statement.fact, *statement.doubt)}
    said.defaults += [default for default in defaults if default.fact not in stated]
    return said


def usual(scope: Mapping[str, Any], values: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    """The keys that hold what they hold anyway, and so state nothing: `label_smoothing_factor: 0`."""
    return tuple(
        key
        for key, held in values.items()
        if key in scope and any(scope[key] == each and type(scope[key]) is type(each) for each in held)
    )


def scopes(data: Any, names: frozenset[str], least: int) -> list[tuple[Path, dict[str, Any]]]:
    """The mappings that hold at least so many of the known keys, where none above them does."""
    found: list[tuple[Path, dict[str, Any]]] = []
    for path, mapping in mappings(data):
        if any(path[: len(outer)] == outer for outer, _ in found) or len(path) > 4:
            continue
        if len(names & mapping.keys()) >= least:
            found.append((path, mapping))
    return found


def mappings_with(data: Any, *names: str) -> list[tuple[Path, dict[str, Any]]]:
    """The outermost mappings that hold one of the keys."""
    return scopes(data, frozenset(names), 1)


def by_marks(
    marks: frozenset[str], least: int, what: str, foreign: frozenset[str] = frozenset()
) -> Callable[[Any], Recognition | None]:
    """Recognition by key names: at least ``least`` of ``marks`` in one mapping, and none of another dialect's."""

    def recognise(data: Any) -> Recognition | None:
        best: tuple[int, list[str]] = (0, [])
        for path, mapping in mappings(data):
            if len(path) > 3:
                continue
            if foreign & mapping.keys():
                return None
            seen = [key for key in mapping if key in marks]
            best = max(best, (len(seen), seen), key=lambda pair: pair[0])
        if best[0] < least:
            return None
        return Recognition(min(0.95, 0.6 + 0.05 * best[0]), f"{what}: {', '.join(best[1][:4])}")

    return recognise


def at(data: Any, *path: str | int) -> Any:
    """The value at a place of plain data; None where there is none."""
    for part in path:
        if isinstance(part, int):
            if not isinstance(data, list) or part >= len(data):
                return None
        elif not isinstance(data, dict) or part not in data:
            return None
        data = data[part]
    return data


__all__ = [
    "assume",
    "at",
    "by_marks",
    "interpolated",
    "mappings_with",
    "matching",
    "read_table",
    "scopes",
    "state",
    "usual",
]
