"""Values as people write them: what is certain is a value, the rest says why it is none."""

from __future__ import annotations

import pytest

from framework.reading.prose.written_values import resolve_prose
from framework.reading.tree import UNSET, Opaque

CERTAIN = {
    "2e-4": 2e-4,
    "2E-04": 2e-4,
    "2e−4": 2e-4,
    "2 × 10⁻⁴": 2e-4,
    "2×10^-4": 2e-4,
    "2x10^{-4}": 2e-4,
    "2 * 10^(-4)": 2e-4,
    "$2\\times10^{-4}$": 2e-4,
    "$1\\cdot 10^{-3}$": 1e-3,
    "\\num{2e-4}": 2e-4,
    "10⁻⁴": 1e-4,
    "10$^{-4}$": 1e-4,
    "10^6": 1_000_000,
    "-0.5": -0.5,
    ".1": 0.1,
    "3": 3,
    "10%": 0.1,
    "10 \\%": 0.1,
    "0.5 %": 0.005,
    "1,000": 1000,
    "1{,}000": 1000,
    "12,345.5": 12345.5,
    "1_000": 1000,
    "100 000": 100_000,
    "50k": 50_000,
    "1.5M": 1_500_000,
    "300B": 300_000_000_000,
    "true": True,
    "No": False,
    "✓": True,
    "AdamW": "AdamW",
    "cosine decay": "cosine decay",
    "100 epochs": "100 epochs",
    "2.5.1": "2.5.1",
    "none": "none",
}
RESERVED = ["~100", "≈ 3", "< 1e-3", "$\\approx 2$", "about 10", "up to 512", "1e-5 – 1e-4", "1–3", "0.9/0.95", "4k",
            "0.5M", "128K", "2e-4*", "2e-4†", "2e-4[^1]", "{1e-5, 3e-5}", "0.9 ± 0.1", "-", "—",
            "", "n/a", "TBD"]  # fmt: skip


@pytest.mark.parametrize("text", CERTAIN)
def test_what_is_certain_is_a_value(text: str) -> None:
    value = resolve_prose(text)
    assert type(value) is type(CERTAIN[text])
    assert value == CERTAIN[text]


@pytest.mark.parametrize("text", RESERVED)
def test_what_is_said_with_a_reservation_settles_nothing_and_says_why(text: str) -> None:
    value = resolve_prose(text)
    assert isinstance(value, Opaque)
    assert value.reason


def test_a_number_that_counts_by_tens_or_by_twos_says_both() -> None:
    value = resolve_prose("4k")
    assert value.reason == "it may be 4,000 or 4,096"
    assert value.default == 4000
    assert resolve_prose("~3").default is UNSET


@pytest.mark.parametrize(
    "text", ["1" * 5000, "1,000" * 500, "1e" + "9" * 100, "10^" + "9" * 100, "9e999", "{" + "1," * 90]
)
def test_no_text_takes_long_or_breaks(text: str) -> None:
    resolve_prose(text)
