"""What a program makes of an option's text."""

from __future__ import annotations

import re
from typing import Any

from framework.reading.tree import Opaque

_INT = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_REMARK = re.compile(r"(?:^|[ \t])[#;]")
_FILLED = re.compile(r"%\([^)]*\)s|\$\{[^}]*\}|\$[A-Za-z_]")
_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}
"""`configparser.ConfigParser.BOOLEAN_STATES`, without its numbers."""
LONGEST = 4000
"""Characters above which a text is no number."""


def resolve_ini(text: str) -> Any:
    """What a program makes of an option's text."""
    if not text or len(text) > LONGEST:
        return text or Opaque("an empty value", "whether it is none or a text, its program decides")
    if text[0] in "\"'" and len(text) > 1 and text[-1] == text[0]:
        return text[1:-1]
    if text.casefold() in _SWITCHES:
        return _SWITCHES[text.casefold()]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if remark := _REMARK.search(text):
        before = text[: remark.start()].strip()
        default = resolve_ini(before) if before else None
        why = f"whether {text[remark.start() :].strip()!r} is a comment, its program decides"
        return Opaque(text, why, None if isinstance(default, Opaque) else default)
    if _FILLED.search(text):
        return Opaque(text, "its program fills it in")
    if _THOUSANDS.fullmatch(text):
        return Opaque(text, "it may be one number, or several")
    return text
