"""Each bound file is judged on its own: what one states vouches for no other, unless both configure one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.conformance.matrix import file_of
from framework.stages.check import CheckResult
from tests.support.project import Project
from tests.support.statuses import status_of

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 1}
datasets:
  text: {}
  sst2: {}
  mnli: {}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1, eps: 1e-6}
    schedule: {name: cosine, warmup: 10%}
    batch_size: 32
    epochs: 5
    precision: bf16
  tune:
    objective: classification
    tasks: {sst2: {epochs: 5}, mnli: {epochs: 10}}
    optimizer: {name: adamw, learning_rate: 1e-4}
    batch_size: 32
    early_stopping: {metric: accuracy, patience: 3}
variants:
  one: {steps: [train]}
  two: {steps: [train]}
seeds: [1, 2]
configs:
"""
TRAIN = "phases.train"
FULL = "learning_rate: 2e-4\nbatch_size: 32\nepochs: 5\nweight_decay: 0.1\nprecision: bf16\n"
SHORT = "learning_rate: 2e-4\nbatch_size: 32\nepochs: 5\n"


def _checked(tmp_path: Path, bindings: str, files: dict[str, str], manifest: str = MANIFEST) -> CheckResult:
    project = Project(tmp_path, manifest + bindings)
    for name, text in files.items():
        project.write(name, text)
    return project.check()


def _open(result: CheckResult, clause: str) -> set[str]:
    """The files in which a clause is unverified."""
    looks = result.matrix.verdicts
    return {file_of(v) for v in looks if v.clause == clause and v.status is Status.UNVERIFIED}


def _places(result: CheckResult, code: str) -> list[str]:
    return [str(finding.location) for finding in result.findings if finding.code == code]


EACH = (
    "  - {file: contract.yaml, dialect: generic, describes: phases.train}\n"
    '  - {file: "runs/*.yaml", dialect: generic, describes: phases.train}\n'
)


@pytest.mark.parametrize("clause", ["optimizer.weight_decay", "precision"])
def test_what_one_file_states_is_unverified_in_those_that_say_nothing_of_it(tmp_path: Path, clause: str) -> None:
    files = {"contract.yaml": FULL, "runs/a.yaml": SHORT, "runs/b.yaml": SHORT, "runs/c.yaml": FULL}
    result = _checked(tmp_path, EACH, files)
    assert _open(result, f"{TRAIN}.{clause}") == {"runs/a.yaml", "runs/b.yaml"}
    assert status_of(result, f"{TRAIN}.{clause}", Stage.CONFIG) is Status.UNVERIFIED
    assert status_of(result, f"{TRAIN}.epochs", Stage.CONFIG) is Status.CONFORMS
    assert result.matrix.by_file(
        next(c for c in result.matrix.clauses if c.id == f"{TRAIN}.{clause}"), Stage.CONFIG
    ) == {
        "contract.yaml": Status.CONFORMS,
        "runs/a.yaml": Status.UNVERIFIED,
        "runs/b.yaml": Status.UNVERIFIED,
        "runs/c.yaml": Status.CONFORMS,
    }


def test_files_that_are_no_training_and_parts_of_one_have_nothing_more_to_state(tmp_path: Path) -> None:
    files = {
        "lengths.yaml": "batch_size: 32\nepochs: 5\n",
        "optimizer.yaml": "learning_rate: 2e-4\nweight_decay: 0.1\n",
        "numbers.yaml": "precision: bf16\n",
    }
    bindings = "".join(f"  - {{file: {name}, dialect: generic, describes: phases.train}}\n" for name in files)
    result = _checked(tmp_path, bindings, files)
    assert not [v for v in result.matrix.verdicts if v.reason.endswith("says nothing of it")]


def test_a_launcher_completes_the_file_that_it_names(tmp_path: Path) -> None:
    bindings = (
        "  - {file: a.yaml, dialect: generic, describes: phases.train, variant: one}\n"
        "  - {file: b.yaml, dialect: generic, describes: phases.train, variant: one}\n"
        "  - {file: run.sh, dialect: generic, describes: phases.train, variant: one}\n"
    )
    launcher = "python train.py --config a.yaml --learning-rate 2e-4 --weight-decay 0.1\n"
    result = _checked(tmp_path, bindings, {"a.yaml": SHORT, "b.yaml": SHORT, "run.sh": launcher})
    assert _open(result, f"{TRAIN}.optimizer.weight_decay") == {"b.yaml"}


