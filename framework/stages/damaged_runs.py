"""Finished runs that a verification found damaged: it reads what others take by its size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from framework.conformance import Finding
from framework.evidence.standing.run_state import State, Word
from framework.stages.checkpoint.rules.artefacts import CHANGED
from framework.stages.run.observed import Observed
from framework.stages.run.unreadable import DAMAGED


def damaged(findings: Sequence[Finding], steps: Sequence[Observed]) -> dict[str, State]:
    """By the step's key, the state of each run of which a file is gone, not what the run wrote, or not readable."""
    runs = {each.run.folder.name: each for each in steps if each.run is not None}
    found: dict[str, State] = {}
    for finding in findings:
        if finding.location is None or finding.code not in (CHANGED.code, DAMAGED.code):
            continue
        parts = PurePath(finding.location.file).parts
        place = next((place for place, part in enumerate(parts) if part in runs), None)
        if place is not None:
            each = runs[parts[place]]
            assert each.run is not None
            what = "cannot be read" if finding.code == DAMAGED.code else "is not what the run wrote"
            why = f"{'/'.join(parts[place + 1 :])} {what}"
            found.setdefault(each.step.key, State(Word.DAMAGED, why, each.run, each.run.folder))
    return found
