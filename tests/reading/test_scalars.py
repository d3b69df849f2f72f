"""What a plain scalar means to its reader: the same text is a number to one and a string to another."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.reading.scalars import Rules, resolve

SAME_FOR_ALL: list[tuple[str, Any]] = [
    ("1", 1),
    ("-3", -3),
    ("0.1", 0.1),
    ("1.5e+3", 1500.0),
    ("true", True),
    ("false", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("text", "text"),
    ("0x1F", 31),
    (".inf", math.inf),
    ("-.inf", -math.inf),
]
TRAPS: list[tuple[str, Any, Any]] = [
    # text, in YAML 1.2, as PyYAML reads it
    ("2e-4", 2e-4, "2e-4"),
    ("1e5", 1e5, "1e5"),
    ("1.0e5", 1e5, "1.0e5"),
    (".5", 0.5, 0.5),
    ("no", "no", False),
    ("on", "on", True),
    ("yes", "yes", True),
    ("1:30", "1:30", 90),
    ("1_000", "1_000", 1000),
    ("0o17", 15, "0o17"),
    ("017", 17, 15),
    ("=", "=", "="),
]


@pytest.mark.parametrize("rules", ["yaml-1.2", "pyyaml", "manifest"])
@pytest.mark.parametrize(("text", "value"), SAME_FOR_ALL)
def test_what_all_readers_agree_on(text: str, value: Any, rules: Rules) -> None:
    found = resolve(text, rules)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("text", "value", "pyyaml"), TRAPS)
def test_what_readers_take_for_different_things(text: str, value: Any, pyyaml: Any) -> None:
    for rules, expected in (("yaml-1.2", value), ("pyyaml", pyyaml)):
        found = resolve(text, rules)  # type: ignore[arg-type]
        assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "value"),
    [("129_135_360", 129_135_360), ("1_0", "1_0"), ("1000_000", "1000_000"), ("_1", "_1"), ("1_000.5", "1_000.5")],
)
def test_a_manifest_groups_digits_by_threes(text: str, value: Any) -> None:
    assert resolve(text, "manifest") == value


def test_not_a_number_is_one() -> None:
    assert math.isnan(resolve(".nan", "yaml-1.2"))
    assert math.isnan(resolve(".nan", "pyyaml"))


@pytest.mark.parametrize("rules", ["yaml-1.2", "pyyaml", "manifest"])
@pytest.mark.parametrize("text", ["9" * 5000, "0x" + "f" * 5000, "1" + ":1" * 3000, "0b" + "1" * 5000])
def test_a_number_longer_than_any_is_text(text: str, rules: Rules) -> None:
    assert resolve(text, rules) == text


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("0123456789+-._:eExoabintfYyNnullrs~="), min_size=1, max_size=8))
def test_pyyaml_s_rules_are_pyyaml_s(text: str) -> None:
    try:
        tokens = list(yaml.scan(text))
    except yaml.YAMLError:
        return
    if len(tokens) != 3 or not isinstance(tokens[1], yaml.ScalarToken) or tokens[1].value != text:
        return
    try:
        expected = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        expected = text
    found = resolve(text, "pyyaml")
    assert type(found) is type(expected)
    assert found == expected or (found != found and expected != expected)
