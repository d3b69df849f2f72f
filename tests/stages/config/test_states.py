"""What a binding says that every file states, whatever the key; and that there is none of something."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Finding, Stage, Status
from framework.stages.check import CheckResult
from tests.support.held import STUDY
from tests.support.project import Project
from tests.support.statuses import codes, status_of

MANIFEST = (
    STUDY
    + """\
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 5e-5, weight_decay: 0.1, betas: [0.9, 0.999]}
    schedule: {name: linear, warmup: 10%}
    batch_size: 32
    epochs: 3
variants:
  plain: {steps: [train]}
  other: {steps: [{train: {set: {optimizer.learning_rate: 1e-4}}}]}
"""
)
TRAIN = "phases.train"
HF = "dialect: hf-training-arguments"
EXPLICIT = "keys: {optim.name: optimizer.name, optim.lr: optimizer.learning_rate}"


def project(folder: Path, binding: str, states: str, config: str, *changes: tuple[str, str]) -> Project:
    text = f"{MANIFEST}configs:\n  - {{file: configs/*.yaml, describes: phases.train, {binding}, states: [{states}]}}\n"
    made = Project(folder, text, config)
    for old, new in changes:
        made.replace(old, new)
    return made


def unstated(result: CheckResult) -> list[Finding]:
    return [finding for finding in result.findings if finding.code == "C123"]


STATED = {
    # binding, clauses, file
    "by an explicit key": (EXPLICIT, "optimizer.name, optimizer.learning_rate", "optim: {name: adamw, lr: 5e-5}\n"),
    "by its dialect": (HF, "optimizer.learning_rate, schedule.warmup", "learning_rate: 5.0e-5\nwarmup_ratio: 0.1\n"),
    "in another unit": (HF, "schedule.warmup", "learning_rate: 5.0e-5\nwarmup_steps: 30\n"),
    "by one factor of the batch": (HF, "batch_size", "per_device_train_batch_size: 32\n"),
    "by an item of a list": (HF, '"optimizer.betas[1]"', "adam_beta2: 0.999\n"),
    "by its whole name": (HF, "phases.train.optimizer.learning_rate", "learning_rate: 5.0e-5\n"),
    "of a variant": (f"variant: other, {HF}", "optimizer.learning_rate", "learning_rate: 1.0e-4\n"),
}


@pytest.mark.parametrize("case", STATED)
def test_a_file_that_states_it_by_some_key_conforms(tmp_path: Path, case: str) -> None:
    assert unstated(project(tmp_path, *STATED[case]).check()) == []


UNSTATED = {
    # binding, clauses, file, the clause, what the finding says
    "among its sisters": (
        EXPLICIT,
        "optimizer.weight_decay",
        "«optim: {name: adamw, lr: 5e-5}\n",
        f"{TRAIN}.optimizer.weight_decay",
        ("states phases.train.optimizer.weight_decay", "declares as 0.1", "a key that states 0.1", "bind it"),
    ),
    "at the root": (
        f"{EXPLICIT}, ignore: [log]",
        "schedule.warmup",
        "«log: 1\noptim: {name: adamw, lr: 5e-5}\n",
        f"{TRAIN}.schedule.warmup",
        ("declares as 10%",),
    ),
    "by the key that its trainer has": (
        HF,
        "optimizer.weight_decay",
        "«learning_rate: 5.0e-5\n",
        f"{TRAIN}.optimizer.weight_decay",
        ("`weight_decay: 0.1`",),
    ),
    "though the default says the same": (
        HF,
        "optimizer.learning_rate",
        "«weight_decay: 0.1\n",
        f"{TRAIN}.optimizer.learning_rate",
        ("declares as 5e-05", "`learning_rate: 5e-05`"),
    ),
    "of a list that has another item": (
        HF,
        '"optimizer.betas[1]"',
        "«adam_beta1: 0.9\n",
        f"{TRAIN}.optimizer.betas",
        ("states phases.train.optimizer.betas[1]", "`adam_beta2: 0.999`"),
    ),
    "by its explicit key, that may be absent": (
        "keys: {optim.name: optimizer.name, optim.lr: optimizer.learning_rate}, required: false",
        "optimizer.learning_rate",
        "«optim: {name: adamw}\n",
        f"{TRAIN}.optimizer.learning_rate",
        ("`optim.lr: 5e-05`",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSTATED)
def test_a_file_that_does_not_is_found_where_it_would_stand(tmp_path: Path, case: str) -> None:
    binding, states, config, clause, words = UNSTATED[case]
    made = project(tmp_path, binding, states, config)
    result = made.check()
    (finding,) = unstated(result)
    assert (str(finding.location), finding.clause) == (made.place, clause)
    text = f"{finding.message} {finding.advice}"
    assert [word for word in words if word not in text] == []
    assert status_of(result, clause, Stage.CONFIG) is Status.VIOLATED


def test_each_file_of_a_pattern_must_state_it(tmp_path: Path) -> None:
    made = project(tmp_path, HF, "optimizer.learning_rate", "learning_rate: 5.0e-5\n")
    made.write("configs/second.yaml", "weight_decay: 0.1\n")
    (finding,) = unstated(made.check())
    assert finding.location is not None
    assert finding.location.file == "configs/second.yaml"


def test_a_key_that_is_not_surely_about_it_does_not_state_it(tmp_path: Path) -> None:
    """With two devices, a bare `batch_size` is one device's, or the whole."""
    devices = ("models:", "hardware: {count: 2}\nmodels:")
    made = project(tmp_path, "dialect: generic", "batch_size", "learning_rate: 5.0e-5\nbatch_size: 32\n", devices)
    assert codes(made.check()) == ["C123", "C130"]


