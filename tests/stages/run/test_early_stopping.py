"""The end that a patience demands, as the manifest means it and as transformers' callback counts."""

from __future__ import annotations

import pytest

from framework.manifest.sections.phases import EarlyStopping
from framework.stages.run.recomputed.early_stopping import stops_at, stops_by_threshold_at

CASES = [
    # values, metric, patience, min_delta, the end by min_delta, the end by early_stopping_threshold
    ([5.0, 4.94, 4.88], "loss", 2, 0.1, None, 3),  # small steady improvements: run with transformers 5.23
    ([5.0, 4.94, 4.88], "loss", 2, 0.0, None, None),
    ([5.0, 5.1, 5.2], "loss", 2, 0.1, 3, 3),
    ([0.5, 0.55, 0.62, 0.69], "accuracy", 2, 0.1, None, 3),
    ([5.0, 4.5, 4.45, 4.44], "loss", 2, 0.1, 4, 4),
]


@pytest.mark.parametrize(("values", "metric", "patience", "delta", "by_delta", "by_threshold"), CASES)
def test_the_end_of_a_training(
    values: list[float], metric: str, patience: int, delta: float, by_delta: int | None, by_threshold: int | None
) -> None:
    stated = EarlyStopping(metric=metric, patience=patience, min_delta=delta)
    assert stops_at(values, stated) == by_delta
    assert stops_by_threshold_at(values, stated) == by_threshold
