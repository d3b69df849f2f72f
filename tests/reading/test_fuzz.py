"""No reader ever ends in anything but a document or an InputError, and what it reads is what the libraries read."""

from __future__ import annotations

import json
import math
import tomllib
from contextlib import suppress

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from framework.errors import InputError
from framework.reading.formats import read
from framework.reading.interpolation import interpolate
from framework.reading.json_file import parse_json
from framework.reading.nodes import ComputedNode, Document, MappingNode, ScalarNode, SequenceNode
from framework.reading.python.reader import parse_python
from framework.reading.shell.reader import parse_shell
from framework.reading.toml_file import parse_toml
from framework.reading.yaml import parsing
from framework.reading.yaml.lines import parse_rows
from framework.reading.yaml.parsing import parse_yaml

QUICK = settings(max_examples=150, deadline=20_000, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def _interpolated(text: str, shown: str) -> Document:
    document = parse_yaml(text, shown, "omegaconf")
    interpolate(document)
    return document


PARSERS = {
    "yaml": parse_yaml,
    "omegaconf": _interpolated,
    "json": parse_json,
    "toml": parse_toml,
    "shell": parse_shell,
    "python": parse_python,
}

_FRAGMENTS = {
    "yaml": [
        "a: ",
        "- ",
        "\n",
        "  ",
        "b:",
        "1e-4",
        "&x ",
        "*x",
        "<<: ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "'",
        '"',
        "|\n",
        "? ",
        "# c",
        "!!int ",
        "!t ",
        "---\n",
        "~",
        "key: value\n",
        "\t",
        "\r\n",
        ": ",
        "é",
        ">-\n",
        "%YAML 1.1\n",
    ],
    "omegaconf": [
        "a: ",
        "b: ",
        "\n",
        "  ",
        "${a}",
        "${.b}",
        "${..a}",
        "'${${a}}'",
        "${oc.env:X,1}",
        "\\${a}",
        "${",
        "x",
        "- ",
        "c:\n",
        "${c}",
        "${b.c}",
        "${oc.select:a,1}",
        "*x",
        "&x ",
    ],
    "json": [
        "{",
        "}",
        "[",
        "]",
        '"a"',
        ":",
        ",",
        "1e5",
        "-0",
        "null",
        "true",
        "NaN",
        '"\\u0041"',
        " ",
        "\n",
        "'",
        "//",
    ],
    "toml": [
        "a",
        "=",
        "1",
        '"x"',
        "'''",
        '"""',
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        ",",
        ".",
        "\n",
        "\r\n",
        " ",
        "# c",
        "1979-05-27 07:32:00",
        "1_0",
        "inf",
        "true",
        "\\n",
        "''",
        "a.b",
        '"',
        "0x1F",
        "1e-4",
    ],
    "shell": [
        "LR=1",
        "$LR",
        "${LR:-1}",
        "python t.py ",
        "--lr ",
        "--x=",
        "1e-4",
        "\\\n",
        "\n",
        ";",
        "'",
        '"',
        "`",
        "$(",
        ")",
        "(",
        "A=(",
        '"${A[@]}"',
        "if ",
        "then ",
        "fi",
        "for x in 1 2; do ",
        "done",
        "case x in a) ",
        ";; esac",
        "<<E\n",
        "E\n",
        "#SBATCH --n=1\n",
        "a.b=1 ",
        "|",
        "&& ",
        "{ ",
        "}",
        "f() ",
        "+=",
        "$((",
        "${",
        "$'a'",
        "<(",
    ],
    "python": [
        "x",
        " = ",
        "1",
        "1e-4",
        "\n",
        "    ",
        "class A:\n",
        "def f(a=1):\n",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'a'",
        ":",
        ",",
        "f'{x}'",
        "**",
        "*",
        "-",
        "p.add_argument('--lr', default=1)",
        "dict(a=1)",
        "if x:\n",
        "lambda: ",
        "field(default=1)",
        "9",
        "\\",
        "é",
        "\r",
        "\x0c",
    ],
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
    fragments = st.lists(st.sampled_from(_FRAGMENTS[kind]), max_size=40).map("".join)

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


@pytest.mark.parametrize("suffix", ["yaml", "json", "toml", "sh", "py"])
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
    ],
    ids=lambda value: value[:12],
)
def test_what_grows_without_measure_is_refused_or_left_unknown(kind: str, text: str) -> None:
    with suppress(InputError):
        _looked_at(PARSERS[kind](text, "file"))


# What the libraries read

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
