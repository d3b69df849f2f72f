"""Numbers as papers state them: exact, rounded (`about 130M`, `2e-4 to 3e-4`), derived (`5e-4 * batch_size / 512`), or
declared absent (`none`).

Each is a text that means more than its letters, so that a section which is dumped and read again stays the same.
"""

import math
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import PlainValidator, WithJsonSchema

from framework.manifest.derived import is_expression
from framework.manifest.sections.patterns import Pattern

NONE = "none"
"""What a clause states that says there is none of it: `weight_decay: none`."""
ROUNDED = 0.05
"""How far, as a share, a value may lie from one that the paper calls `about` something."""

_FACTORS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}
_NUMBER = r"[+-]?(?:\d[\d_,]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
NUMBER = rf"{_NUMBER}\s*[kKMBGT]?"
"""A number as papers write it: `1_000`, `2e-4`, `130M`."""
_MARKS = ("about", "around", "approx", "circa", "ca.", "~", "≈", "within", "±", "+-", "+/-", " to ", "..", "–", "—")
"""What a rounded number or a range has somewhere."""
_ONE = Pattern(rf"({_NUMBER})\s*([kKMBGT]?)")
_WORDS = r"(?:about|around|approximately|approx\.?|circa|ca\.|~|≈)"
_ABOUT = Pattern(rf"{_WORDS}\s*({NUMBER})(?:\s+within\s+({_NUMBER})\s*%)?")
_WITHIN = Pattern(rf"({NUMBER})\s*(?:within|±|\+-|\+/-)\s*({NUMBER})(\s*%)?")
_RANGE = Pattern(rf"({NUMBER})\s*(?:to|\.\.|–|—)\s*({NUMBER})")


def number_of(text: str) -> int | float | None:
    """The number that a text is: of `130M` 130,000,000; None where it is none."""
    match = _ONE.fullmatch(text.strip())
    if match is None:
        return None
    factor = _FACTORS.get(match[2], 1)
    digits = re.sub(r"[_,]", "", match[1])
    value = float(digits) * factor
    if not math.isfinite(value):
        return None
    is_whole = digits.lstrip("+-").isdigit() or (factor > 1 and math.isclose(value, round(value), rel_tol=1e-12))
    return round(value) if is_whole else value


class About(str):
    """A number that the paper rounds, or a range: any value from ``low`` to ``high`` is what it says."""

    __slots__ = ("high", "low", "value")
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, text: str) -> Self | None:
        """`about 130M`, `~1000`, `130M within 1%`, `130M ± 2M`, `2e-4 to 3e-4`; None for any other text."""
        stripped = text.strip()
        if not any(mark in stripped for mark in _MARKS):
            return None
        if match := _ABOUT.fullmatch(stripped):
            share = float(match[2]) / 100 if match[2] else ROUNDED
            return cls._made(text, match[1], lambda value: share * abs(value))
        within = _WITHIN.fullmatch(stripped)
        if within is not None:
            amount, percent = number_of(within[2]), bool(within[3])
            if amount is None or (not percent and "within" in stripped):
                return None
            return cls._made(text, within[1], lambda value: amount * (abs(value) / 100 if percent else 1))
        if match := _RANGE.fullmatch(stripped):
            low, high = number_of(match[1]), number_of(match[2])
            if low is None or high is None or low > high:
                return None
            made = cls(text)
            made.value, made.low, made.high = math.nan, low, high
            return made
        return None

    @classmethod
    def around(cls, value: float, share: float) -> Self:
        """A value, and all within a share of it."""
        made = cls._made(f"about {value:g}", f"{value:.17g}", lambda value: share * abs(value))
        assert made is not None
        return made

    @classmethod
    def _made(cls, text: str, number: str, slack: Callable[[float], float]) -> Self | None:
        value = number_of(number)
        if value is None:
            return None
        made = cls(text)
        made.value = value
        made.low, made.high = value - slack(value), value + slack(value)
        return made

    def holds(self, value: float) -> bool:
        """Whether a value is what the paper says; the ends of the range count."""
        room = 1e-9 * max(abs(self.low), abs(self.high))
        return self.low - room <= value <= self.high + room


