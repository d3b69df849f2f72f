"""A program that a bound script starts: what the command gives its parser goes on to wherever the program uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Status
from framework.errors import InputError
from framework.stages.check import CheckResult
from framework.stages.config.layers.chain import chains
from tests.support.held import error_places
from tests.support.held import held as held_to

MANIFEST = """\
version: 1
paper: {title: A study}
models: {tiny: {family: gpt2}}
datasets: {text: {train_examples: 3200}}
phases:
  train: {objective: causal_lm, dataset: text, optimizer: {name: adamw, learning_rate: 1e-4}}
seeds: [1, 2, 3]
configs:
  - {file: train.py, dialect: generic, describes: phases.train}
  - {file: run.sh, dialect: generic, describes: phases.train}
"""
PROGRAM = """\
import argparse, torch
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=5e-5)
p.add_argument("--seed", type=int)
p.add_argument("--b1", type=float, default=0.5)
args = p.parse_args()
"""
LR, BETAS = "phases.train.optimizer.learning_rate", "phases.train.optimizer.betas"
USES = {
    "on the spot": "opt = torch.optim.AdamW(m.parameters(), lr=args.lr)\n",
    "by position": "opt = torch.optim.AdamW(m.parameters(), args.lr)\n",
    "in a function": "def main():\n    opt = torch.optim.AdamW(m.parameters(), lr=args.lr)\nmain()\n",
    "nowhere": "",
}


BETAS_TOO = MANIFEST.replace("1e-4}}", "1e-4, betas: [0.8, 0.9]}}")


def held(root: Path, program: str, script: str, manifest: str = MANIFEST) -> CheckResult:
    return held_to(root, manifest, {"train.py": program, "run.sh": script})


@pytest.mark.parametrize("use", USES)
def test_what_the_command_gives_reaches_the_optimizer(tmp_path: Path, use: str) -> None:
    program = PROGRAM + USES[use]
    right = held(tmp_path, program, "python train.py --lr 1e-4\n")
    assert right.statuses[LR] is Status.CONFORMS
    assert not [
        each.message for each in right.findings if each.code in ("C101", "C130", "C109") and "lr" in each.message
    ]
    wrong = held(tmp_path, program, "python train.py --lr 3e-4\n")
    assert set(error_places(wrong)) == {("C101", "run.sh:1")}
    assert wrong.statuses[LR] is Status.VIOLATED
    without = held(tmp_path, program, "python train.py --seed 1\n")
    assert ("C101", "train.py:3") in error_places(without)


def test_an_item_of_a_list_takes_it_too(tmp_path: Path) -> None:
    program = PROGRAM + "opt = torch.optim.AdamW(m.parameters(), lr=1e-4, betas=(args.b1, 0.9))\n"
    right = held(tmp_path, program, "python train.py --b1 0.8\n", BETAS_TOO)
    assert right.statuses[BETAS] is Status.CONFORMS
    assert error_places(right) == []
    assert held(tmp_path, program, "python train.py --b1 0.7\n", BETAS_TOO).statuses[BETAS] is Status.VIOLATED
    assert held(tmp_path, program, "python train.py\n", BETAS_TOO).statuses[BETAS] is Status.VIOLATED


def test_commands_that_disagree_leave_it_open(tmp_path: Path) -> None:
    program = PROGRAM + USES["on the spot"]
    result = held(tmp_path, program, "python train.py --lr 1e-4\npython train.py --lr 3e-4\n")
    assert result.statuses[LR] is not Status.CONFORMS


def test_what_is_worked_out_of_it_is_not_the_value_itself(tmp_path: Path) -> None:
    program = PROGRAM + "opt = torch.optim.AdamW(m.parameters(), lr=args.lr * 2)\n"
    assert held(tmp_path, program, "python train.py --seed 1\n").statuses[LR] is not Status.CONFORMS


LAYERED = {
    "a dictionary that is only copied": "BASE = dict(weight_decay=7e-3)\ncfg = {**BASE, 'weight_decay': 0.1}\n",
    "the loader of an evaluation": "val_loader = torch.utils.data.DataLoader(val_set, batch_size=7)\n",
    "a default that its call replaces": "def build(eps=7e-3):\n    torch.optim.AdamW(m, eps=eps)\nbuild(eps=1e-8)\n",
}


@pytest.mark.parametrize("case", LAYERED)
def test_a_program_that_a_command_starts_is_read_as_one_that_none_does(tmp_path: Path, case: str) -> None:
    """What the reader noticed of a file stays when a command is laid over it."""
    started = held(tmp_path, PROGRAM + LAYERED[case], "python train.py --lr 1e-4\n")
    other = held(tmp_path, PROGRAM + LAYERED[case], "python other.py --lr 1e-4\n")

    def told(result: CheckResult) -> set[str | None]:
        places = (each.location for each in result.findings if each.location and each.location.file.endswith(".py"))
        return {place.key for place in places} - {"--lr"}

    assert told(started) == told(other)


def test_the_chain_of_a_value_that_is_handed_on_ends_at_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = held(tmp_path, PROGRAM + USES["on the spot"], "python train.py --lr 1e-4\n")
    monkeypatch.chdir(tmp_path)
    for key in ("AdamW.lr", "--lr"):
        (chain,) = chains(result.experiment, "train.py", key)
        assert [(each.kind, each.place) for each in chain.layers][-1] == ("command line", "run.sh:1:22")
        assert chain.layers[0].place == "train.py:3:44"
        assert chain.clause is not None
        assert chain.clause.id == LR


@pytest.mark.parametrize("name", ["lr", "learning_rate", "LEARNING_RATE"])
def test_a_name_that_a_program_never_reads_is_no_rival_of_what_it_builds(tmp_path: Path, name: str) -> None:
    alone = MANIFEST.replace("  - {file: run.sh, dialect: generic, describes: phases.train}\n", "")
    program = f"import torch\n{name} = 7e-3\nopt = torch.optim.AdamW(m.parameters(), lr=%s)\n"
    idle = held_to(tmp_path, alone, {"train.py": program % "1e-4"})
    assert idle.statuses[LR] is Status.CONFORMS
    assert error_places(idle) == []
    used = held_to(tmp_path, alone, {"train.py": program % name})
    assert used.statuses[LR] is Status.VIOLATED
    drifted = held_to(tmp_path, alone, {"train.py": program % "3e-4"})
    assert drifted.statuses[LR] is Status.VIOLATED
    config = held_to(tmp_path, alone, {"train.py": f"{name} = 7e-3\n"})
    assert config.statuses[LR] is Status.VIOLATED, "a file of settings is read by another program"
    globally = program.replace("opt", "config = globals()\nopt")
    with pytest.raises(InputError, match="states the same for another section"):
        held_to(tmp_path, alone, {"train.py": globally % "1e-4"})
