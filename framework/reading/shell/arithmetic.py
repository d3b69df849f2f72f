"""Whole-number arithmetic of a shell script, where all that goes into it is known: `$((128 / $GPUS))`."""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(r"\s*(?:(\d+)|\$?\{?([A-Za-z_]\w*)\}?|(\\?[-+*/%()]))", re.ASCII)
_EXPR = re.compile(r"(?:\$\(|`)\s*expr\s+(.*?)\s*[)`]", re.DOTALL)
_LONGEST = 200
"""Characters of an expression, after which it is not followed."""
_LARGEST = 2**63
"""What a shell's numbers end at."""
_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}


def evaluate(source: str, variable: Callable[[str], str | None]) -> int | None:
    """The number that `$((...))`, or a substitution of `expr`, becomes; None where that is not certain.

    ``variable`` gives the text of a variable, or None where only running the script would tell.
    """
    if len(source) > _LONGEST:
        return None
    if source.startswith("$((") and source.endswith("))"):
        inner = source[3:-2]
    elif (match := _EXPR.fullmatch(source)) is not None:
        inner = match[1]
    else:
        return None
    try:
        found = _Reader(inner, variable).whole()
    except (ValueError, ZeroDivisionError, RecursionError):
        return None
    return found if -_LARGEST <= found < _LARGEST else None


class _Reader:
    """Reads an expression by the strength of its operators.

    Raises, in all its methods:
        ValueError: it is not one, or holds what is not known.
        ZeroDivisionError: as the shell would.
    """

    def __init__(self, text: str, variable: Callable[[str], str | None]):
        self.tokens: list[str] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ValueError
            position = match.end()
            if match[2] is not None:
                known = variable(match[2])
                if known is None or not re.fullmatch(r"\d+", known.strip(), re.ASCII):
                    raise ValueError
                self.tokens.append(known.strip())
            else:
                self.tokens.append(match[1] or match[3].removeprefix("\\"))

    def whole(self) -> int:
        found = self._sum(0)
        if self.tokens:
            raise ValueError
        return found

    def _sum(self, least: int) -> int:
        found = self._term()
        while self.tokens and _STRENGTH.get(self.tokens[0], 0) > least:
            operator = self.tokens.pop(0)
            found = _apply(operator, found, self._sum(_STRENGTH[operator]))
        return found

    def _term(self) -> int:
        if not self.tokens:
            raise ValueError
        token = self.tokens.pop(0)
        if token in ("-", "+"):
            inner = self._term()
            return -inner if token == "-" else inner
        if token == "(":
            inner = self._sum(0)
            if not self.tokens or self.tokens.pop(0) != ")":
                raise ValueError
            return inner
        if len(token) > 1 and token.startswith("0"):
            raise ValueError  # the shell reads it to the base of 8
        return int(token)


def _apply(operator: str, one: int, other: int) -> int:
    """As C does it: division goes towards zero."""
    if operator == "+":
        return one + other
    if operator == "-":
        return one - other
    if operator == "*":
        return one * other
    quotient = abs(one) // abs(other)
    quotient = quotient if (one < 0) == (other < 0) else -quotient
    return quotient if operator == "/" else one - other * quotient
