"""The contract of the command line: exit codes, streams, and the JSON that programs read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import COMMANDS
from framework.isolation import EXTRAS
from framework.manifest import loading
from framework.stages import check as checking
from tests.support.commands import process
from tests.support.evidence import Evidence
from tests.support.project import MANIFEST, Project

ROOT = Path(__file__).resolve().parents[2]

# Exit codes of a check


def test_a_check_of_what_conforms_exits_with_0(tmp_path: Path) -> None:
    outcome = Project(tmp_path).cli("check")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("conforms: ")


def test_a_check_with_findings_exits_with_1(tmp_path: Path) -> None:
    outcome = Project(tmp_path).config("lr: 2e-4", "lr: 3e-4").cli("check")
    assert (outcome.code, outcome.err) == (1, "")
    assert "error[C101] drift" in outcome.out
    assert "configs/pretrain.yaml:4:7" in outcome.out


def test_a_warning_alone_exits_with_0(tmp_path: Path) -> None:
    outcome = Project(tmp_path).config("every: 20", "every: 20\nmore: 1").cli("check")
    assert outcome.code == 0
    assert "warning[C120]" in outcome.out


REFUSED: dict[str, tuple[str, ...]] = {
    "no command": (),
    "unknown command": ("chek",),
    "unknown option": ("check", "--fast"),
    "unknown format": ("check", "--format", "xml"),
    "an option without its value": ("check", "--manifest"),
    "more arguments than there are": ("check", "configs"),
    "no such manifest": ("check", "--manifest", "nothing.yaml"),
    "no such profile": ("plan", "--profile", "small"),
    "no such variant": ("plan", "--variant", "nothing"),
    "no such task": ("plan", "--task", "nothing"),
    "a seed that is no number": ("plan", "--seed", "one"),
    "no such document": ("docs", "nothing"),
    "no such run": ("verify", "nothing"),
    "nothing named to run": ("run",),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_question_that_cannot_be_asked_exits_with_2(tmp_path: Path, case: str) -> None:
    project = Project(tmp_path)
    before = project.files()
    outcome = project.cli(*REFUSED[case])
    assert outcome.code == 2, outcome
    assert "Traceback" not in outcome.err
    assert case == "no command" or outcome.err
    assert project.files() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "--variant", "dens"), "unknown variant 'dens': did you mean 'dense'?"),
        (("docs", "setop"), "no document 'setop': did you mean 'setup'?"),
        (("plan", "--profile", "smal"), "has no profile 'smal': did you mean 'small'?"),
    ],
)
def test_an_unknown_name_comes_with_the_near_one(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    project = Project(tmp_path).append("profiles:\n  small: {reason: quick, set: {seeds: [1]}}\n")
    assert words in project.cli(*arguments).err


BUG = "this is a bug in framework, not in your files"


@pytest.mark.parametrize(
    "problem", [KeyError("x"), AssertionError(), RecursionError(), AttributeError("y"), StopIteration()]
)
def test_a_bug_exits_with_101_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    def broken(*arguments: Any, **options: Any) -> None:
        raise problem

    monkeypatch.setattr(checking, "check", broken)
    outcome = Project(tmp_path).cli("check")
    assert outcome.code == 101
    assert "Traceback" in outcome.err
    assert BUG in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (PermissionError(13, "Permission denied", "documents"), "error: documents: Permission denied"),
        (OSError(28, "No space left on device"), "error: No space left on device"),
    ],
)
def test_a_disk_that_refuses_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: OSError, words: str
) -> None:
    def broken(*arguments: Any, **options: Any) -> None:
        raise problem

    monkeypatch.setattr(checking, "check", broken)
    outcome = Project(tmp_path).cli("check")
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert BUG not in outcome.err


def test_an_interrupt_exits_with_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "load", interrupted)
    outcome = Project(tmp_path).cli("check")
    assert outcome.code == 130
    assert "interrupted" in outcome.err


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(tmp_path: Path, command: str) -> None:
    outcome = Project(tmp_path).cli(command, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"usage: framework {command} ")
    assert "--manifest FILE" in outcome.out


def test_the_help_names_every_command(tmp_path: Path) -> None:
    outcome = Project(tmp_path).cli("--help")
    assert outcome.code == 0
    for command in COMMANDS:
        assert f"  {command}" in outcome.out


def test_an_unknown_command_is_told_the_known_ones(tmp_path: Path) -> None:
    outcome = Project(tmp_path).cli("chek")
    assert "invalid choice: 'chek'" in outcome.err
    assert "check" in outcome.err


def test_the_version_is_told(tmp_path: Path) -> None:
    outcome = Project(tmp_path).cli("--version")
    assert outcome.code == 0
    assert outcome.out.startswith("framework ")


# JSON

FINDING = {"code", "severity", "stage", "clause", "message", "expected", "actual", "location", "declared", "advice"}
SUMMARY = {
    "clauses", "bindings", "files", "conforms", "violated", "waived", "unverified", "keys", "unbound",
}  # fmt: skip


def test_the_json_of_a_check_says_what_was_found_where(tmp_path: Path) -> None:
    project = Project(tmp_path).config("lr: 2e-4", "lr: «3e-4")
    outcome = project.cli("check", "--format", "json")
    assert outcome.code == 1
    assert set(outcome.json) >= {"findings", "summary"}
    (finding,) = outcome.json["findings"]
    assert set(finding) >= FINDING
    assert (finding["code"], finding["severity"], finding["stage"]) == ("C101", "error", "config")
    assert finding["clause"] == "phases.pretrain.optimizer.learning_rate"
    assert (finding["expected"], finding["actual"]) == (2e-4, 3e-4)
    assert finding["location"] == {"file": "configs/pretrain.yaml", "line": 4, "column": 7, "key": "optim.lr"}
    assert finding["declared"] == {"file": "experiment.yaml", "line": 31, "column": 22}
    assert project.place == "configs/pretrain.yaml:4:7"


def test_the_json_of_a_check_counts(tmp_path: Path) -> None:
    outcome = Project(tmp_path).config("lr: 2e-4", "lr: 3e-4").cli("check", "--format", "json")
    summary = outcome.json["summary"]
    assert set(summary) >= SUMMARY
    assert summary["clauses"] == sum(summary[name] for name in ("conforms", "violated", "waived", "unverified"))
    counted = {name: summary[name] for name in ("bindings", "files", "violated", "waived", "keys", "unbound")}
    assert counted == {"bindings": 1, "files": 1, "violated": 1, "waived": 0, "keys": 10, "unbound": 0}


def test_the_json_of_what_conforms_has_no_findings(tmp_path: Path) -> None:
    outcome = Project(tmp_path).cli("check", "--format", "json")
    assert (outcome.code, outcome.json["findings"], outcome.err) == (0, [], "")


@pytest.mark.parametrize(
    ("value", "actual"),
    [
        (".nan", "nan"),
        (".inf", "inf"),
        ("[1, .nan]", [1, "nan"]),
        ("{a: .inf}", {"a": "inf"}),
        ("2026-01-01", "2026-01-01"),
        ("9" * 200, int("9" * 200)),
        ("9" * 400, "inf"),
        ("grün", "grün"),
    ],
)
def test_every_value_can_be_said_in_json(tmp_path: Path, value: str, actual: Any) -> None:
    outcome = Project(tmp_path).config("  lr: 2e-4", f"  lr: {value}").cli("check", "--format", "json")
    assert outcome.code == 1
    (finding,) = [each for each in outcome.json["findings"] if each["clause"]]
    assert finding["actual"] == actual


def test_a_date_that_pyyaml_reads_can_be_said_in_json(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("    keys:\n", "    reader: pyyaml\n    keys:\n")
    outcome = project.config("epochs: 4", "epochs: 2026-01-01").cli("check", "--format", "json")
    assert "2026-01-01" in [finding["actual"] for finding in outcome.json["findings"]]


def test_a_refusal_writes_no_answer(tmp_path: Path) -> None:
    outcome = Project(tmp_path, "version: 1\n").cli("check", "--format", "json")
    assert (outcome.code, list(outcome.json)) == (2, ["refused"])


@pytest.mark.parametrize(
    "command",
    [
        ("check", "--select", "C101", "--nonsense"),
        ("check", "more", "words"),
        ("check", "--output"),
        ("verify", "--seed", "x"),
        ("plan", "--phase", "train"),
        ("runs", "--jobs", "0"),
        ("diff", "a", "b", "c"),
        ("explain", "--write"),
        ("adopt", "--across"),
        ("sweep", "--jobs", "none"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("asked", [("--format", "json"), ("--format=json",)], ids=" ".join)
def test_a_command_that_cannot_be_read_is_refused_in_json_too(
    tmp_path: Path, command: tuple[str, ...], asked: tuple[str, ...]
) -> None:
    """An empty answer would be taken for one."""
    outcome = Project(tmp_path).cli(command[0], *asked, *command[1:])
    assert (outcome.code, list(outcome.json)) == (2, ["refused"])
    (refused,) = outcome.json["refused"]
    assert refused["message"] in outcome.err
    said = Project(tmp_path).cli(*command)
    assert (said.code, said.out) == (2, ""), "people read it from standard error"


# The manifest's place


def test_a_manifest_elsewhere_is_checked_with_its_own_files(tmp_path: Path) -> None:
    Project(tmp_path / "project").config("lr: 2e-4", "lr: 3e-4")
    outer = Project(tmp_path)
    outcome = outer.cli("check", "--manifest", "project/experiment.yaml")
    assert outcome.code == 1
    assert "project/configs/pretrain.yaml:4:7" in outcome.out


def test_a_check_from_a_folder_below_finds_its_files(tmp_path: Path) -> None:
    project = Project(tmp_path).config("lr: 2e-4", "lr: 3e-4")
    outcome = project.cli("check", "--manifest", "../experiment.yaml", cwd="configs")
    assert outcome.code == 1
    assert "pretrain.yaml:4:7" in outcome.out


# Nothing is written


@pytest.mark.parametrize(
    "command", [("check",), ("check", "--format", "json"), ("plan",), ("verify",), ("docs", "--check")]
)
def test_a_question_writes_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    project = Project(tmp_path)
    Evidence(project, variants=["dense"], seeds=[1])
    before = project.files()
    project.cli(*command)
    assert project.files() == before


# In a process of its own


def test_the_installed_command_speaks_the_same(tmp_path: Path) -> None:
    project = Project(tmp_path).config("lr: 2e-4", "lr: 3e-4")
    run = process(tmp_path, "check", "--format", "json")
    assert run.returncode == 1
    assert json.loads(run.stdout) == project.cli("check", "--format", "json").json
    assert run.stderr == ""


def test_a_refusal_in_a_process_of_its_own(tmp_path: Path) -> None:
    Project(tmp_path, MANIFEST.replace("version: 1", "version: 2"))
    run = process(tmp_path, "check")
    assert run.returncode == 2
    assert run.stderr.startswith("experiment.yaml:1:10: error: ")
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def unread(folder: Path, *arguments: str) -> tuple[int, bytes]:
    """The exit code and the errors of a command whose reader is gone before it answers."""
    command = [sys.executable, "-m", "framework", *arguments]
    environment = {**os.environ, "FRAMEWORK_CACHE_DIR": str(folder / ".cache")}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        said = started.stderr.read()
        return started.wait(60), said


def test_a_reader_that_goes_away_is_no_bug_and_no_noise(tmp_path: Path) -> None:
    Project(tmp_path, MANIFEST.replace("seeds: [1, 2, 3]", f"seeds: {list(range(100))}"))
    assert unread(tmp_path, "plan", "--format", "json") == (141, b"")


def test_a_gate_whose_reader_goes_away_does_not_pass(tmp_path: Path) -> None:
    Project(tmp_path).config("lr: 2e-4", "lr: 3e-4")
    for _ in range(2):
        code, said = unread(tmp_path, "check")
        assert code in (1, 141)
        assert said == b""


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_that_knows_few_letters_is_no_bug(tmp_path: Path, encoding: str) -> None:
    Project(tmp_path).config("AdamW", "größer")
    run = process(tmp_path, "check", PYTHONIOENCODING=encoding)
    assert run.returncode == 1
    assert "error[C101]" in run.stdout
    assert "Traceback" not in run.stderr


def test_what_is_not_installed_is_a_refusal_that_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every package that an extra brings, whatever command comes to need it."""
    project = Project(tmp_path)
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for package, extra in EXTRAS.items():
        assert any(re.split(r"[<>=]", each)[0] == package for each in stated[extra]), f"{extra} brings no {package}"

        def missing(*_: object, package: str = package) -> int:
            raise ModuleNotFoundError(f"No module named {package!r}", name=f"{package}.inner")

        monkeypatch.setattr("framework.cli.plan.main", missing)
        told = project.cli("plan")
        assert (told.code, f"[{extra}]'" in told.err, "bug" in told.err) == (2, True, False)


def test_a_module_of_nobody_that_is_missing_is_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> int:
        raise ModuleNotFoundError("No module named 'framework.gone'", name="framework.gone")

    monkeypatch.setattr("framework.cli.plan.main", missing)
    assert Project(tmp_path).cli("plan").code == 101
