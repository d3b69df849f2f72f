"""A repaired value is written in the style of the one that it replaces, and as its reader would take it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.reading.scalars import resolve
from framework.repair.spelled_values import spelled, value_start
from framework.repair.splices import Splice, Uncertain, spliced


@pytest.mark.parametrize(
    ("value", "source", "rules", "written"),
    [
        (2e-4, "3e-4", "yaml-1.2", "2e-4"),
        (2e-4, "3.0e-4", "yaml-1.2", "2.0e-4"),
        (2.5e-4, "3e-4", "yaml-1.2", "2.5e-4"),
        (2e-4, "3E-04", "yaml-1.2", "2E-04"),
        (2e-4, "0.0003", "yaml-1.2", "0.0002"),
        (1e-6, "1e-8", "yaml-1.2", "1e-6"),
        (2e5, "1e+3", "yaml-1.2", "2e+5"),
        (2e-4, "3e-4", "pyyaml", "2.0e-4"),
        (1e-4, "0.1", "pyyaml", "0.0001"),
        (1e-20, "1.0e-3", "pyyaml", "1.0e-20"),
        (20, "10", "yaml-1.2", "20"),
        (20.0, "10", "yaml-1.2", "20"),
        (20, "10.0", "yaml-1.2", "20.0"),
        (0.5, "1", "yaml-1.2", "0.5"),
        (-3, "4", "yaml-1.2", "-3"),
        (64, '"2e-4"', "yaml-1.2", "6.4e1"),
        (2e-4, "'3e-4'", "yaml-1.2", "2e-4"),
    ],
)
def test_numbers(value: float, source: str, rules: Any, written: str) -> None:
    assert spelled(value, resolve(source.strip("\"'"), "yaml-1.2"), source, rules, False) == written


@pytest.mark.parametrize(
    ("value", "old", "source", "written"),
    [
        ("cosine", "linear", "linear", "cosine"),
        ("cosine", "linear", "'linear'", "'cosine'"),
        ("cosine", "linear", '"linear"', '"cosine"'),
        ("it's", "a", "'a'", "'it''s'"),
        ('say "x"', "a", '"a"', '"say \\"x\\""'),
        ("no", "yes", "linear", '"no"'),
        ("1e-4", "x", "x", '"1e-4"'),
        ("1:30", "x", "x", '"1:30"'),
        ("a: b", "x", "x", '"a: b"'),
        ("a #b", "x", "x", '"a #b"'),
        ("null", "x", "x", '"null"'),
        ("", "x", "x", '""'),
        (True, False, "false", "true"),
        (False, True, "True", "False"),
        (False, True, "TRUE", "FALSE"),
    ],
)
def test_strings_and_booleans(value: Any, old: Any, source: str, written: str) -> None:
    assert spelled(value, old, source, "yaml-1.2", False) == written


def test_json_stays_json() -> None:
    assert spelled(2e-4, 3e-4, "3e-4", "json", True) == "2e-4"
    assert spelled("cosine", "linear", '"linear"', "json", True) == '"cosine"'
    assert spelled(20, "2e1", '"2e1"', "json", True) == "2e1"


@pytest.mark.parametrize(
    ("value", "old", "source"),
    [
        (1, "auto", "auto"),
        ("auto", 1, "1"),
        (1, True, "true"),
        (True, 1, "1"),
        (1, 2, "${x}"),
        ("a", "b", "|\n  b"),
        ("a", "b", "!tag b"),
        ("a", "b", "*b"),
        ("a\nb", "b", "b"),
        (math.nan, 1.0, "1.0"),
        (1, None, ""),
    ],
)
def test_what_is_not_certain_is_refused(value: Any, old: Any, source: str) -> None:
    with pytest.raises(Uncertain):
        spelled(value, old, source, "yaml-1.2", False)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["3e-4", "3.0e-4", "0.1", "1.0", "10", "1E+05", "1e-08"]),
    st.sampled_from(["yaml-1.2", "pyyaml"]),
)
def test_every_number_reads_back_as_itself(value: float, source: str, rules: Any) -> None:
    written = spelled(value, 1.0, source, rules, False)
    assert resolve(written, rules) == pytest.approx(value, rel=1e-12, abs=0)


def test_an_anchor_is_not_part_of_the_value() -> None:
    assert value_start("&lr  1e-4") == 5
    assert value_start("1e-4") == 0


def test_splices_touch_nothing_else_and_never_overlap() -> None:
    assert spliced("abcdef", [Splice(4, 5, "EE"), Splice(1, 2, "")]) == "acdEEf"
    with pytest.raises(Uncertain):
        spliced("abcdef", [Splice(1, 3, "x"), Splice(2, 4, "y")])
