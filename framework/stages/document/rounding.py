"""Whether a number as it is written says a value, rounded as people do; and how it would be written."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from framework.reading.prose.number_literals import Literal

_DIGITS_OF_A_STATEMENT = 3
"""A statement is exact: only what gives that many digits of it may be rounded."""
_MOST_PLACES, _LARGEST = 12, 10**15
"""What decimals of 28 digits can say together."""


def says(written: Literal, value: float, exact: bool) -> bool:
    """Whether ``written`` is ``value``, or that rounded to its last digit; a share may be written in percent.

    A digit that is worth more than the value says nothing of it: 1 is no rounding of 0.79.

    Args:
        exact: Of a clause, which is stated; a result is measured, and rounded by whoever reports it.
    """
    readings = [written]
    if written.thousands:
        scale = (Decimal(1024) / 1000) ** written.thousands
        readings.append(written._replace(value=written.value * scale, unit=written.unit * scale))
    return any(_rounds(each, meant, exact) for each in readings for meant in _meanings(each, value))


def _meanings(written: Literal, value: float) -> list[Decimal]:
    """What would be written for a value: itself, or in percent."""
    plain, share = Decimal(repr(value)), abs(value) <= 1
    if written.percent:
        return [plain * 100] if share else [plain]
    return [plain, plain * 100] if share and abs(written.value) > 1 else [plain]


def _rounds(written: Literal, meant: Decimal, exact: bool) -> bool:
    if written.value == meant:
        return True
    if exact and written.significant < _DIGITS_OF_A_STATEMENT:
        return False
    # Half a unit either way: whether halves go up or to even differs from program to program.
    near = abs(written.value - meant) <= written.unit / 2 + abs(meant) * Decimal("1e-12")
    return near and written.unit <= abs(meant)


def respelled(written: Literal, value: float, exact: bool) -> str | None:
    """The digits, with their sign, to write in the place of :attr:`Literal.digits_at`: as many places as are there, and
    of a statement as many as it has. None where the number's form cannot say the value."""
    meant = _meanings(written, value)[-1].scaleb(-written.exponent)
    if written.thousands or (written.exponent and meant and not 1 <= abs(meant) < 10):
        return None  # it would have to count in something else
    if abs(meant) >= _LARGEST:
        return None
    places = written.places
    while exact and places < _MOST_PLACES and meant.quantize(Decimal(1).scaleb(-places)) != meant:
        places += 1
    rounded = meant.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    text = f"{rounded:,f}".replace(",", written.group) if written.group else f"{rounded:f}"
    new = written._replace(
        value=rounded.scaleb(written.exponent), unit=Decimal(1).scaleb(written.exponent - places), places=places
    )
    return text if says(new, value, exact) else None
