"""The contract of the command line: exit codes, streams, and the JSON that programs read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import COMMANDS
from framework.manifest import loading
from framework.planning.build import build
from framework.stages import check as checking
from tests.support.commands import process
from tests.support.evidence import Evidence
from tests.support.project import MANIFEST, Project
from tests.support.run_folders import change_record, seal

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
        ("9" * 400, int("9" * 400)),
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


def test_a_refusal_writes_no_json(tmp_path: Path) -> None:
    outcome = Project(tmp_path, "version: 1\n").cli("check", "--format", "json")
    assert (outcome.code, outcome.out) == (2, "")


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


# Plans


def test_a_run_of_nothing_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    head, _, tail = project.read().partition("variants:\n")
    project.write("experiment.yaml", head + "variants: {}\n" + tail[tail.index("rules:") :])
    for section in ("rules", "claims"):
        text = project.read()
        start = text.index(f"{section}:")
        following = min(at for name in ("seeds:", "configs:") if (at := text.find(f"\n{name}", start)) > 0)
        project.write("experiment.yaml", text[:start] + text[following + 1 :])
    outcome = project.cli("run", "--all")
    assert (outcome.code, "no step" in outcome.err) == (2, True), outcome.err


def test_a_plan_names_every_step_and_what_it_reads(tmp_path: Path) -> None:
    project = Project(tmp_path)
    outcome = project.cli("plan", "--format", "json", "--seed", "1")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["profile"] is None
    steps = outcome.json["steps"]
    assert [step["key"] for step in steps] == [step.key for step in build(project.load(), seeds=[1]).steps]
    prune = next(step for step in steps if step["step"] == "prune")
    assert (prune["variants"], prune["model"], prune["task"], prune["seed"]) == (["pruned"], "tiny", None, 1)
    by_key = {step["key"]: step for step in steps}
    assert by_key[prune["parent"]]["variants"] == ["dense"]
    assert by_key[prune["references"]["same_as"]]["variants"] == ["masked"]


def test_a_plan_tells_what_is_done(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project, variants=["dense"])
    (evidence.folder("dense", "pretrain", 2) / "steps.jsonl").unlink()
    change_record(evidence.folder("dense", "pretrain", 3), lambda record: setattr(record, "status", "failed"))
    steps = project.cli("plan", "--variant", "dense", "--format", "json").json["steps"]
    assert [step["status"] for step in steps] == ["done", "to run", "to run"]


def test_a_plan_for_people_counts_its_steps(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, variants=["dense"])
    outcome = project.cli("plan")
    assert outcome.code == 0
    assert "15 steps: 3 done, 12 to run" in outcome.out


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ((), 15),
        (("--variant", "dense"), 3),
        (("--variant", "dense", "--variant", "masked"), 6),
        (("--seed", "1"), 5),
        (("--model", "tiny", "--task", "topics", "--seed", "2"), 5),
    ],
)
def test_a_plan_can_be_narrowed(tmp_path: Path, options: tuple[str, ...], steps: int) -> None:
    assert len(Project(tmp_path).cli("plan", "--format", "json", *options).json["steps"]) == steps


def test_a_profile_may_name_the_variants_that_it_is_for(tmp_path: Path) -> None:
    profile = "profiles:\n  small: {reason: quick, set: {seeds: [1]}, variants: [dense]}\n"
    project = Project(tmp_path).append(profile)
    few = project.cli("plan", "--profile", "small", "--format", "json").json
    every = project.cli("plan", "--profile", "small", "--all", "--format", "json").json
    assert (few["profile"], len(few["steps"]), len(every["steps"])) == ("small", 1, 5)


# Verifications


def test_a_verification_of_what_conforms_exits_with_0(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project)
    outcome = project.cli("verify", "--format", "json")
    assert (outcome.code, outcome.err, outcome.json["findings"]) == (0, "", [])
    summary = outcome.json["summary"]
    assert (summary["steps"], summary["finished"]) == (15, 15)
    assert set(summary["stages"]) == {"manifest", "config", "plan", "run", "checkpoint", "document", "claim"}


def test_every_value_can_be_said_in_the_json_of_a_verification(tmp_path: Path) -> None:
    project = Project(tmp_path).config("  lr: 2e-4", "  lr: .nan")
    Evidence(project, variants=["dense"], seeds=[1])
    outcome = project.cli("verify", "--format", "json")
    assert outcome.code == 1
    assert [finding["actual"] for finding in outcome.json["findings"] if finding["code"] == "C101"] == ["nan"]


def test_a_verification_with_findings_exits_with_1(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    folder = evidence.folder("dense", "pretrain")
    change_record(folder, lambda record: record.observed.update(seed=9))
    outcome = project.cli("verify")
    assert outcome.code == 1
    assert "error[R130] seed: dense · pretrain · tiny · seed 1: the seed was 9, not 1" in outcome.out
    assert f"runs/{folder.name}/record.json:1:1" in outcome.out


def test_a_verification_without_any_run_exits_with_2(tmp_path: Path) -> None:
    outcome = Project(tmp_path).cli("verify")
    assert outcome.code == 2
    assert "nothing has been run" in outcome.err


def test_one_run_can_be_verified_by_its_folder(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    change_record(evidence.folder("dense", "pretrain", 1), lambda record: record.observed.update(seed=9))
    good, bad = evidence.folder("dense", "pretrain", 2), evidence.folder("dense", "pretrain", 1)
    assert project.cli("verify", good.name).code == 0
    assert project.cli("verify", f"runs/{bad.name}/").code == 1


def test_a_run_that_the_manifest_does_not_demand_any_more_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    folder = Evidence(project, variants=["dense"]).folder("dense", "pretrain")
    project.replace("learning_rate: 2e-4", "learning_rate: 4e-4")
    project.config("lr: 2e-4", "lr: 4e-4").config("min_lr: 2e-5", "min_lr: 4e-5")
    outcome = project.cli("verify", folder.name)
    assert outcome.code == 2
    assert "the manifest does not demand the run" in outcome.err


def test_a_run_under_a_profile_is_held_to_the_profile(tmp_path: Path) -> None:
    project = Project(tmp_path).append("profiles:\n  small: {reason: quick, set: {phases.pretrain.epochs: 2}}\n")
    folder = Evidence(project, "small", variants=["dense"]).folder("dense", "pretrain")
    outcome = project.cli("verify", folder.name, "--format", "json")
    assert outcome.code == 0
    assert outcome.json["findings"] == []


CORRUPT: dict[str, tuple[str, bytes]] = {
    "tensors": ("model/model.safetensors", b"{" * 4096),
    "a trace": ("steps.jsonl", b"{\n{}\n"),
    "a model's config": ("model/config.json", b"["),
    "a record": ("record.json", b"{"),
    "a trace of other lines": ("steps.jsonl", b'{"loss": 1.0}\n{"loss": 1.0}\n'),
    "a trace with words for numbers": ("steps.jsonl", b'{"step": 1, "learning_rate": "x", "samples": 4}\n'),
}


@pytest.mark.parametrize("case", CORRUPT)
def test_corrupt_evidence_is_a_finding_and_the_rest_is_held(tmp_path: Path, case: str) -> None:
    name, data = CORRUPT[case]
    project = Project(tmp_path)
    evidence = Evidence(project, variants=["masked"], seeds=[1, 2])
    folder, other = (evidence.folder("masked", "pretrain", seed) for seed in (1, 2))
    (folder / name).write_bytes(data)
    if name != "record.json":
        seal(folder)
    outcome = project.cli("verify", "--variant", "masked", "--format", "json")
    assert outcome.code == 1, outcome.err
    (finding,) = [finding for finding in outcome.json["findings"] if finding["code"] == "T121"]
    assert finding["location"]["file"].endswith(f"{folder.name}/{name}")
    verdicts = outcome.json["verdicts"]
    reasons = {each["reason"] for each in verdicts if each["status"] == "unverified"}
    assert any(reason.startswith(f"damaged: {folder.name}/{name}: ") for reason in reasons)
    assert not any("seed 1" in reason and reason.startswith("not run") for reason in reasons)
    held = [each for each in verdicts if each["stage"] == "run" and each["evidence"] and other.name in each["evidence"]]
    assert "conforms" in {each["status"] for each in held}


GARBAGE = {
    "empty": b"",
    "half": b"{",
    "a list": b"[]\n",
    "nothing in it": b"{}\n",
    "something else": b'{"a": 1}\n',
    "wrong kinds": b'{"step": [], "event": 1, "modules": 3, "lora_alpha": {}, "n_layer": [1]}\n',
    "no text": b"\xff" * 64,
    "a line feed": b"\n",
}
FILES = {
    "masked pretrain": ("steps.jsonl", "model/model.safetensors", "model/config.json", "masks.safetensors"),
    "pruned finetune": ("events.jsonl", "adapter/adapter_config.json", "adapter/adapter_model.safetensors"),
    "reordered permute": ("permutation.safetensors", "record.json"),
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("step", FILES)
def test_no_evidence_whatever_it_holds_is_a_bug(tmp_path: Path, step: str, garbage: str) -> None:
    project = Project(tmp_path).replace("{permute: csp}", "{permute: {method: csp, dimension: channel}}")
    evidence = Evidence(project, seeds=[1])
    folder = evidence.folder(*step.split())
    for name in FILES[step]:
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(GARBAGE[garbage])
        if name != "record.json":
            seal(folder)
        outcome = project.cli("verify", "--seed", "1")
        assert outcome.code in (0, 1, 2), (name, outcome.err)
        (folder / name).write_bytes(before)
        if name != "record.json":
            seal(folder)


@pytest.mark.parametrize("garbage", [*GARBAGE.values(), b'{"modules": {"h.0.in_proj": 1}}\n', b'{"modules": [1]}\n'])
def test_no_groups_of_hybrid_adapters_are_a_bug(tmp_path: Path, garbage: bytes) -> None:
    hybrid = (
        "  hybrid: {from: dense, steps: [{finetune: {adapter: {sgh: {importance: magnitude, targets: [in_proj]}}}}]}\n"
    )
    project = Project(tmp_path).replace("variants:\n", f"variants:\n{hybrid}")
    folder = Evidence(project, variants=["hybrid"], seeds=[1]).folder("hybrid", "finetune")
    (folder / "adapter").mkdir(exist_ok=True)
    (folder / "adapter" / "groups.json").write_bytes(garbage)
    seal(folder)
    outcome = project.cli("verify", "--variant", "hybrid", "--seed", "1")
    assert outcome.code in (0, 1, 2), outcome.err


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
