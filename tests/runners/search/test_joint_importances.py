"""What two searched keys decide together, told by `framework sweep analyze`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.planning.steps import Step, Training
from framework.searching.optimum import read_optima
from framework.searching.studies import studies_of
from runners.search.sweeping import sweep
from tests.support.project import Project
from tests.support.searched import MANIFEST, recorded


def by_product(step: Step, store: RunStore, project: Path, progress: Any) -> RunRecord:
    """A large learning rate is good with much decay, and bad without."""
    assert isinstance(step.work, Training)
    optimizer = step.work.recipe.optimizer
    rate = (math.log10(float(optimizer.learning_rate)) + 5) / 3
    return recorded(step, store, {"accuracy": 0.5 + 0.2 * (2 * rate - 1) * (20 * float(optimizer.weight_decay) - 1)})


def test_a_pair_that_decides_together_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path, MANIFEST, "{}\n")
    project.replace("      adapter.lora.rank: [2, 4]\n", "    sampler: {name: random, seed: 1}\n")
    project.replace("completed_trials: 6", "completed_trials: 30")
    experiment = project.load()
    list(sweep(experiment, studies_of(experiment), 2, execute=by_product))
    done = project.cli("sweep", "analyze")
    assert done.code == 0, done.err
    assert "optimizer.learning_rate and optimizer.weight_decay together: " in done.out
    (optimum,) = read_optima(project.path("optimal_hyperparameters.yaml"))
    first = optimum.entry["interactions"]["pairs"][0]
    assert first["keys"] == ["optimizer.learning_rate", "optimizer.weight_decay"]
    assert first["share"] > 0.9
    assert optimum.entry["interactions"]["fit"] > 0.99
