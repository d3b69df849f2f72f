"""TOML: the values are the standard library's, the places are found."""

from __future__ import annotations

import datetime
import tomllib

import pytest

from framework.errors import InputError
from framework.reading.toml_file import parse_toml

TEXT = """# a note
title = "x"  # another
optim.adamw.lr = 2e-4
day = 2024-01-31
inline = { x = 1, y = { z = [1, # one
  2] } }
text = '''
it''s'''

[train]
steps = 1_000
[[phase]]
name = "pretrain"
[[phase]]
name = "finetune"
[phase.data]
"a b" = true
"""


def test_values_are_the_librarys() -> None:
    document = parse_toml(TEXT, "f")
    assert document.root is not None
    assert document.value(document.root) == tomllib.loads(TEXT)
    day = document.walk(("day",))
    assert day is not None
    assert document.value(day[1]) == datetime.date(2024, 1, 31)


@pytest.mark.parametrize(
    ("path", "place", "token"),
    [
        (("title",), (2, 9), '"x"'),
        (("optim", "adamw", "lr"), (3, 18), "2e-4"),
        (("inline", "y", "z", 1), (6, 3), "2"),
        (("text",), (7, 8), "'''\nit''s'''"),
        (("train", "steps"), (11, 9), "1_000"),
        (("phase", 1, "name"), (15, 8), '"finetune"'),
        (("phase", 1, "data", "a b"), (17, 9), "true"),
    ],
)
def test_places(path: tuple, place: tuple[int, int], token: str) -> None:
    document = parse_toml(TEXT, "f")
    found = document.walk(path)
    assert found is not None
    assert (found[1].line, found[1].column) == place
    assert TEXT[found[1].start : found[1].stop] == token


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\na = 2\n", "f:2:6: not TOML: cannot overwrite a value\n.*keep one"),
        ("[a]\n[a]\n", "f:2:3: not TOML: cannot declare"),
        ("a = ", "f:1:5: not TOML: invalid value"),
        ("a = 'x", "f:1:7: not TOML"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_toml(text, "f")


def test_an_empty_file_has_no_root() -> None:
    assert parse_toml("# nothing\n", "f").root is None
