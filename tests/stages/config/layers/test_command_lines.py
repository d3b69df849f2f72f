"""Which commands pass a value in the place of a file's, and which files go before flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
phases:
  p:
    optimizer: {name: adamw, learning_rate: 2e-4}
    max_grad_norm: 1.0
    epochs: 3
configs:
"""
LAUNCH = "accelerate launch --config_file acc.yaml"


def drifted(folder: Path, file: str, text: str, script: str, dialect: str = "generic") -> list[str]:
    made = Project(
        folder,
        f"{MANIFEST}  - {{file: {file}, dialect: {dialect}, describes: phases.p}}\n"
        "  - {file: run.sh, dialect: generic, describes: phases.p}\n",
    )
    made.path("configs/pretrain.yaml").unlink()
    made.write(file, text)
    made.write("run.sh", script)
    return [each.location.file for each in made.check().findings if each.code == "C101" and each.location]


@pytest.mark.parametrize(
    ("script", "errors"),
    [
        ("python t.py --config c.yaml --lr 2e-4\n", []),
        ("python t.py --config c.yaml \\\n  --lr 2e-4\n", []),
        ("C=c.yaml\npython t.py --config $C --lr 2e-4\n", []),
        ("A=(\n  --config c.yaml\n  --lr 2e-4\n)\npython t.py ${A[@]}\n", []),
        ("# python t.py --config c.yaml\npython t.py --config c.yaml --lr 2e-4\n", []),
        ("python t.py --config c.yaml\npython other.py --lr 2e-4\n", ["c.yaml"]),
        ("python t.py --config c.yaml --lr 2e-4\npython t.py --config c.yaml --seed 2\n", ["c.yaml"]),
    ],
)
def test_only_the_commands_that_name_a_file_pass_it_something(tmp_path: Path, script: str, errors: list[str]) -> None:
    assert drifted(tmp_path, "c.yaml", "lr: 3.0e-4\nepochs: 3\n", script) == errors


def test_launch_settings_of_deepspeed_go_before_flags(tmp_path: Path) -> None:
    text = "compute_environment: LOCAL_MACHINE\nnum_machines: 1\ndeepspeed_config:\n  gradient_clipping: 0.5\n"
    script = f"{LAUNCH} --gradient_clipping 1.0 t.py --lr 2e-4 --epochs 3\n"
    assert drifted(tmp_path, "acc.yaml", text, script, "accelerate") == ["acc.yaml"]
