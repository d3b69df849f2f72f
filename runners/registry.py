"""Families of interchangeable members, found by name: one shape for transforms, adapters, scores and models.

A member of this project is imported only when it is asked for by name; a third party adds one through a Python
entry point of the family's group, whose name is the member's.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

from framework.errors import UsageError
from framework.names import did_you_mean
from framework.plugins import entry_points, loaded

Member = TypeVar("Member")


class Registry(Generic[Member]):
    """Members by name: ``own`` maps a name to `module:attribute`, and ``group`` is the entry-point group."""

    def __init__(self, kind: str, group: str, own: Mapping[str, str]):
        self.kind = kind
        self.group = group
        self._own = own

    def __contains__(self, name: str) -> bool:
        return name in self._own or name in self.names()

    def names(self) -> list[str]:
        """Every name that can be asked for, the project's own and third parties'."""
        return sorted({*self._own, *(point.name for point in entry_points(self.group))})

    def get(self, name: str) -> Member:
        """The member of that name; the project's own goes before a third party's.

        Raises:
            UsageError: there is none; the message lists the near ones.
        """
        if name in self._own:
            module, attribute = self._own[name].split(":")
            member: Any = getattr(import_module(module), attribute)
            return member  # type: ignore[no-any-return]
        for point in entry_points(self.group):
            if point.name == name:
                return loaded(point)  # type: ignore[no-any-return]
        raise UsageError(f"no {self.kind} is called {name!r}: {did_you_mean(name, self.names())}")
