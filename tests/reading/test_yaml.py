"""YAML with positions: every value keeps its place, and is what its reader would take it for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import InputError
from framework.names import format_path
from framework.reading.nodes import Document, Opaque
from framework.reading.yaml.parsing import parse_yaml
from tests.support.project import MARK


def place(text: str, key: str, rules: Any = "yaml-1.2") -> tuple[int, int, Any]:
    """Line, column and value at a path."""
    document = parse_yaml(text, "a.yaml", rules)
    data = document.value(document.root)
    path = tuple(int(part) if part.isdigit() else part for part in key.split("/"))
    found = document.walk(path)
    assert found is not None, data
    where = document.location(found[1], path)
    assert where.key == format_path(path)
    return where.line, where.column, document.value(found[1])


MARKED: dict[str, tuple[str, str, Any]] = {
    "block": ("a:\n  b: «5\n", "a/b", 5),
    "flow": ("a: {c: 1, b: «5}\n", "a/b", 5),
    "flow over lines": ("a: {\n  c: 1,\n  b: «5\n}\n", "a/b", 5),
    "sequence": ("a:\n  - 1\n  - «5\n", "a/1", 5),
    "compact sequence": ("a:\n- 1\n- b: «5\n", "a/1/b", 5),
    "flow sequence": ("a: [1, «5]\n", "a/1", 5),
    "after a comment": ("# first\na: # second\n  # third\n  b: «5 # fourth\n", "a/b", 5),
    "quoted": ('a: «"x\\ty"\n', "a", "x\ty"),
    "single quoted": ("a: «'it''s'\n", "a", "it's"),
    "quoted key": ('"a b": «5\n', "a b", 5),
    "literal": ("a: «|\n  x\n  y\n", "a", "x\ny\n"),
    "folded": ("a: «>-\n  x\n  y\n", "a", "x y"),
    "plain over lines": ("a: «x\n  y\n", "a", "x y"),
    "anchor": ("a: «&x 5\n", "a", 5),
    "alias": ("a: «&x 5\nb: *x\n", "b", 5),
    "alias of a mapping": ("a: &x {c: «5}\nb: *x\n", "b/c", 5),
    "merge": ("a: &x {c: «5}\nb:\n  <<: *x\n  d: 1\n", "b/c", 5),
    "merge overruled": ("a: &x {c: 5}\nb:\n  <<: *x\n  c: «6\n", "b/c", 6),
    "merge of several": ("a: &x {c: «5}\nb: &y {c: 6, d: 1}\ne: {<<: [*x, *y]}\n", "e/c", 5),
    "non-ASCII before": ("ü: {日本: é, b: «5}\n", "ü/b", 5),
    "outside the basic plane": ("a: {😀: 1, b: «5}\n", "a/b", 5),
    "carriage returns": ("a:\r\n  c: 1\r\n  b: «5\r\n", "a/b", 5),
    "explicit key": ("? a\n: «5\n", "a", 5),
    "tagged": ('a: «!!int "5"\n', "a", 5),
    "tagged string": ("a: «!!str 5\n", "a", "5"),
    "document start": ("%YAML 1.2\n---\na: «5\n...\n", "a", 5),
    "tab after the value": ("a:\t«5\t\n", "a", 5),
    "JSON": ('{"a": {"b": «5}}', "a/b", 5),
    "deep": ("a:\n  b:\n    c:\n      - - «5\n", "a/b/c/0/0", 5),
    "empty value": ("a:\n  b:«\n  c: 1\n", "a/b", None),
    "colon in a value": ("a: «http://x/y:z\n", "a", "http://x/y:z"),
    "hash in a value": ("a: «x#y\n", "a", "x#y"),
}


@pytest.mark.parametrize("case", MARKED)
def test_every_value_keeps_its_place(case: str) -> None:
    """A tag and an anchor belong to the value."""
    text, key, value = MARKED[case]
    before, _, after = text.partition(MARK)
    lines = before.split("\n")
    line, column, found = place(before + after, key)
    assert (found, type(found)) == (value, type(value))
    assert (line, column) == (len(lines), len(lines[-1]) + 1)


@pytest.mark.parametrize("case", MARKED)
def test_both_parsers_see_the_same(case: str) -> None:
    """A text that holds `${` takes the long way: what is read from it otherwise is the same."""
    text = MARKED[case][0].replace(MARK, "")
    if text.startswith(("{", "%")):
        return
    short, long = parse_yaml(text, "a.yaml"), parse_yaml(text + "# ${\n", "a.yaml")
    assert _seen(short) == _seen(long)


def _seen(document: Document) -> list[tuple[str, int, int, Any]]:
    leaves = ((path, node, document.location(node, path)) for path, node in document.leaves())
    return [(format_path(path), where.line, where.column, document.value(node)) for path, node, where in leaves]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.sampled_from("abc 1.:#-_é日'\"{}[],&*!|>%@\n\t"), max_size=8)
)
TREES = st.dictionaries(
    st.text("abcé_ -", min_size=1, max_size=5),
    st.recursive(
        SCALARS,
        lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text("abc", min_size=1), below, max_size=4),
        max_leaves=10,
    ),
    min_size=1,
    max_size=5,
)


@given(TREES, st.sampled_from([True, False, None]))
def test_what_pyyaml_writes_is_read_as_pyyaml_reads_it(tree: Any, style: bool | None) -> None:
    text = yaml.safe_dump(tree, default_flow_style=style, allow_unicode=True)
    document = parse_yaml(text, "a.yaml", "pyyaml")
    assert document.root is not None
    assert document.value(document.root) == yaml.safe_load(text)


@given(TREES, st.sampled_from([True, False, None]))
def test_the_short_way_and_the_long_way_agree(tree: Any, style: bool | None) -> None:
    text = yaml.safe_dump(tree, default_flow_style=style, allow_unicode=True)
    assert _seen(parse_yaml(text, "a.yaml")) == _seen(parse_yaml(text + "\n# ${\n", "a.yaml"))


def test_a_byte_order_mark_moves_nothing(tmp_path: Path) -> None:
    from framework.reading.yaml.parsing import read_yaml

    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 5\n")
    document = read_yaml(path, "a.yaml")
    found = document.walk(("a",))
    assert found is not None
    assert str(document.location(found[1])) == "a.yaml:1:4"


def test_a_key_that_stands_twice_is_told_with_both_places() -> None:
    document = parse_yaml("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "a.yaml")
    (duplicate,) = document.duplicates
    assert duplicate.path == ("b", "c")
    assert (str(document.location(duplicate.first)), str(document.location(duplicate.second))) == (
        "a.yaml:3:3",
        "a.yaml:5:3",
    )
    assert document.value(document.root)["b"] == {"c": 3, "d": 2}


def test_a_merged_key_is_no_duplicate() -> None:
    assert parse_yaml("a: &x {c: 1}\nb: {<<: *x, c: 2}\n", "a.yaml").duplicates == []


@pytest.mark.parametrize("tag", ["!env", "!!python/name:os.system", "!!binary", "tag"])
def test_a_value_behind_a_tag_of_others_stays_closed(tag: str) -> None:
    text = f"a: {tag if tag.startswith('!') else '!<' + tag + '>'} x\nb: {tag if tag != 'tag' else '!t'} [1]\n"
    document = parse_yaml(text, "a.yaml")
    data = document.value(document.root)
    assert isinstance(data["a"], Opaque)
    assert isinstance(data["b"], Opaque)


def test_nothing_that_a_tag_asks_for_is_run(tmp_path: Path) -> None:
    target = tmp_path / "made"
    parse_yaml(f"a: !!python/object/apply:os.mkdir [{target}]\n", "a.yaml")
    assert not target.exists()


def test_the_leaves_are_all_values_and_what_is_empty() -> None:
    document = parse_yaml("a: 1\nb: {c: [], d: {}}\ne: [{f: 2}, 3]\n", "a.yaml")
    assert [format_path(path) for path, _ in document.leaves()] == ["a", "b.c", "b.d", "e[0].f", "e[1]"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_no_error(text: str) -> None:
    document = parse_yaml(text, "a.yaml")
    assert list(document.leaves()) in ([], [((), document.root)])


@given(st.text(st.sampled_from("ab:-#[]{},&*!|>'\"%@`?\n\t \r<~0.é\x85\u2028\x00"), max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        document = parse_yaml(text, "a.yaml")
    except InputError as failure:
        for problem in failure.problems:
            assert problem.location is not None
            assert 1 <= problem.location.line <= len(text.splitlines()) + 2
            assert problem.location.column >= 1
        return
    for path, node in document.leaves():
        assert document.location(node, path).line >= 1
        document.value(node)
