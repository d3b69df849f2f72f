"""What a script's command gives beside a config file that it names goes before the file, where all commands do."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Status
from framework.repair.proposal import propose
from framework.stages.check import CheckResult
from tests.support.held import error_places
from tests.support.held import held as held_to
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 4}
models: {tiny: {family: gpt2}}
datasets: {text: {train_examples: 3200}}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 5e-5}
    schedule: {name: cosine}
    batch_size: 8
    max_grad_norm: 1.0
    epochs: 3
    precision: bf16
variants: {plain: {steps: [train]}}
"""
LR = "phases.train.optimizer.learning_rate"


def held(
    root: Path, script: str, config: str, name: str = "a.yaml", dialect: str = "generic", called: str = "run.sh"
) -> CheckResult:
    bindings = [(name, dialect), (called, "generic" if dialect == "generic" else "hf-training-arguments")]
    lines = [f"  - {{file: {file}, dialect: {each}, describes: phases.train}}\n" for file, each in bindings]
    return held_to(root, f"{MANIFEST}configs:\n{''.join(lines)}", {name: config, called: script})


def places(result: CheckResult) -> list[str]:
    return [place for _, place in error_places(result)]


@pytest.mark.parametrize(
    "command",
    [
        "python t.py a.yaml --learning_rate {}",
        "python t.py --config a.yaml --learning-rate {}",
        "python t.py --config=a.yaml learning_rate={}",
        "torchrun --nproc_per_node 4 t.py --config_file ./a.yaml --learning_rate={}",
        "tune run recipe --config a.yaml learning_rate={}",
    ],
)
def test_a_commands_value_goes_before_the_files(tmp_path: Path, command: str) -> None:
    right = held(tmp_path, command.format("5e-5"), "learning_rate: 7.0e-3\nepochs: 3\n")
    assert places(right) == []
    assert right.statuses[LR] is Status.CONFORMS
    wrong = held(tmp_path, command.format("6e-3"), "learning_rate: 5.0e-5\nepochs: 3\n")
    assert places(wrong) == ["run.sh:1"]


def test_a_dotted_override_goes_before_a_section(tmp_path: Path) -> None:
    assert places(held(tmp_path, "python t.py a.yaml", "optimizer: {lr: 7e-3}\nepochs: 3\n")) == ["a.yaml:1"]
    assert places(held(tmp_path, "python t.py a.yaml optimizer.lr=5e-5", "optimizer: {lr: 7e-3}\nepochs: 3\n")) == []


def test_a_command_that_gives_nothing_reads_the_file(tmp_path: Path) -> None:
    script = "python t.py a.yaml --learning_rate 5e-5\npython t.py a.yaml\n"
    assert places(held(tmp_path, script, "learning_rate: 7.0e-3\nepochs: 3\n")) == ["a.yaml:1"]


@pytest.mark.parametrize(
    "script",
    [
        "python t.py --learning_rate 5e-5 a.yaml\n",
        "for lr in 5e-5 1e-4; do python t.py a.yaml --learning_rate $lr; done\n",
        "python t.py a.yaml --learning_rate $1\n",
    ],
)
def test_where_it_is_not_certain_which_counts_nothing_is_told(tmp_path: Path, script: str) -> None:
    result = held(tmp_path, script, "learning_rate: 7.0e-3\nepochs: 3\n")
    assert "a.yaml:1" not in places(result)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("python t.py --config a.yaml \\\n  --learning_rate 5e-5\n", []),
        ("C=a.yaml\npython t.py --config $C --learning_rate 5e-5\n", []),
        ("A=(\n  --config a.yaml\n  --learning_rate 5e-5\n)\npython t.py ${A[@]}\n", []),
        ("# python t.py --config a.yaml\npython t.py --config a.yaml --learning_rate 5e-5\n", []),
        ("python t.py --config a.yaml\npython other.py --learning_rate 5e-5\n", ["a.yaml:1"]),
        ("python t.py --config a.yaml --learning_rate 5e-5\npython t.py --config a.yaml --seed 2\n", ["a.yaml:1"]),
    ],
)
def test_only_the_commands_that_name_a_file_give_it_something(tmp_path: Path, script: str, expected: list[str]) -> None:
    assert places(held(tmp_path, script, "learning_rate: 7.0e-3\nepochs: 3\n")) == expected


@pytest.mark.parametrize("called", ["run.slurm", "RUN.SH", "train"])
@pytest.mark.parametrize(
    ("name", "config"),
    [("a.yaml", "learning_rate: {}\n"), ("a.ini", "[optimizer]\nlearning_rate = {}\n"), ("a.json", '{{"lr": {}}}\n')],
)
def test_whatever_the_script_and_the_file_are_called(tmp_path: Path, called: str, name: str, config: str) -> None:
    flag = "lr" if name == "a.json" else "learning_rate"
    script = f"#!/bin/bash\npython t.py --config {name} --{flag} {{}}\n"
    assert places(held(tmp_path, script.format("5e-5"), config.format("7e-3"), name, called=called)) == []
    assert places(held(tmp_path, script.format("6e-3"), config.format("5e-5"), name, called=called)) == [f"{called}:2"]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    script = "python t.py b.yaml --learning_rate 5e-5\n"
    assert places(held(tmp_path, script, "learning_rate: 7.0e-3\nepochs: 3\n")) == ["a.yaml:1"]


