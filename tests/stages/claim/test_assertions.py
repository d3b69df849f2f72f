"""What a claim may assert, and how it is decided: one case for each way."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framework.conformance import Severity, Stage, Status
from framework.errors import InputError
from framework.manifest.assertions.assertion import assertion_of
from framework.manifest.assertions.sides import AGGREGATES, Undefined, Unsupported
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.derived import FUNCTIONS
from framework.manifest.sections.statements import Claim
from framework.stages.claim.decisions import alone, decided
from tests.stages.claim.test_claims import ASSERTED, DENSE, measured, reason, status
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.statuses import codes, status_of

P = "perplexity(masked)"
D = "perplexity(dense)"
LESS = [9.0, 9.1, 9.3, 9.1, 9.1]
NEAR = [10.05, 10.0, 10.3, 10.0, 10.1]
MORE = [11.0, 11.1, 11.3, 11.1, 11.1]

DECIDED: dict[str, tuple[str, list[float], Status]] = {
    "both": (f"{P} < {D} and {P} > 5", LESS, Status.CONFORMS),
    "one of both": (f"{P} < {D} and {P} > 9.5", LESS, Status.VIOLATED),
    "one of both is undecided": (f"{P} > 5 and {P} < {D}", NEAR, Status.UNVERIFIED),
    "a refuted one beside an undecided one": (f"{P} > 50 and {P} < {D}", NEAR, Status.VIOLATED),
    "a ranking": (f"5 < {P} < {D}", LESS, Status.CONFORMS),
    "a ranking the other way": (f"5 < {D} < {P}", LESS, Status.VIOLATED),
    "not worse by more than": (f"{P} <= {D} + 0.5", NEAR, Status.CONFORMS),
    "equivalent": (f"abs({P} - {D}) <= 0.5", NEAR, Status.CONFORMS),
    "equivalent, said from the right": (f"0.5 >= abs({P} - {D})", NEAR, Status.CONFORMS),
    "not equivalent": (f"abs({P} - {D}) <= 0.5", MORE, Status.VIOLATED),
    "perhaps equivalent": (f"abs({P} - {D}) <= 0.1", NEAR, Status.UNVERIFIED),
    "at least so far apart": (f"abs({P} - {D}) > 0.5", MORE, Status.CONFORMS),
    "a ratio": (f"ratio({P}, {D}) < 0.95", LESS, Status.CONFORMS),
    "a share in percent": (f"percent({P} / {D}) < 95", LESS, Status.CONFORMS),
    "a difference": (f"difference({D}, {P}) > 0.5", LESS, Status.CONFORMS),
    "means": (f"mean({P}) < mean({D})", LESS, Status.CONFORMS),
    "a ratio of means": (f"ratio(mean({P}), mean({D})) < 0.95", LESS, Status.CONFORMS),
    "the mean of a difference": (f"mean({P} - {D}) < 0", MORE, Status.VIOLATED),
    "means that nobody can tell apart": (f"mean({P}) < mean({D})", NEAR, Status.UNVERIFIED),
    "medians": (f"median({P}) < median({D})", LESS, Status.CONFORMS),
    "medians the other way": (f"median({P}) > median({D})", LESS, Status.VIOLATED),
    "best, of a metric that falls": (f"best({P}) <= 9", LESS, Status.CONFORMS),
    "worst, of a metric that falls": (f"worst({P}) <= 9", LESS, Status.VIOLATED),
    "the spread": (f"deviation({P}) < 3", LESS, Status.CONFORMS),
}


@pytest.mark.parametrize("case", DECIDED)
def test_an_assertion_is_decided(tmp_path: Path, case: str) -> None:
    text, masked, expected = DECIDED[case]
    assert status(measured(tmp_path, text, [*masked], DENSE)) is expected


@pytest.mark.parametrize(
    ("test", "masked", "expected", "words"),
    [
        ("t", LESS, Status.CONFORMS, "paired t, 4 degrees of freedom"),
        ("sign_flip", LESS, Status.CONFORMS, "all 32 sign flips, p 0.031, least attainable 0.031"),
        ("sign_flip", MORE, Status.VIOLATED, "all 32 sign flips"),
        ("bootstrap", LESS, Status.CONFORMS, "percentile bootstrap, which promises too much with fewer than 20"),
        ("bootstrap", NEAR, Status.UNVERIFIED, "percentile bootstrap"),
        ("welch", LESS, Status.CONFORMS, "left above right with 0.00 (Welch"),
        ("welch", NEAR, Status.UNVERIFIED, "Welch"),
        ("mann_whitney", LESS, Status.CONFORMS, "left above right with 0.00 (Mann-Whitney"),
        ("mann_whitney", MORE, Status.VIOLATED, "left above right with 1.00"),
        ("comparison", LESS, Status.CONFORMS, "9.12 against 10.08, of 5 seeds, by comparison alone"),
        ("comparison", MORE, Status.VIOLATED, "by comparison alone, without an interval"),
    ],
)
def test_a_claim_states_its_test(tmp_path: Path, test: str, masked: list[float], expected: Status, words: str) -> None:
    project = measured(tmp_path, f"{P} < {D}", [*masked], DENSE).replace(
        "confidence: 0.95", f"confidence: 0.95, test: {test}"
    )
    assert status(project) is expected
    assert words in reason(project)


def test_what_so_few_seeds_can_never_decide_is_said(tmp_path: Path) -> None:
    project = measured(tmp_path, f"{P} < {D}", [9.0, 9.1, 9.2], [10.0, 10.2, 10.0])
    project.replace("confidence: 0.95", "confidence: 0.95, test: sign_flip")
    assert status(project) is Status.UNVERIFIED
    assert "no results of 3 could decide it by sign flips: at least 5 seeds" in reason(project)


def test_an_undecided_claim_is_a_warning_that_says_what_would_do(tmp_path: Path) -> None:
    result = measured(tmp_path, f"{P} > {D}", [*NEAR], DENSE).verify()
    (finding,) = result.findings
    assert (finding.code, finding.severity, result.failed) == ("A102", Severity.WARNING, False)
    assert "neither support nor refute" in finding.message
    assert "seeds would decide it for it with a power of 80%, if the difference is as seen" in finding.message


ONE_SEED: dict[str, tuple[str, str, Status, list[str]]] = {
    "a target": (f"{P} < 9.5", "", Status.CONFORMS, []),
    "a target that is missed": (f"{P} < 8.5", "", Status.VIOLATED, ["A101"]),
    "two variants": (f"{P} < {D}", "", Status.UNVERIFIED, ["M171"]),
    "two variants, by comparison": (f"{P} < {D}", ", test: comparison", Status.CONFORMS, []),
    "a target, by an interval": (f"{P} < 9.5", ", test: t", Status.UNVERIFIED, ["M171"]),
}


@pytest.mark.parametrize("case", ONE_SEED)
def test_one_run_may_carry_a_target_and_no_confidence(tmp_path: Path, case: str) -> None:
    text, more, expected, found = ONE_SEED[case]
    project = measured(tmp_path, text, [9.0], [10.0]).replace("confidence: 0.95", f"confidence: 0.95{more}")
    result = project.verify()
    assert status_of(result, "claims[0].assert", Stage.CLAIM) is expected
    assert codes(result) == found
    if not found:
        assert "of one run, by comparison alone, without an interval" in reason(project)


def test_a_stretch_goal_that_is_missed_is_a_warning(tmp_path: Path) -> None:
    project = measured(tmp_path, f"{P} < {D}", [*MORE], DENSE).replace(
        "confidence: 0.95", "confidence: 0.95, level: stretch"
    )
    result = project.verify()
    assert (codes(result), result.failed) == (["A103"], False)
    assert status_of(result, "claims[0].assert", Stage.CLAIM) is Status.VIOLATED


def test_a_claim_may_be_over_some_of_the_seeds(tmp_path: Path) -> None:
    """The last two seeds say something else."""
    project = measured(tmp_path, f"{P} < {D}", [9.0, 9.1, 9.3, 15.0, 16.0], DENSE)
    assert status(project) is Status.UNVERIFIED
    project.replace("confidence: 0.95", "confidence: 0.95, seeds: [1, 2, 3]")
    assert status(project) is Status.CONFORMS
    assert "over 3 seeds" in reason(project)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return Project(tmp_path_factory.mktemp("fuzzed")).load()


FAMILY = "  - {{id: other, assert: 'perplexity(masked) < {}', confidence: 0.95, family: main, correction: {}}}\n"


@pytest.mark.parametrize(
    ("correction", "expected", "words"),
    [
        ("none", Status.CONFORMS, "p 0.033"),
        ("holm", Status.UNVERIFIED, "corrected for 2 claims it is not"),
        ("benjamini_hochberg", Status.CONFORMS, "corrected for 2 of main (benjamini_hochberg)"),
    ],
)
def test_claims_of_a_family_are_corrected_for_their_number(
    tmp_path: Path, correction: str, expected: Status, words: str
) -> None:
    """p is 0.033 and 0.033: each holds alone; Holm doubles the first, Benjamini and Hochberg leave both as they are."""
    project = measured(tmp_path, f"{P} < 10", [9.5, 10.05, 9.6, 9.9, 9.7], DENSE)
    own = f"confidence: 0.95, family: main, correction: {correction}}}\n"
    project.replace("confidence: 0.95}\n", own + FAMILY.format("10.001", correction))
    assert status(project) is expected
    assert words in reason(project)


TASKS = {"topics": 0.6, "manual": 0.5}


def over_tasks(tmp_path: Path, text: str, more: str) -> Project:
    """A project in which `pruned` has F1 in two tasks."""
    project = (
        Project(tmp_path).replace(f'"{ASSERTED}"', f'"{text}"').replace("confidence: 0.85", f"confidence: 0.85{more}")
    )
    project.replace(
        "topics: {epochs: 2, metric: f1}", "topics: {epochs: 2, metric: f1}\n      manual: {epochs: 1, metric: f1}"
    )
    evidence = Evidence(project)
    for step in evidence.plan.steps:
        if step.task is not None:
            value = TASKS[step.task] + 0.001 * step.seed

            def state(record: Any, value: float = value) -> None:
                record.metrics.update(f1=value)

            change_record(evidence.experiment.runs / step.folder, state)
    return project


def test_over_tasks_each_task_counts_once(tmp_path: Path) -> None:
    project = over_tasks(tmp_path, "f1(pruned) > 0.3", ", over: tasks")
    assert status(project) is Status.CONFORMS
    assert "over 2 tasks" in reason(project)


def test_over_both_it_must_hold_over_each(tmp_path: Path) -> None:
    """Over the seeds the mean is 0.55 for sure; over two tasks it might be anything."""
    project = over_tasks(tmp_path, "f1(pruned) > 0.5", ", over: both")
    assert status(project) is Status.UNVERIFIED
    assert "over 3 seeds" in reason(project)
    assert "over 2 tasks" in reason(project)


def test_over_seeds_one_of_several_tasks_is_to_be_named(tmp_path: Path) -> None:
    project = over_tasks(tmp_path, "f1(pruned) > 0.3", "")
    assert status(project) is Status.UNVERIFIED
    assert "f1 of pruned was recorded for topics, manual: name the task" in reason(project)


def test_over_some_tasks(tmp_path: Path) -> None:
    project = over_tasks(tmp_path, "f1(pruned) > 0.55", ", over: both, tasks: [topics]")
    assert "needs at least 2 tasks" in reason(project)


REFUSED = {
    "mixed": (f"mean({P}) < {D}", "", "beside results that vary"),
    "no result within": (f"mean(3) < {D}", "", "of results"),
    "nested": (f"mean(mean({P})) < 3", "", "of results"),
    "a comparison of numbers": (f"{P} < 3 and 1 < 2", "", "names no result"),
    "or": (f"{P} < 3 or {P} > 2", "", "not one comparison"),
    "not": (f"not {P} < 3", "", "not one comparison"),
    "an attribute": (f"{P}.real < 3", "", "not arithmetic"),
    "an unknown function": (f"system({P}) < 3", "", "not arithmetic"),
    "a keyword": (f"mean({P}, key=1) < 3", "", "not arithmetic|one value"),
    "a seed that is not declared": (f"{P} < 3", ", seeds: [99]", "99 is none of the declared seeds"),
    "a task that is not declared": (
        f"{P} < 3",
        ", over: tasks, tasks: [nothing]",
        "'nothing' is none of the declared tasks",
    ),
    "tasks over seeds": (f"{P} < 3", ", tasks: [topics]", "tasks of a claim over seeds"),
    "a task over tasks": ("f1(pruned, topics) < 3", ", over: tasks", "names a task, and the claim is over tasks"),
    "a correction of nothing": (f"{P} < 3", ", correction: holm", "without a family"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_claim_may_say_is_refused_at_its_place(tmp_path: Path, case: str) -> None:
    text, more, words = REFUSED[case]
    project = (
        Project(tmp_path).replace(f'"{ASSERTED}"', f'"{text}"').replace("confidence: 0.85", f"confidence: 0.85{more}")
    )
    outcome = project.cli("check")
    assert outcome.code == 2
    assert any(word in outcome.err for word in words.split("|"))
    assert "experiment.yaml:" in outcome.err


def test_one_family_has_one_correction(tmp_path: Path) -> None:
    own = "confidence: 0.85, family: main, correction: holm}\n"
    project = Project(tmp_path).replace("confidence: 0.85}\n", own + FAMILY.format("10", "none"))
    assert "two corrections of one family 'main'" in project.cli("check").err


PIECES = [
    *FUNCTIONS,
    *AGGREGATES,
    P,
    D,
    "f1(pruned, topics)",
    "(",
    ")",
    "<",
    "<=",
    ">",
    "and",
    "or",
    "+",
    "-",
    "**",
    "//",
    "/",
    ",",
    "1",
    "0",
    "1e308",
    "nan",
    "__class__",
    ".",
    "lambda: 0",
    "[0]",
    "if",
    "else",
    "'x'",
    "é",
    "\\",
    "\x00",
    "=",
]


EXTREMES = ([math.inf] * 3, [-math.inf, 0.0, math.inf], [math.nan, 1.0, 2.0], [1e308, -1e308, 1e308], [5e-324] * 3)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join) | st.text(max_size=60))
def test_no_text_is_more_than_an_assertion_or_a_refusal(loaded: Experiment, text: str) -> None:
    try:
        parts = assertion_of(loaded, Claim.model_construct(id="c", assert_=text), 0)
    except InputError:
        return
    for values in ([1.0, 2.0, 0.0], *EXTREMES):
        results = {call: values for part in parts for call in part.calls}
        for side in (side for part in parts for side in (part.left, part.right)):
            with suppress(Undefined):
                found = side.values(results) if side.varies else [side.value(results)]
                assert all(isinstance(value, float) and math.isfinite(value) for value in found)


@pytest.mark.parametrize("test", ["t", "sign_flip", "bootstrap", "welch", "mann_whitney", "comparison"])
@pytest.mark.parametrize("values", EXTREMES, ids=str)
@pytest.mark.parametrize("text", [f"{P} >= {D}", f"{P} < -1e308", f"mean({P}) + mean({P}) > 0", f"deviation({P}) < 1"])
def test_results_beyond_all_numbers_decide_nothing_and_break_nothing(
    loaded: Experiment, text: str, values: list[float], test: str
) -> None:
    (part,) = assertion_of(loaded, Claim.model_construct(id="c", assert_=text), 0)
    results = dict.fromkeys(part.calls, values)
    with suppress(Unsupported):
        decided(part, results, test, 0.95, "seeds") if test != "comparison" else alone(part, results, 3, "seeds")
    if not all(map(math.isfinite, values)):
        with pytest.raises(Undefined, match="no finite value"):
            alone(part, results, 3, "seeds")


@pytest.mark.parametrize("text", [f"log({P}, 1) / x.y < 1", f"{P} / 0 < other", f"log(0 * {P}) < None"])
def test_what_stands_behind_an_undefined_value_is_checked_as_well(loaded: Experiment, text: str) -> None:
    with pytest.raises(InputError, match="not arithmetic"):
        assertion_of(loaded, Claim.model_construct(id="c", assert_=text), 0)
