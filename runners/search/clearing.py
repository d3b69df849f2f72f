"""What trials need not keep once they ended: a search of hundreds of trials must not fill a disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from framework.evidence.record import CHECKPOINTS, MODEL, REMOVED
from framework.evidence.store import Run, RunStore
from framework.manifest.sections.searching.searches import Search
from framework.searching.selecting import selected
from framework.searching.trials import FACTS, POINT, State, StoredStudy, Trial
from runners.adapters.lora import ADAPTER
from runners.sparsity.masks import MASKS
from runners.transforms.csp import CORRELATIONS, PERMUTATION

_TENSORS = (MODEL, ADAPTER, MASKS, PERMUTATION, CORRELATIONS)
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Clearing:
    """Removes the tensors of a study's ended trials, as its search says; their records, curves and events stay.

    Only a trial's own last runs are touched: what trials build on, and whatever has a seed of production, stays whole.
    """

    def __init__(self, search: Search, store: RunStore, production_seeds: Iterable[int]):
        self._search, self._store, self._kept_seeds = search, store, set(production_seeds)
        self._cleared: set[int] = set()

    def clear(self, trials: Sequence[FrozenTrial], states: Mapping[TrialState, State]) -> None:
        """Remove what no trial that ended needs any more; after a kill the next call makes up for it."""
        if self._search.keep == "all":
            return
        ended = [_as_trial(trial, states) for trial in trials if trial.state in _ENDED]
        best = selected(self._search, StoredStudy(Path(), "", {}, {}, ended)).trial
        kept = {best.number} if self._search.keep == "best" and best is not None else set()
        for trial in ended:
            if trial.number not in kept and trial.number not in self._cleared:
                for run in self._own(trial):
                    without_tensors(run)
                self._cleared.add(trial.number)

    def _own(self, trial: Trial) -> Iterator[Run]:
        names = trial.facts.get("final") or trial.facts.get("runs") or ()
        for key in names:
            run = self._store.find(key)
            if run is None or run.record.step != self._search.phase or run.record.status == "running":
                continue
            if run.record.seed not in self._kept_seeds:
                yield run


def without_tensors(run: Run) -> None:
    """Take the tensors out of a finished or failed run. The record says so before they go, so that a kill between the
    two leaves nothing that it vouches for."""
    folder, record = run.folder, run.record
    gone = {name: facts for name, facts in record.artefacts.items() if name.partition("/")[0] in _TENSORS}
    if gone:
        record.artefacts = {name: facts for name, facts in record.artefacts.items() if name not in gone}
        record.observed[REMOVED] = gone
        record.write(folder)
    for name in (*_TENSORS, CHECKPOINTS):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _as_trial(trial: FrozenTrial, states: Mapping[TrialState, State]) -> Trial:
    own = trial.user_attrs
    value = trial.values[0] if trial.values else None
    return Trial(trial.number, own[POINT], states[trial.state], value, own.get(FACTS, {}))
