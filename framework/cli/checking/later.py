"""Functions that are imported when they are called, not when an `import` of a dependency names them."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module until something of it is used: its functions (``__all__``) may be imported by name, and
    then bring the module in when they are called."""

    __all__: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        if name in self.__all__:
            return lambda *arguments, **options: getattr(_real(self), name)(*arguments, **options)
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_real(self), name)


def _real(stand_in: _Later) -> ModuleType:
    if sys.modules.get(stand_in.__name__) is stand_in:
        del sys.modules[stand_in.__name__]
    return import_module(stand_in.__name__)


def later(module: str, *functions: str) -> None:
    """Put off the import of a module of which a dependency imports these functions, and this command calls none."""
    if module not in sys.modules:
        sys.modules[module] = stand_in = _Later(module)
        stand_in.__all__ = functions
