"""Folders that are named after a planned run, and what lies in them instead of its record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from framework.adoption.adopted_runs import NAMING
from framework.conformance import Finding, Rule, Severity, Stage
from framework.errors import InputError
from framework.evidence.record import RECORD
from framework.evidence.store import RunStore, shown
from framework.locations import Location
from framework.stages.run.observed import Observed
from framework.stages.run.unreadable import DAMAGED

FOLDER = Rule(
    "T123", "run-folder", Severity.ERROR, Stage.CHECKPOINT, "a folder of a run holds another run's record, or none"
)
_DIGITS = 10
"""How much of its key the name of a run's folder ends with."""
_ADVICE = "restore the folder's own record, or remove the folder and run the step again"


def misplaced(steps: list[Observed], store: RunStore) -> Iterator[Finding]:
    """Folders that are named after a step's key and are not its run, and two that both claim to be."""
    named = _by_digits(store.root)
    for step in {each.step.key: each for each in steps}.values():
        claiming = []
        for folder in named.get(step.step.key[:_DIGITS], ()):
            what = _wrong(store, folder, step.step.key)
            if what is not None:
                yield Finding(
                    FOLDER, f"{step.step.label}: {folder.name} {what}", location=_place(folder), advice=_ADVICE
                )
            elif _key(store, folder) == step.step.key:
                claiming.append(folder)
        if len(claiming) > 1:
            message = (
                f"{step.step.label}: {' and '.join(folder.name for folder in claiming[:2])} are both said to be its run"
            )
            advice = "only one of them is: remove the other"
            yield Finding(FOLDER, message, location=_place(claiming[1]), advice=advice)


def others(steps: list[Observed], store: RunStore) -> Iterator[Finding]:
    """Of folders that no planned step is named in: records that cannot be read, which may be runs of this plan, and
    those that claim to be."""
    planned = {step.step.key[:_DIGITS] for step in steps}
    by_key = {step.step.key: step.step for step in steps}
    for digits, folders in _by_digits(store.root).items():
        for folder in folders if digits not in planned else ():
            if folder.name.startswith(tuple(f"{kind}." for kind in NAMING)):
                continue  # which are looked through for their own sake
            if not os.path.lexists(folder / RECORD):
                continue
            try:
                step = by_key.get(store.read(folder).key)
                if step is not None:
                    message = f"{step.label}: {folder.name} says that it is its run, and is not named after it"
                    yield Finding(FOLDER, message, location=_place(folder), advice=f"it is {step.folder}, or a copy")
            except InputError as failure:
                problem = failure.problems[0]
                message = f"{folder.name}: {problem.message}; what it would have shown is unverified"
                yield Finding(
                    DAMAGED, message, location=problem.location, advice="restore the file, or remove the folder"
                )


def _by_digits(root: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for name in sorted(os.listdir(root)) if root.is_dir() else ():
        folder = root / name
        if not name.startswith(".") and folder.is_dir():
            found.setdefault(name.rpartition(".")[2], []).append(folder)
    return found


def _wrong(store: RunStore, folder: Path, key: str) -> str | None:
    """What is wrong with a folder that is named after a step's key; a record that cannot be read is told elsewhere."""
    record = folder / RECORD
    if not os.path.lexists(record):
        left = next((path.name for path in sorted(folder.iterdir()) if not path.name.startswith(".")), None)
        return None if left is None else f"holds {left} and no {RECORD}"
    if record.is_symlink() and not record.exists():
        return f"has a {RECORD} that leads nowhere"
    found = _key(store, folder)
    if found is not None and found != key:
        return f"holds the record of another run, {found[:_DIGITS]}"
    return None


def _key(store: RunStore, folder: Path) -> str | None:
    try:
        return store.read(folder).key
    except InputError:
        return None


def _place(folder: Path) -> Location:
    return Location(f"{shown(folder)}/{RECORD}", 1, 1)
