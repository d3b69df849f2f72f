"""What commands print for people, through rich; errors go to standard error."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import FrameworkError, InputError

if TYPE_CHECKING:
    from argparse import Namespace

    from rich.console import Console


_WIDE = 240


@cache
def out() -> Console:
    from rich.console import Console

    # Without a terminal there is no width to keep to: logs and pipes get whole lines.
    return Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)


@cache
def err() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def text(line: str = "") -> None:
    """A line with rich's markup."""
    out().print(line)


def literal(line: str) -> None:
    """A line as it is: user data may hold what looks like markup."""
    out().print(line, markup=False)


def marked(style: str, word: str, line: str) -> None:
    """A line that begins with a styled word, as one piece: a progress bar may be redrawn between two."""
    from rich.text import Text

    out().print(Text.assemble((word, style), f" {line}"))


def note(line: str) -> None:
    err().print(line, markup=False)


def refusal(problem: FrameworkError, options: Namespace | None = None) -> None:
    """One block for each problem: the place, what is wrong, and what would be right; and all of them for the program
    that asked for a format of its own."""
    if (text := for_programs(problem, options)) is not None:
        sys.stdout.write(text)
    console = err()
    problems = problem.problems if isinstance(problem, InputError) else None
    if problems is None:
        console.print("[bold red]error[/]: ", end="")
        console.print(str(problem), markup=False)
        return
    for each in problems:
        if each.location:
            console.print(f"{each.location}: ", end="", markup=False)
        console.print("[bold red]error[/]: ", end="")
        console.print(each.message, markup=False)
        if each.advice:
            console.print(f"    {each.advice}", markup=False)


def for_programs(problem: FrameworkError, options: Namespace | None) -> str | None:
    """A refusal in the format that was asked for; None for people."""
    wanted = getattr(options, "format", "text")
    if wanted == "text":
        return None
    from framework.output.file_places import Places
    from framework.output.refused import refusal as spelled

    return spelled(wanted, problem, Places(_project(options)))


def _project(options: Namespace | None) -> Path:
    """The folder of the manifest that a command was asked about."""
    manifest = Path(getattr(options, "manifest", "")).absolute()
    return manifest if manifest.is_dir() else manifest.parent


def as_json(data: Any) -> None:
    """For programs: one JSON document on standard output."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
