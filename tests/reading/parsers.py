"""What reads a text of each language, and all that is asked of what was read."""

from __future__ import annotations

import json
from pathlib import Path

from framework.reading.gin.reader import parse_gin
from framework.reading.ini.reader import parse_ini
from framework.reading.interpolation import interpolate
from framework.reading.json_file import parse_json
from framework.reading.nodes import Document
from framework.reading.prose.latex_file import parse_latex
from framework.reading.prose.markdown_file import parse_markdown
from framework.reading.python.notebook import parse_notebook
from framework.reading.python.reader import parse_python
from framework.reading.shell.reader import parse_shell
from framework.reading.toml_file import parse_toml
from framework.reading.yaml.parsing import parse_yaml


def _interpolated(text: str, shown: str) -> Document:
    document = parse_yaml(text, shown, "omegaconf")
    interpolate(document)
    return document


def _gin(text: str, shown: str) -> Document:
    return parse_gin(text, shown, Path(shown))


def _notebook(text: str, shown: str) -> Document:
    cells = [{"cell_type": "code", "source": text}, {"cell_type": "code", "source": text.splitlines(keepends=True)}]
    return parse_notebook(json.dumps({"cells": cells}), shown)


PARSERS = {
    "yaml": parse_yaml,
    "omegaconf": _interpolated,
    "json": parse_json,
    "toml": parse_toml,
    "shell": parse_shell,
    "python": parse_python,
    "ini": parse_ini,
    "gin": _gin,
    "markdown": parse_markdown,
    "latex": parse_latex,
    "notebook": _notebook,
}


def looked_at(document: Document) -> None:
    """Everything that the rules ask of a document."""
    if document.root is not None:
        document.value(document.root)
    for path, node in document.leaves():
        document.location(node, path)
        document.value(node)
        document.origin(node)
        document.quote(node)
        assert document.walk(path) is not None
    for duplicate in document.duplicates:
        document.location(duplicate.second, duplicate.path)
