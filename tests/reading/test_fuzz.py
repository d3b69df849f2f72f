"""No reader ever ends in anything but a document or an InputError."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from framework.errors import InputError
from framework.reading.formats import read
from tests.reading.fragments import FRAGMENTS
from tests.reading.parsers import PARSERS, looked_at
from tests.support.properties import QUICK


@pytest.mark.parametrize("kind", PARSERS)
def test_any_text_gives_a_document_or_an_input_error(kind: str) -> None:
    fragments = st.lists(st.sampled_from(FRAGMENTS[kind]), max_size=40).map("".join)

    @QUICK
    @given(fragments | st.text(max_size=80))
    def holds(text: str) -> None:
        try:
            looked_at(PARSERS[kind](text, "file"))
        except InputError as problem:
            unplaced = [found for found in problem.problems if found.location is None]
            if unplaced:
                raise AssertionError(str(problem)) from None

    holds()


@pytest.mark.parametrize("suffix", ["yaml", "json", "toml", "sh", "py", "ini", "gin", "md", "tex"])
def test_any_bytes_give_a_document_or_an_input_error(tmp_path, suffix: str) -> None:
    path = tmp_path / f"file.{suffix}"

    @settings(QUICK, max_examples=60)
    @given(st.binary(max_size=60))
    @example(b"\xef\xbb\xbf")
    @example(b"\x00")
    def holds(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(InputError):
            looked_at(read(path, "file"))

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
        ("gin", "include 'a\0b'\n"),
        ("gin", f"include '{'x' * 300}'\n"),
        ("gin", "A.b = '\\N{no such letter}'\n"),
        ("gin", "A.b = '\\x1'\n"),
        ("python", "a = '\\x1'\n"),
        ("shell", f"source {'x' * 300}\n. 'a\0b'\n"),
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
        looked_at(PARSERS[kind](text, "file"))
