"""Finished runs that a verification found damaged: it reads what others take by its size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from framework.conformance import Finding
from framework.evidence.standing.run_state import State, Word
from framework.stages.checkpoint.rules.artefacts import CHANGED
from framework.stages.run.observed import Observed
from framework.stages.run.unreadable import DAMAGED


def damaged(findings: Sequence[Finding], steps: Sequence[Observed]) -> dict[Path, State]:
    """By its folder, the state of each run of which a file is gone, not what the run wrote, or not readable."""
    runs = {each.run.folder.name: each.run for each in steps if each.run is not None}
    found: dict[Path, State] = {}
    for finding in findings:
        if finding.location is None or finding.code not in (CHANGED.code, DAMAGED.code):
            continue
        parts = PurePath(finding.location.file).parts
        place = next((place for place, part in enumerate(parts) if part in runs), None)
        if place is not None:
            run = runs[parts[place]]
            what = "cannot be read" if finding.code == DAMAGED.code else "is not what the run wrote"
            why = f"{'/'.join(parts[place + 1 :])} {what}"
            found.setdefault(run.folder, State(Word.DAMAGED, why, run, run.folder))
    return found
