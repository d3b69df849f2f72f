"""Whether a requirement admits a declared version: intervals over release numbers, for pip, poetry and conda."""

from __future__ import annotations

import re
from dataclasses import dataclass

Release = tuple[int, ...]

_RELEASE = re.compile(r"v?(?:\d+!)?(\d+(?:\.\d+)*)")
_SPECIFIER = re.compile(r"(===|==|~=|!=|<=|>=|<|>|\^|~|=)?\s*v?(?:\d+!)?(\d+(?:\.\d+)*)(\.\*|\*)?([^,|\s]*)")
_WIDEST = 6


@dataclass(frozen=True, slots=True)
class Interval:
    """Releases from ``low`` to ``high``; an end that is None is open."""

    low: Release | None = None
    high: Release | None = None
    low_in: bool = True
    high_in: bool = False

    def __and__(self, other: Interval) -> Interval:
        low, low_in = max((self._low(), other._low()), key=lambda end: (end[0] or (), not end[1]))
        highs = [end for end in (self._high(), other._high()) if end[0] is not None]
        high, high_in = min(highs, key=lambda end: (end[0] or (), end[1])) if highs else (None, False)
        return Interval(low, high, low_in, high_in)

    def _low(self) -> tuple[Release | None, bool]:
        return self.low, self.low_in

    def _high(self) -> tuple[Release | None, bool]:
        return self.high, self.high_in

    @property
    def empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and not (self.low_in and self.high_in))


def release(text: str) -> Release | None:
    """The release number at the start of a version: `2.1.0` of `2.1.0rc1+cu118`, zeros at its end left out."""
    match = _RELEASE.match(text.strip())
    return _trimmed(tuple(int(part) for part in match[1].split("."))) if match else None


def _trimmed(parts: Release) -> Release:
    while len(parts) > 1 and parts[-1] == 0:
        parts = parts[:-1]
    return parts


def _after(parts: Release) -> Release:
    """The first release that does not begin with these numbers."""
    return (*parts[:-1], parts[-1] + 1)


def stated(version: str) -> Interval | None:
    """The versions that a declared one covers: `2.1` is 2.1 and every 2.1.x."""
    match = _RELEASE.match(version.strip())
    if match is None:
        return None
    parts = tuple(int(part) for part in match[1].split("."))
    return Interval(_trimmed(parts), _after(parts))


def admits(specifiers: str, declared: str, bare: str = "==") -> bool | None:
    """Whether some release that ``declared`` covers meets all specifiers, such as `>=2.0,<3` or poetry's `^2.1`.

    ``bare`` is what a version without an operator means: exactly it (`==`), or all that begin with it (`=`, as in
    conda). None where the specifiers cannot be read.
    """
    interval = stated(declared)
    if interval is None:
        return None
    return overlaps(specifiers, interval, bare)


def overlaps(specifiers: str, interval: Interval, bare: str = "==") -> bool | None:
    """Whether some release of an interval meets the specifiers; None where they cannot be read."""
    alternatives = [part for part in re.split(r"\|\|?", specifiers) if part.strip()]
    found = [_meets(part, interval, bare) for part in alternatives]
    return None if None in found or not found else any(found)


def _meets(specifiers: str, interval: Interval, bare: str) -> bool | None:
    for text in re.split(r",|\s+(?=[<>=!~^])", specifiers):
        if not text.strip() or text.strip() == "*":
            continue
        match = _SPECIFIER.fullmatch(text.strip())
        if match is None:
            return None
        operator, number, star = match[1] or bare, tuple(int(part) for part in match[2].split(".")), bool(match[3])
        if operator == "!=":
            if star and not interval.empty and _begins(interval, number):
                return False
            continue
        interval = interval & _interval("=" if star and operator in ("==", "===") else operator, number)
    return not interval.empty


def _begins(interval: Interval, number: Release) -> bool:
    assert interval.low is not None
    return (*interval.low, *(0,) * _WIDEST)[: len(number)] == number


def _interval(operator: str, number: Release) -> Interval:
    own = _trimmed(number)
    if operator in ("==", "==="):
        return Interval(own, own, True, True)
    if operator == "=":
        return Interval(own, _after(number))
    if operator == "~=":
        return Interval(own, _after(number[:-1]) if len(number) > 1 else None)
    if operator == "~":
        return Interval(own, _after(number[:2]))
    if operator == "^":
        cut = next((index for index, part in enumerate(number) if part), len(number) - 1)
        return Interval(own, _after(number[: cut + 1]))
    if operator == ">=":
        return Interval(low=own)
    if operator == ">":
        return Interval(low=own, low_in=False)
    return Interval(high=own, high_in=operator == "<=")
