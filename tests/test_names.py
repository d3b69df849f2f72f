"""Names and clause paths: written and read back, found in trees, and the near ones for an unknown one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.names import did_you_mean, find_path, format_path, near, parse_path

KEYS = st.text(st.sampled_from('ab1.[]"\\ é-_'), max_size=6)
PATHS = st.lists(KEYS | st.integers(0, 30), min_size=1, max_size=6).map(tuple)
TREES = st.recursive(
    st.integers(),
    lambda below: st.dictionaries(KEYS, below, max_size=4) | st.lists(below, max_size=3),
    max_leaves=12,
)


def places(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


@settings(deadline=None, derandomize=True)
@given(PATHS)
def test_a_path_that_is_written_is_read_back(path: tuple[str | int, ...]) -> None:
    assert parse_path(format_path(path)) == path


@settings(deadline=None, derandomize=True)
@given(TREES)
def test_a_path_that_is_written_is_found_in_its_tree(tree: Any) -> None:
    for path in places(tree):
        assert find_path(tree, format_path(path)) == path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("phases", "pretrain", "epochs"), "phases.pretrain.epochs"),
        (("variants", "M_sdm+sgh", "steps", 0), "variants.M_sdm+sgh.steps[0]"),
        (("models", "qwen2.5", "layers"), 'models."qwen2.5".layers'),
        (("a b", 'say "x"'), '"a b"."say \\"x\\""'),
        ((0, "a"), "[0].a"),
        (("",), '""'),
    ],
)
def test_a_path_is_written_as_people_write_it(path: tuple[str | int, ...], text: str) -> None:
    assert format_path(path) == text


@pytest.mark.parametrize("text", ["", "a..b", "a.", "a[x]", "a[0]b", 'a."b', "a b", "a[-1]", "]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        parse_path(text)


TREE = {"models": {"qwen2.5": {"layers": 2}, "qwen2": {"5": {"hidden": 4}}}, "lr.rate": 1, "list": [{"a": 1}, {"b": 2}]}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("models.qwen2.5.layers", ("models", "qwen2.5", "layers")),
        ("models.qwen2.5.hidden", ("models", "qwen2", "5", "hidden")),
        ('models."qwen2.5"', ("models", "qwen2.5")),
        ("lr.rate", ("lr.rate",)),
        ("list[1].b", ("list", 1, "b")),
        ("list.1.b", ("list", 1, "b")),
        ("models.qwen2.5.heads", None),
        ("list[2]", None),
        ("list[1].a", None),
        ("lr", None),
    ],
)
def test_a_key_with_dots_is_found_as_people_write_it(text: str, path: tuple[str | int, ...] | None) -> None:
    assert find_path(TREE, text) == path


def test_of_two_readings_the_one_that_is_a_path_is_meant() -> None:
    assert find_path({"a": {"b": 1}, "a.b": 2}, "a.b") == ("a", "b")
    assert find_path({"a": {"b": 1}, "a.b": 2}, '"a.b"') == ("a.b",)


def test_of_two_keys_with_dots_the_longer_is_meant() -> None:
    assert find_path({"a": {"b.c": 1}, "a.b": {"c": 2}}, "a.b.c") == ("a.b", "c")
    assert find_path({"a": {"b.d": 1}, "a.b": {"c": 2}}, "a.b.d") == ("a", "b.d")


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("learning_rat", ["learning_rate", "weight_decay"], ["learning_rate"]),
        ("m-sdm", ["M_base", "M_sdm"], ["M_sdm"]),
        ("Pretrain", ["pretrain", "finetune"], ["pretrain"]),
        ("xyz", ["pretrain", "finetune"], []),
        ("a", [], []),
    ],
)
def test_the_near_names_come_nearest_first(name: str, known: list[str], found: list[str]) -> None:
    assert near(name, known) == found


def test_an_unknown_name_without_a_near_one_lists_what_exists() -> None:
    assert did_you_mean("xyz", ["pretrain", "finetune"]) == "known: finetune, pretrain"
    assert did_you_mean("xyz", []) == "none is declared"
