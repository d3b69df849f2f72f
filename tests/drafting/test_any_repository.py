"""`framework init` on repositories of any kind, and what `framework check` then says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.cli.main import run
from framework.manifest.loading import load
from framework.manifest.sections.root import Manifest
from framework.stages.check import check
from tests.drafting.test_init import errors, project

DATACLASS = """\
from dataclasses import dataclass


@dataclass
class Config:
    lr: float = 3e-4
    batch_size: int = 32
    epochs: int = 10
    penalty: float = 0.1


def main(config: Config) -> None:
    momentum_buffer = 0.5
    for epoch in range(config.epochs):
        print(epoch, momentum_buffer)
"""
PARSER = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=3e-4)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--penalty", type=float, default=0.1)
args = parser.parse_args()
"""
CONFIG = "lr: 1e-3\nbatch_size: 32\nepochs: 10\n"


def drafted(root: Path, files: dict[str, str]) -> Manifest:
    """What `framework init` writes."""
    project(root, files)
    assert run(["init", str(root)]) == 0
    return load(root).stated


def checked(root: Path) -> int:
    return run(["check", "--manifest", str(root / "experiment.yaml")])


@pytest.mark.parametrize("program", [DATACLASS, PARSER], ids=["dataclass", "argparse"])
def test_settings_in_the_training_program_are_a_start(tmp_path: Path, program: str) -> None:
    phase = drafted(tmp_path, {"train.py": program}).phases["train"]
    assert (phase.optimizer.learning_rate, phase.batch_size, phase.epochs) == (3e-4, 32, 10)
    assert phase.settings == {"penalty": 0.1}
    assert checked(tmp_path) == 0
    assert check(load(tmp_path)).unbound == 0
    (tmp_path / "train.py").write_text(program.replace("0.1\n", "0.2\n").replace("0.1)", "0.2)"))
    assert checked(tmp_path) == 1


@pytest.mark.parametrize("folder", ["tests", "results", "outputs/2024-01-01"])
def test_what_tests_and_runs_leave_is_no_config(tmp_path: Path, folder: str) -> None:
    made = drafted(tmp_path, {"config.yaml": CONFIG, f"{folder}/config.yaml": CONFIG.replace("1e-3", "0.7")})
    assert [each.file for each in made.configs] == ["config.yaml"]
    assert checked(tmp_path) == 0


def test_three_models_stay_three(tmp_path: Path) -> None:
    sizes = {"small": 4, "medium": 8, "large": 12}
    files = {
        f"configs/{name}.yaml": f"model: {{hidden_size: {64 * size}, num_layers: {size}}}\n{CONFIG}"
        for name, size in sizes.items()
    }
    made = drafted(tmp_path, files)
    assert {name: model.layers for name, model in made.models.items()} == sizes
    assert {each.file: each.model for each in made.configs} == {f"configs/{name}.yaml": name for name in sizes}
    assert checked(tmp_path) == 0


def test_the_devices_of_one_of_several_trainings_are_not_those_of_all(tmp_path: Path) -> None:
    counted = CONFIG + "num_gpus: 8\n"
    made = drafted(tmp_path / "some", {"a.yaml": CONFIG, "b.yaml": counted})
    assert "hardware" not in made.model_fields_set
    assert errors(tmp_path / "some") == []
    made = drafted(tmp_path / "all", {"a.yaml": counted, "b.yaml": counted})
    assert made.hardware.count == 8


def test_nothing_is_stated_that_no_file_states(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"config.yaml": CONFIG})
    assert list(made.phases) == ["train"]
    assert made.model_fields_set == {"version", "paper", "phases", "configs"}
    assert made.phases["train"].model_fields_set == {"optimizer", "batch_size", "epochs"}


def test_defaults_of_a_program_yield_to_the_config_that_sets_them(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"opt.py": PARSER, "configs/a.yaml": "lr: 1e-3\nepochs: 20\nbatch_size: 16\n"})
    phase = made.phases["train"]
    assert (phase.optimizer.learning_rate, phase.epochs, phase.settings) == (1e-3, 20, {"penalty": 0.1})
    assert errors(tmp_path) == []


def test_settings_of_every_paper_are_stated_under_their_names(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"config.yaml": CONFIG + "dropout: 0.1\nnovelty_weight: 3.5\n"})
    assert made.phases["train"].settings == {"dropout": 0.1, "novelty_weight": 3.5}
    assert checked(tmp_path) == 0


def test_a_quoted_number_and_a_count_in_powers_are_held(tmp_path: Path) -> None:
    made = drafted(
        tmp_path,
        {"config.json": '{"resblock": "1", "lr": 1e-3, "batch_size": 16, "max_steps": 1e6}'},
    )
    assert made.phases["train"].max_steps == 1_000_000
    assert made.phases["train"].settings == {"resblock": "1"}
    assert checked(tmp_path) == 0
