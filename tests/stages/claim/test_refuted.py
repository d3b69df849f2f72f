"""A claim that the results do not support is a finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.manifest.assertions.assertion import assertion_of
from framework.output.alike import together
from framework.stages.claim.decisions import decided
from tests.support.evidence import Evidence
from tests.support.project import MANIFEST, Project
from tests.support.run_folders import change_record
from tests.support.statuses import codes

ASSERTED = "perplexity(masked) <= 1.05 * perplexity(dense)"


def test_a_claim_that_the_runs_do_not_support_is_found(project: Project, evidence: Evidence) -> None:
    for seed in (1, 2, 3):
        change_record(
            evidence.folder("masked", "pretrain", seed), lambda record: record.metrics.update(perplexity=11.0)
        )
    result = project.verify()
    assert codes(result) == ["A101"]
    assert {finding.clause for finding in result.findings} == {
        "claims[0].id",
        "claims[0].assert",
        "claims[0].confidence",
    }
    printed = [each for each in together(result.findings) if each.first.code == "A101"]
    assert [len(each.declared) for each in printed] == [3], "one refutation is read once, with all that it breaks"


@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">="])
def test_no_difference_has_no_sign(tmp_path: Path, symbol: str) -> None:
    project = Project(tmp_path, MANIFEST.replace(ASSERTED, f"perplexity(masked) {symbol} perplexity(dense)"))
    (part,) = assertion_of(project.load(), project.load().manifest.claims[0], 0)
    same = {call: [9.5, 9.5, 9.5] for call in part.calls}
    figures = decided(part, same, "t", 0.95, "seeds").figures
    assert "mean difference +0 over 3 seeds, bound +0," in figures
