"""Fifteen papers of other fields beside the configs of their repositories: every fact stated, every drift found.

Each folder is a public report that a paper and its repository disagree, with keys and values
as the repository has them.
"""

from __future__ import annotations

import shutil
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import pytest

from framework.api import check, load
from framework.conformance import Severity, Stage, Status
from framework.errors import InputError
from framework.planning.build import build, complete

HERE = Path(__file__).parent


class Answer(NamedTuple):
    """What is right: the errors by code and place, and the clauses that a file agrees with."""

    errors: tuple[str, ...] = ()
    conforms: tuple[str, ...] = ()


TRAIN = "phases.train"
PAPERS = {
    "dreamerv2": Answer(("C101 dreamerv2/configs.yaml:6",)),
    "soco": Answer(
        (),
        (
            "phases.pretrain.optimizer.name",
            "phases.pretrain.optimizer.settings.base_learning_rate",
            "phases.pretrain.optimizer.weight_decay",
        ),
    ),
    "mobile": Answer(("C101 configs/gym/hopper_random.py:7",)),
    "neroic": Answer((), ("phases.geometry.settings.lambda_tr", "phases.rendering.settings.lambda_tr")),
    "grokking": Answer(
        (),
        (
            "variants.figure_1.steps[0].train.set.max_steps",
            'variants.figure_1.steps[0].train.set."optimizer.weight_decay"',
        ),
    ),
    "smart": Answer(("C101 configs/train/train_scalable.yaml:19", "C102 smart/model/smart.py:8")),
    "cps": Answer(("C101 exp.voc/voc8/config.py:20",), (f"{TRAIN}.optimizer.momentum",)),
    # The key that stands twice is true as well.
    "deadend": Answer(
        ("C101 config_sepsis.yaml:10", "C101 config_sepsis.yaml:12", "C121 config_sepsis.yaml:9"),
    ),
    "stormer": Answer(("C101 configs/pretrain_one_step.yaml:4",)),
    "siamcar": Answer(("C101 experiments/siamcar_r50/config.yaml:13",), (f"{TRAIN}.schedule.warmup.from",)),
    "hifigan": Answer((), ("models.V1.settings.dilations", "models.V1.settings.kernel_sizes")),
    "vla_adapter": Answer(("C101 vla-scripts/finetune.py:12",)),
    "smollm": Answer(
        ("C101 config_smollm1_135M.yaml:19", "C101 config_smollm1_135M.yaml:20"),
        ("phases.pretrain.batch_size", "phases.pretrain.length", "phases.pretrain.schedule.decay.shape"),
    ),
    "tofu": Answer(("C101 config/forget.yaml:11",), ("phases.forget.optimizer.learning_rate",)),
    "tabpfn": Answer(("C101 tabpfn/PriorFittingCustomPrior.ipynb:13",), (f"{TRAIN}.batch_size",)),
}


@pytest.fixture
def paper(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a paper's folder."""
    return Path(shutil.copytree(HERE / request.param, tmp_path / "paper"))


def test_each_folder_has_an_answer() -> None:
    assert {path.name for path in HERE.iterdir() if (path / "experiment.yaml").is_file()} == set(PAPERS)


@pytest.mark.parametrize(("paper", "answer"), PAPERS.items(), indirect=["paper"], ids=list(PAPERS))
def test_every_drift_is_found_at_its_line_and_nothing_else_is_an_error(paper: Path, answer: Answer) -> None:
    with chdir(paper):
        result = check(load())
    errors = [each for each in result.findings if each.severity is Severity.ERROR]
    assert {f"{each.code} {each.location.file}:{each.location.line}" for each in errors if each.location} == set(
        answer.errors
    )
    assert all(each.location for each in errors)
    held = {
        clause.id
        for clause in result.experiment.clauses
        if result.matrix.status(clause, Stage.CONFIG) is Status.CONFORMS
    }
    assert held == set(answer.conforms)


@pytest.mark.parametrize("paper", PAPERS, indirect=True)
def test_what_only_a_run_needs_is_missed_by_the_plan_alone(paper: Path) -> None:
    with chdir(paper):
        experiment = load()
        plan = build(experiment)
        if not experiment.stated.phases:
            return
        with pytest.raises(InputError) as refused:
            complete(plan)
    told = [str(problem) for problem in refused.value.problems]
    assert any("states no model" in each or "models." in each for each in told)
    assert all(problem.location for problem in refused.value.problems), told


@pytest.mark.parametrize("paper", PAPERS, indirect=True)
def test_the_manifest_states_nothing_but_facts_of_the_paper(paper: Path) -> None:
    assert len((paper / "experiment.yaml").read_text().splitlines()) <= 18
    with chdir(paper):
        for clause in load().clauses:
            assert clause.value is not None, clause.id
