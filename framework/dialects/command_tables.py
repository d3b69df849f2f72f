"""Reading by table what one command or several pass to a program: each command's flags are a scope of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from framework.dialects.key_tables import assume, read_table, scopes
from framework.dialects.terms import Default, Key, Said, Scope


def read_commands(
    data: Any,
    keys: Mapping[str, Key],
    silent: Callable[[Scope], Sequence[str]],
    defaults: Callable[[Scope], Iterable[Default]],
) -> Said:
    """What the flags of each command state; defaults are told where there is one command alone."""
    said = Said()
    names = frozenset(key for key in keys if "." not in key)
    found = scopes(data, names, 3) or scopes(data, names, 1)
    for base, scope in found:
        read_table(scope, keys, silent(scope), base, said)
    return assume(said, defaults(found[0][1])) if len(found) == 1 else said
