"""What files state and nobody can read: never a pass, said with its reason where nothing else settles the clause."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Finding, Severity, Stage, Status
from framework.stages.check import CheckResult
from tests.dialects.examples import PHASE
from tests.dialects.test_binding import ARGS, HF, held, status

RATE = f"{PHASE}.optimizer.learning_rate"


def of(result: CheckResult, code: str) -> list[Finding]:
    return [each for each in result.findings if each.code == code]


def test_a_value_that_only_its_program_knows_says_why(tmp_path: Path) -> None:
    """The clause stays unverified, and the finding has the place, the reason and what is declared."""
    result = held(tmp_path, HF, {"a.yaml": ARGS.replace("0.0002", '"${oc.env:LR}"')})
    assert status(result, RATE) is Status.UNVERIFIED
    found = of(result, "C109")
    assert len(found) == 1
    assert found[0].severity is Severity.WARNING
    assert found[0].clause == RATE
    assert "oc.env:LR" in found[0].message
    assert "0.0002" in found[0].message
    assert found[0].location is not None
    assert (found[0].location.file.rpartition("/")[2], found[0].location.key) == ("a.yaml", "learning_rate")


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ("--learning_rate $LR", ("$LR", "comes from outside")),
        ("--learning_rate ${LR:-3e-4}", ("comes from outside", "unless something else decides, it is 0.0003")),
        ("--learning_rate $(cat lr.txt)", ("a substitution",)),
    ],
)
def test_the_readers_reason_is_the_verdicts(tmp_path: Path, rate: str, words: tuple[str, ...]) -> None:
    script = f"python train.py --num_train_epochs 3 --per_device_train_batch_size 8 {rate}\n"
    configs = "  - {file: run.sh, dialect: hf-training-arguments, describes: phases.train}\n"
    result = held(tmp_path, configs, {"run.sh": script})
    assert status(result, RATE) is Status.UNVERIFIED
    looks = [each for each in result.matrix.verdicts if each.clause == RATE and each.stage is Stage.CONFIG]
    for word in words:
        assert word in of(result, "C109")[0].message
    assert any(words[0] in each.reason for each in looks)
    assert not [each for each in of(result, "C101") if each.clause == RATE]


def test_nothing_is_said_where_another_file_settles_it(tmp_path: Path) -> None:
    """`auto` beside the trainer's own arguments is how DeepSpeed's files are meant to be."""
    deepspeed = '{"train_micro_batch_size_per_gpu": "auto", "zero_optimization": {"stage": 2}, \
"optimizer": {"type": "AdamW", "params": {"lr": "auto"}}, "bf16": {"enabled": "auto"}}'
    beside = "  - {file: ds.json, dialect: deepspeed, describes: phases.train}\n"
    both = held(tmp_path, HF + beside, {"a.yaml": ARGS, "ds.json": deepspeed})
    assert of(both, "C109") == []
    alone = held(tmp_path, beside, {"ds.json": deepspeed})
    assert RATE in {each.clause for each in of(alone, "C109")}


def test_a_searched_parameter_is_unverified_without_a_word(tmp_path: Path) -> None:
    sweep = "method: grid\nparameters:\n  lr: {values: [0.0001, 0.0002]}\n  weight_decay: {value: 0.1}\n"
    result = held(tmp_path, "  - {file: s.yaml, dialect: wandb-sweep, describes: phases.train}\n", {"s.yaml": sweep})
    assert status(result, RATE) is Status.UNVERIFIED
    assert of(result, "C109") == []


def test_a_flag_that_two_commands_state_is_missing_with_their_names(tmp_path: Path) -> None:
    script = "python a.py --lr 2e-4\npython b.py --lr 2e-4\n"
    configs = "  - {file: run.sh, describes: phases.train, keys: {--lr: optimizer.learning_rate}}\n"
    result = held(tmp_path, configs, {"run.sh": script})
    found = of(result, "C102")
    assert len(found) == 1
    assert '"a.py".--lr, "b.py".--lr' in found[0].message


def test_a_key_may_stand_in_a_config_that_hydra_finds_elsewhere(tmp_path: Path) -> None:
    """A defaults list whose group is not there: nothing is missing for certain, and no default is assumed."""
    tree = "defaults: [_self_, model: not_here]\noptimizer: {_target_: torch.optim.AdamW, lr: 2e-4}\n"
    keys = "keys: {training.epochs: epochs}"
    configs = f"  - {{file: t.yaml, dialect: hydra, describes: phases.train, {keys}}}\n"
    result = held(tmp_path, HF + configs, {"t.yaml": tree, "a.yaml": ARGS})
    assert of(result, "C102") == []
    assert of(result, "C131") == []
    looks = [each.reason for each in result.matrix.verdicts if each.clause == f"{PHASE}.epochs"]
    assert any("not_here" in reason for reason in looks)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("default=2e-4", 1), ('default="2e-4"', 1), ("type=float, default=2e-4", 0), ('type=float, default="2e-4"', 0)],
)
def test_a_bound_argument_without_a_type_is_said(tmp_path: Path, argument: str, expected: int) -> None:
    program = f"import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', {argument})\n"
    program += "p.add_argument('--gamma', default=1.5)\n"
    configs = "  - {file: train.py, describes: phases.train, keys: {--lr: optimizer.learning_rate}}\n"
    found = of(held(tmp_path, configs, {"train.py": program}), "C122")
    assert len(found) == expected
    assert all("--lr has no `type=`" in each.message for each in found)


def test_a_model_that_is_none_of_the_manifests_is_an_error(tmp_path: Path) -> None:
    two = ("datasets:", "  large: {family: llama, hub: example/large}\ndatasets:")
    configs = "  - {file: a.yaml, dialect: hf-training-arguments, describes: phases.train}\n"
    fine = held(tmp_path, configs, {"a.yaml": ARGS}, two)
    assert of(fine, "C132") == []
    other = ARGS.replace("example/small", "example/smal")
    found = of(held(tmp_path, configs, {"a.yaml": other}, two), "C132")
    assert [each.severity for each in found] == [Severity.ERROR]
    assert "'example/smal'" in found[0].message
    assert "models.small.hub" in found[0].message
    local = ARGS.replace("example/small", "./small")
    assert of(held(tmp_path, configs, {"a.yaml": local}, two), "C132") == []
