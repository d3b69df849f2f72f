"""Claims: assertions over results, held over the declared seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.support.evidence import Evidence
from tests.support.project import MANIFEST, Project
from tests.support.run_folders import change_record
from tests.support.statuses import codes, status_of

ASSERTED = "perplexity(masked) <= 1.05 * perplexity(dense)"


def measured(
    tmp_path: Path, text: str, masked: list[float | None], dense: list[float], confidence: float = 0.95
) -> Project:
    """A project whose runs measured these perplexities, one for each seed; None leaves a run out."""
    seeds = list(range(1, len(dense) + 1))
    manifest = MANIFEST.replace("seeds: [1, 2, 3]", f"seeds: {seeds}").replace(ASSERTED, text)
    project = Project(tmp_path, manifest.replace("confidence: 0.85", f"confidence: {confidence}"))
    evidence = Evidence(project, variants=["dense", "masked"])
    for variant, values in (("dense", dense), ("masked", masked)):
        for seed, value in zip(seeds, values, strict=True):

            def state(record: object, value: float | None = value) -> None:
                record.metrics = {} if value is None else {"perplexity": value}  # type: ignore[attr-defined]

            change_record(evidence.folder(variant, "pretrain", seed), state)
    return project


def status(project: Project) -> Status | None:
    return status_of(project.verify(), "claims[0].assert", Stage.CLAIM)


def reason(project: Project) -> str:
    return next(verdict.reason for verdict in project.verify().matrix.verdicts if verdict.stage is Stage.CLAIM)


DENSE = [10.0, 10.1, 10.2, 10.1, 10.0]

DECIDED: dict[str, tuple[str, list[float], Status]] = {
    "clearly less": ("perplexity(masked) < perplexity(dense)", [9.0, 9.1, 9.3, 9.1, 9.1], Status.CONFORMS),
    "clearly more": ("perplexity(masked) < perplexity(dense)", [11.0, 11.1, 11.3, 11.1, 11.1], Status.VIOLATED),
    "less on average, and not for sure": (
        "perplexity(masked) < perplexity(dense)",
        [9.0, 11.0, 9.0, 11.0, 9.5],
        Status.UNVERIFIED,
    ),
    "within a factor": (ASSERTED, [10.4, 10.5, 10.6, 10.45, 10.4], Status.CONFORMS),
    "beyond a factor": (ASSERTED, [10.6, 10.7, 10.9, 10.7, 10.6], Status.VIOLATED),
    "alike, and at most": ("perplexity(masked) <= perplexity(dense)", DENSE, Status.CONFORMS),
    "alike, and less": ("perplexity(masked) < perplexity(dense)", DENSE, Status.VIOLATED),
    "alike, and at least": ("perplexity(masked) >= perplexity(dense)", DENSE, Status.CONFORMS),
    "alike, and more": ("perplexity(masked) > perplexity(dense)", DENSE, Status.VIOLATED),
    "clearly greater": ("perplexity(masked) >= perplexity(dense)", [11.0, 11.1, 11.3, 11.1, 11.1], Status.CONFORMS),
    "against a number": ("perplexity(masked) <= 9.9", [9.0, 9.1, 9.3, 9.1, 9.1], Status.CONFORMS),
    "a difference": ("perplexity(masked) - perplexity(dense) <= 0.5", [10.1, 10.2, 10.4, 10.1, 10.1], Status.CONFORMS),
    "a ratio": ("perplexity(masked) / perplexity(dense) > 1.5", [10.1, 10.2, 10.4, 10.1, 10.1], Status.VIOLATED),
}


@pytest.mark.parametrize("case", DECIDED)
def test_a_claim_is_held_over_the_seeds(tmp_path: Path, case: str) -> None:
    text, masked, expected = DECIDED[case]
    project = measured(tmp_path, text, list(masked), DENSE)
    result = project.verify()
    assert status_of(result, "claims[0].assert", Stage.CLAIM) is expected
    assert codes(result) == {Status.VIOLATED: ["A101"], Status.UNVERIFIED: ["A102"], Status.CONFORMS: []}[expected]


def test_the_interval_is_student_s_of_the_paired_differences(tmp_path: Path) -> None:
    """Differences -1, 0, 1 have the mean 0, the deviation 1: at 90% the bound is 1.8856 / sqrt(3)."""
    project = measured(tmp_path, "perplexity(masked) <= perplexity(dense)", [9.0, 10.0, 11.0], [10.0] * 3, 0.9)
    assert "mean difference +0 over 3 seeds, bound +1.089" in reason(project)


def test_pairs_are_of_one_seed(tmp_path: Path) -> None:
    """Far apart between seeds, and always a little less within one."""
    dense = [10.0, 20.0, 30.0, 40.0, 50.0]
    project = measured(tmp_path, "perplexity(masked) < perplexity(dense)", [value - 0.1 for value in dense], dense)
    assert status(project) is Status.CONFORMS


@pytest.mark.parametrize("missing", [0, 4])
def test_with_fewer_runs_than_declared_a_claim_is_unverified(tmp_path: Path, missing: int) -> None:
    masked: list[float | None] = [9.0] * 5
    masked[missing] = None
    project = measured(tmp_path, "perplexity(masked) < perplexity(dense)", masked, DENSE)
    assert status(project) is Status.UNVERIFIED
    assert f"results are missing for seeds [{missing + 1}]; so far left minus right is [" in reason(project)


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    project = measured(tmp_path, "perplexity(masked) < perplexity(dense)", [1.0], [10.0])
    assert status(project) is Status.UNVERIFIED
    assert "needs at least 2 seeds" in reason(project)


def test_without_any_run_a_claim_is_unverified(tmp_path: Path) -> None:
    assert status(Project(tmp_path)) is Status.UNVERIFIED


def test_a_claim_without_a_value_is_unverified(tmp_path: Path) -> None:
    text = "perplexity(masked) / (perplexity(dense) - perplexity(dense)) <= 1"
    project = measured(tmp_path, text, list(DENSE), DENSE)
    assert status(project) is Status.UNVERIFIED


def test_results_under_a_profile_decide_nothing_and_are_shown(tmp_path: Path) -> None:
    project = Project(tmp_path).append("profiles:\n  small: {reason: quick, set: {phases.pretrain.epochs: 2}}\n")
    Evidence(project, "small", variants=["dense", "masked"])
    result = project.verify("small")
    assert status_of(result, "claims[0].assert", Stage.CLAIM) is Status.UNVERIFIED
    (said,) = {verdict.reason for verdict in result.matrix.verdicts if verdict.stage is Stage.CLAIM}
    assert "measured under the profile small, not as the paper states; supported there: mean difference" in said


def test_a_claim_is_held_for_every_model(tmp_path: Path) -> None:
    other = "  other: {family: gpt2, weights: random, layers: 2, hidden: 4, vocabulary: 16, tokenizer: bytes}\n"
    project = Project(tmp_path).replace("models:\n", f"models:\n{other}")
    Evidence(project, models=["tiny"], variants=["dense", "masked"])
    assert status(project) is Status.UNVERIFIED


def test_a_task_s_result_may_be_claimed(tmp_path: Path) -> None:
    project = Project(tmp_path).replace(f'"{ASSERTED}"', '"f1(pruned, topics) >= 0.4"')
    Evidence(project)
    assert status(project) is Status.CONFORMS


def test_of_several_tasks_the_one_that_is_named_counts(tmp_path: Path) -> None:
    project = Project(tmp_path).replace(f'"{ASSERTED}"', '"f1(pruned, topics) >= 0.4"')
    project.replace("topics: {epochs: 2, metric: f1}", "topics: {epochs: 2}\n      manual: {epochs: 1}")
    evidence = Evidence(project)
    for step in evidence.plan.steps:
        if step.task == "manual":
            folder = evidence.experiment.runs / step.folder
            change_record(folder, lambda record: record.metrics.update(f1=0.1))
    assert status(project) is Status.CONFORMS
    project.replace("f1(pruned, topics)", "f1(pruned, manual)")
    assert status(project) is Status.VIOLATED


def test_a_metric_that_nothing_measured_is_unverified(tmp_path: Path) -> None:
    project = Project(tmp_path).replace(f'"{ASSERTED}"', '"rouge(pruned) >= 0.4"')
    Evidence(project)
    assert status(project) is Status.UNVERIFIED


def test_a_refuted_claim_says_what_was_measured(tmp_path: Path) -> None:
    project = measured(tmp_path, ASSERTED, [11.0, 11.1, 11.3, 11.1, 11.1], DENSE)
    finding = next(each for each in project.verify().findings if each.clause == "claims[0].assert")
    assert "cost: the runs do not support" in finding.message
    assert "95% confidence" in finding.message
    assert finding.expected == ASSERTED
    assert "over 5 seeds" in str(finding.actual)
