"""Where a value comes from: each layer with its place, and the last one counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
phases:
  p:
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1}
    batch_size: 16
    epochs: 3
configs:
"""
YAML = "  - {file: train.yaml, dialect: generic, describes: phases.p}\n"
SCRIPT = "  - {file: run.sh, dialect: generic, describes: phases.p}\n"


def project(folder: Path, bindings: str, **files: str) -> Project:
    made = Project(folder, MANIFEST + bindings)
    made.path("configs/pretrain.yaml").unlink()
    for name, text in files.items():
        made.write(name.replace("_", "."), text)
    return made


def status(made: Project, clause: str) -> Status | None:
    result = made.check()
    found = next(each for each in result.experiment.clauses if each.id == clause)
    return result.matrix.seen(found, Stage.CONFIG)


def chain(made: Project, file: str, key: str) -> list[tuple[str, str]]:
    done = made.cli("explain", "--value", file, key, "--format", "json")
    assert done.code == 0, done.err
    (found,) = json.loads(done.out)["chains"]
    return [(layer["kind"], layer["place"]) for layer in found["layers"]]


RATE = "phases.p.optimizer.learning_rate"


@pytest.mark.parametrize("passed", ["--lr 2e-4", "--lr=2e-4", "optim.lr=2e-4", "++optim.lr=2e-4", "lr=2e-4"])
def test_what_every_command_passes_makes_the_files_value_no_drift(tmp_path: Path, passed: str) -> None:
    made = project(
        tmp_path,
        YAML + SCRIPT,
        train_yaml="optim: {lr: 3.0e-4}\nepochs: 3\n",
        run_sh=f"python train.py --config train.yaml {passed}\n",
    )
    assert [finding for finding in made.check().findings if finding.code == "C101"] == []
    assert [kind for kind, _ in chain(made, "train.yaml", "optim.lr")] == ["file", "command line"]


@pytest.mark.parametrize(
    "script",
    [
        "python train.py --config train.yaml\n",
        "python train.py --config train.yaml --epochs 3\n",
        "python train.py --config other.yaml --lr 2e-4\n",
    ],
)
def test_a_value_that_no_command_passes_is_drift(tmp_path: Path, script: str) -> None:
    made = project(tmp_path, YAML + SCRIPT, train_yaml="optim: {lr: 3.0e-4}\nepochs: 3\n", run_sh=script)
    assert [finding.clause for finding in made.check().findings if finding.code == "C101"] == [RATE]


def test_a_drifted_command_is_found_and_the_right_file_conforms(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        YAML + SCRIPT,
        train_yaml="optim: {lr: 2.0e-4}\nepochs: 3\n",
        run_sh="python train.py --config train.yaml --lr 3e-4\n",
    )
    (finding,) = [finding for finding in made.check().findings if finding.code == "C101"]
    assert str(finding.location).startswith("run.sh:1:")


def test_one_script_of_two_that_passes_nothing_leaves_the_drift(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        YAML + SCRIPT + SCRIPT.replace("run.sh", "more.sh"),
        train_yaml="optim: {lr: 3.0e-4}\nepochs: 3\n",
        run_sh="python train.py --config train.yaml --lr 2e-4\n",
        more_sh="python train.py --config train.yaml\n",
    )
    assert RATE in [finding.clause for finding in made.check().findings if finding.code == "C101"]


def test_a_variable_and_a_default_are_layers(tmp_path: Path) -> None:
    made = project(tmp_path, SCRIPT, run_sh="LR=2e-4\npython train.py --lr $LR --epochs 3\n")
    assert chain(made, "run.sh", "lr") == [("source", "run.sh:1:4"), ("file", "run.sh:2:22")]
    made.write("args.yaml", "learning_rate: 0.0002\nnum_train_epochs: 3\n")
    made.append("  - {file: args.yaml, dialect: hf-training-arguments, describes: phases.p}\n")
    assert chain(made, "args.yaml", "weight_decay") == [("default", "transformers' Trainer")]


def test_what_a_repeated_flag_gives_way_to_is_a_layer(tmp_path: Path) -> None:
    made = project(tmp_path, SCRIPT, run_sh="python train.py --lr 7e-3 --epochs 3 \\\n  --lr 2e-4\n")
    assert chain(made, "run.sh", "lr") == [("file", "run.sh:1:22"), ("file", "run.sh:2:8")]


