"""Values as people write them: `2e-4`, `2 × 10⁻⁴`, `$2\\cdot10^{-4}$`, `10%`, `1,000`, `50k`.

What a text says for certain is its value. What it says with a reservation (about, from-to, a footnote, `4k`, which may
be 4,000 or 4,096) is opaque, with the reason; other words are the text that they are.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from framework.reading.tree import Opaque

LONGEST = 200
"""Characters above which a text is a sentence and no number."""
_HIGH = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_SIGNS = str.maketrans({"−": "-", "–": "-", "\u2009": " ", "\u202f": " ", "\xa0": " ", "·": "×", "⋅": "×"})
_TEX = (
    (re.compile(r"\\(?:num|mathrm|text|textrm|mathbf|ensuremath)\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:times|cdot)(?![A-Za-z])"), "×"),
    (re.compile(r"\{([,.])\}"), r"\1"),
    (re.compile(r"\\[,;:! ]"), " "),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\\_"), "_"),
)
_DIGITS = r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?: \d{3})+|\d[\d_]*(?:\.\d*)?|\.\d+)"
NUMBER = rf"{_DIGITS}(?:[eE][-+]?\d{{1,3}})?"
SINGLE = r"[-+]?(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?\d{1,3}+)?+"
"""A number without separators of thousands, as one item of a list."""
_PLAIN = re.compile(NUMBER)
_POWER = re.compile(rf"(?:({_DIGITS})\s*[×xX*]\s*)?([-+]?)10\s*\^\s*[({{]?\s*([-+]?\s*\d{{1,3}})\s*[)}}]?")
_PERCENT = re.compile(rf"({NUMBER})\s*%")
_SHORT = re.compile(rf"({_DIGITS})\s?([kKMB])")
_TIMES = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9}
_ABOUT = re.compile(r"(?:[~≈∼≤≥<>±]|\\(?:approx|sim|leq?|geq?|pm)(?![A-Za-z])|(?:about|around|approximately|up to)\b)")
_NOTE = re.compile(
    rf"({NUMBER})\s*(?:[*†‡§]+|\[\^[^\]]*\]|\[\d+\]|\^\{{?\s*(?:[a-z*]|\\dagger|\\ddagger|\\ast)\s*\}}?)"
)
_RANGE = re.compile(rf"({NUMBER})\s*(?:-|—|to|\.\.+|…|→|/|\|)\s*({NUMBER})\s*%?")
_SET = re.compile(rf"\\?\{{\s*{SINGLE}(?:\s*,\s*{SINGLE})*\s*\\?\}}")
_NOTHING = frozenset(("", "-", "—", "?", "n/a", "na", "tbd", "...", "…", "todo", "\\textemdash", "--", "---"))
_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on", "✓", "✔", "✅", "\\checkmark", "\\cmark"), True),
    **dict.fromkeys(("false", "no", "off", "✗", "✘", "❌", "\\xmark"), False),
}


def resolve_prose(text: str) -> Any:
    """What a text says: a number, a switch, an :class:`Opaque` with the reason, or the text itself."""
    plain = readable_text(text)
    if len(plain) > LONGEST:
        return plain
    folded = plain.casefold()
    if folded in _NOTHING:
        return Opaque(text or "an empty cell", "nothing is stated there")
    if folded in _SWITCHES:
        return _SWITCHES[folded]
    number = number_in(plain.replace("$^", "^").replace("$", "") if "$^" in plain else plain)
    if number is not None:
        return number
    if plain[:1].isalpha() and not _ABOUT.match(folded):
        return plain
    return _reserved(text, plain, folded)


def number_in(plain: str) -> int | float | Opaque | None:
    """The number that a text wholly is; opaque where its letter may mean a power of ten or of two."""
    if _PLAIN.fullmatch(plain):
        return _exact(_decimal(plain))
    if match := _POWER.fullmatch(plain):
        exponent = int(match[3].replace(" ", ""))
        factor = _decimal(match[1] or "1") * (-1 if match[2] == "-" else 1)
        return _exact(factor.scaleb(exponent)) if abs(exponent) < 300 else None
    if match := _PERCENT.fullmatch(plain):
        return float(_decimal(match[1]) / 100)
    if match := _SHORT.fullmatch(plain):
        amount = _decimal(match[1])
        value = _exact((amount * _TIMES[match[2]]).normalize())
        if _is_power_of_two(amount):
            twos = int(amount * {10**3: 2**10, 10**6: 2**20, 10**9: 2**30}[_TIMES[match[2]]])
            return Opaque(plain, f"it may be {value:,} or {twos:,}", value)
        return value
    return None


def _is_power_of_two(amount: Decimal) -> bool:
    """Whether an amount in thousands may count in units of 1,024: `4k`, `0.5M`, `128K`."""
    scaled = amount * 1024
    whole = int(scaled)
    return whole == scaled and whole > 0 and whole & (whole - 1) == 0


def _reserved(text: str, plain: str, folded: str) -> Any:
    if _ABOUT.match(folded) or "±" in plain or "\\pm" in plain:
        return Opaque(text, "it is said to be about that, or a bound")
    if match := _NOTE.fullmatch(plain):
        return Opaque(text, "a note qualifies it", number_in(match[1]))
    if _RANGE.fullmatch(plain) or _SET.fullmatch(plain):
        return Opaque(text, "it names several values")
    return plain


def readable_text(text: str) -> str:
    """A text with one spelling of signs and powers: `$2\\cdot10^{-4}$` and `2 × 10⁻⁴` as `2 × 10^-4`."""
    plain = text.strip()
    if plain.isascii() and not any(each in plain for each in "\\${"):
        return plain
    if len(plain) > 1 and plain[0] == plain[-1] == "$" and "$" not in plain[1:-1].replace("\\$", ""):
        plain = plain[1:-1].strip()
    plain = plain.translate(_SIGNS)
    if "\\" in plain or "{" in plain:
        for pattern, instead in _TEX:
            plain = pattern.sub(instead, plain)
    return _RAISED.sub(lambda match: "^" + match[0].translate(_HIGH), plain).strip()


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("_", "").replace(" ", ""))


def _exact(value: Decimal) -> int | float:
    """A whole number as an integer where it was written without a point or an exponent below its last digit."""
    whole = value.as_tuple().exponent
    if isinstance(whole, int) and whole >= 0 and abs(value) < 10**18:
        return int(value)
    return float(value)
