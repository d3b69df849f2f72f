"""Which clauses no config file settles, or not every one that is a training's: with the files, for all formats."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any, NamedTuple

from framework.conformance import Stage, Status
from framework.output.report import Report, counted

_MOST_FILES = 3
_MOST_NAMED = 10
_MOST_CLAUSES = 12
_WIDTH = 110


class Unverified(NamedTuple):
    """A clause, the files in which it is open, and in how many others it conforms."""

    clause: str
    files: tuple[str, ...]
    conforming: int

    @property
    def counts(self) -> str:
        """In how many files of how many: `conforms in 2 of 65 files, unverified in 63`."""
        every = counted(self.conforming + len(self.files), "file")
        if self.conforming:
            return f"conforms in {self.conforming} of {every}, unverified in {len(self.files)}"
        return f"unverified in {every}"

    @property
    def line(self) -> str:
        """All that there is to say, with the first files."""
        left = len(self.files) - _MOST_FILES
        return f"{self.counts}: {', '.join(self.files[:_MOST_FILES])}" + (f" and {left} more" if left > 0 else "")

    def as_dict(self) -> dict[str, Any]:
        return {"clause": self.clause, "conforms": self.conforming, "unverified": len(self.files), "files": self.files}


def unverified(report: Report) -> list[Unverified]:
    """The unverified clauses in the order of the manifest."""
    result = report.result
    found = []
    for clause in result.matrix.clauses:
        if result.statuses.get(clause.id) is Status.UNVERIFIED:
            files = result.matrix.by_file(clause, Stage.CONFIG)
            open_in = tuple(file for file, status in files.items() if status is Status.UNVERIFIED)
            found.append(Unverified(clause.id, open_in, len(files) - len(open_in)))
    return found


def lines(report: Report) -> Iterator[str]:
    """What is unverified, for people: clauses that some files state, each with the files; the others are counted."""
    every = unverified(report)
    for each in [each for each in every if each.files][:_MOST_CLAUSES]:
        yield f"{each.clause} {each.line}"
    if (left := sum(bool(each.files) for each in every) - _MOST_CLAUSES) > 0:
        yield f"and {counted(left, 'clause')} more that not every file settles (--format json lists all)"
    if silent := sum(not each.files for each in every):
        yield f"stated by no config file: {counted(silent, 'clause')} (--format json names all)"


def left(report: Report) -> str:
    """Which config files no binding covers, with the first of them; empty where there is none."""
    files = report.unbound_files
    if not files:
        return ""
    more = len(files) - _MOST_NAMED
    named = ", ".join(files[:_MOST_NAMED]) + (f" and {more} more (--format json lists all)" if more > 0 else "")
    said = "file that looks like a training's is" if len(files) == 1 else "files that look like a training's are"
    return f"{len(files)} {said} bound by nothing: {named}"


def folded(text: str) -> list[str]:
    """A line as several of a terminal's width."""
    return wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