def test_a_command_is_a_layer_of_a_key_that_the_file_lacks(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        YAML.replace("generic", "hf-training-arguments") + SCRIPT,
        train_yaml="learning_rate: 2.0e-4\nnum_train_epochs: 3\n",
        run_sh="python train.py train.yaml --weight_decay 0.1\n",
    )
    found = chain(made, "train.yaml", "weight_decay")
    assert found == [("default", "transformers' Trainer"), ("command line", "run.sh:1:43")]


def test_people_read_what_counts_and_what_is_stated(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        YAML + SCRIPT,
        train_yaml="optim: {lr: 3.0e-4}\nepochs: 3\n",
        run_sh="python train.py --config train.yaml --lr 2e-4\n",
    )
    lines = made.cli("explain", "--value", "train.yaml", "optim.lr").out.splitlines()
    assert lines[0] == "train.yaml: optim.lr"
    assert "train.yaml:1:13" in lines[1]
    assert "run.sh:1:42" in lines[2]
    assert lines[2].endswith("<- counts")
    assert "<- counts" not in lines[1]
    assert f"{RATE} = 0.0002 at experiment.yaml:5:45" in lines[3]


@pytest.mark.parametrize(
    ("file", "key", "said"),
    [
        ("train.yml", "optim.lr", "did you mean 'train.yaml'?"),
        ("train.yaml", "optim.rl", "did you mean 'optim.lr'?"),
    ],
)
def test_what_is_not_there_is_refused_with_the_near_one(tmp_path: Path, file: str, key: str, said: str) -> None:
    made = project(tmp_path, YAML, train_yaml="optim: {lr: 2.0e-4}\nepochs: 3\n")
    done = made.cli("explain", "--value", file, key)
    assert done.code == 2
    assert said in done.err


def test_what_a_file_goes_before_in_its_bases_is_in_the_chain(tmp_path: Path) -> None:
    made = project(tmp_path, YAML + SCRIPT, train_yaml="_BASE_: mid.yaml\noptim: {lr: 3.0e-4}\nepochs: 3\n")
    made.write("mid.yaml", "_BASE_: low.yaml\noptim: {lr: 5.0e-4}\n")
    made.write("low.yaml", "optim: {lr: 7.0e-4}\nepochs: 9\n")
    made.write("run.sh", "python train.py --config train.yaml --lr 2e-4\n")
    expected = [
        ("base file", "low.yaml:1:13"),
        ("base file", "mid.yaml:2:13"),
        ("file", "train.yaml:2:13"),
        ("command line", "run.sh:1:42"),
    ]
    for asked in ("train.yaml", "mid.yaml", "low.yaml"):
        assert chain(made, asked, "optim.lr") == expected
    assert chain(made, "train.yaml", "epochs") == [("base file", "low.yaml:2:9"), ("file", "train.yaml:3:9")]


def test_a_list_that_goes_before_a_base_s_list_is_judged(tmp_path: Path) -> None:
    stated = MANIFEST.replace("weight_decay: 0.1}", "betas: [0.9, 0.95]}") + YAML
    made = Project(tmp_path, stated)
    made.path("configs/pretrain.yaml").unlink()
    made.write("low.yaml", "betas: [0.9, 0.999]\n")
    made.write("train.yaml", "_BASE_: low.yaml\nbetas: [0.9, 0.95]\nlr: 2.0e-4\n")
    assert status(made, "phases.p.optimizer.betas") is Status.CONFORMS


def test_what_a_group_says_before_the_file_is_in_the_chain(tmp_path: Path) -> None:
    made = project(
        tmp_path, YAML.replace("generic", "hydra"), train_yaml="defaults: [optim: fast, _self_]\noptim: {lr: 2.0e-4}\n"
    )
    made.write("optim/fast.yaml", "_target_: torch.optim.AdamW\nlr: 9.0e-4\n")
    assert chain(made, "train.yaml", "optim.lr") == [("base file", "optim/fast.yaml:2:5"), ("file", "train.yaml:2:13")]


@pytest.mark.parametrize("key", ["--lr", "lr"])
def test_a_flag_is_a_key_under_its_own_name(tmp_path: Path, key: str) -> None:
    made = project(tmp_path, SCRIPT, run_sh="python train.py --lr 2e-4 --epochs 3\n")
    assert chain(made, "run.sh", key) == [("file", "run.sh:1:22")]
