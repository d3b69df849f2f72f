"""Findings as a compiler shows them: both places, the line with a caret, and the repair."""

from __future__ import annotations

import sys
from pathlib import Path

from framework.conformance import Finding
from framework.output.ansi import Ink, wants_colour
from framework.output.file_places import Places
from framework.output.formats.text import blocks


def show(findings: list[Finding], root: Path) -> None:
    """Print findings for people; ``root`` is the project's folder."""
    lines = list(blocks(findings, Places(root), Ink(wants_colour(sys.stdout))))
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
