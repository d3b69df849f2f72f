"""Runs and saved models of variants that must be alike: what they took, and what was not recorded."""

from __future__ import annotations

import pytest

from framework.conformance import Stage, Status
from tests.stages.breaking import Break, line, observed, traced
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_lines, seal
from tests.support.saved_models import ZEROS, kept
from tests.support.statuses import status_of
from tests.support.tensors import save_tensors, stored

RULE = "  - equal: {variants: [dense, masked], of: [OF]}\n"
CLAUSE = "rules[2].equal.of"
MASKED = "masked.0-pretrain.tiny.seed1"


def stating(project: Project, of: str, variants: str = "dense, masked") -> Project:
    """State the rule, which changes no run."""
    return project.replace("seeds: [1", RULE.replace("OF", of).replace("dense, masked", variants) + "seeds: [1")


ALL = "optimizer_steps, samples, tokens, flops, trainable_parameters, data, parameters"


@pytest.mark.usefixtures("evidence")
@pytest.mark.parametrize("stage", [Stage.RUN, Stage.CHECKPOINT])
def test_runs_that_are_alike_conform(project: Project, stage: Stage) -> None:
    result = stating(project, ALL).verify()
    assert status_of(result, CLAUSE, stage) is Status.CONFORMS
    assert [finding.code for finding in result.findings] == []


APART: dict[str, tuple[str, Break, str]] = {
    # of, what is done to the run, what the finding says
    "steps": ("optimizer_steps", traced("masked", "pretrain", 11), "equal in optimizer_steps, and have 12 and 11"),
    "samples": ("samples", line("masked", "pretrain", 1, samples=5), "equal in samples, and have 40 and 41"),
    "tokens": ("tokens", line("masked", "pretrain", 1, tokens=9), "equal in tokens, and have 96 and 97"),
    "flops": ("flops", line("masked", "pretrain", 1, tokens=9), "equal in flops"),
    "trained parameters": (
        "trainable_parameters",
        observed("masked", "pretrain", "parameters", to={"total": 2608, "trainable": 2609}),
        "equal in trainable_parameters, and have 2,608 and 2,609",
    ),
    "examples": (
        "data",
        observed("masked", "pretrain", "data", "fingerprint", to="another"),
        "the fingerprint 'manual-as-published' and 'another'",
    ),
    "the order by batches": ("data", line("masked", "pretrain", 1, samples=5), "batches of 4 and 5"),
    "the order by the seed": (
        "data",
        observed("masked", "pretrain", "observed", "seed", to=7),
        "the seed 1 and 7",
    ),
}


@pytest.mark.parametrize("case", APART)
def test_runs_that_are_apart_are_found_at_the_other_one(project: Project, evidence: Evidence, case: str) -> None:
    of, change, message = APART[case]
    stating(project, of)
    change(evidence)
    (finding,) = [each for each in project.verify().findings if each.code == "R113"]
    assert message in finding.message
    assert finding.clause == CLAUSE
    assert finding.location is not None
    assert MASKED in finding.location.file


def test_a_share_is_admitted(project: Project, evidence: Evidence) -> None:
    """97 tokens are within 2% of 96, and not within 1%."""
    stating(project, "tokens], within: 2%, variants: [dense, masked").replace(
        "variants: [dense, masked], of: [tok", "of: [tok"
    )
    line("masked", "pretrain", 1, tokens=9)(evidence)
    assert status_of(project.verify(), CLAUSE, Stage.RUN) is Status.CONFORMS
    project.replace("within: 2%", "within: 1%")
    assert status_of(project.verify(), CLAUSE, Stage.RUN) is Status.VIOLATED


@pytest.mark.usefixtures("evidence")
def test_what_a_run_started_from_is_counted_with_it(project: Project) -> None:
    """The fine-tuned variant was pre-trained as the first was, and then trained for 6 steps more."""
    result = stating(project, "optimizer_steps", "dense, pruned").verify()
    assert {each.message.rpartition("have ")[2] for each in result.findings if each.code == "R113"} == {"12 and 18"}


UNKNOWN: dict[str, tuple[str, Break, str]] = {
    "tokens": (
        "tokens",
        lambda evidence: change_lines(
            evidence.folder("masked", "pretrain") / "steps.jsonl", lambda lines: lines[3].pop("tokens")
        ),
        "not every step's tokens are recorded",
    ),
    "a fingerprint": (
        "data",
        observed("masked", "pretrain", "data", to={"name": "manual"}),
        "the run recorded no data.fingerprint",
    ),
    "parameters": (
        "trainable_parameters",
        observed("masked", "pretrain", "parameters", to={"total": 2608}),
        "the run recorded no parameters.trainable",
    ),
    "a run": (
        "samples",
        observed("masked", "pretrain", "status", to="failed"),
        "failed: masked",
    ),
    "the steps of a log": (
        "optimizer_steps",
        lambda evidence: (observed("masked", "pretrain", "observed", to={"command": ["train"], "seed": 1})(evidence),),
        "the log does not say how many steps there were",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_was_not_recorded_is_unverified(project: Project, evidence: Evidence, case: str) -> None:
    of, change, reason = UNKNOWN[case]
    stating(project, of)
    change(evidence)
    result = project.verify()
    assert status_of(result, CLAUSE, Stage.RUN) is Status.UNVERIFIED
    clause = next(each for each in result.matrix.clauses if each.id == CLAUSE)
    assert any(reason in look.reason for look in result.matrix.looks(clause, Stage.RUN))


def test_a_variant_that_is_not_planned_is_unverified(project: Project, evidence: Evidence) -> None:
    stating(project, ALL)
    result = project.verify(plan=project.plan(variants=["dense"]))
    assert status_of(result, CLAUSE, Stage.RUN) is Status.UNVERIFIED
    assert status_of(result, CLAUSE, Stage.CHECKPOINT) is Status.UNVERIFIED


def larger(evidence: Evidence) -> None:
    """One more tensor in a saved model."""
    folder = evidence.folder("masked", "pretrain")
    weights = {name: kept(name) * 2.0 for name in ZEROS}
    save_tensors(folder / "model" / "model.safetensors", {name: stored(value) for name, value in weights.items()})
    seal(folder)


def test_saved_models_of_two_sizes_are_found(project: Project, evidence: Evidence) -> None:
    stating(project, "parameters")
    larger(evidence)
    (finding,) = [each for each in project.verify().findings if each.code == "T113"]
    assert "equal in parameters, and have 2,608 and 48" in finding.message


def test_a_saved_model_that_is_gone_is_unverified(project: Project, evidence: Evidence) -> None:
    stating(project, "parameters")
    (evidence.folder("masked", "pretrain") / "model" / "model.safetensors").unlink()
    seal(evidence.folder("masked", "pretrain"))
    assert status_of(project.verify(), CLAUSE, Stage.CHECKPOINT) is Status.UNVERIFIED


@pytest.mark.usefixtures("evidence")
@pytest.mark.parametrize(
    ("of", "run", "checkpoint"),
    [("optimizer.learning_rate", None, None), ("tokens", Status.CONFORMS, None), ("parameters", None, Status.CONFORMS)],
)
def test_a_rule_is_held_where_what_it_is_about_is_seen(
    project: Project, of: str, run: Status | None, checkpoint: Status | None
) -> None:
    result = stating(project, of).verify()
    assert status_of(result, CLAUSE, Stage.RUN) is run
    assert status_of(result, CLAUSE, Stage.CHECKPOINT) is checkpoint
