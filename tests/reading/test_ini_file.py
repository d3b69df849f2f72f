"""INI: what Python's configparser reads, and what other programs write in its form."""

from __future__ import annotations

import configparser
from typing import Any

import pytest

from framework.errors import InputError
from framework.reading.ini.reader import parse_ini
from framework.reading.nodes import Document, Opaque

TEXT = """\
; a note
[DEFAULT]
seed = 7

[train]
# another
lr = 2e-4
Epochs: 3
name = adamw
text = one
    two
  three

[eval]
seed = 8
batch=16
"""


def _value(document: Document, name: str) -> Any:
    path = document.called(name, document.value(document.root) if document.root else {})
    assert path is not None, name
    node = document.node(path)
    assert node is not None
    return document.value(node)


def test_values_are_those_that_configparser_finds() -> None:
    parser = configparser.ConfigParser()
    parser.read_string(TEXT)
    document = parse_ini(TEXT, "f")
    for section in parser.sections():
        for name, text in parser[section].items():
            found = _value(document, f"{section}.{name}") if name != "epochs" else _value(document, "train.Epochs")
            assert str(found) == text or float(found) == float(text)


@pytest.mark.parametrize(
    ("name", "place", "token"),
    [
        ("train.lr", (7, 6), "2e-4"),
        ("train.Epochs", (8, 9), "3"),
        ("eval.batch", (16, 7), "16"),
        ("train.seed", (3, 8), "7"),
    ],
)
def test_places(name: str, place: tuple[int, int], token: str) -> None:
    document = parse_ini(TEXT, "f")
    path = document.called(name, document.value(document.root))
    assert path is not None
    node = document.node(path)
    assert node is not None
    assert (node.line, node.column) == place
    assert document.text[node.start : node.stop] == token


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 2e-4),
        ("1_000", 1000),
        ("-3", -3),
        ("yes", True),
        ("Off", False),
        ("'adamw'", "adamw"),
        ('"2"', "2"),
        ("(0.9, 0.95)", [0.9, 0.95]),
        ("[1, 2, ]", [1, 2]),
        ("400000,450000", [400000, 450000]),
        ("cosine with warmup", "cosine with warmup"),
        ("a;b", "a;b"),
        ("http://x.y/z", "http://x.y/z"),
    ],
)
def test_what_a_program_makes_of_a_text(text: str, value: Any) -> None:
    found = _value(parse_ini(f"[a]\nb = {text}\n", "f"), "a.b")
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("text", ["2e-4 ; the peak", "2e-4 # the peak", "%(base)s", "${a:b}", "$HOME", "1,000", ""])
def test_what_programs_read_differently_is_not_known(text: str) -> None:
    found = _value(parse_ini(f"[a]\nb = {text}\n", "f"), "a.b")
    assert isinstance(found, Opaque)
    assert found.reason


def test_a_remark_leaves_what_the_value_would_be() -> None:
    assert _value(parse_ini("[a]\nb = 2e-4 ; the peak\n", "f"), "a.b").default == 2e-4


def test_sections_of_one_name_are_numbered_and_keys_need_no_section() -> None:
    document = parse_ini("top = 1\n[net]\na=1\n[net]\na=2\nflag\n", "f")
    data = document.value(document.root)
    assert isinstance(data["net#2"].pop("flag"), Opaque)
    assert data == {"top": 1, "net": {"a": 1}, "net#2": {"a": 2}}
    assert document.duplicates == []


def test_dots_in_the_name_of_a_section_nest_it() -> None:
    text = "[training.optimizer]\neps = 1e-8\n[training]\nseed = 0\n[a]\nb = 1\n[a.b]\nc = 2\n[x.*]\ny = 3\n"
    document = parse_ini(text, "f")
    assert document.value(document.root) == {
        "training": {"optimizer": {"eps": 1e-8}, "seed": 0},
        "a": {"b": 1},
        "a.b": {"c": 2},
        "x.*": {"y": 3},
    }
    assert _value(document, "a.b.c") == 2


def test_a_key_that_stands_twice_in_a_section_is_seen() -> None:
    (duplicate,) = parse_ini("[a]\nb = 1\nb = 2\n", "f").duplicates
    assert duplicate.path == ("a", "b")
    assert (duplicate.second.line, duplicate.second.column) == (3, 1)


@pytest.mark.parametrize(
    ("text", "place"), [("[a]\nb = 1\nnot a line\n", "f:3:1"), ("server { listen 80; }\n", "f:1:1"), ("[a\n", "f:1:1")]
)
def test_what_is_no_ini_is_refused_at_its_place(text: str, place: str) -> None:
    with pytest.raises(InputError, match=f"{place}: not INI: .*\n.*`reader:`"):
        parse_ini(text, "f")


def test_a_section_is_not_inherited_where_it_states_the_key_itself() -> None:
    document = parse_ini(TEXT, "f")
    assert _value(document, "eval.seed") == 8
