"""Which reader a file is for: one module per format, all of one shape. To add a format is to add a file.

A format is a module with `SUFFIXES` (of file names, in lower case), `READERS` (how its files may be read, as a
binding's `reader` says; the first one where it says nothing), and `read(path, shown, reader)`, which makes a
:class:`~framework.reading.nodes.Document`. Other distributions add theirs through the entry-point group
`framework.readers`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from framework.errors import InputError
from framework.locations import Location
from framework.names import did_you_mean
from framework.plugins import entry_points, loaded
from framework.reading.decoding import open_regular
from framework.reading.nodes import Document
from framework.reading.yaml.reader import read as _read_yaml

_OWN = {
    ".yaml": "yaml.reader",
    ".yml": "yaml.reader",
    ".json": "json_file",
    ".toml": "toml_file",
    ".sh": "shell.reader",
    ".bash": "shell.reader",
    ".slurm": "shell.reader",
    ".sbatch": "shell.reader",
    ".py": "python.reader",
    ".ipynb": "python.notebook",
    ".ini": "ini.reader",
    ".cfg": "ini.reader",
    ".conf": "ini.reader",
    ".gin": "gin.reader",
    ".md": "prose.markdown_file",
    ".markdown": "prose.markdown_file",
    ".mdx": "prose.markdown_file",
    ".qmd": "prose.markdown_file",
    ".rmd": "prose.markdown_file",
    ".tex": "prose.latex_file",
    ".ltx": "prose.latex_file",
}
"""The formats of this package by suffix, so that a project of YAML files imports no other reader."""


_LAYERED = tuple(f"framework.reading.{name}" for name in ("yaml.reader", "json_file", "toml_file"))
"""The formats that lay a file over the ones that it names."""


def read(path: Path | str, shown: str, reader: str | None = None, bases: Sequence[str] = ()) -> Document:
    """A file as its own consumer reads it; ``shown`` is its name in messages, ``reader`` a binding's, and ``bases`` are
    the keys under which such a file names others that it is laid over.

    Raises:
        InputError: no format is known for it, it is not of that format, or the format has no such reader.
    """
    if reader is None and str(path).endswith((".yaml", ".yml")):
        return _read_yaml(path, shown, "yaml-1.2", bases)
    path = Path(path)
    suffix = path.suffix.lower()
    module = _for(path, suffix, shown) if reader is None else by_reader(reader)
    if reader is None:
        reader = module.READERS[0]
    layered = bases and module.__name__ in _LAYERED
    document: Document = module.read(path, shown, reader, *([bases] if layered else []))
    return document


def readable(path: Path) -> bool:
    """Whether a format is known for the file, by its name or by its first line."""
    suffix = path.suffix.lower()
    return suffix in _OWN or suffix in third_parties() or _is_script(path) is not None


def is_shell(path: str, reader: str | None = None) -> bool:
    """Whether a shell's reader reads the file: as a binding's ``reader`` says, by its suffix, or by its first line."""
    if reader is not None:
        return reader == "shell"
    suffix = os.path.splitext(path)[1].lower()
    return (_OWN.get(suffix) or (suffix not in third_parties() and _is_script(Path(path)))) == "shell.reader"


def by_reader(reader: str) -> ModuleType:
    """The format that a reader belongs to.

    Raises:
        InputError: there is no such reader.
    """
    known: list[str] = []
    for name in dict.fromkeys(_OWN.values()):
        module = import_module(f"framework.reading.{name}")
        if reader in module.READERS:
            return module
        known += module.READERS
    for module in third_parties().values():
        if reader in module.READERS:
            return module
        known += module.READERS
    raise InputError.at(None, f"no reader {reader!r}", did_you_mean(reader, known))


@cache
def third_parties() -> dict[str, ModuleType]:
    """The formats of other distributions, by suffix."""
    found: dict[str, ModuleType] = {}
    for point in entry_points(group="framework.readers"):
        module = loaded(point)
        found.update(dict.fromkeys(module.SUFFIXES, module))
    return found


def _for(path: Path, suffix: str, shown: str) -> ModuleType:
    name = _OWN.get(suffix) or _is_script(path)
    if name is not None:
        return import_module(f"framework.reading.{name}")
    if suffix in third_parties():
        return third_parties()[suffix]
    if not path.is_file():
        return import_module("framework.reading.yaml.reader")  # which says what is wrong with it
    raise InputError.at(
        Location(shown, 1, 1),
        f"no reader for {suffix!r} files" if suffix else "no reader for a file without a suffix",
        "say how it is read with `reader:` in the binding",
    )


def _is_script(path: Path) -> str | None:
    """The format of a file that starts with `#!`."""
    try:
        with open_regular(path) as file:
            first = file.readline(200)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    words = first[2:].replace(b"/", b" ").split()
    if any(word.startswith(b"python") for word in words):
        return "python.reader"
    return "shell.reader" if {b"sh", b"bash", b"zsh", b"dash", b"ksh"} & set(words) else None
