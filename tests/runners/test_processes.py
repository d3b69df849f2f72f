"""Several processes compute what one does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.errors import FrameworkError
from framework.evidence.record import RunRecord
from framework.manifest.sections.methods import SDM, Mask
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs, Training
from runners import processes
from tests.support.killing import differences, evidence
from tests.support.launching import launched


@pytest.mark.slow
def test_two_processes_train_what_one_does(
    laboratory: Any, phase: Callable[..., Phase], trace: Any, tmp_path: Path
) -> None:
    """33 sequences in batches of 8: the last batch has one sequence, so one process has nothing that counts."""
    mask = Mask(sdm=SDM(target_sparsity=0.3, learning_rate=0.4, sparsity_weight=10.0, initial_logit=0.5))
    stated = phase(batch_size=8, epochs=2.0, max_grad_norm=1.0)
    step = laboratory.step(Training(stated, "data", laboratory.text(limit=33), mask, None))
    alone = laboratory.execute(step)
    folder = launched(step, tmp_path / "two", 2)
    record = json.loads((folder / "record.json").read_text())
    lines = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    assert record["status"] == "done"
    assert (record["observed"]["processes"], record["observed"]["micro_batch_size"]) == (2, 4)
    assert [line["samples"] for line in lines] == [8, 8, 8, 8, 1] * 2
    for ours, theirs in zip(lines, trace(alone), strict=True):
        assert (ours["samples"], ours["tokens"]) == (theirs["samples"], theirs["tokens"])
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert ours["gradient_norm"] == pytest.approx(theirs["gradient_norm"], rel=1e-3)
        assert ours["expected_sparsity"] == pytest.approx(theirs["expected_sparsity"], rel=1e-3)
    assert record["metrics"]["validation_loss"] == pytest.approx(alone.record.metrics["validation_loss"], rel=1e-4)


@pytest.mark.slow
def test_two_processes_go_on_exactly_after_a_kill(laboratory: Any, phase: Callable[..., Phase], tmp_path: Path) -> None:
    """With dropout, a learned mask, and a checkpoint that only one of them has written."""
    mask = Mask(sdm=SDM(target_sparsity=0.3, tensors=["c_fc", "c_proj"], learning_rate=0.4, sparsity_weight=10.0))
    stated = phase(batch_size=8, epochs=2.0, max_grad_norm=1.0, early_stopping={"metric": "loss", "patience": 5})
    model = laboratory.model.model_copy(update={"family": "gpt2", "heads": 2, "state": None})
    knobs = Knobs(micro_batch_size=2, log_every=1, checkpoint_every=2)
    step = laboratory.step(Training(stated, "data", laboratory.text(limit=33), mask, None), model=model, knobs=knobs)
    whole = launched(step, tmp_path / "whole", 2)
    launched(step, tmp_path / "killed", 2, killed_after=7)
    folder = launched(step, tmp_path / "killed", 2)
    assert RunRecord.read(folder).observed["processes"] == 2
    assert [attempt["from_step"] for attempt in RunRecord.read(folder).attempts] == [0, 6]
    assert differences(evidence(folder), evidence(whole)) == []


def test_processes_that_do_not_see_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(FrameworkError, match=r"4 processes were launched .* accelerate sees 1"):
        processes.this_process()
