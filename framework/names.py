"""Names and clause paths: how they are written, and which known name an unknown one is near."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[^\s.\[\]\"]+")
_TOKEN = re.compile(r'(?:^|\.)(?:"((?:[^"\\]|\\.)*)"|([^\s.\[\]"]+))|\[(\d+)\]')


def format_path(path: Iterable[str | int]) -> str:
    """`("variants", "M_sdm", "steps", 0)` as `variants.M_sdm.steps[0]`; keys with dots are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        quoted = part if _PLAIN.fullmatch(part) else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
        text += f".{quoted}" if text else quoted
    return text


def parse_path(text: str) -> Path:
    """The inverse of :func:`format_path`.

    Raises:
        ValueError: the text is not a path.
    """
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise ValueError(f"not a path: {text!r} (at character {position + 1})")
        quoted, plain, index = match.groups()
        if index is not None:
            parts.append(int(index))
        elif quoted is not None:
            parts.append(re.sub(r"\\(.)", r"\1", quoted))
        else:
            parts.append(plain)
        position = match.end()
    if not parts:
        raise ValueError("not a path: it is empty")
    return tuple(parts)


def find_path(tree: Any, text: str) -> Path | None:
    """The path in ``tree`` (nested mappings and sequences) that ``text`` names, or None.

    What :func:`format_path` writes is read as it was meant. For what people write otherwise: a key may itself hold
    dots (`qwen2.5`), so the longest keys are tried first before the text is taken apart at its dots.
    """
    exact = exact_path(text)
    return exact if exact and _holds(tree, exact) else _nearest(tree, text)


@lru_cache(maxsize=8192)
def exact_path(text: str) -> Path:
    """As :func:`parse_path`; empty where the text is not a path. Few texts name places in many files."""
    try:
        return parse_path(text)
    except ValueError:
        return ()


def _holds(tree: Any, path: Path) -> bool:
    for part in path:
        if type(tree) is dict or isinstance(tree, Mapping):
            if part not in tree:
                return False
        elif not isinstance(tree, (list, tuple)) or not isinstance(part, int) or part >= len(tree):
            return False
        tree = tree[part]
    return True


def _nearest(tree: Any, text: str) -> Path | None:
    if text == "":
        return ()
    if isinstance(tree, Mapping):
        keys = [key for key in tree if isinstance(key, str)]
        for key in sorted(keys, key=len, reverse=True):
            for written in {key, format_path((key,))}:
                if not text.startswith(written):
                    continue
                rest = text[len(written) :]
                if rest and rest[0] not in ".[":
                    continue
                found = _nearest(tree[key], rest.removeprefix("."))
                if found is not None:
                    return (key, *found)
    if isinstance(tree, (list, tuple)):
        match = re.match(r"\[(\d+)\]", text) or re.match(r"(\d+)(?=$|[.\[])", text)
        if match and int(match[1]) < len(tree):
            found = _nearest(tree[int(match[1])], text[match.end() :].removeprefix("."))
            if found is not None:
                return (int(match[1]), *found)
    return None


def near(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that the unknown one could have meant, nearest first."""
    from difflib import get_close_matches  # which no check without an unknown name needs

    names = list(dict.fromkeys(known))
    folded = {re.sub(r"[-_ ]", "", candidate).casefold(): candidate for candidate in names}
    same = folded.get(re.sub(r"[-_ ]", "", name).casefold())
    close = get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        best = _likeness(name, close[0])
        close = [candidate for candidate in close if _likeness(name, candidate) > best - 0.1]
    return list(dict.fromkeys(([same] if same else []) + close))[:3]


def _likeness(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio()


MOST_KNOWN = 40
"""How many names that exist a message lists."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Advice for an unknown name: the near ones, else those that exist."""
    names = list(known)
    close = near(name, names)
    if close:
        return "did you mean " + " or ".join(repr(candidate) for candidate in close) + "?"
    more = f", and {len(names) - MOST_KNOWN} more" if len(names) > MOST_KNOWN else ""
    return "known: " + ", ".join(sorted(names)[:MOST_KNOWN]) + more if names else "none is declared"


def paths_in(data: Any) -> list[str]:
    """All paths of the manifest, as people would write them: the candidates for a near name."""
    found: list[str] = []

    def visit(value: Any, text: str) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            path = f"{text}[{key}]" if isinstance(key, int) else f"{text}.{key}" if text else str(key)
            found.append(path)
            visit(item, path)

    visit(data, "")
    return found
