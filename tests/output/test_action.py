"""The GitHub action, as its runner executes it: the script of `action.yml`, with a program in the place of GitHub's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.project import Project

ACTION = Path(__file__).resolve().parents[2] / "action.yml"
_GH = """#!{python}
# Keeps the comments of one pull request in a file, as GitHub would.
import json, pathlib, sys
kept = pathlib.Path({store!r})
comments = json.loads(kept.read_text()) if kept.exists() else {{}}
words = sys.argv[1:]
path = next(word for word in words if word.startswith("repos/"))
files = [word.removeprefix("body=@") for word in words if word.startswith("body=@")]
body = pathlib.Path(files[0]).read_text() if files else None
if "POST" in words:
    comments[str(len(comments) + 7)] = body
elif "PATCH" in words:
    comments[path.rsplit("/", 1)[1]] = body
else:
    print("\\n".join(name for name, text in comments.items() if text.startswith("<!-- framework check -->")))
kept.write_text(json.dumps(comments))
sys.exit({code})
"""


class Action:
    """A runner of GitHub with a project checked out; ``comments`` are those of its pull request."""

    def __init__(self, project: Project, folder: Path):
        self.project, self.folder, self.inputs = project, folder, {"comment": "true"}
        self.code = 0
        self._program("framework-check/bin/framework", f'#!/bin/sh\nexec "{sys.executable}" -m framework "$@"\n')

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    @property
    def comments(self) -> list[str]:
        path = self.folder / "comments.json"
        return list(json.loads(path.read_text()).values()) if path.exists() else []

    def run(self) -> subprocess.CompletedProcess[str]:
        stated = yaml.safe_load(ACTION.read_text())
        step = next(step for step in stated["runs"]["steps"] if step.get("id") == "check")
        inputs = {name: each.get("default", "") for name, each in stated["inputs"].items()} | self.inputs
        self._program(
            "bin/gh", _GH.format(python=sys.executable, store=str(self.folder / "comments.json"), code=self.code)
        )
        given = {
            name: inputs[value.split("inputs.")[1].removesuffix(" }}")] if "inputs." in value else "12"
            for name, value in step["env"].items()
        }
        environment = {
            **os.environ,
            **given,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_REPOSITORY": "somebody/study",
            "FRAMEWORK_CACHE_DIR": str(self.folder / "cache"),
        }
        # As the runner calls `shell: bash`.
        asked = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        return subprocess.run(
            asked, cwd=self.project.root, env=environment, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.fixture
def action(tmp_path: Path) -> Action:
    return Action(Project(tmp_path / "study"), tmp_path / "runner")


def test_drift_is_annotated_summed_up_reported_and_commented_on(action: Action) -> None:
    action.project.config("lr: 2e-4", "lr: 3e-4")
    done = action.run()
    assert done.returncode == 1, done.stderr
    assert "::error file=configs/pretrain.yaml,line=4" in done.stdout
    assert "exit-code=1" in (action.folder / "output").read_text()
    assert "C101" in (action.folder / "summary.md").read_text()
    assert json.loads(action.project.read("framework.sarif"))["runs"][0]["results"]
    (comment,) = action.comments
    assert "C101" in comment


def test_the_comment_is_changed_and_not_added_to(action: Action) -> None:
    action.project.config("lr: 2e-4", "lr: 3e-4")
    action.run()
    action.project.config("lr: 3e-4", "lr: 2e-4")
    assert action.run().returncode == 0
    (comment,) = action.comments
    assert "C101" not in comment


def test_a_question_that_cannot_be_asked_is_commented_on_too(action: Action) -> None:
    action.project.replace("epochs: 4", "epochs: some")
    assert action.run().returncode == 2
    (comment,) = action.comments
    assert "could not be asked" in comment
    assert not (action.folder / "summary.md").exists()


def test_without_the_right_to_write_the_verdict_stays(action: Action) -> None:
    action.code = 1
    done = action.run()
    assert done.returncode == 0
    assert "::warning::the comment could not be written" in done.stdout


def test_no_comment_unless_asked(action: Action) -> None:
    action.inputs = {}
    assert action.run().returncode == 0
    assert action.comments == []


def test_an_input_is_never_read_as_a_part_of_the_script(action: Action) -> None:
    action.inputs = {"arguments": "$(touch injected) ; touch injected", "comment": "true; touch injected"}
    action.run()
    assert not action.project.path("injected").exists()
