"""A claim that the results do not support is a finding."""

from __future__ import annotations

from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.statuses import codes


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
