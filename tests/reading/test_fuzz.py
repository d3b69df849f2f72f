"""No reader ever ends in anything but a document or an InputError."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from framework.errors import InputError
from framework.reading.formats import read
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
from tests.reading.fragments import FRAGMENTS
from tests.support.properties import QUICK


def _interpolated(text: str, shown: str) -> Document:
    document = parse_yaml(text, shown, "omegaconf")
    interpolate(document)
    return document


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
    "markdown": parse_markdown,
    "latex": parse_latex,
    "notebook": _notebook,
}


def _looked_at(document: Document) -> None:
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


@pytest.mark.parametrize("kind", PARSERS)
def test_any_text_gives_a_document_or_an_input_error(kind: str) -> None:
    fragments = st.lists(st.sampled_from(FRAGMENTS[kind]), max_size=40).map("".join)

    @QUICK
    @given(fragments | st.text(max_size=80))
    def holds(text: str) -> None:
        try:
            _looked_at(PARSERS[kind](text, "file"))
        except InputError as problem:
            unplaced = [found for found in problem.problems if found.location is None]
            if unplaced:
                raise AssertionError(str(problem)) from None

    holds()


@pytest.mark.parametrize("suffix", ["yaml", "json", "toml", "sh", "py", "ini", "md", "tex"])
def test_any_bytes_give_a_document_or_an_input_error(tmp_path, suffix: str) -> None:
    path = tmp_path / f"file.{suffix}"

    @settings(QUICK, max_examples=60)
    @given(st.binary(max_size=60))
    @example(b"\xef\xbb\xbf")
    @example(b"\x00")
    def holds(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(InputError):
            _looked_at(read(path, "file"))

    holds()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("yaml", "[" * 50_000),
        ("yaml", "- " * 50_000),
        ("yaml", "a: &a [x]\n" + "".join(f"b{i}: &b{i} [*{'a' if not i else f'b{i - 1}'}]\n" for i in range(3000))),
        ("yaml", "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))),
        (
            "omegaconf",
            "a0: {x: 1}\n" + "".join(f"a{i}: {{x: '${{a{i - 1}}}', y: '${{a{i - 1}}}'}}\n" for i in range(1, 40)),
        ),
        ("omegaconf", "a0: x\n" + "".join(f"a{i}: ${{a{i - 1}}}${{a{i - 1}}}\n" for i in range(1, 60))),
        ("omegaconf", "a: {x: '${b}'}\nb: {y: '${a}'}\n"),
        ("json", "[" * 50_000),
        ("json", '{"a":' * 50_000),
        ("json", "1" * 5_000),
        ("toml", "a = " + "[" * 50_000),
        ("toml", "a = " + "1" * 5_000),
        ("shell", "$(" * 5_000),
        ("shell", "${a:-" * 5_000),
        ("shell", "A=x\n" + 'A="$A$A"\n' * 60 + "python t.py --a $A"),
        ("shell", "A=(x)\n" + 'A=("${A[@]}" "${A[@]}")\n' * 60 + 'python t.py --a "${A[@]}"'),
        ("python", "(" * 5_000),
        ("python", "x = " + "-" * 20_000 + "1"),
        ("python", "x = 9 ** 9 ** 9 ** 9\ny = 'a' * 10 ** 10\nz = 1 << 10 ** 10\n"),
        ("python", "x = " + "1 + " * 20_000 + "1"),
        ("ini", "[" * 50_000),
        ("ini", "a = " + "1," * 50_000),
        ("ini", "a = 1\n" + " b\n" * 20_000),
        ("markdown", "".join(f"{'  ' * i}- a{i}\n" for i in range(300)) + "  " * 300 + "- b: 1\n"),
        ("markdown", "| a | b |\n|---|---|\n" + "| x | 1 |\n" * 5_000),
        ("markdown", "|" * 20_000 + "\n" + "|-" * 20_000),
        ("markdown", "```yaml\na: &a [x]\n" + "".join(f"b{i}: *a\n" for i in range(3000)) + "```\n"),
        ("markdown", "```yaml\na0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))),
        ("markdown", "```yaml\na: &a {b: *a}\n```\n"),
    ],
    ids=lambda value: value[:12],
)
def test_what_grows_without_measure_is_refused_or_left_unknown(kind: str, text: str) -> None:
    with suppress(InputError):
        _looked_at(PARSERS[kind](text, "file"))
