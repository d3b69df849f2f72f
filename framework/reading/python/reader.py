"""Python files to nodes: the literals that a program starts from. Parsed, never imported.

Keys are `LEARNING_RATE` for a module's constant, `TrainConfig.learning_rate` for a class's field (a dataclass,
pydantic, plain), `--lr` for a parser's or an absl flag's default, `TrainingArguments.learning_rate` for a keyword of a
call, `train.lr` for a function's default, and `config.optimizer.lr` for a dictionary or an attribute that is set. The
second call, class or function of a name is `TrainingArguments#2`.
"""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path as FilePath

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.marks import Lines
from framework.reading.nodes import Document
from framework.reading.python.placement import Tree
from framework.reading.scalars import Rules

SUFFIXES = (".py",)
READERS = ("python",)


def read(path: FilePath, shown: str, reader: Rules) -> Document:
    """The format's entry.

    Raises:
        InputError: it cannot be read, or is not Python.
    """
    document = parse_python(read_text(path, shown), shown, reader)
    if _READS_BASE.search(document.text):
        from framework.reading.python.layered_configs import over_names

        found = over_names(document, path, lambda base, name: parse_python(read_text(base, name), name, reader))
        if found is not None:
            return found
        document.absent.setdefault("", "`read_base()` lays it over other files, which are not followed")
    if is_config(document.text):
        from framework.reading.python.layered_configs import as_config

        return as_config(document, path, lambda base, name: parse_python(read_text(base, name), name, reader))
    return document


_READS_BASE = re.compile(r"^with\s+read_base\(\)\s*:", re.MULTILINE)
"""What takes in the names of other configs (mmengine 0.10.7, `config/config.py` `_parse_lazy_import`)."""
_CONFIG = re.compile(r"^(?:_base_|optim_wrapper|optimizer_config|lr_config)\s*=", re.MULTILINE)


def is_config(text: str) -> bool:
    """Whether a Python file is a config itself, as mmengine's are, by the names that it sets."""
    return _CONFIG.search(text) is not None


def parse_python(text: str, shown: str, reader: Rules = "python") -> Document:
    """As :func:`read`, for text."""
    document = Document(shown, text, None, reader, format="python")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except SyntaxError as problem:
        line, column = max(1, problem.lineno or 1), max(1, problem.offset or 1)
        raise InputError.at(Location(shown, line, column), f"not Python: {problem.msg}") from None
    except (RecursionError, MemoryError):
        raise InputError.at(Location(shown, 1, 1), "nested too deeply") from None
    except ValueError as problem:
        raise InputError.at(Location(shown, 1, 1), f"not Python: {problem}") from None
    # Python's own lines end at a form feed nowhere, and at a lone carriage return too.
    lines = Lines(text, bare_returns=True)
    try:
        document.root = Tree(document, lines).of(module)
    except RecursionError:
        raise InputError.at(Location(shown, 1, 1), "nested too deeply") from None
    return document
