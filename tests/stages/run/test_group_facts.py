"""What groups of parameters really got, against what is stated for them: each fact of a group, and layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from tests.stages.breaking import observed
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.statuses import codes, status_of

STATED = """\
      layer_decay: 0.5
      settings: {amsgrad: true}
      groups:
        - {parameters: [norms, biases], weight_decay: 0.0}
        - {parameters: [head], learning_rate: 1e-3}
        - {parameters: [embeddings], frozen: true}
"""
RECORDED: list[dict[str, Any]] = [
    {"group": None, "distance": 0, "learning_rate": 2e-4, "weight_decay": 0.1},
    {"group": None, "distance": 2, "learning_rate": 5e-5, "weight_decay": 0.1},
    {"group": 0, "distance": 1, "learning_rate": 1e-4, "weight_decay": 0.0},
    {"group": 0, "distance": 2, "learning_rate": 5e-5, "weight_decay": 0.0},
    {"group": 1, "learning_rate": 1e-3, "weight_decay": 0.1},
    {"group": 2, "frozen": True},
]
GROUPS = "phases.pretrain.optimizer.groups"
CLAUSES = {
    f"{GROUPS}[0].weight_decay": (3, "weight_decay", 0.1),
    f"{GROUPS}[1].learning_rate": (4, "learning_rate", 2e-4),
    f"{GROUPS}[2].frozen": (5, "frozen", False),
    "phases.pretrain.optimizer.layer_decay": (1, "learning_rate", 2e-4),
}


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    project = Project(tmp_path).replace("      eps: 1e-6\n", "      eps: 1e-6\n" + STATED)
    project.replace("seeds: [1, 2, 3]", "seeds: [1]").replace(
        "{permute: csp}", "{permute: {method: csp, dimension: channel}}"
    )
    found = Evidence(project)
    grouped(found, RECORDED)
    return found


def grouped(evidence: Evidence, groups: Any) -> None:
    for variant in ("dense", "masked"):
        observed(variant, "pretrain", "observed", "optimizer", "learning_rate", to=2e-4)(evidence)
        observed(variant, "pretrain", "observed", "optimizer", "settings", to={"amsgrad": True})(evidence)
        observed(variant, "pretrain", "observed", "optimizer", "groups", to=groups)(evidence)


def status(evidence: Evidence, clause: str) -> Status | None:
    return status_of(evidence.project.verify(), clause, Stage.RUN)


@pytest.mark.parametrize("clause", [*CLAUSES, "phases.pretrain.optimizer.settings.amsgrad"])
def test_groups_that_got_what_is_stated_conform(evidence: Evidence, clause: str) -> None:
    assert status(evidence, clause) is Status.CONFORMS


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_group_that_got_something_else_is_found(evidence: Evidence, clause: str) -> None:
    index, name, other = CLAUSES[clause]
    grouped(evidence, [{**each, name: other} if at == index else each for at, each in enumerate(RECORDED)])
    result = evidence.project.verify()
    found = [finding for finding in result.findings if finding.code == "R120"]
    assert {finding.clause for finding in found} == {clause}
    assert clause.rpartition(".")[2].replace("layer_decay", "layer-wise decay").partition(" ")[0] in found[0].message


def test_another_setting_of_the_optimizer_is_found(evidence: Evidence) -> None:
    observed("dense", "pretrain", "observed", "optimizer", "settings", to={"amsgrad": False})(evidence)
    (finding,) = [each for each in evidence.project.verify().findings if each.code == "R124"]
    assert (finding.expected, finding.actual) == (True, False)


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_record_without_groups_proves_nothing(evidence: Evidence, clause: str) -> None:
    grouped(evidence, None)
    assert status(evidence, clause) is Status.UNVERIFIED
    assert "R120" not in codes(evidence.project.verify())


def test_a_group_without_parameters_proves_nothing(evidence: Evidence) -> None:
    grouped(evidence, [each for each in RECORDED if each.get("group") != 0])
    assert status(evidence, f"{GROUPS}[0].weight_decay") is Status.UNVERIFIED
