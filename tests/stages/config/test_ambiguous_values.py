"""A value that may be about one of several clauses: an error where it fits none, a pass where it fits all."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.stages.check import CheckResult
from tests.support.project import Project
from tests.support.statuses import status_of

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 1}
datasets: {text: {}, sst2: {}, mnli: {}}
phases:
  first:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4}
    schedule: {name: cosine, warmup: 10%}
    batch_size: 32
    epochs: 5
    precision: bf16
  second:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-4}
    schedule: {name: linear, warmup: 100 steps}
    batch_size: 64
    epochs: 5
    precision: bf16
  tune:
    objective: classification
    tasks: {sst2: {epochs: 5}, mnli: {epochs: 10}}
    optimizer: {name: adamw, learning_rate: 1e-4}
    batch_size: 32
variants:
  one: {steps: [first, second]}
  other: {steps: [{first: {set: {precision: fp32}}}, second]}
seeds: [1, 2]
configs:
  - {file: a.yaml, dialect: generic, ABOUT}
"""


def _checked(tmp_path: Path, text: str, about: str = "variant: one") -> CheckResult:
    project = Project(tmp_path, MANIFEST.replace("ABOUT", about))
    project.write("a.yaml", f"{text}seed: 1\n")
    return project.check()


def _told(result: CheckResult) -> list[tuple[str, str]]:
    found = [finding for finding in result.findings if finding.location and finding.location.file == "a.yaml"]
    return [(finding.code, str(finding.location)) for finding in found]


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("precision: fp16\n", "variant: one"),
        ("system: {mixed_precision: fp16}\n", "variant: one"),
        ("learning_rate: 3e-4\n", "variant: one"),
        ("scheduler: constant\n", "variant: one"),
        ("optimizer: sgd\n", "variant: one"),
        ("num_epochs: 3\n", "describes: phases.tune"),
    ],
)
def test_a_value_that_fits_none_is_an_error_told_once(tmp_path: Path, text: str, about: str) -> None:
    result = _checked(tmp_path, text, about)
    [(code, _)] = _told(result)
    assert code == "C101"
    [finding] = [each for each in result.findings if each.code == "C101"]
    assert not finding.repairable
    assert finding.clause is not None
    assert status_of(result, finding.clause, Stage.CONFIG) is Status.VIOLATED


@pytest.mark.parametrize(
    ("text", "clause"),
    [("precision: bf16\n", "precision"), ("epochs: 5\n", "epochs"), ("optim: AdamW\n", "optimizer.name")],
)
def test_a_value_that_fits_all_conforms_whichever_it_is(tmp_path: Path, text: str, clause: str) -> None:
    result = _checked(tmp_path, text)
    assert _told(result) == []
    for phase in ("first", "second"):
        assert status_of(result, f"phases.{phase}.{clause}", Stage.CONFIG) is Status.CONFORMS


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("learning_rate: 2e-4\n", "variant: one"),  # the first's
        ("precision: fp32\n", "required: true"),  # what a variant sets, and no variant is named
        ("warmup_steps: 100\n", "variant: one"),  # how many steps 10 % are is not known
        ("learning_rate: ${lr}\n", "variant: one"),
        ("num_epochs: 10\n", "describes: phases.tune"),
    ],
)
def test_a_value_that_one_may_take_stays_ambiguous(tmp_path: Path, text: str, about: str) -> None:
    told = {code for code, _ in _told(_checked(tmp_path, text, about))}
    assert "C130" in told
    assert "C101" not in told
