"""Texts that are changed at one place."""

from __future__ import annotations


def replaced(text: str, *changes: tuple[str, str], of: str = "the text") -> str:
    """The text with each ``old`` of ``changes``, which must stand in it exactly once, replaced by its ``new``."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {of}"
        text = text.replace(old, new)
    return text
