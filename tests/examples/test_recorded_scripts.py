"""`examples/recorded_scripts`: both scripts conform, and each drift that the README tells of is found, as it says."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from framework import api
from framework.manifest.loading import load
from framework.stages.verify import VerifyResult

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "recorded_scripts"
TOLD = re.findall(r"^\| `python ([^`]+)` \| (.+) \|$", (EXAMPLE / "README.md").read_text(), re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("runs", "out")))


def start(project: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script in this process, which has imported what it imports."""
    script, *arguments = shlex.split(command)
    with monkeypatch.context() as patched:
        patched.chdir(project)
        patched.setattr(sys, "argv", [script, *arguments])
        runpy.run_path(str(project / script), run_name="__main__")


def verified(project: Path) -> VerifyResult:
    return api.verify(load(project))


def test_both_scripts_do_as_the_manifest_states(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(project, "loop.py --seed 1", monkeypatch)
    start(project, "with_trainer.py --seed 2", monkeypatch)
    result = verified(project)
    assert result.findings == []
    assert result.finished == result.recorded == len(result.steps) == 2


@pytest.mark.parametrize(("command", "said"), TOLD, ids=[command for command, _ in TOLD])
def test_a_drift_is_found_as_the_readme_says(
    project: Path, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    start(project, command, monkeypatch)
    findings = verified(project).findings
    assert {finding.code for finding in findings} == set(re.findall(r"\[(R\d+)\]", said))
    message = said.rpartition("): ")[2] if "): " in said else ""
    assert any(message in finding.message.replace(" of 24", "") for finding in findings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("--learning-rate 1e-2", "R110"), ("--warmup 6", "R110"), ("--trainer-seed 9", "R130"), ("--batch 8", "R102")],
)
def test_a_drift_of_the_trainer_is_found(
    project: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, code: str
) -> None:
    start(project, f"with_trainer.py {arguments}", monkeypatch)
    assert code in {finding.code for finding in verified(project).findings}


def test_the_readme_tells_of_drifts() -> None:
    assert len(TOLD) >= 6


def test_three_lines_record_the_loop() -> None:
    marked = [line for line in (EXAMPLE / "loop.py").read_text().splitlines() if line.endswith("# for the record")]
    assert len(marked) == 3
