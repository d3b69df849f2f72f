"""What earlier readings of a run's folder told, for as long as its files stay as they were.

Kept are the digests of large files alone: a small one is read sooner than looked up. Beside them stand answers to
questions that took reading such a file, each with all that it depends on; see
:mod:`framework.stages.checkpoint.remembered_answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from framework.evidence.remembering.file_digest import memory_of
from framework.evidence.remembering.file_state import FileState, state_of
from framework.evidence.remembering.kept_facts import recalled, remember

LEAST = 1 << 20
"""From how many bytes on a file is large."""


class Seen(NamedTuple):
    """What a reading ended with: the state of the file all through it, its SHA-256, and whether every later change of
    it shows in its state."""

    state: FileState
    sha256: str
    settled: bool

    def holds(self, path: Path) -> bool:
        """Whether the file is still as it was then."""
        try:
            return self.settled and state_of(path) == list(self.state)
        except OSError:
            return False


class KnownFiles:
    """What is remembered of one run's folder."""

    def __init__(self, folder: Path):
        self._folder = folder.absolute()
        self._memory = memory_of("verified", folder)
        known = None if self._memory is None else recalled(self._memory)
        if known is None or known.get("folder") != str(self._folder):
            known = {}
        self._files: dict[str, Any] = known.get("files", {})
        self._answers: dict[str, Any] = known.get("answers", {})

    def seen(self, name: str) -> Seen | None:
        """What reading a file told, if it is as it was then."""
        if name not in self._files:
            return None
        state, sha256 = self._files[name]
        found = Seen(FileState(*state), sha256, True)
        return found if found.holds(self._folder / name) else None

    def answers(self, kind: str, question: str) -> list[Any]:
        """The answer to a question, as a list of one; empty where none is known."""
        asked, answer = self._answers.get(kind, ("", None))
        return [answer] if asked == question else []

    def keep(self, files: Mapping[str, Seen], answers: Mapping[str, tuple[str, Any]] | None = None) -> None:
        """Remember what was seen of files that are still as they were; what is known of others is not touched.

        Args:
            answers: By their kind, each with its question.
        """
        found = {name: facts for name, facts in self._files.items() if name not in files}
        for name, seen in files.items():
            if seen.state.size >= LEAST and seen.holds(self._folder / name):
                found[name] = [list(seen.state), seen.sha256]
        given = {**self._answers, **{kind: list(each) for kind, each in (answers or {}).items()}}
        if self._memory is not None and (found, given) != (self._files, self._answers):
            self._files, self._answers = found, given
            remember(self._memory, {"folder": str(self._folder), "files": found, "answers": given})
