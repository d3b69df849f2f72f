"""`framework completion`: what a shell completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from framework.cli.completion import SHELLS
from framework.cli.main import COMMANDS
from tests.support.project import Project

_TRY = """
source completion.bash
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
$(complete -p framework | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("completion"))
    for shell in SHELLS:
        project.write(f"completion.{shell}", project.cli("completion", shell).out)
    program = project.write("bin/framework", f'#!/bin/sh\nexec "{sys.executable}" -m framework "$@"\n')
    program.chmod(0o755)
    return project


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_in_every_shell(project: Project, shell: str) -> None:
    text = project.read(f"completion.{shell}")
    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_reads_it(project: Project, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", f"completion.{shell}"], cwd=project.root, check=True, timeout=20)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("framework stat", ["status"]),
        ("framework run --vari", ["--variant"]),
        ("framework run --variant ma", ["masked"]),
        ("framework compare de", ["dense"]),
        ("framework plan --seed ''", ["1", "2", "3"]),
        ("framework completion ''", list(SHELLS)),
    ],
)
def test_bash_completes_what_the_manifest_states(project: Project, words: str, completed: list[str]) -> None:
    path = f"{project.root}/bin{os.pathsep}{os.environ['PATH']}"
    asked = ["bash", "--norc", "-c", _TRY.format(words=words)]
    told = subprocess.run(
        asked,
        cwd=project.root,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.stdout.split() == completed, told.stderr


def test_names_of_each_kind_are_printed(project: Project) -> None:
    assert project.cli("completion", "--names", "tasks").out == "topics\n"
    assert project.cli("completion", "--names", "runs").out == ""


def test_without_a_manifest_there_are_no_names_and_no_error(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.path("experiment.yaml").write_text("version: [")
    told = project.cli("completion", "--names", "variants")
    assert (told.code, told.out, told.err) == (0, "", "")


def test_the_shell_is_to_be_named(project: Project) -> None:
    told = project.cli("completion")
    assert (told.code, "bash, zsh, fish" in told.err) == (2, True)
