"""A script that another one takes in is read where it is taken in; its values stand in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from framework.reading.formats import read
from framework.reading.nodes import Document, Opaque
from tests.dialects import programs
from tests.support.project import Project
from tests.support.statuses import status_of

USE = "python t.py --lr $LR\n"


def read_of(tmp_path: Path, files: dict[str, str], name: str = "run.sh") -> Document:
    for each, text in files.items():
        (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / each).write_text(text, encoding="utf-8")
    return read(tmp_path / name, name)


def value_of(document: Document, key: str) -> tuple[Any, str]:
    node = document.node((key,))
    assert node is not None
    return document.value(node), document.place(document.origin(node))


@pytest.mark.parametrize("command", ["source env.sh", ". env.sh", ". ./env.sh", 'source "env.sh"', "source env.sh a b"])
def test_a_variable_that_it_sets_is_followed_to_its_place(tmp_path: Path, command: str) -> None:
    document = read_of(tmp_path, {"run.sh": f"{command}\n{USE}", "env.sh": "# rates\nexport LR=3e-4\n"})
    assert value_of(document, "--lr") == (3e-4, "env.sh:2:11")


@pytest.mark.parametrize(
    "command",
    [
        'source "$(dirname "$0")/env.sh"',
        'source "$(dirname "${BASH_SOURCE[0]}")/env.sh"',
        ". $(dirname -- $0)/env.sh",
        '. "${BASH_SOURCE%/*}/env.sh"',
        'source "${0%/*}"/env.sh',
        "source env.sh",
        "source scripts/env.sh",
    ],
)
def test_it_is_looked_for_beside_the_script_and_in_the_project(tmp_path: Path, command: str) -> None:
    files = {"scripts/run.sh": f"{command}\n{USE}", "scripts/env.sh": "LR=3e-4\n"}
    assert value_of(read_of(tmp_path, files, "scripts/run.sh"), "--lr") == (3e-4, "scripts/env.sh:1:4")


@pytest.mark.parametrize(
    ("script", "env", "value"),
    [
        ("LR=1e-4\nsource env.sh\n", "LR=3e-4\n", 3e-4),
        ("source env.sh\nLR=1e-4\n", "LR=3e-4\n", 1e-4),
        ("LR=1e-4\nsource env.sh\n", ': "${LR:=3e-4}"\n', 1e-4),
        ("source env.sh\nLR=${LR:-1e-4}\n", "LR=3e-4\n", 3e-4),
        ("BASE=3e-4\nsource env.sh\n", "LR=$BASE\n", 3e-4),
        ("source env.sh\nif a; then source env.sh; fi\n", "LR=3e-4\n", 3e-4),
    ],
)
def test_the_last_one_counts(tmp_path: Path, script: str, env: str, value: float) -> None:
    assert value_of(read_of(tmp_path, {"run.sh": script + USE, "env.sh": env}), "--lr")[0] == value


@pytest.mark.parametrize(
    ("script", "env"),
    [
        ("[ -f env.sh ] && source env.sh\n", "LR=3e-4\n"),
        ("LR=1e-4\nif a; then source env.sh; fi\n", "LR=3e-4\n"),
        ("source env.sh\n", "if a; then LR=3e-4; else LR=1e-4; fi\n"),
        ("source env.sh\n", "LR='3e-4\n"),
        ("source env.sh\n", "LR=$(cat rate)\n"),
        ("source env.sh\n", ': "${LR:=3e-4}"\n'),
        ("LR=3e-4\nsource other.sh\n", "LR=3e-4\n"),
        ("LR=3e-4\nsource $HOME/env.sh\n", "LR=3e-4\n"),
        ("LR=3e-4\nsource ../env.sh\n", "LR=3e-4\n"),
    ],
)
def test_what_may_be_otherwise_stays_open(tmp_path: Path, script: str, env: str) -> None:
    assert isinstance(value_of(read_of(tmp_path, {"run.sh": script + USE, "env.sh": env}), "--lr")[0], Opaque)


def test_of_two_of_one_name_nobody_knows_which(tmp_path: Path) -> None:
    files = {"scripts/run.sh": f"source env.sh\n{USE}", "scripts/env.sh": "LR=3e-4\n", "env.sh": "LR=1e-4\n"}
    assert isinstance(value_of(read_of(tmp_path, files, "scripts/run.sh"), "--lr")[0], Opaque)


def test_scripts_that_take_in_one_another_end(tmp_path: Path) -> None:
    files = {"run.sh": f"source a.sh\n{USE}", "a.sh": "source b.sh\n", "b.sh": "source a.sh\nLR=3e-4\n"}
    assert value_of(read_of(tmp_path, files), "--lr") == (3e-4, "b.sh:2:4")


def test_flags_in_a_variable_of_it_stand_in_it(tmp_path: Path) -> None:
    document = read_of(tmp_path, {"run.sh": "source env.sh\npython t.py $ARGS\n", "env.sh": 'ARGS="--lr 3e-4 --amp"\n'})
    assert value_of(document, "--lr") == (3e-4, "env.sh:1:12")
    assert value_of(document, "--amp") == (True, "env.sh:1:17")


def test_drift_is_told_in_the_script_that_sets_it(tmp_path: Path) -> None:
    manifest = programs.MANIFEST.replace("file: train.py", "file: run.sh")
    project = Project(tmp_path, manifest)
    project.write("env.sh", "LR=3e-4\n")
    project.write("run.sh", "source env.sh\npython t.py --learning_rate $LR --batch_size 32 --epochs 3\n")
    result = project.check()
    rate = "phases.train.optimizer.learning_rate"
    assert status_of(result, rate, Stage.CONFIG) is Status.VIOLATED
    assert "env.sh:1:4" in [str(each.location) for each in result.findings if each.code == "C101"]
    project.write("env.sh", "LR=1e-4\n")
    assert status_of(project.check(), rate, Stage.CONFIG) is Status.CONFORMS
