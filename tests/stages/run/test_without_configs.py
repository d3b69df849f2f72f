"""A project that binds no config file: what it states is held to itself all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.support.project import MANIFEST, Project
from tests.support.statuses import codes, status_of

UNBOUND = MANIFEST[: MANIFEST.index("configs:")]


def test_the_statement_is_looked_at(tmp_path: Path) -> None:
    result = Project(tmp_path, UNBOUND).verify()
    assert codes(result) == []
    assert status_of(result, "phases.pretrain.epochs", Stage.MANIFEST) is Status.CONFORMS
    assert status_of(result, "phases.pretrain.epochs", Stage.CONFIG) is Status.UNVERIFIED


def test_variants_that_differ_in_more_are_found(tmp_path: Path) -> None:
    text = UNBOUND.replace(
        "mask: {sdm: {target_sparsity: 0.5, tensors: [in_proj]}}", "mask: {sdm: {target_sparsity: 0.5}}"
    )
    text = text.replace(
        "          mask: {sdm", "          set: {optimizer.learning_rate: 1e-3}\n          mask: {sdm", 1
    )
    assert "M110" in codes(Project(tmp_path, text).verify())


@pytest.mark.parametrize(("old", "new"), [("perplexity(masked)", "perplexity(nobody)"), ("<= 1.05 *", "or")])
def test_a_claim_that_is_none_is_refused(tmp_path: Path, old: str, new: str) -> None:
    outcome = Project(tmp_path, UNBOUND.replace(old, new)).cli("verify")
    assert outcome.code == 2
    assert "experiment.yaml:" in outcome.err
