"""A metric that is stated with its direction and unit, in configs and at the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.support.evidence import Evidence
from tests.support.held import STUDY
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.statuses import codes, status_of

MANIFEST = (
    STUDY
    + """\
phases:
  train:
    objective: translation
    dataset: text
    metric: METRIC
    epochs: 3
configs:
  - {file: configs/pretrain.yaml, describes: phases.train, BINDING}
"""
)
HF = "dialect: hf-training-arguments, required: false"
BLEU = "{name: bleu, direction: higher, unit: percent}"
WER = "{name: wer, direction: lower}"


def project(folder: Path, metric: str, config: str, binding: str = HF) -> Project:
    return Project(folder, MANIFEST.replace("METRIC", metric).replace("BINDING", binding), config)


ALIKE = {
    # the manifest's metric, the file, the clause that conforms
    "as stated": (BLEU, "metric_for_best_model: bleu\ngreater_is_better: true\n", "metric.direction"),
    "by another name of it": (BLEU, "metric_for_best_model: eval/bleu\ngreater_is_better: true\n", "metric.direction"),
    "by the trainer's default": (BLEU, "metric_for_best_model: eval_bleu\n", "metric.direction"),
    "an empty key": (BLEU, "metric_for_best_model: eval_bleu\ngreater_is_better: null\n", "metric.direction"),
    "a loss by default": ("{name: loss, direction: lower}", "metric_for_best_model: eval_loss\n", "metric.direction"),
    "lower": (WER, "metric_for_best_model: wer\ngreater_is_better: false\n", "metric.direction"),
    "a usual direction": ("accuracy", "metric_for_best_model: eval_accuracy\ngreater_is_better: true\n", "metric"),
    "a name of its own with a unit": (
        "{name: accuracy, unit: percent}",
        "metric_for_best_model: acc\ngreater_is_better: true\n",
        "metric.name",
    ),
}


@pytest.mark.parametrize("case", ALIKE)
def test_a_file_that_chooses_in_the_stated_direction_conforms(tmp_path: Path, case: str) -> None:
    metric, config, clause = ALIKE[case]
    result = project(tmp_path, metric, f"num_train_epochs: 3\n{config}").check()
    assert result.findings == []
    assert status_of(result, f"phases.train.{clause}", Stage.CONFIG) is Status.CONFORMS


ROUND = {
    "turned round": (BLEU, "metric_for_best_model: bleu\ngreater_is_better: «false\n", "greater_is_better is false"),
    "by the trainer's default": (WER, "metric_for_best_model: «eval_wer\n", "of which transformers takes the higher"),
    "of a usual direction": (
        "accuracy",
        "metric_for_best_model: accuracy\ngreater_is_better: «false\n",
        "of accuracy the higher values are the better ones",
    ),
}


@pytest.mark.parametrize("case", ROUND)
def test_a_file_that_takes_the_better_for_the_worse_is_found(tmp_path: Path, case: str) -> None:
    metric, config, message = ROUND[case]
    made = project(tmp_path, metric, f"num_train_epochs: 3\n{config}")
    (finding,) = made.check().findings
    assert (finding.code, str(finding.location)) == ("C142", made.place)
    assert message in finding.message
    assert finding.advice


@pytest.mark.parametrize(("mode", "code"), [("max", []), ("min", ["C142"])])
def test_lightning_says_it_by_a_mode(tmp_path: Path, mode: str, code: list[str]) -> None:
    made = project(
        tmp_path, BLEU, f"epochs: 3\ncheckpoint: {{monitor: val_bleu, mode: {mode}}}\n", "keys: {epochs: epochs}"
    )
    assert [each for each in codes(made.check()) if each != "C120"] == code


@pytest.mark.parametrize(
    "config",
    [
        "metric_for_best_model: chrf\ngreater_is_better: false\n",  # another metric
        "metric_for_best_model: bleu\ngreater_is_better: ${better}\n",  # only its program knows
        "greater_is_better: false\n",  # of what?
    ],
)
def test_what_is_not_known_to_be_about_it_is_not_held(tmp_path: Path, config: str) -> None:
    assert "C142" not in codes(project(tmp_path, BLEU, f"num_train_epochs: 3\n{config}").check())


def test_a_metric_of_the_papers_own_without_a_direction_has_none(tmp_path: Path) -> None:
    config = "num_train_epochs: 3\nmetric_for_best_model: drift\ngreater_is_better: false\n"
    assert project(tmp_path, "drift", config).check().findings == []


@pytest.mark.parametrize(("better", "code"), [("true", []), ("false", ["C101"]), ("max", []), ("min", ["C101"])])
def test_a_bound_key_states_the_direction_in_its_trainers_words(tmp_path: Path, better: str, code: list[str]) -> None:
    keys = "keys: {epochs: epochs, best.metric_for_best_model: metric.name, best.greater_is_better: metric.direction}"
    best = f"best: {{metric_for_best_model: eval_bleu, greater_is_better: {better}}}"
    made = project(tmp_path, BLEU, f"epochs: 3\n{best}\n", keys)
    assert codes(made.check()) == code


@pytest.mark.parametrize(("name", "status"), [("eval_bleu", Status.CONFORMS), ("eval_chrf", Status.VIOLATED)])
def test_the_dialect_knows_the_watched_metric_by_its_name(tmp_path: Path, name: str, status: Status) -> None:
    watching = f"num_train_epochs: 3\nearly_stopping_patience: 2\nmetric_for_best_model: {name}\n"
    made = project(tmp_path, BLEU, watching)
    made.replace("    epochs: 3\n", f"    epochs: 3\n    early_stopping: {{metric: {BLEU}, patience: 2}}\n")
    assert status_of(made.check(), "phases.train.early_stopping.metric.name", Stage.CONFIG) is status


def test_a_binding_may_name_the_metric_without_its_name(tmp_path: Path) -> None:
    made = project(tmp_path, BLEU, "epochs: 3\nbest: chrf\n", "keys: {epochs: epochs, best: metric}")
    assert [(each.code, each.clause) for each in made.check().findings] == [("C101", "phases.train.metric.name")]


@pytest.mark.parametrize(
    ("name", "status"), [("f1", Status.CONFORMS), ("eval/f1", Status.CONFORMS), ("f2", Status.VIOLATED)]
)
def test_a_run_is_held_to_the_name_of_it(tmp_path: Path, name: str, status: Status) -> None:
    made = Project(tmp_path).replace("metric: f1}", "metric: {name: f1, direction: higher, unit: percent}}")
    evidence = Evidence(made)
    change_record(
        evidence.folder("pruned", "finetune"), lambda record: record.metrics.update({name: record.metrics.pop("f1")})
    )
    assert status_of(made.verify(), "phases.finetune.tasks.topics.metric.name", Stage.RUN) is status
