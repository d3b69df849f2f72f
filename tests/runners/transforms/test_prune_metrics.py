"""A pruning after a training says what it did to the loss, and removes the same weights as if nobody had looked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framework.evidence.store import Run
from framework.manifest.sections.methods import Prune
from framework.manifest.sections.models import Dataset
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from tests.support.project import Project

HALF = Prune(sparsity=0.5, tensors=["in_proj"])


@pytest.fixture(scope="module")
def base(shared: Any, phase: Callable[..., Phase]) -> Run:
    return shared.pretrain(phase())


def pruned(laboratory: Any, base: Run, phase: Phase, data: Dataset, work: Prune = HALF) -> Run:
    step = laboratory.step(work, name="prune", parent=base, looked="at")
    return laboratory.execute(replace(step, measured_as=Training(phase, "data", data)))


@pytest.mark.parametrize("score", ["magnitude", "random"])
def test_the_loss_before_is_the_trainings_and_the_one_after_is_told(
    shared: Any, base: Run, phase: Callable[..., Phase], score: Any
) -> None:
    work = HALF.model_copy(update={"score": score})
    run = pruned(shared, base, phase(), shared.text(), work)
    metrics = run.record.metrics
    assert metrics["initial_validation_loss"] == pytest.approx(base.record.metrics["validation_loss"], rel=1e-6)
    assert metrics["validation_loss"] != metrics["initial_validation_loss"]
    assert metrics["perplexity"] == math.exp(metrics["validation_loss"])
    unseen = shared.run(work, name="prune", parent=base)
    assert unseen.record.metrics == {}
    files = [name for name in run.record.artefacts if name.startswith(("model/", "masks"))]
    assert files
    assert all(run.record.artefacts[name] == unseen.record.artefacts[name] for name in files)


def test_data_that_is_gone_is_no_reason_not_to_prune(shared: Any, base: Run, phase: Callable[..., Phase]) -> None:
    run = pruned(shared, base, phase(), Dataset(path="gone"), HALF.model_copy(update={"sparsity": 0.25}))
    assert (run.record.status, run.record.metrics) == ("done", {})


def test_the_plan_measures_a_pruning_as_the_training_before_it(tmp_path: Path) -> None:
    steps = Project(tmp_path).plan(seeds=[1]).steps
    measured = {step.name: step.measured_as for step in steps}
    assert measured["pretrain"] is measured["permute"] is measured["finetune"] is None
    found = measured["prune"]
    assert found is not None
    assert (found.dataset_name, found.phase.objective, found.adapter) == ("manual", "causal_lm", None)
