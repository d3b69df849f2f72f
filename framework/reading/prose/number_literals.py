"""Numbers where they stand in a text, each with the place of its last digit: `79.3`, `0.79`, `1,234`, `2e-4`,
`2 \\times 10^{-4}`, `79.3 %`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_NUMBER = r"""
    (?<![\w.,\\])(?<![A-Za-z][-–])                              # no part of a name, such as SST-2
    (?P<sign>[-+−])?
    (?P<digits>\d{1,3}(?P<group>,|\{,\}|\\,|[ \u2009\u202f\xa0])\d{3}(?:(?P=group)\d{3})*(?:\.\d+)?
      |\d+(?:\.\d+)?|\.\d+)
    (?:[eE](?P<exponent>[-+]?\d{1,3})
      |\s*(?:×|\\times|\\cdot)\s*10\s*(?:\^\s*\{?\s*(?P<power>[-−+]?\d{1,3})\s*\}?|(?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]{1,4}))
      |\s?(?P<thousands>[kKMB]))?
    (?![\w]|[.,]\d)
"""
_WITH = {
    "latex": re.compile(_NUMBER + r"(?P<percent>\s*\$?\s*\\%)?", re.VERBOSE),
    "markdown": re.compile(_NUMBER + r"(?P<percent>\s*\$?\s*\\?%)?", re.VERBOSE),
}


class Literal(NamedTuple):
    """A number as it is written: from ``start`` to before ``stop``, its digits alone in ``digits_at``. ``unit`` is what
    one in its last digit is worth, as ``value`` without regard to a sign of percent."""

    start: int
    stop: int
    digits_at: tuple[int, int]
    value: Decimal
    unit: Decimal
    places: int
    exponent: int
    group: str
    """What stands between its thousands."""
    thousands: int
    """Of `4k` and `1.5M`, how many times a thousand they count in; which may be 1,024."""
    percent: bool

    @property
    def significant(self) -> int:
        """How many digits it gives, from the first that is not 0."""
        return max(0, self.value.adjusted() - self.unit.adjusted() + 1) if self.value else 0


def literals_in(text: str, start: int, stop: int, language: str = "markdown") -> Iterator[Literal]:
    """The numbers between two places of a text; in LaTeX `%` begins a comment, and `\\%` is a percent sign."""
    for match in _WITH["latex" if language == "latex" else "markdown"].finditer(text, start, stop):
        digits = match["digits"].replace(match["group"], "") if match["group"] else match["digits"]
        thousands = " kMB".index((match["thousands"] or " ").replace("K", "k"))
        power = match["exponent"] or match["power"] or (match["raised"] or "0").translate(_RAISED)
        exponent = int(power.replace("−", "-")) + 3 * thousands
        places = len(digits.partition(".")[2])
        sign = "-" if match["sign"] in ("-", "−") else ""
        value = Decimal(sign + digits).scaleb(exponent)
        at = match.start("sign") if match["sign"] else match.start("digits")
        yield Literal(
            at,
            match.end(),
            (at, match.end("digits")),
            value,
            Decimal(1).scaleb(exponent - places),
            places,
            exponent,
            match["group"] or "",
            thousands,
            match["percent"] is not None,
        )
