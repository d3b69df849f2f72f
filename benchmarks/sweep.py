"""What a search costs beside its trials: ours beside Optuna's own loop, with the same sampler, on trivial trials.

    python benchmarks/sweep.py [--trials 300] [--sampler tpe] [--repeats 3]

Both keep their trials in a journal on the same disk. The target is at most 1.5 times the time of Optuna alone. The time
of our own trials includes that each point is recorded before it is tried, is held against all points before it, and
belongs to one process.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from framework.manifest.sections.searching.searches import Search
from runners.search.trying import Tries

TARGET = 1.5
SPACE = {
    "learning_rate": {"low": 1e-6, "high": 1e-1, "scale": "log"},
    "weight_decay": {"low": 0.0, "high": 0.3},
    "batch_size": {"choices": [8, 16, 32, 64]},
}


def objective(learning_rate: float, weight_decay: float, batch_size: int) -> float:
    return (learning_rate - 1e-3) ** 2 + (weight_decay - 0.1) ** 2 + 1.0 / batch_size


def ours(folder: Path, sampler: str, trials: int) -> float:
    """Seconds of our search."""
    stated = {"phase": "p", "space": SPACE, "objective": "loss", "seeds": [0], "sampler": sampler}
    search = Search.model_validate({**stated, "budget": {"completed_trials": trials}})
    begun = time.perf_counter()
    tries = Tries(search, folder / "ours.journal", {"space": SPACE, "sampler": {"name": sampler}})
    done = 0
    while (proposal := tries.propose()) is not None:
        tries.complete(proposal.number, objective(**proposal.point), {"runs": [str(proposal.number)]})
        done += 1
    assert done == trials
    return time.perf_counter() - begun


def theirs(folder: Path, sampler: str, trials: int) -> float:
    """Seconds of Optuna's `study.optimize`."""
    own = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}[sampler](seed=0)

    def suggested(trial: optuna.Trial) -> float:
        return objective(
            trial.suggest_float("learning_rate", 1e-6, 1e-1, log=True),
            trial.suggest_float("weight_decay", 0.0, 0.3),
            trial.suggest_categorical("batch_size", [8, 16, 32, 64]),
        )

    begun = time.perf_counter()
    storage = JournalStorage(JournalFileBackend(str(folder / "theirs.journal")))
    optuna.create_study(storage=storage, sampler=own).optimize(suggested, n_trials=trials)
    return time.perf_counter() - begun


def measured(run: Callable[[Path, str, int], float], sampler: str, trials: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), sampler, trials)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--sampler", choices=("tpe", "random"), default="tpe")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    measured(theirs, options.sampler, 20)  # imports, and the first draw
    pairs = [
        (measured(ours, options.sampler, options.trials), measured(theirs, options.sampler, options.trials))
        for _ in range(options.repeats)
    ]
    own, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    per_trial = 1000 / options.trials
    print(f"{options.sampler}, {options.trials} trials: {own * per_trial:.1f} ms a trial")
    print(f"Optuna {optuna.__version__} alone: {bare * per_trial:.1f} ms")
    print(f"{ratio:.2f} times (target: at most {TARGET})")
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