def test_a_value_that_is_not_known_is_told_of_each_variant(tmp_path: Path) -> None:
    files = {"one.yaml": "warmup_ratio: 0.1\n" + SHORT, "two.yaml": "warmup_steps: 2000\n" + SHORT}
    bindings = "".join(
        f"  - {{file: {name}.yaml, dialect: generic, describes: phases.train, variant: {name}}}\n"
        for name in ("one", "two")
    )
    result = _checked(tmp_path, bindings, files)
    assert _places(result, "C109") == ["two.yaml:1:15"]


def test_a_default_counts_in_each_file_of_a_trainer(tmp_path: Path) -> None:
    arguments = "learning_rate: 2e-4\nper_device_train_batch_size: 32\nnum_train_epochs: 5\nweight_decay: 0.1\n"
    silent = arguments.replace("weight_decay: 0.1\n", "")
    bindings = (
        "  - {file: contract.yaml, dialect: generic, describes: phases.train}\n"
        '  - {file: "runs/*.yaml", dialect: hf-training-arguments, describes: phases.train}\n'
    )
    contract = FULL
    result = _checked(tmp_path, bindings, {"contract.yaml": contract, "runs/a.yaml": arguments, "runs/b.yaml": silent})
    found = [finding for finding in result.findings if finding.code == "C131" and "weight_decay" in str(finding.clause)]
    assert [finding.location.file for finding in found if finding.location] == ["runs/b.yaml"]


TASKS = """\
  - file: a.yaml
    describes: phases.tune
    keys: {epochs.sst2: tasks.sst2.epochs, epochs.mnli: tasks.mnli.epochs}
"""
TUNED = "epochs: {sst2: 5, mnli: 10}\nearly_stopping: {metric: accuracy, patience: 3}\n"


def test_one_number_for_all_tasks_and_no_early_stopping_are_told_of_each_file(tmp_path: Path) -> None:
    bindings = TASKS + "  - {file: b.yaml, describes: phases.tune, keys: {lr: optimizer.learning_rate}}\n"
    result = _checked(tmp_path, bindings, {"a.yaml": "lr: 1e-4\n" + TUNED, "b.yaml": "lr: 1e-4\nnum_epochs: 3\n"})
    # `lr` of the first is bound to nothing: the two are parts of one training as far as is known
    assert _places(result, "C106") == []
    both = TASKS.replace("keys: {", "keys: {lr: optimizer.learning_rate, ") + bindings.removeprefix(TASKS)
    result = _checked(tmp_path, both, {"a.yaml": "lr: 1e-4\n" + TUNED, "b.yaml": "lr: 1e-4\nnum_epochs: 3\n"})
    assert _places(result, "C106") == ["b.yaml:2:13"]
    assert _places(result, "C140") == ["b.yaml:2:13"]


def test_the_formats_name_what_is_unverified_with_the_files(tmp_path: Path) -> None:
    files = {"contract.yaml": FULL, "runs/a.yaml": SHORT, "runs/b.yaml": SHORT, "runs/c.yaml": FULL}
    _checked(tmp_path, EACH, files)
    project = Project(tmp_path, MANIFEST + EACH)
    line = "phases.train.precision conforms in 2 of 4 files, unverified in 2: runs/a.yaml, runs/b.yaml"
    assert line in project.cli("check").out
    assert line.replace("_", "\\_") in project.cli("check", "--format", "markdown").out
    assert line.removeprefix("phases.train.precision ") in project.cli("check", "--format", "junit").out
    told = {each["clause"]: each for each in project.cli("check", "--format", "json").json["unverified"]}
    assert told["phases.train.precision"]["files"] == ["runs/a.yaml", "runs/b.yaml"]
    assert told["phases.train.precision"]["conforms"] == 2
    assert told["phases.train.optimizer.eps"]["files"] == []
    [silent] = [line for line in project.cli("check").out.splitlines() if "stated by no config file" in line]
    assert silent.endswith(f"{sum(not each['files'] for each in told.values())} clauses (--format json names all)")
