"""`framework verify`: exit codes, one run by its folder, and evidence that nobody can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record, seal


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
    "wrong options": b'{"lora_alpha": 4, "alpha_pattern": [1], "modules_to_save": 3, "bias": []}\n',
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
