"""What a dialect makes of one fact of a config: the check that the tables of semantics share."""

from __future__ import annotations

from typing import Any

import pytest

from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.dialects.terms import Unknown

NOTHING = object()
"""That a file states nothing of a fact."""
UNKNOWN = object()
"""That a file states a fact, and only the running program knows its value."""
Case = tuple[str, dict[str, Any], str, Any]
"""A dialect, the data, a fact, and what the data state of it."""


def assert_states(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    found = [each for each in said(dialect(name), data).statements if each.fact == fact and not each.doubt]
    if expected is NOTHING:
        assert found == []
        return
    assert found, [each.fact for each in said(dialect(name), data).statements]
    for each in found:
        if expected is UNKNOWN:
            assert isinstance(each.value, Unknown)
        elif isinstance(expected, float):
            assert each.value == pytest.approx(expected)
        else:
            assert each.value == expected


def assert_assumes(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    found = [each.value for each in said(dialect(name), data).defaults if each.fact == fact]
    assert found == ([] if expected is NOTHING else [expected])
