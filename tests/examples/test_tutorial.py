"""The tutorial as a reader follows it: each command is run, each change made, and what it shows is what is printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(console|diff)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def followed(page: Path, folder: Path) -> list[str]:
    """What a reader would see otherwise than the page shows; commands run in a shell that stays where it is."""
    program = folder / "bin" / "framework"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m framework "$@"\n')
    program.chmod(0o755)
    shutil.copytree(REPOSITORY / "examples" / "somebodys_repository", folder / "examples" / "somebodys_repository")
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "FRAMEWORK_CACHE_DIR": str(folder / "cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    here, wrong = folder, []
    for kind, text in _BLOCK.findall(page.read_text()):
        if kind == "diff":
            done = subprocess.run(
                ["git", "apply", "--unidiff-zero", "-"],
                cwd=here,
                input=text,
                capture_output=True,
                text=True,
                check=False,
            )
            wrong += [f"{text}\n{done.stderr}"] if done.returncode else []
            continue
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            script = f'{command}\necho "$PWD" > "{folder}/here"'
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=here,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            here = Path((folder / "here").read_text().strip())
            printed = done.stdout + done.stderr
            parts = (re.escape(part) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE))
            if shown and not re.fullmatch(r"(?:.*\n)*".join(parts), printed):
                wrong.append(f"$ {command}\n{printed}")
    return wrong


def test_every_step_of_the_tutorial_does_what_the_page_shows(tmp_path: Path) -> None:
    assert followed(REPOSITORY / "docs" / "tutorial.md", tmp_path) == []


def test_a_page_that_shows_something_else_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one\ntwo\n```\n```diff\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```\n")
    (tmp_path / "folder").mkdir()
    assert len(followed(page, tmp_path / "folder")) == 2
