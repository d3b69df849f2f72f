"""A W&B sweep with one value for each parameter: nothing is searched."""

from __future__ import annotations

from framework.dialects.rendering.sheet import Sheet
from framework.dialects.rendering.writers import generic


def write(sheet: Sheet) -> None:
    plain = Sheet(sheet.facts)
    generic.write(plain)
    sheet.put("method", "grid")
    for name, value in plain.data.items():
        if isinstance(value, dict):
            sheet.put(("parameters", name, "parameters"), {own: {"value": each} for own, each in value.items()})
        else:
            sheet.put(("parameters", name), {"value": value})
    sheet.said |= plain.said
    sheet.refused |= plain.refused
