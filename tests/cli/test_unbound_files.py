"""Config files that look like a training's, and that no binding covers, are named in every report for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

RATES = "learning_rate: 3e-4\nbatch_size: 4\nnum_train_epochs: 4\n"
SCRIPT = "python train.py --learning_rate 3e-4 --batch_size 4 --num_train_epochs 4\n"
NAMED = {
    "configs/other.yaml": RATES,
    "other.json": '{"learning_rate": 3e-4, "batch_size": 4, "max_steps": 40}\n',
    "run.sh": SCRIPT,
    "launch/run.slurm": f"#!/bin/bash\n#SBATCH --nodes=1\n{SCRIPT}",
    "train.toml": "learning_rate = 3e-4\nbatch_size = 4\nepochs = 4\n",
    "deep/er/still.yml": RATES,
}
NOT_NAMED = {
    "package.json": '{"optimizer": "x", "batch_size": 4, "learning_rate": 1}\n',
    "names.yaml": "optimizer:\n  - a\n  - b\n",
    "tests/config.yaml": RATES,
    "runs/config.yaml": RATES,
    ".github/config.yaml": RATES,
    "broken.yaml": f"{RATES}  learning_rate: [\n",
    "train.py": "learning_rate = 3e-4\nbatch_size = 4\nnum_train_epochs = 4\n",
}


def reported(project: Project, name: str = "json") -> list[str]:
    found: list[str] = project.cli("check", "--format", name, "--no-cache").json["unbound_files"]
    return found


@pytest.mark.parametrize("file", NAMED)
def test_a_file_of_a_training_that_nothing_binds_is_named(tmp_path: Path, file: str) -> None:
    project = Project(tmp_path)
    assert reported(project) == []
    project.write(file, NAMED[file])
    assert reported(project) == [file]
    said = f"1 file that looks like a training's is bound by nothing: {file}"
    assert said in " ".join(project.cli("check", "--no-cache").out.split())
    assert "is bound by nothing" in project.cli("check", "--no-cache", "--format", "markdown").out


@pytest.mark.parametrize("file", NOT_NAMED)
def test_any_other_file_is_not(tmp_path: Path, file: str) -> None:
    project = Project(tmp_path)
    project.write(file, NOT_NAMED[file])
    assert reported(project) == []


def test_what_a_bound_file_is_made_of_is_not(tmp_path: Path) -> None:
    project = Project(tmp_path)
    bound = project.path("configs/pretrain.yaml")
    project.write("configs/base.yaml", RATES)
    assert reported(project) == ["configs/base.yaml"]
    bound.write_text(f"_BASE_: base.yaml\n{bound.read_text(encoding='utf-8')}", encoding="utf-8")
    assert reported(project) == []


def test_a_folder_with_a_manifest_of_its_own_is_another_study(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("other/configs/a.yaml", RATES)
    assert reported(project) == ["other/configs/a.yaml"]
    project.write("other/experiment.yaml", "version: 1\n")
    assert reported(project) == []


def test_many_are_counted_and_all_are_listed_for_programs(tmp_path: Path) -> None:
    project = Project(tmp_path)
    files = [f"configs/a{number:02}.yaml" for number in range(15)]
    for file in files:
        project.write(file, RATES)
    assert reported(project) == files
    text = " ".join(project.cli("check", "--no-cache").out.split())
    assert "15 files that look like a training's are bound by nothing" in text
    assert "and 5 more" in text
    assert project.cli("check", "--no-cache").code == 0


def test_an_answer_that_was_kept_is_not_given_once_such_a_file_is_there(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.cli("check")
    project.write("configs/other.yaml", RATES)
    assert "configs/other.yaml" in project.cli("check").out


@pytest.mark.parametrize("named", ["configs/pretrain.yaml", "./configs/pretrain.yaml", '"configs/$1.yaml"'])
def test_a_script_that_sets_one_thing_beside_a_bound_config_is_named(tmp_path: Path, named: str) -> None:
    project = Project(tmp_path)
    project.write("run.sh", f"python train.py --config {named} --num_train_epochs 5\n")
    assert reported(project) == ["run.sh"]
    project.write("run.sh", f"python train.py --config {named}\n")
    assert reported(project) == [], "it sets nothing"
