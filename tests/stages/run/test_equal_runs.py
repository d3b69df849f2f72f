"""Runs and saved models of variants that must be alike: what they really took and hold."""

from __future__ import annotations

import pytest

from framework.conformance import Stage, Status
from tests.stages.breaking import Break, line, observed, traced
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import seal
from tests.support.saved_models import SHAPES, ZEROS, kept, write_model
from tests.support.statuses import codes, status_of

RULES = "rules:\n"
CLAUSE = "rules[0].equal.of"


def wider(evidence: Evidence) -> None:
    """A saved model with one weight more in a tensor."""
    import numpy

    folder = evidence.folder("masked", "pretrain")
    rows, columns = SHAPES["wte.weight"]
    write_model(folder, {name: kept(name) for name in ZEROS}, wte=numpy.ones((rows + 1, columns)))
    seal(folder)


def further(evidence: Evidence) -> None:
    line("masked", "pretrain", 1, tokens=9)(evidence)


BROKEN: dict[str, tuple[str, str, Break, tuple[object, object]]] = {
    # what is apart: (code, in what they must be alike, how it is broken, the two values)
    "steps": ("R113", "optimizer_steps", traced("masked", "pretrain", 11), (12, 11)),
    "samples": ("R113", "samples", line("masked", "pretrain", 2, samples=3), (40, 39)),
    "tokens": ("R113", "tokens", further, (96, 97)),
    "trained parameters": (
        "R113",
        "trainable_parameters",
        observed("masked", "pretrain", "parameters", "trainable", to=2607),
        (2608, 2607),
    ),
    "the data": (
        "R113",
        "data",
        observed("masked", "pretrain", "data", "fingerprint", to="another"),
        ("manual-as-published", "another"),
    ),
    "parameters": ("T113", "parameters", wider, (136, 140)),
}


def ruled(project: Project, of: str, within: str = "") -> None:
    rule = f"  - equal: {{variants: [dense, masked], of: [{of}]{within}}}\n"
    project.replace(RULES, RULES + rule)


@pytest.mark.parametrize("case", BROKEN)
def test_runs_that_are_apart_are_found(project: Project, evidence: Evidence, case: str) -> None:
    code, of, broken, values = BROKEN[case]
    ruled(project, of)
    assert code not in codes(project.verify())
    broken(evidence)
    found = [finding for finding in project.verify().findings if finding.code == code]
    assert [(each.expected, each.actual) for each in found] == [values]
    assert found[0].clause == CLAUSE
    assert found[0].location is not None
    assert found[0].location.file.startswith("runs/masked.0-pretrain")


@pytest.mark.parametrize("of", sorted({of for _, of, *_ in BROKEN.values()}))
def test_runs_that_are_alike_conform(project: Project, evidence: Evidence, of: str) -> None:
    ruled(project, of)
    stage = Stage.CHECKPOINT if of == "parameters" else Stage.RUN
    assert status_of(project.verify(), CLAUSE, stage) is Status.CONFORMS


def test_they_may_lie_apart_by_the_stated_share(project: Project, evidence: Evidence) -> None:
    ruled(project, "optimizer_steps", ", within: 9%")
    traced("masked", "pretrain", 11)(evidence)
    assert "R113" not in codes(project.verify())


def test_what_is_not_recorded_is_not_verified(project: Project, evidence: Evidence) -> None:
    ruled(project, "tokens")
    import json

    path = evidence.folder("masked", "pretrain") / "steps.jsonl"
    lines = [json.loads(each) for each in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in each.items() if k != "tokens"}) + "\n" for each in lines))
    seal(path.parent)
    result = project.verify()
    assert status_of(result, CLAUSE, Stage.RUN) is Status.UNVERIFIED
    assert "R113" not in codes(result)