class Formula(str):
    """Arithmetic over other clauses."""

    __slots__ = ()


def number(value: Any) -> float | None:
    """The number that a clause states, of a rounded one the number itself; None for a range, for what is derived from
    others or absent, and for what is no number."""
    if isinstance(value, About):
        return None if math.isnan(value.value) else value.value
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def whole(value: Any) -> int | None:
    """As :func:`number`, of what counts whole things."""
    found = number(value)
    return None if found is None else round(found)


def _checked(value: Any, whole: bool, least: float, above: bool, below: float | None) -> Any:
    """A number of the kind that is asked for.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or _beyond(value):
        raise ValueError(f"input should be a valid {'integer' if whole else 'number'}, not {_said(value)}")
    if not math.isfinite(value):
        raise ValueError(f"input should be a finite number, not {value!r}")
    if whole and value != int(value):
        raise ValueError(f"input should be a valid integer, not {value!r}")
    if value < least or (above and value == least):
        raise ValueError(f"input should be greater than {'' if above else 'or equal to '}{least:g}, not {value!r}")
    if below is not None and value >= below:
        raise ValueError(f"input should be less than {below:g}, not {value!r}")
    if whole and isinstance(value, float):
        raise ValueError(f"input should be a valid integer, not {value!r}")
    return value if whole else float(value)


def _beyond(value: int | float) -> bool:
    """Whether a whole number is larger than any float."""
    return isinstance(value, int) and abs(value) > sys.float_info.max


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else repr(value)


def stated(
    whole: bool = False, least: float = 0, above: bool = False, below: float | None = None, none: bool = True
) -> Callable[[Any], Any]:
    """A validator of a number that a paper states, in one of the four ways."""

    def validate(value: Any) -> Any:
        if not isinstance(value, str):
            return _checked(value, whole, least, above, below)
        if isinstance(value, (About, Formula)):
            return value
        if none and value.strip() == NONE:
            return NONE
        if (about := About.of(value)) is not None:
            for end in (about.low, about.high):
                _checked(round(end) if whole else end, whole, least, above, below)
            return about
        if value.rstrip()[-1:] in _FACTORS and (number := number_of(value)) is not None:
            return _checked(number, whole, least, above, below)
        if is_expression(value):
            return Formula(value)
        kind = "integer" if whole else "number"
        hint = "`about 130M` and `0.1 * batch_size` are numbers, too"
        raise ValueError(f"input should be a valid {kind}, not {value!r}; {hint}")

    return validate


_TEXT = {
    "type": "string",
    "pattern": r"[0-9*/+-]|^none$",
    "description": "A rounded number (`about 130M`, `2e-4 to 3e-4`), arithmetic over other clauses, or `none`.",
}


def _schema(kind: str, **bounds: float) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": kind, **bounds}, _TEXT]})


StatedCount = Annotated[
    int | About | Formula | Literal["none"], PlainValidator(stated(whole=True, least=1)), _schema("integer", minimum=1)
]
"""A whole number of at least 1, rounded, derived or none."""
StatedPositive = Annotated[
    float | About | Formula | Literal["none"],
    PlainValidator(stated(above=True)),
    _schema("number", exclusiveMinimum=0),
]
"""A number above 0, rounded, derived or none."""
StatedNonNegative = Annotated[
    float | About | Formula | Literal["none"], PlainValidator(stated()), _schema("number", minimum=0)
]
"""A number of at least 0, rounded, derived or none."""
StatedShare = Annotated[
    float | About | Formula | Literal["none"],
    PlainValidator(stated(below=1)),
    _schema("number", minimum=0, exclusiveMaximum=1),
]
"""A number from 0 to below 1, rounded, derived or none."""
StatedNumber = Annotated[
    float | About | Formula | Literal["none"], PlainValidator(stated(least=-math.inf)), _schema("number")
]
"""Any number, rounded, derived or none."""
