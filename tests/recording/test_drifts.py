"""A script beside a manifest: nothing is found where it does as stated, and each drift by its own code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from framework.conformance import Stage, Status
from tests.recording.training import Script, codes, project, verified
from tests.support.statuses import status_of

AS_STATED = Script()


def changed(at: int, group: int | None = None, **values: Any) -> Any:
    """Change settings of the optimizer before a step."""

    def change(step: int, optimizer: Any) -> None:
        if step == at:
            for each in optimizer.param_groups if group is None else [optimizer.param_groups[group]]:
                each.update(values)

    return change


def second_optimizer(step: int, optimizer: Any) -> None:
    """Step another optimizer, of the last layer, beside the one that is declared."""
    last = optimizer.param_groups[0]["params"][-1]
    torch.optim.SGD([last], lr=0.5).step()


SAME: dict[str, Script] = {
    "as stated": AS_STATED,
    "gradients gathered over four micro-batches": Script(gathered=4),
    "gathered, and told of each micro-batch": Script(gathered=4, each_batch=True),
}
DRIFTS: dict[str, tuple[Script, set[str], str]] = {
    "the learning rate": (Script(peak=2e-2), {"R110"}, "step 2 of 10 used 0.01, not 0.005"),
    "the warmup": (Script(warmup=4), {"R110"}, "step 2 of 10 used 0.0025"),
    "a scheduler that is stepped before the optimizer": (Script(scheduler_first=True), {"R110"}, "step 1 of 10 used"),
    "a rate that is changed in the middle": (
        Script(between=changed(5, lr=1e-5)), {"R110"}, "step 5 of 10 used 1e-05",
    ),
    "the rate of one group": (
        Script(between=changed(3, group=1, lr=1.0)), {"R110"}, "step 3 of 10 used 1, not 0.01",
    ),
    "the seed": (Script(own_seed=3), {"R130"}, "the seed was 3, not 1"),
    "a weight decay on biases": (Script(decay_all=True), {"R120"}, "weight decay of 0.bias and 3 more of 4 was 0.1"),
    "the weight decay": (Script(weight_decay=0.01), {"R120"}, "weight decay of 0.weight and 1 more of 2 was 0.01"),
    "betas": (Script(betas=(0.9, 0.999)), {"R120"}, "betas was [0.9, 0.999]"),
    "another optimizer": (Script(optimizer=torch.optim.Adam), {"R120"}, "the optimizer was 'Adam', not 'adamw'"),
    "a second optimizer": (Script(between=second_optimizer), {"R110", "R120"}, "'SGD, AdamW'"),
    "betas that are changed in the middle": (
        Script(between=changed(4, betas=(0.5, 0.95))), {"R120"}, "betas was [[0.9, 0.95], [0.5, 0.95]]",
    ),
    "a weight decay that is changed in the middle": (
        Script(between=changed(4, group=0, weight_decay=0.5)), {"R120"}, "0.weight and 1 more of 2 was [0.1, 0.5]",
    ),
    "the batch": (Script(batch=10), {"R101", "R102"}, "step 1 had 10 samples, not 8"),
    "too few gathered": (Script(batch=4), {"R101", "R102", "R110"}, "step 1 had 4 samples, not 8"),
    "the number of epochs": (Script(epochs=1), {"R101"}, "5 optimizer steps of 10"),
    "clipping": (Script(clip=5.0), {"R121"}, "max_grad_norm was 5, not 1"),
    "a frozen layer": (Script(frozen="0."), {"R128"}, "0.weight and 1 more was not trained"),
    "other data": (Script(data="other.csv"), {"R134"}, "rows path was 'other.csv'"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_does_as_stated_has_no_finding(name: str, tmp_path: Path) -> None:
    project(tmp_path)
    SAME[name].train(tmp_path)
    result = verified(tmp_path)
    assert result.findings == []
    assert (result.finished, result.recorded) == (1, 1)
    for clause in ("epochs", "batch_size", "optimizer.learning_rate", "schedule.warmup.steps", "optimizer.betas"):
        verdicts = [each for each in result.matrix.verdicts if each.clause == f"phases.train.{clause}"]
        assert Status.CONFORMS in {each.status for each in verdicts if each.stage is Stage.RUN}, clause


@pytest.mark.parametrize("name", DRIFTS)
def test_each_drift_is_named(name: str, tmp_path: Path) -> None:
    script, expected, said = DRIFTS[name]
    project(tmp_path)
    (tmp_path / "other.csv").write_text("a,b\n3,4\n", "utf-8")
    script.train(tmp_path)
    found = {finding.code: finding.message for finding in verified(tmp_path).findings}
    assert set(found) == expected
    assert any(said in finding.message for finding in verified(tmp_path).findings), found


def test_a_changed_manifest_is_held_to_the_same_run(tmp_path: Path) -> None:
    project(tmp_path)
    AS_STATED.train(tmp_path)
    project(tmp_path, epochs=3)
    assert "R101" in codes(tmp_path)


def test_two_seeds_that_read_different_data_are_found(tmp_path: Path) -> None:
    project(tmp_path)
    AS_STATED.train(tmp_path)
    (tmp_path / "rows.csv").write_text("a,b\n9,9\n", "utf-8")
    replace(AS_STATED, seed=2).train(tmp_path)
    assert codes(tmp_path) == {"R133"}


def test_a_frozen_group_is_held_by_name(tmp_path: Path) -> None:
    groups = [{"parameters": ["0"], "frozen": True}, {"parameters": ["biases", "norms"], "weight_decay": 0.0}]
    optimizer = {"name": "adamw", "learning_rate": 1e-2, "weight_decay": 0.1, "groups": groups}
    project(tmp_path, optimizer=optimizer)
    Script(frozen="0.").train(tmp_path)
    assert codes(tmp_path) == set()
    AS_STATED.train(tmp_path)
    (finding,) = verified(tmp_path).findings
    assert (finding.code, finding.clause) == ("R120", "phases.train.optimizer.groups[0].frozen")


def test_a_groups_own_rate_is_held_at_each_step(tmp_path: Path) -> None:
    groups = [{"parameters": ["biases", "norms"], "learning_rate": 2e-2, "weight_decay": 0.0}]
    optimizer = {"name": "adamw", "learning_rate": 1e-2, "weight_decay": 0.1, "groups": groups}
    project(tmp_path, optimizer=optimizer)

    def faster(model: nn.Module, optimizer: Any) -> None:
        optimizer.param_groups[1].update(lr=0.0, initial_lr=2e-2)

    def also(step: int, optimizer: Any) -> None:
        optimizer.param_groups[1]["lr"] = 2 * optimizer.param_groups[0]["lr"]

    Script(prepare=faster, between=also).train(tmp_path)
    assert codes(tmp_path) == set()
    AS_STATED.train(tmp_path)
    assert codes(tmp_path) == {"R110"}
    assert "used 0.005 for 0.bias, not 0.01" in verified(tmp_path).findings[0].message


def test_without_the_model_what_needs_names_is_unverified(tmp_path: Path) -> None:
    project(tmp_path)
    Script(shown=False, frozen="0.", decay_all=True).train(tmp_path)
    result = verified(tmp_path)
    assert result.findings == []
    for clause in ("weight_decay", "groups[0].weight_decay"):
        assert status_of(result, f"phases.train.optimizer.{clause}", Stage.RUN) is Status.UNVERIFIED


def test_what_is_not_told_is_unverified(tmp_path: Path) -> None:
    project(tmp_path)
    AS_STATED.train(tmp_path)
    result = verified(tmp_path)
    for clause in ("phases.train.objective", "models.tiny.path"):
        assert status_of(result, clause, Stage.RUN) is Status.UNVERIFIED


def test_claims_take_recorded_runs(tmp_path: Path) -> None:
    project(tmp_path)
    for seed in (1, 2):
        replace(AS_STATED, seed=seed).train(tmp_path)
    result = verified(tmp_path)
    (look,) = [each for each in result.matrix.verdicts if each.stage is Stage.CLAIM and "assert" in each.clause]
    assert look.status is Status.CONFORMS
