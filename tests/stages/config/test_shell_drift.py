"""What a script states is held to the manifest: the value that counts, at its place, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Severity, Status
from framework.repair.proposal import propose
from framework.stages.check import CheckResult
from tests.support.held import held as held_to

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 8}
models: {tiny: {family: gpt2}}
datasets: {text: {train_examples: 3200}}
seeds: SEEDS
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4}
    batch_size: 64
    epochs: 3
variants: {plain: {steps: [train]}}
"""
LR = "phases.train.optimizer.learning_rate"
GIVEN = "--per_device_train_batch_size 8 --num_train_epochs 3"


def held(
    root: Path, script: str, dialect: str = "hf-training-arguments", seeds: str = "[42]", keys: str = ""
) -> CheckResult:
    binding = f"  - {{file: run.sh, dialect: {dialect}, describes: phases.train{keys}}}\n"
    return held_to(root, f"{MANIFEST.replace('SEEDS', seeds)}configs:\n{binding}", {"run.sh": script})


def drifts(result: CheckResult) -> list[tuple[str, int]]:
    """Each drift of the learning rate or of the seeds with the line of the script that it stands in."""
    found = [each for each in result.findings if each.severity is Severity.ERROR and each.clause in (LR, "seeds")]
    return [(each.code, each.location.line) for each in found if each.location]


def mended(result: CheckResult) -> list[str]:
    """The texts that the repair proposes."""
    return [patch.text for patch in propose(result.experiment, result.findings).patches]


@pytest.mark.parametrize("flag", ["--learning_rate {}", "--learning_rate={}", "--learning-rate {}"])
def test_of_a_flag_that_is_given_twice_the_last_is_held(tmp_path: Path, flag: str) -> None:
    twice = f"python t.py {GIVEN} --learning_rate {{}} \\\n  {flag}\n"
    right = held(tmp_path, twice.format("7e-3", "2e-4"))
    assert drifts(right) == []
    assert right.statuses[LR] is Status.CONFORMS
    assert drifts(held(tmp_path, twice.format("2e-4", "7e-3"))) == [("C101", 2)]


def test_seeds_that_are_given_one_by_one_may_all_count(tmp_path: Path) -> None:
    result = held(tmp_path, f"python t.py {GIVEN} --learning_rate 2e-4 --seed 1 --seed 2\n", seeds="[1, 2]")
    assert drifts(result) == []
    assert result.statuses["seeds"] is Status.UNVERIFIED


def test_the_last_of_two_is_mended(tmp_path: Path) -> None:
    result = held(tmp_path, "python t.py --lr 2e-4 --lr 7e-3\n", "generic", keys=f", keys: {{--lr: {LR}}}")
    assert drifts(result) == [("C101", 1)]
    assert mended(result) == ["python t.py --lr 2e-4 --lr 2e-4\n"]


@pytest.mark.parametrize("given", ["LR=${LR:-3e-4}", ': "${LR:=3e-4}"', "LR=$1"])
def test_an_unknown_variable_is_no_rival_of_the_flag_that_uses_it(tmp_path: Path, given: str) -> None:
    result = held(tmp_path, f"{given}\npython t.py {GIVEN} --lr $LR\n", "generic")
    found = [(each.code, each.location.line) for each in result.findings if each.location and each.clause in (LR, None)]
    assert found == [("C109", 2)]
    assert result.statuses[LR] is Status.UNVERIFIED
    assert mended(result) == []


EVALUATED = [
    'CMD="{}"\neval $CMD\n',
    'CMD="{}"\neval "$CMD"\n',
    'bash -c "{}"\n',
    "\nexec sh -lc '{}'\n",
    "srun bash -c '{}'\n",
    "nohup srun --exclusive --ntasks=1 bash -c '{}'\n",
    "timeout 3h bash -c '{}'\n",
    "singularity exec --nv image.sif /bin/bash -c '{}'\n",
    "\neval {}\n",
]


@pytest.mark.parametrize("script", EVALUATED)
def test_a_command_that_is_evaluated_is_held_and_mended(tmp_path: Path, script: str) -> None:
    command = f"python t.py {GIVEN} --learning_rate 7e-3"
    result = held(tmp_path, script.format(command))
    assert [code for code, _ in drifts(result)] == ["C101"]
    right = script.format(command.replace("7e-3", "2e-4"))
    assert mended(result) == [right]
    again = held(tmp_path, right)
    assert drifts(again) == []
    assert again.statuses[LR] is Status.CONFORMS


@pytest.mark.parametrize(
    "inner", ["eval " * 3000, "cd x; t.py --learning_rate 7e-3", "t.py --name 'a b' --learning_rate 7e-3"]
)
def test_what_only_a_shell_could_take_apart_is_not_held(tmp_path: Path, inner: str) -> None:
    result = held(tmp_path, f'eval "{inner}"\npython t.py {GIVEN} --learning_rate 2e-4\n')
    assert drifts(result) == []
    assert result.statuses[LR] is Status.CONFORMS
