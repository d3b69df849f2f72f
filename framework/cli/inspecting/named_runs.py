"""What commands that look at runs ask first: the plan of a profile, and the run that somebody means."""

from __future__ import annotations

from pathlib import Path

from framework.errors import UsageError
from framework.evidence.record import RECORD
from framework.evidence.store import Run, RunStore
from framework.manifest.experiment import Experiment
from framework.names import did_you_mean
from framework.planning.build import Plan, build
from framework.planning.tuned.best_of_grids import load

_SHORTEST = 4
"""Digits that a key is cut to at least where somebody names a run by them."""
_MOST = 8


def plan_under(experiment: Experiment, profile: str | None) -> Plan | None:
    """The whole plan under a profile; None where the manifest has no such profile."""
    if profile is None:
        return build(experiment)
    return build(load(experiment.path, profile)) if profile in experiment.stated.profiles else None


def run_named(store: RunStore, name: str) -> Run:
    """A run by its folder's name or how that begins, by a path to it, or by the first digits of its key.

    Raises:
        UsageError: there is none, or several begin with these digits.
        InputError: its record cannot be read.
    """
    last = Path(name).name
    if (store.root / last / RECORD).is_file():
        return Run(store.root / last, store.read(store.root / last))
    runs = list(store.readable())
    digits = last.casefold()
    found = [run for run in runs if len(digits) >= _SHORTEST and run.record.key.startswith(digits)]
    found = found or [run for run in runs if run.folder.name.startswith(last)]
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(run.folder.name for run in found[:_MOST]) + (", ..." if len(found) > _MOST else "")
        raise UsageError(f"{len(found)} runs begin with {last!r}: {named}")
    raise UsageError(f"no run {last!r} in {store.root}: {did_you_mean(last, [run.folder.name for run in runs])}")