def test_another_binding_of_the_file_may_state_it(tmp_path: Path) -> None:
    made = project(tmp_path, EXPLICIT, "optimizer.weight_decay", "optim: {name: adamw, lr: 5e-5, wd: 0.1}\n")
    made.append("  - {file: configs/*.yaml, describes: phases.train, keys: {optim.wd: optimizer.weight_decay}}\n")
    assert unstated(made.check()) == []


def test_an_explicit_key_that_is_missing_is_told_once(tmp_path: Path) -> None:
    made = project(tmp_path, EXPLICIT, "optimizer.learning_rate", "optim: {name: adamw}\n")
    assert codes(made.check()) == ["C102"]


def test_a_default_that_differs_is_told_once(tmp_path: Path) -> None:
    made = project(tmp_path, HF, "optimizer.weight_decay, schedule.warmup", "learning_rate: 5.0e-5\n")
    found = [(each.code, each.clause) for each in made.check().findings if each.clause and "batch" not in each.clause]
    assert found == [("C123", f"{TRAIN}.optimizer.weight_decay"), ("C123", f"{TRAIN}.schedule.warmup")]


def test_what_a_file_of_unknown_parts_does_not_state_is_unverified(tmp_path: Path) -> None:
    """Hydra composes it with a group that is not there."""
    made = project(tmp_path, "dialect: hydra", "optimizer.learning_rate", "defaults: [gone: part]\nepochs: 3\n")
    result = made.check()
    assert unstated(result) == []
    assert status_of(result, f"{TRAIN}.optimizer.learning_rate", Stage.CONFIG) is Status.UNVERIFIED


def test_a_clause_that_does_not_exist_is_refused_at_its_place(tmp_path: Path) -> None:
    made = project(tmp_path, HF, "«optimizer.learning_rat", "learning_rate: 5.0e-5\n")
    outcome = made.cli("check")
    assert outcome.code == 2
    assert made.place in outcome.err
    assert "no clause 'optimizer.learning_rat'" in outcome.err


# There is none of something

NONE = ("weight_decay: 0.1", "weight_decay: none")
DECAY = f"{TRAIN}.optimizer.weight_decay"
ABSENT = {
    # binding, file, manifest, the clause, what a check finds of it
    "no such key": ("keys: {lr: optimizer.learning_rate, wd: optimizer.weight_decay}", "lr: 5e-5\n", NONE, DECAY, None),
    "a key that says so": ("keys: {wd: optimizer.weight_decay}", "wd: 0\n", NONE, DECAY, None),
    "a key with a value": ("keys: {wd: optimizer.weight_decay}", "wd: 0.1\n", NONE, DECAY, "C101"),
    "a default of nothing": (HF, "learning_rate: 5.0e-5\n", NONE, DECAY, None),
    "a value in the dialect": (HF, "weight_decay: 0.1\n", NONE, DECAY, "C101"),
    "nothing in the dialect": (HF, "weight_decay: 0.0\n", NONE, DECAY, None),
    "a default that is something": (
        "dialect: torchtune",
        "optimizer: {_component_: torch.optim.AdamW, lr: 5e-5}\n",
        NONE,
        DECAY,
        "C131",
    ),
    "a clipping by default": (
        HF,
        "learning_rate: 5.0e-5\n",
        ("    epochs: 3", "    max_grad_norm: none\n    epochs: 3"),
        f"{TRAIN}.max_grad_norm",
        "C131",
    ),
}


@pytest.mark.parametrize("states", ["", "STATED"])
@pytest.mark.parametrize("case", ABSENT)
def test_none_is_stated_by_saying_nothing_unless_the_trainer_then_does_something(
    tmp_path: Path, case: str, states: str
) -> None:
    binding, config, change, clause, code = ABSENT[case]
    result = project(tmp_path, binding, states and clause, config, change).check()
    assert [each.code for each in result.findings if each.clause == clause] == ([code] if code else [])
    assert status_of(result, clause, Stage.CONFIG) is (Status.VIOLATED if code else Status.CONFORMS)


STOPPING = ("    epochs: 3\n", "    epochs: 3\n    early_stopping: {metric: loss, patience: 3}\n")
ALL = "optimizer.name, batch_size, schedule.warmup, early_stopping"


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("training:\n  lr: 5e-5\n  schedule: {name: linear}\n", ["batch_size", "metric", "name", "warmup"]),
        ("lr: 5e-5\nearly_stopping: {patience: 3}\noptimizer: adamw\nbatch_size: 32\nwarmup_ratio: 0.1\n", []),
        ("lr: 5e-5\nearly_stopping_patience: 3\nepochs: 3\noptimizer: adamw\n", ["batch_size", "warmup"]),
    ],
)
def test_of_a_section_any_clause_is_enough(tmp_path: Path, text: str, absent: list[str]) -> None:
    made = project(tmp_path, "dialect: generic", ALL, text, STOPPING)
    found = unstated(made.check())
    assert sorted(str(finding.clause).rpartition(".")[2] for finding in found) == absent
    assert all(finding.location is not None for finding in found)
