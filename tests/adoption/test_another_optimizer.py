"""Runs of transformers' Trainer whose optimizer is not its own: DeepSpeed's, or that of a checkpoint of another run.

transformers 5.23.0, deepspeed 0.19.8.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from framework.stages.verify import VerifyResult
from tests.adoption.left_runs import trainer_output, write
from tests.adoption.test_adopting import codes, statuses, taken, verified
from tests.adoption.test_sources import archived

RUN = "results/dense/sst2/seed1"
RATE, DECAY = "phases.finetune.optimizer.learning_rate", "phases.finetune.optimizer.weight_decay"
SETTINGS = {"learning_rate": 2e-5, "weight_decay": 0.01, "seed": 1, "output_dir": "results/dense"}
AUTO: dict[str, Any] = {"zero_optimization": {"stage": 2}, "gradient_clipping": "auto"}
GIVEN = {
    # what: what `deepspeed` is, the JSON that lies in the project, whether the log's rates are those of its steps
    "a JSON with an optimizer": ("ds.json", {**AUTO, "optimizer": {"type": "AdamW"}}, False),
    "a JSON with a scheduler": ("ds.json", {**AUTO, "scheduler": {"type": "WarmupLR"}}, False),
    "a JSON with neither": ("ds.json", AUTO, True),
    "a JSON that is not here": ("other.json", AUTO, False),
    "its sections": ({**AUTO, "optimizer": {"type": "AdamW"}}, AUTO, False),
    "its sections without either": (AUTO, AUTO, True),
    "none": (None, AUTO, True),
}


def left(root: Path, **settings: Any) -> None:
    folder = trainer_output(root / RUN)
    archived(pickle.dumps({**SETTINGS, **settings}), folder / "training_args.bin")


def reasons(result: VerifyResult) -> list[str]:
    """What is said of the rate of the steps."""
    return [each.reason for each in result.matrix.verdicts if each.clause == RATE and str(each.stage) == "run"]


@pytest.mark.parametrize("what", GIVEN)
def test_rates_that_deepspeed_shifts_are_not_those_of_their_steps(tmp_path: Path, what: str) -> None:
    given, content, held = GIVEN[what]
    write(tmp_path / "ds.json", json.dumps(content))
    left(tmp_path, deepspeed=given)
    result = verified(taken(tmp_path)[0])
    assert any("steps follow the declared schedule" in reason for reason in reasons(result)) is held
    assert "R110" not in codes(result)


def test_they_are_where_the_reader_is_told_how_they_stand(tmp_path: Path) -> None:
    write(tmp_path / "ds.json", json.dumps({**AUTO, "optimizer": {"type": "AdamW"}}))
    left(tmp_path, deepspeed="ds.json")
    told = [{"path": "results/{variant}/{task}/seed{seed}", "learning_rate": "next"}]
    found = reasons(verified(taken(tmp_path, told)[0]))
    assert any("steps follow it" in reason for reason in found)


@pytest.mark.parametrize(
    ("checkpoint", "held"),
    [
        (None, True),
        ("results/dense/checkpoint-500", True),
        ("results/pretrained/checkpoint-500", False),
        ("results/dense2/checkpoint-500", False),
    ],
)
def test_the_optimizer_of_another_runs_checkpoint_goes_on(tmp_path: Path, checkpoint: str | None, held: bool) -> None:
    left(tmp_path, resume_from_checkpoint=checkpoint)
    found = statuses(verified(taken(tmp_path)[0]), DECAY)
    assert ("conforms" in found) is held
    assert "violated" not in found
