"""What the readers read is what the libraries read, of anything that those can write."""

from __future__ import annotations

import json
import math
import tomllib

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from framework.errors import InputError
from framework.reading.json_file import parse_json
from framework.reading.nodes import ComputedNode, Document, MappingNode, ScalarNode, SequenceNode
from framework.reading.python.reader import parse_python
from framework.reading.shell.reader import parse_shell
from framework.reading.toml_file import parse_toml
from framework.reading.yaml import parsing
from framework.reading.yaml.lines import parse_rows
from framework.reading.yaml.parsing import parse_yaml
from tests.support.properties import QUICK

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(
        ["2e-4", "1e5", "yes", "no", "1:30", "null", "~", "0o17", "017", "1_000", "2024-01-01", "", " x", "#"]
    )
)
_NAMES = st.text("abcdefgh_-.0123456789", min_size=1, max_size=6) | st.sampled_from(["yes", "<", "a b", "é", "1"])
_DATA = st.dictionaries(
    _NAMES,
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


def _same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


def _scalars_stand_where_they_say(document: Document, parse) -> None:
    """Each scalar's own piece of text, read alone, is its value."""
    for _, node in document.leaves():
        if not isinstance(node, ScalarNode) or not document.editable(node):
            continue
        token = document.text[node.start : node.stop]
        assert _same(document.value(node), parse(token)), (token, document.value(node))
        assert document.text.count("\n", 0, node.start) == node.line - 1
        assert node.start - (document.text.rfind("\n", 0, node.start) + 1) == node.column - 1


@QUICK
@given(_DATA, st.booleans())
def test_yaml_reads_what_pyyaml_wrote(data: dict, flow: bool) -> None:
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=flow, allow_unicode=True)
    document = parse_yaml(text, "file", "pyyaml")
    assert document.root is not None
    assert _same(document.value(document.root), yaml.safe_load(text))


@QUICK
@given(st.dictionaries(_NAMES, _SCALARS, max_size=5))
def test_a_yaml_scalar_read_alone_is_its_value(data: dict) -> None:
    text = yaml.safe_dump(data, sort_keys=False, width=10_000)

    def parse(token: str) -> object:
        alone = parse_yaml(f"x: {token}\n", "file", "pyyaml")
        assert alone.root is not None
        return alone.value(alone.root)["x"]

    _scalars_stand_where_they_say(parse_yaml(text, "file", "pyyaml"), parse)


_LINES = st.lists(
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["", "  ", "    ", "   "]),
        st.sampled_from(["", "", "- ", "-   "]),
        st.sampled_from(["a: ", "b:", "c:  ", "d.e: ", "0: ", "f/g-h: ", "", "k : ", "a:b"]),
        st.sampled_from(
            [
                "1",
                "2e-4",
                "x",
                "'q'",
                '"r"',
                "[1,2]",
                "[a,'b']",
                "[]",
                "~",
                "-1",
                "-x",
                "---",
                "...",
                "a:b",
                "x#y",
                "${}",
                "&",
                "[1,]",
                "null",
                "http://x",
                "+",
                ".",
                "*a",
                "'it''s'",
                "|",
                "",
                "",
                "",
                "a b  c",
                "x: y",
                "a :b",
                '"a b"',
                "[0.9, 0.98]",
                "[ a , b c]",
                "{a: 1}",
                '"a\\n"',
                "x ",
                "- z",
            ]
        ),
        st.sampled_from(["\n", "\n", "\n", " # note\n", "  \n", "#x\n", "\n\n", "\n# é\n", ""]),
    ),
    max_size=8,
).map("".join)


def _drawn(node) -> tuple:
    marks = (node.line, node.column, node.start, node.stop, node.tag)
    if isinstance(node, SequenceNode):
        return (marks, [_drawn(item) for item in node.items])
    if isinstance(node, MappingNode):
        return (marks, [(_drawn(key), _drawn(value)) for key, value in node.items])
    assert isinstance(node, ScalarNode)
    return (marks, node.text, node.plain)


