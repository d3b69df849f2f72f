"""A child's loss before training is its parent's final one, where data and metric are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record

RETRAINED = """\
  retrained:
    from: dense
    steps: [{prune: {score: magnitude, sparsity: 0.5, tensors: [in_proj]}}, pretrain]
rules:
"""


def evidence_of(tmp_path: Path) -> Evidence:
    project = Project(tmp_path).replace("rules:\n", RETRAINED)
    return Evidence(project, variants=["retrained"], seeds=[1])


def began(evidence: Evidence, name: str, loss: float, **data: str) -> None:
    step = [step for step in evidence.plan.steps if step.name == name][-1]
    folder = evidence.experiment.runs / step.folder
    change_record(
        folder, lambda record: (record.metrics.update(initial_validation_loss=loss), record.data.update(data))
    )


def said(evidence: Evidence) -> list[str]:
    result = evidence.project.verify(plan=evidence.plan)
    return [finding.message for finding in result.findings if "on the same data" in finding.message]


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    found = evidence_of(tmp_path)
    first = next(step for step in found.plan.steps if step.parent is None)
    folder = found.experiment.runs / first.folder
    change_record(
        folder,
        lambda record: (
            record.metrics.update(validation_loss=2.0, perplexity=7.38905609893065),
            record.data.update(validation_fingerprint="v"),
        ),
    )
    pruning = next(step for step in found.plan.steps if step.name == "prune")
    pruned = {"validation_loss": 2.5, "perplexity": 12.182493960703473}
    change_record(found.experiment.runs / pruning.folder, lambda record: record.metrics.update(pruned))
    return found


def test_a_pruning_begins_where_the_training_before_it_ended(evidence: Evidence) -> None:
    began(evidence, "prune", 2.0)
    assert said(evidence) == []
    began(evidence, "prune", 1.9)
    (message,) = said(evidence)
    assert "it began with a validation loss of 1.9, and" in message
    assert "ended with 2" in message


def test_a_training_begins_where_a_pruning_ended(evidence: Evidence) -> None:
    """What the pruning was validated on is the data of the training before it."""
    began(evidence, "pretrain", 2.5, validation_fingerprint="v")
    assert said(evidence) == []
    began(evidence, "pretrain", 2.4, validation_fingerprint="v")
    assert len(said(evidence)) == 1


@pytest.mark.parametrize("other", ["w", None])
def test_other_data_says_nothing(evidence: Evidence, other: str | None) -> None:
    began(evidence, "pretrain", 1.0, **({} if other is None else {"validation_fingerprint": other}))
    assert said(evidence) == []


def test_half_precision_leaves_room(evidence: Evidence) -> None:
    step = [step for step in evidence.plan.steps if step.name == "pretrain"][-1]
    change_record(evidence.experiment.runs / step.folder, lambda record: record.observed.update(precision="bf16"))
    began(evidence, "pretrain", 2.51, validation_fingerprint="v")
    assert said(evidence) == []
    began(evidence, "pretrain", 2.6, validation_fingerprint="v")
    assert len(said(evidence)) == 1
