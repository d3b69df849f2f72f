"""Which sections of a Python file are settings: dataclasses, parsers' flags, a config's dictionary, and what a training
is started with; everything else in a program is code."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

from framework.dialects.terms import words

_MAKERS = frozenset(
    words("dataclass define attrs s attr frozen mutable struct pydantic_dataclass configclass hydrated")
)
"""Decorators of classes that are records."""
_BASES = re.compile(r"(?:Base)?(?:Model|Settings|Config|Arguments|Args|Params|Tap|Serializable|NamedTuple|Struct)$")
_CONFIG = re.compile(
    r"(?:^|_)(?:configs?|cfg|conf|args|arguments|hparams?|hyper_?param(?:eter)?s|params|parameters|settings|options?"
    r"|opts?|defaults?|flags|c)\d?(?:$|_|#)",
    re.IGNORECASE,
)
_CLASS = re.compile(
    r"(?:Config|Configuration|Args|Arguments|Params|HParams|Hyperparameters|Settings|Options)(?:#\d+)?$"
)
_STARTS = frozenset(words("main train run finetune fine_tune pretrain fit start train_model run_training cli"))
"""Functions whose defaults are a program's: what `fire`, `tyro`, `typer` and `click` make flags of."""
_CONFIG_FILE = re.compile(r"(?:^|_)(?:configs?|conf|cfg|hparams|settings|params|options?|opts?)(?:_|$)", re.IGNORECASE)


def sections(text: str, name: str, keys: list[str]) -> set[str]:
    """Among the first parts of a Python file's keys, those of settings."""
    records = _records(text)
    settings = is_settings(name)
    plain = {key for key in keys if "#" not in key}
    return {
        key
        for key in keys
        if key.startswith("-")
        or key.partition("#")[0] in records
        or _CLASS.search(key)
        or (key in plain and (_CONFIG.search(key) or key in _STARTS))
        or (settings and _constant(key, text))
    }


def is_settings(name: str) -> bool:
    """Whether a file is one of settings, by its name or its folder's: `config/train_gpt2.py`."""
    path = PurePosixPath(name)
    return any(_CONFIG_FILE.search(part) for part in (path.stem, *path.parent.parts))


def aliases(text: str) -> list[list[str]]:
    """The flags that are one argument: of `add_argument("--learning_rate", "--lr")` both."""
    found = []
    for node in _nodes(text):
        if isinstance(node, ast.Call) and _last(node.func) in ("add_argument", "option", "Option"):
            flags = [str(each.value) for each in node.args if isinstance(each, ast.Constant)]
            flags = [flag for flag in flags if flag.startswith("--")]
            found += [flags] if len(flags) > 1 else []
    return found


def _constant(key: str, text: str) -> bool:
    """Whether a key of a file of settings is a variable of the module, and no class, function or call."""
    return re.search(rf"^(?:    )?{re.escape(key)}\b[^\n(]*=", text, re.MULTILINE) is not None


def _records(text: str) -> set[str]:
    """The classes that are records of fields: by their decorator, or by what they are made from."""
    found = set()
    for node in _nodes(text):
        if isinstance(node, ast.ClassDef):
            made = any(_last(each) in _MAKERS for each in node.decorator_list)
            if made or any(_BASES.search(_last(base)) for base in node.bases):
                found.add(node.name)
    return found


def _nodes(text: str) -> Iterator[ast.AST]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return iter(())
    return ast.walk(module)


def _last(expression: ast.expr) -> str:
    """The last name of `attr.s(auto_attribs=True)` or `pydantic.BaseModel`."""
    if isinstance(expression, ast.Call):
        return _last(expression.func)
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""
