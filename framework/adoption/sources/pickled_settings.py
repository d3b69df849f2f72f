"""The settings in `training_args.bin`, without unpickling it.

transformers' Trainer saves its arguments with `torch.save` (transformers 5.x, trainer.py, `_save`): a zip archive with
`<name>/data.pkl`, a pickle of the object's attributes. Unpickling imports and calls whatever the file names. Here the
pickle's instructions (Lib/pickletools.py) are followed as text: constants and containers are kept, and an object stays
a note of its class and of what it was made from. Nothing is imported, nothing is called.
"""

from __future__ import annotations

import pickletools
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.locations import Location

_MOST_BYTES, _MOST_VALUES = 16 << 20, 100_000
_BROKEN = (
    OSError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, ArithmeticError, ValueError, LookupError,
    TypeError, AttributeError, RuntimeError,
)  # fmt: skip
"""What zipfile and pickletools raise where an archive or a pickle is not what it should be."""
_MARK = object()


@dataclass(slots=True)
class Noted:
    """An object that a pickle would make: its class by name, what it is made from, and its attributes."""

    name: str
    made_from: tuple[Any, ...] = ()
    state: Any = None

    @property
    def plain(self) -> Any:
        """The value of an enumeration's member, the class's name for the rest."""
        return self.made_from[0] if len(self.made_from) == 1 and isinstance(self.made_from[0], str) else self.name


def settings_in(file: Path) -> dict[str, Any]:
    """The attributes of the object that the file holds; of those that are objects, an enumeration's value alone.

    Raises:
        InputError: it is no such archive, or is damaged.
    """
    where = Location(str(file), 1, 1)
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
            if len(names) != 1:
                raise InputError.at(where, "no archive of torch.save: it has no data.pkl")
            if archive.getinfo(names[0]).file_size > _MOST_BYTES:
                raise InputError.at(where, f"its settings take more than {_MOST_BYTES} bytes")
            found = _followed(archive.read(names[0]))
        state = found.state if isinstance(found, Noted) else found
        if not isinstance(state, dict):
            raise InputError.at(where, "it holds no settings")
        named = {name: value for name, value in state.items() if isinstance(name, str) and not name.startswith("_")}
        plain: dict[str, Any] = _Plain().of(named)
        return plain
    except _BROKEN as why:
        raise InputError.at(where, f"its settings cannot be read: {why}") from None


class _Plain:
    """Plain values of what a pickle holds; no more than a bounded number, since it may name one thing many times."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def of(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"it holds more than {_MOST_VALUES} values")
        if isinstance(value, Noted):
            return value.plain
        if isinstance(value, dict):
            return {str(key): self.of(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [self.of(item) for item in value]
        return value


def _followed(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}

    def above_mark() -> list[Any]:
        at = len(stack) - 1 - stack[::-1].index(_MARK)
        items = stack[at + 1 :]
        del stack[at:]
        return items

    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
            memo[len(memo) if name == "MEMOIZE" else int(argument or 0)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memo[int(argument or 0)])
        elif name in ("GLOBAL", "INST"):
            made_from = tuple(above_mark()) if name == "INST" else ()
            stack.append(Noted(str(argument).replace(" ", "."), made_from))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(Noted(f"{module}.{attribute}"))
        elif name == "BINPERSID":
            stack.append(Noted("a stored tensor", (stack.pop(),)))
        elif name in ("REDUCE", "NEWOBJ", "OBJ"):
            made_from = tuple(above_mark()) if name == "OBJ" else tuple(stack.pop())
            made_of = made_from[0] if name == "OBJ" else stack.pop()
            stack.append(Noted(made_of.name, made_from[1:] if name == "OBJ" else made_from))
        elif name == "NEWOBJ_EX":
            keywords, made_from, made_of = stack.pop(), stack.pop(), stack.pop()
            stack.append(Noted(made_of.name, tuple(made_from), keywords))
        elif name == "BUILD":
            state = stack.pop()
            if isinstance(stack[-1], Noted):
                stack[-1].state = state
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("TUPLE", "LIST", "FROZENSET"):
            items = above_mark()
            stack.append(tuple(items) if name == "TUPLE" else items)
        elif name == "DICT":
            items = above_mark()
            stack.append(dict(zip(items[::2], items[1::2], strict=True)))
        elif name in ("APPEND", "APPENDS", "ADDITEMS"):
            items = [stack.pop()] if name == "APPEND" else above_mark()
            if isinstance(stack[-1], list):
                stack[-1].extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = [stack.pop(-2), stack.pop()] if name == "SETITEM" else above_mark()
            if isinstance(stack[-1], dict):
                stack[-1].update(zip(map(_hashable, items[::2]), items[1::2], strict=True))
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "POP":
            stack.pop()
        elif name == "POP_MARK":
            above_mark()
        elif name == "DUP":
            stack.append(stack[-1])
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            if argument is None:
                raise ValueError(f"the instruction {name} is not known here")
            stack.append(argument)
    raise ValueError("it has no end")


def _hashable(key: Any) -> Any:
    return key if isinstance(key, (str, int, float, bool)) or key is None else str(key)


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Any] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_SET": list, "EMPTY_TUPLE": tuple}
