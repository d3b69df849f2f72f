"""What a number as it is written says of a value, and how it is written again."""

from __future__ import annotations

import pytest

from framework.reading.prose.number_literals import Literal, literals_in
from framework.stages.document.rounding import respelled, says


def only(text: str, language: str = "markdown") -> Literal:
    (found,) = literals_in(text, 0, len(text), language)
    return found


RESULTS = {
    "79.3": (0.79312, True),
    "79.3 %": (0.79312, True),
    "79.3%": (0.79312, True),
    "79.31": (0.79312, True),
    "0.79": (0.79312, True),
    "0.793": (0.79312, True),
    "79": (0.79312, True),
    "0.8": (0.79312, True),
    "0.79312": (0.79312, True),
    "79.4": (0.79312, False),
    "0.7932": (0.79312, False),
    "0.79 %": (0.79312, False),
    "1": (0.79312, False),
    "0": (0.3, False),
    "79.30": (0.79312, False),
    "17.2": (17.234, True),
    "17.3": (17.234, False),
    "1,234": (1234.4, True),
    "1,200": (1234.4, False),
    "-0.5": (-0.48, True),
    "−0.5": (-0.48, True),
    "0.5": (-0.48, False),
    "1.2e3": (1234.4, True),
    "0.25": (0.245, True),
    "0.24": (0.245, True),
    "12 %": (12.3, True),
}


@pytest.mark.parametrize("text", RESULTS)
def test_a_result_is_rounded_to_the_last_digit_that_is_written(text: str) -> None:
    value, right = RESULTS[text]
    assert says(only(text), value, exact=False) is right


STATEMENTS = {
    "2e-4": (2e-4, True),
    "$2\\times10^{-4}$": (2e-4, True),
    "2 × 10⁻⁴": (2e-4, True),
    "0.0002": (2e-4, True),
    "2e-5": (2e-4, False),
    "10 %": (0.1, True),
    "0.1": (0.1, True),
    "3": (3, True),
    "2": (2.4, False),
    "0.3": (1 / 3, False),
    "0.333": (1 / 3, True),
    "64,000": (64000, True),
    "64,001": (64000, False),
    "64 000": (64000, True),
    "64\u202f000": (64000, True),
    "64{,}000": (64000, True),
    "64k": (64000, True),
    "64K": (65536, True),
    "1.5M": (1_500_000, True),
    "1.6M": (1_500_000, False),
}


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_statement_is_exact(text: str) -> None:
    value, right = STATEMENTS[text]
    assert says(only(text), value, exact=True) is right


@pytest.mark.parametrize(
    ("text", "value", "exact", "digits"),
    [
        ("79.9", 0.79312, False, "79.3"),
        ("79.90 %", 0.79312, False, "79.31"),
        ("0.9", 0.79312, False, "0.8"),
        ("18.2", 17.234, False, "17.2"),
        ("9,999", 12345.4, False, "12,345"),
        ("-0.9", 0.48, False, "0.5"),
        ("20 %", 0.15, True, "15"),
        ("0.1", 0.125, True, "0.125"),
        ("3", 2.5, True, "2.5"),
        ("3e-4", 2e-4, True, "2"),
        ("3e-4", 2e-5, True, None),
        ("1", 0.2, False, None),
        ("5", 10, True, "10"),
        ("64 000", 128000, True, "128 000"),
        ("64{,}000", 1234567, True, "1{,}234{,}567"),
        ("64k", 32000, True, None),
        ("5.0", 1e30, False, None),
        ("0.5", 1 / 3, True, "0.333333333333"),
    ],
)
def test_a_number_is_written_again_in_its_form(text: str, value: float, exact: bool, digits: str | None) -> None:
    assert respelled(only(text), value, exact) == digits


@pytest.mark.parametrize(
    ("text", "language", "numbers"),
    [
        ("SST-2 and M_2, v1.2.3, but 3 of 4.", "markdown", ["3", "4"]),
        ("79.3 % of it", "latex", ["79.3"]),
        ("79.3 \\% of it", "latex", ["79.3 \\%"]),
        ("$79.3 \\pm 0.4$", "latex", ["79.3", "0.4"]),
        ("**79.3** ± 0.4", "markdown", ["79.3", "0.4"]),
        ("1e-5 – 2e-5", "markdown", ["1e-5", "2e-5"]),
    ],
)
def test_numbers_are_found_where_they_stand(text: str, language: str, numbers: list[str]) -> None:
    assert [text[each.start : each.stop] for each in literals_in(text, 0, len(text), language)] == numbers
