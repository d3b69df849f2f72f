"""Values as LaTeX sets them: nothing in them is a command, ends a group, or begins a comment."""

from __future__ import annotations

import math
import re
from typing import Any

from framework.manifest.clauses import shown

_SIGNS = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "_": "\\_",
    "%": "\\%",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    # Behind the end of a row these two are its arguments.
    "[": "{[}",
    "*": "{*}",
    "–": "--",
    "—": "---",
    "−": "\\ensuremath{-}",
    "×": "\\ensuremath{\\times}",
    "±": "\\ensuremath{\\pm}",
    "≤": "\\ensuremath{\\leq}",
    "≥": "\\ensuremath{\\geq}",
    "≈": "\\ensuremath{\\approx}",
    "→": "\\ensuremath{\\rightarrow}",
}
_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "υ": "upsilon",
    "φ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
}
_SIGNS |= {letter: f"\\ensuremath{{\\{name}}}" for letter, name in _GREEK.items()}
_POWER = re.compile(r"(-?\d+(?:\.\d+)?)e([+-]?\d+)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def escaped(text: str) -> str:
    """A text in one line. Letters of scripts that are not named here stay, for engines that know them."""
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(text.split()).replace("--", "-\0-")).replace("\0", "{}")


def number(text: str) -> str:
    """A number as it is written (`2e-05`, `-0.5`), in text and in formulas; any other text is escaped."""
    if match := _POWER.fullmatch(text):
        return f"\\ensuremath{{{match[1]} \\times 10^{{{int(match[2])}}}}}"
    return f"\\ensuremath{{{text}}}" if _NUMBER.fullmatch(text) and text.startswith("-") else escaped(text)


def value(stated: Any) -> str:
    """A clause's value."""
    if isinstance(stated, (list, tuple)):
        return "{[}" + ", ".join(map(value, stated)) + "]"
    if isinstance(stated, (int, float)) and not isinstance(stated, bool) and math.isfinite(stated):
        return number(shown(stated))
    return escaped(shown(stated))


def plus_minus(mean: str, half: str | None) -> str:
    """A mean with half the width of its interval, both as they are written."""
    if half is None:
        return number(mean)
    return f"\\ensuremath{{{_inner(mean)} \\pm {_inner(half)}}}"


def _inner(text: str) -> str:
    match = _POWER.fullmatch(text)
    return f"({match[1]} \\times 10^{{{int(match[2])}}})" if match else text
