"""Errors a user can cause, each with a place and advice. They end a command with exit code 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from framework.locations import Location


class FrameworkError(Exception):
    """The question could not be asked, or the work could not be started: bad input, missing data."""


class Problem(NamedTuple):
    """One thing that is wrong with an input: what, where, and what would be right."""

    message: str
    location: Location | None = None
    advice: str | None = None

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}" + (f"\n    {self.advice}" if self.advice else "")


class InputError(FrameworkError):
    """A file that cannot be read as what it should be. Carries every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def at(cls, location: Location | None, message: str, advice: str | None = None) -> InputError:
        return cls([Problem(message, location, advice)])


class UsageError(FrameworkError):
    """A request that names something which does not exist or cannot be done."""


def in_words(problem: BaseException) -> str:
    """An error's text; its type too, where the text was not written for a user, and of one of the system the file."""
    if isinstance(problem, FrameworkError):
        return str(problem)
    if isinstance(problem, OSError) and problem.strerror is not None:
        return f"{problem.filename}: {problem.strerror}" if problem.filename is not None else problem.strerror
    return f"{type(problem).__name__}: {problem}"