ACCELERATE = "deepspeed_config: {gradient_clipping: 0.5, zero_stage: 2}\nmixed_precision: fp16\nnum_processes: 8\n"
ARGUMENTS = "--per_device_train_batch_size 2 --learning_rate 5e-5 --num_train_epochs 3"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--mixed_precision bf16 --num_processes 4", ["acc.yaml:1"]),
        ("--mixed_precision bf16 --num_processes 4 --gradient_clipping 1.0", []),
        ("--mixed_precision bf16 --num_processes 4 --gradient-clipping=1.0", []),
        ("--mixed_precision bf16", ["acc.yaml:1", "acc.yaml:3"]),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_a_launchers_flags_go_before_its_own_file_and_its_sections(
    tmp_path: Path, flags: str, expected: list[str], before: bool
) -> None:
    """Held against accelerate 1.15's own parser and `_validate_launch_command`: clipping is 1.0 there, too."""
    launcher = f"{flags} --config_file acc.yaml" if before else f"--config_file acc.yaml {flags}"
    script = f"accelerate launch {launcher} t.py --bf16 True {ARGUMENTS}\n"
    result = held(tmp_path, script, ACCELERATE, "acc.yaml", "accelerate")
    assert [place for place in places(result) if place.startswith("acc")] == expected


def test_a_launchers_wrong_flag_is_drift_where_it_stands(tmp_path: Path) -> None:
    launcher = "--config_file acc.yaml --mixed_precision bf16 --num_processes 4 --gradient_clipping 0.7"
    config = ACCELERATE.replace("0.5", "1.0")
    script = f"accelerate launch {launcher} t.py --bf16 True {ARGUMENTS}\n"
    assert "run.sh:1" in places(held(tmp_path, script, config, "acc.yaml", "accelerate"))


def test_the_programs_flags_do_not_change_the_launchers_file(tmp_path: Path) -> None:
    script = f"accelerate launch --config_file acc.yaml t.py --num_processes 4 --bf16 True {ARGUMENTS}\n"
    config = ACCELERATE.replace("fp16", "bf16").replace("0.5", "1.0")
    assert "acc.yaml:3" in places(held(tmp_path, script, config, "acc.yaml", "accelerate"))


def test_a_value_of_a_command_is_not_written_into_the_file(tmp_path: Path) -> None:
    result = held(tmp_path, "python t.py a.yaml --learning_rate 6e-3\n", "learning_rate: 5.0e-5\nepochs: 3\n")
    files = {Path(patch.shown).name for patch in propose(result.experiment, result.findings).patches}
    assert "a.yaml" not in files


CHOSEN = """\
#!/bin/bash
python train.py --config "configs/{word}.yaml" --num_train_epochs 5
"""
ALTERNATIVES = """\
version: 1
paper: {title: Two methods}
phases:
  train: {epochs: 3}
variants:
  full: {steps: [train]}
  lora: {steps: [train]}
configs:
  - {file: "configs/{v}.yaml", describes: phases.train, variant: "{v}", dialect: hf-training-arguments}
  - {file: train.sh, describes: phases.train}
"""


@pytest.mark.parametrize("word", ["$1", "${1}", "${METHOD:-full}", "$METHOD", "f${kind}"])
def test_a_command_goes_before_each_config_that_its_word_can_be(tmp_path: Path, word: str) -> None:
    """`configs/$1.yaml` is whichever the script is called with."""
    project = Project(tmp_path, ALTERNATIVES)
    project.path("configs/pretrain.yaml").unlink()
    for name in ("full", "lora"):
        project.write(f"configs/{name}.yaml", "num_train_epochs: 3\n")
    project.write("train.sh", CHOSEN.format(word=word))
    found = project.cli("check", "--format", "json").json["findings"]
    drifted = [each for each in found if each["code"] == "C101"]
    assert [(each["location"]["file"], each["actual"]) for each in drifted] == [("train.sh", 5)]
    assert "C120" not in {each["code"] for each in found}, "the file's name, and the value, are judged at the configs"


@pytest.mark.parametrize("word", ["$(pick)", "`pick`", "${1}/${2}"])
def test_a_word_that_can_be_no_bound_file_or_any_is_left_alone(tmp_path: Path, word: str) -> None:
    project = Project(tmp_path, ALTERNATIVES)
    project.path("configs/pretrain.yaml").unlink()
    for name in ("full", "lora"):
        project.write(f"configs/{name}.yaml", "num_train_epochs: 3\n")
    project.write("train.sh", CHOSEN.format(word=word))
    assert "C101" not in project.cli("check").out


def test_factors_that_a_command_gives_are_put_together_where_they_count(tmp_path: Path) -> None:
    """nanoGPT's accumulation counts for all devices: 16 x 2 are the declared 32, whatever the file says."""
    config = "block_size = 1024\nbatch_size = 12\ngradient_accumulation_steps = 5 * 8\n"
    config += "learning_rate = 5e-5\nmax_iters = 300\n"
    manifest = MANIFEST.replace("batch_size: 8", "batch_size: 32").replace(
        "epochs: 3", "max_steps: 300\n    sequence_length: 1024"
    )
    manifest += "configs:\n" + "".join(
        f"  - {{file: {name}, dialect: generic, describes: phases.train}}\n" for name in ("a.py", "run.sh")
    )
    script = "torchrun --nproc_per_node=4 t.py a.py --batch_size={} --gradient_accumulation_steps={}\n"
    right = held_to(tmp_path, manifest, {"a.py": config, "run.sh": script.format(16, 2)})
    assert right.statuses["phases.train.batch_size"] is Status.CONFORMS
    wrong = held_to(tmp_path, manifest, {"a.py": config, "run.sh": script.format(16, 4)})
    assert wrong.statuses["phases.train.batch_size"] is Status.VIOLATED
