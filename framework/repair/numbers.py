"""How a number is written: in the style of the one that it replaces, and so that its reader takes it for a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

_SCIENTIFIC = re.compile(r"[-+]?(?P<mantissa>\d+(?P<point>\.\d*)?|\.\d+)(?P<e>[eE])(?P<sign>[-+]?)(?P<digits>\d+)")
_WHOLE = re.compile(r"[-+]?\d+")
_MOST_ZEROS = 12


def spellings(value: float, old: str) -> Iterator[str]:
    """Ways to write a finite number, best first; ``old`` is the text that it replaces.

    The last ones are what every reader takes for a number, YAML 1.1's (`2.0e-4`) included.
    """
    whole = float(value).is_integer() and abs(value) < 10**16
    style = _SCIENTIFIC.fullmatch(old)
    if style:
        yield _scientific(value, style["e"], style["sign"], len(style["digits"]), style["point"] is not None)
        yield _scientific(value, style["e"], "+", len(style["digits"]), True)
    elif whole and _WHOLE.fullmatch(old):
        yield str(int(value))
    elif whole and "." in old:
        yield f"{int(value)}.0"
    plain = format(Decimal(repr(value)), "f")
    if len(plain) <= _MOST_ZEROS:
        yield plain
    yield repr(value) if isinstance(value, int) else _scientific(value, "e", "", 1, False)
    yield _scientific(value, "e", "+", 1, True)
    yield plain


def _scientific(value: float, e: str, sign: str, digits: int, point: bool) -> str:
    """The shortest mantissa with one digit before its point, and the exponent in the given style."""
    number = Decimal(repr(value)).normalize()
    exponent = number.adjusted()
    mantissa = format(number.scaleb(-exponent), "f")
    if point and "." not in mantissa:
        mantissa += ".0"
    plus = "-" if exponent < 0 else "+" if sign == "+" else ""
    return f"{mantissa}{e}{plus}{abs(exponent):0{digits}d}"