def _by_the_parser(text: str) -> Document:
    """As the real parser reads it, whatever the quick one could."""
    return parsing._parsed_by_events(text, "file", "yaml-1.2")[0]


@settings(QUICK, max_examples=1500)
@given(_LINES)
@example("a:\n- b:\n  c: d\n- e\nf: g")
@example("a:\n  - x:\n      - 1\n    y:\n  - z: [1, 'b c']\n\n# end\n")
def test_the_quick_reader_of_lines_agrees_with_the_parser(text: str) -> None:
    rows = parse_rows(text)
    if rows is None:
        return
    document = _by_the_parser(text)
    assert document.root is not None
    assert _drawn(rows) == _drawn(document.root)
    assert not document.duplicates
    quick = Document("file", text, rows, "yaml-1.2")
    assert quick.value(rows) == document.value(document.root)
    assert [path for path, _ in quick.leaves()] == [path for path, _ in document.leaves()]


def test_the_quick_reader_takes_what_configs_are_made_of() -> None:
    text = "a: 1\nb:\n  c: 'x' # note\n  d: [0.9, 0.98]\n  e:\n    - f: 1\n      g: 2\n\n    - h\ni:\n- j\nk:\n"
    assert parse_rows(text) is not None


@QUICK
@given(_DATA)
def test_json_reads_what_the_library_wrote(data: dict) -> None:
    for text in (json.dumps(data, indent=1), json.dumps(data, ensure_ascii=False)):
        document = parse_json(text, "file")
        assert document.root is not None
        assert _same(document.value(document.root), data)
        _scalars_stand_where_they_say(document, json.loads)


_TOML_VALUES = st.recursive(
    st.sampled_from(
        [
            "1",
            "-17",
            "1_000",
            "0xFF",
            "0o7",
            "0b1",
            "1e-4",
            "6.5",
            "-inf",
            "nan",
            "true",
            '"a\\u0041\\"b"',
            "'l\\it'",
            '""',
            '"""\nx""y"""',
            "'''\ra'b\nc'''",
            '"""a\\\n  b"""',
            "1979-05-27",
            "07:32:00",
            "1979-05-27 07:32:00.5",
            "1979-05-27T07:32:00-07:00",
            '"# no"',
            "'''''x'''''",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + " ,\n # c\n".join(items) + "]")
        | st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{i}.x = {item}" for i, item in enumerate(items)) + "}"
        )
    ),
    max_leaves=6,
)
_TOML = st.lists(
    st.builds("{} = {}\n".format, st.sampled_from(["a", "b.c", '"d e".f', "'g'", "h-1", "1"]), _TOML_VALUES)
    | st.sampled_from(["[t]\n", "[t.u]\n", "[[l]]\n", "[[l.m]]\n", '["q.r"]  # c\n', "\n", "# c\r\n", "  "]),
    max_size=6,
).map("".join)


@settings(QUICK, max_examples=400)
@given(_TOML)
def test_toml_reads_what_the_library_reads(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(InputError):
            parse_toml(text, "file")
        return
    document = parse_toml(text, "file")
    found = document.value(document.root) if document.root is not None else {}
    assert repr(found) == repr(expected)
    for _, node in document.leaves():
        if isinstance(node, ScalarNode):
            token = text[node.start : node.stop]
            assert repr(tomllib.loads(f"x = {token}")["x"]) == repr(document.value(node))


@QUICK
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_python_and_shell_read_numbers_where_they_stand(data: dict) -> None:
    text = "".join(f"{name} = {value!r}\n" for name, value in data.items())
    _scalars_stand_where_they_say(parse_python(text, "file"), eval)
    script = "python train.py " + " \\\n ".join(f"--{name}={value!r}" for name, value in data.items()) + "\n"
    document = parse_shell(script, "file")
    assert (document.value(document.root) if document.root else {}) == {
        f"--{key}": value for key, value in data.items()
    }
    for _, node in document.leaves():
        assert not isinstance(node, ComputedNode)
        value = document.value(node)
        assert type(value)(script[node.start : node.stop]) == value
