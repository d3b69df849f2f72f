"""Claims about what was measured."""

from __future__ import annotations

import pytest

from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord
from tests.support.evidence import Evidence
from tests.support.measured import of
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.statuses import status_of

ASSERTED = "perplexity(masked) <= 1.05 * perplexity(dense)"


def asserted(project: Project, text: str) -> tuple[Status | None, str]:
    project.replace(ASSERTED, text)
    result = project.verify()
    reasons = [verdict.reason for verdict in result.matrix.verdicts if verdict.stage is Stage.CLAIM]
    return status_of(result, "claims[0].assert", Stage.CLAIM), reasons[0]


def test_a_claim_may_be_about_what_was_measured(project: Project, evidence: Evidence) -> None:
    for seed in (1, 2, 3):
        for facts_of in ("masked", "dense"):
            factor = (0.5 if facts_of == "masked" else 1) * (1 + seed / 100)

            def faster(record: RunRecord, factor: float = factor) -> None:
                for facts in record.measurements:
                    if facts["quantity"] == "latency":
                        facts["value"] *= factor
                        facts["seconds"] = [factor * each for each in facts["seconds"]]

            change_record(evidence.folder(facts_of, "measure-speed", seed), faster)
    text = "latency(masked, batch_size=4) <= 0.8 * latency(dense, batch_size=4)"
    assert asserted(project, text)[0] is Status.CONFORMS
    project.replace(text, ASSERTED)
    assert asserted(project, text.replace("<=", ">="))[0] is Status.VIOLATED


@pytest.mark.usefixtures("evidence")
def test_of_several_figures_a_claim_says_which(project: Project) -> None:
    status, reason = asserted(project, "throughput(masked) <= throughput(dense)")
    assert status is Status.UNVERIFIED
    assert "throughput of masked was measured for batch_size 1, 4: say which" in reason


@pytest.mark.usefixtures("evidence")
def test_equal_figures_need_no_choice(project: Project) -> None:
    assert asserted(project, "parameters(pruned, topics) <= flops(dense)")[0] is Status.CONFORMS


def test_adapters_merged_and_unmerged_are_two_figures(project: Project, evidence: Evidence) -> None:
    for seed in (1, 2, 3):
        change_record(evidence.folder("pruned", "measure-size", seed), of("flops", value=110))
    status, reason = asserted(project, "flops(pruned, topics) <= flops(dense)")
    assert (status, "adapter merged, unmerged" in reason) == (Status.UNVERIFIED, True)
    project.replace("flops(pruned, topics)", "flops(pruned, topics, adapter=merged, measurement=size)")
    assert status_of(project.verify(), "claims[0].assert", Stage.CLAIM) is Status.CONFORMS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("energy(masked) <= 1", "no measurement of masked measures energy"),
        ("flops(masked) <= 1", "no measurement of masked measures flops"),
        ("latncy(masked) <= 1", "no run records a metric 'latncy'"),
    ],
)
def test_a_claim_about_what_is_not_measured_is_m173(project: Project, text: str, words: str) -> None:
    project.replace(ASSERTED, text)
    (finding,) = project.check().findings
    assert finding.code == "M173"
    assert words in finding.message


def test_a_claim_about_what_is_measured_is_no_finding(project: Project) -> None:
    project.replace(ASSERTED, "latency(masked, batch_size=4) <= flops(pruned, topics)")
    assert project.check().findings == []


@pytest.mark.usefixtures("evidence")
def test_a_figure_that_is_missing_leaves_its_claim_unverified(project: Project) -> None:
    status, reason = asserted(project, "energy(masked) <= energy(dense)")
    assert (status, "results are missing for seeds [1, 2, 3]" in reason) == (Status.UNVERIFIED, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("latency(masked, batch=4) <= 1", "no measurement has 'batch'; did you mean 'batch_size'"),
        ("perplexity(masked, batch_size=4) <= 1", "'perplexity' is not measured, and has no 'batch_size'"),
        ("latency(masked, topics, topics) <= 1", "names two tasks"),
        ("latency(maskd, batch_size=4) <= 1", "did you mean 'masked'?"),
    ],
)
def test_a_claim_about_a_figure_that_cannot_be_is_refused(project: Project, text: str, words: str) -> None:
    project.replace(ASSERTED, text)
    outcome = project.cli("verify")
    assert outcome.code == 2
    assert words in outcome.err
