"""The main job as a user runs it: check, three variants, verify and documents, then what goes wrong afterwards.

One small reproduction serves all tests: the repository's own manifest under its smoke profile, with fewer examples.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from framework.evidence.masks import MaskFile
from framework.evidence.record import RunRecord, read_lines
from framework.evidence.store import RunStore
from framework.evidence.tensors import TensorFile

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
SMALLER = """
      datasets.wikitext-103.limit: 96
      datasets.wikitext-103.validation_limit: 16
      datasets.sst2.limit: 64
      datasets.sst2.validation_limit: 32
      seeds: [42]
"""


def framework(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "FRAMEWORK_CACHE_DIR": str(folder / ".cache")}
    command = [sys.executable, "-m", "framework", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper") / "project"
    folder.mkdir()
    shutil.copytree(REPOSITORY / "configs", folder / "configs")
    manifest = (REPOSITORY / "experiment.yaml").read_text()
    # So few steps take larger ones to part the channels.
    assert "learning_rate: 0.05\n" in manifest
    manifest = manifest.replace("learning_rate: 0.05\n", "learning_rate: 0.5\n")
    head, mark, tail = manifest.rpartition("\n      seeds: [42]\n")
    assert mark
    (folder / "experiment.yaml").write_text(head + SMALLER + tail)
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    done = framework(folder, "reproduce", "--profile", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "reproduce.log").write_text(done.stdout)
    return folder


def records(folder: Path) -> dict[str, RunRecord]:
    runs = RunStore(folder / "runs").runs()
    return {f"{run.record.variants[0]} {run.record.step}": run.record for run in runs}


def test_it_says_what_it_did_and_where_it_wrote(reproduced: Path) -> None:
    log = (reproduced / "reproduce.log").read_text()
    for stage in ("1. check", "2. run: 7 steps", "3. verify", "4. docs", "nothing violated: 7 of 7"):
        assert stage in log
    for name in ("documents/smoke/EXPERIMENTAL_SETUP.md", "documents/smoke/COMPLIANCE.md"):
        assert name in log
        assert (reproduced / name).is_file()


def test_the_losses_fall(reproduced: Path) -> None:
    for name in ("M_base pretrain", "M_sdm pretrain"):
        metrics = records(reproduced)[name].metrics
        assert metrics["validation_loss"] < metrics["initial_validation_loss"] - 0.3


def test_m_challenge_has_exactly_as_many_zeros_as_m_sdm_over_the_same_tensors(reproduced: Path) -> None:
    counts = {}
    for name in ("M_sdm pretrain", "M_challenge prune", "M_challenge finetune"):
        folder = reproduced / "runs" / records(reproduced)[name].folder
        masks, model = TensorFile(folder / "masks.safetensors"), TensorFile(folder / "model/model.safetensors")
        counts[name] = (sorted(masks.tensors), sum(model.zeros(tensor) for tensor in masks.tensors))
    first, *others = counts.values()
    assert first[1] > 0
    assert all(other == first for other in others)


def test_the_evidence_of_each_step_is_there_without_torch(reproduced: Path) -> None:
    for record in records(reproduced).values():
        assert record.status == "done"
        assert record.profile == "smoke"
        assert record.environment["packages"]["torch"]
        lines = list(read_lines(reproduced / "runs" / record.folder / "steps.jsonl"))
        assert len(lines) == record.observed.get("optimizer_steps", 0)


def test_what_is_done_is_not_run_again(reproduced: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (reproduced / "runs").rglob("*") if path.is_file()}
    again = framework(reproduced, "run", "--variant", "M_challenge", "--profile", "smoke")
    assert again.returncode == 0
    assert again.stdout.count("done ") == 5
    assert {path: path.stat().st_mtime_ns for path in (reproduced / "runs").rglob("*") if path.is_file()} == before


def test_without_a_profile_it_is_refused_with_what_is_missing_and_what_would_work(reproduced: Path) -> None:
    refused = framework(reproduced, "run", "--variant", "M_challenge")
    assert refused.returncode == 2
    for words in ("hardware.accelerator = NVIDIA A100", "datasets.wikitext-103.hub", "--profile smoke"):
        assert words in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_drifted_config_stops_it_before_anything_runs(reproduced: Path, tmp_path: Path) -> None:
    folder = copied(reproduced, tmp_path / "drifted")
    shutil.rmtree(folder / "runs")
    config = folder / "configs/pretrain_sdm.yaml"
    config.write_text(config.read_text().replace("learning_rate: 2e-4", "learning_rate: 3e-4"))
    stopped = framework(folder, "reproduce", "--profile", "smoke")
    assert stopped.returncode == 1
    assert "configs/pretrain_sdm.yaml:4:20" in stopped.stdout
    assert not (folder / "runs").exists()


def test_a_weight_that_came_back_is_named_with_its_tensor_and_index(reproduced: Path, tmp_path: Path) -> None:
    folder = copied(reproduced, tmp_path / "tampered")
    run = folder / "runs" / records(folder)["M_challenge finetune"].folder
    path, masks = run / "model/model.safetensors", MaskFile(run / "masks.safetensors")
    name = next(each for each in sorted(masks.tensors) if masks.zeros(each))
    index = int(masks.is_zero(name).ravel().argmax())
    tensor = TensorFile(path).tensors[name]
    data = bytearray(path.read_bytes())
    data[tensor.start + 4 * index : tensor.start + 4 * index + 4] = b"\x00\x00\x80\x3f"
    path.write_bytes(bytes(data))
    result = framework(folder, "verify", "--profile", "smoke", "--format", "json")
    assert result.returncode == 1
    found = {finding["code"]: finding["message"] for finding in json.loads(result.stdout)["findings"]}
    assert {"T101", "T110", "T120"} <= set(found)
    assert f"1 in {name}" in found["T101"]


def test_a_trace_that_left_the_schedule_is_a_finding_at_its_line(reproduced: Path, tmp_path: Path) -> None:
    folder = copied(reproduced, tmp_path / "off")
    path = folder / "runs" / records(folder)["M_base pretrain"].folder / "steps.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[4]["learning_rate"] *= 2
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = framework(folder, "verify", "--profile", "smoke")
    assert result.returncode == 1
    assert "R110" in result.stdout
    assert "steps.jsonl:5:1" in result.stdout


def test_documents_are_fresh_until_the_evidence_or_the_manifest_changes(reproduced: Path, tmp_path: Path) -> None:
    folder = copied(reproduced, tmp_path / "documents")
    assert framework(folder, "docs", "--check", "--profile", "smoke").returncode == 0
    manifest = folder / "experiment.yaml"
    manifest.write_text(manifest.read_text().replace("weight_decay: 0.01", "weight_decay: 0.02"))
    stale = framework(folder, "docs", "--check", "setup", "--profile", "smoke")
    assert stale.returncode == 1
    assert "Of 7 planned runs 7 are there" in stale.stdout
    assert "Of 7 planned runs 5 are there" in stale.stdout, "the first line that differs, both ways"


def test_a_training_whose_loss_is_no_number_fails_and_says_where(reproduced: Path, tmp_path: Path) -> None:
    folder = copied(reproduced, tmp_path / "diverged")
    manifest = folder / "experiment.yaml"
    text = manifest.read_text().replace("learning_rate: 6e-3", "learning_rate: 1e30")
    manifest.write_text(text)
    failed = framework(folder, "run", "--variant", "M_base", "--profile", "smoke")
    assert failed.returncode == 1
    assert "the training loss is" in failed.stderr
    assert "Traceback" not in failed.stderr
    (record,) = [run.record for run in RunStore(folder / "runs").runs() if run.record.status == "failed"]
    assert "optimizer step" in (record.error or "")


@pytest.mark.parametrize("gone", ["model/model.safetensors", "masks.safetensors", "steps.jsonl", "adapter"])
def test_a_file_that_is_gone_is_a_finding_and_no_pass(reproduced: Path, tmp_path: Path, gone: str) -> None:
    folder = copied(reproduced, tmp_path / "gone")
    for record in records(folder).values():
        path = folder / "runs" / record.folder / gone
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    result = framework(folder, "verify", "--profile", "smoke")
    assert result.returncode == 1, result.stderr
    assert "T120" in result.stdout
    assert "nothing violated" not in result.stdout


def test_every_stated_setting_of_the_learned_mask_is_held_at_the_run(reproduced: Path) -> None:
    result = json.loads(framework(reproduced, "verify", "--profile", "smoke", "--format", "json").stdout)
    seen = {each["clause"]: each["status"] for each in result["verdicts"] if each["stage"] == "run"}
    for name in ("target_sparsity", "temperature", "sparsity_weight", "initial_logit", "learning_rate"):
        assert seen[f"variants.M_sdm.steps[0].pretrain.mask.sdm.{name}"] == "conforms"


def test_the_cost_of_each_variant_is_measured_and_verified(reproduced: Path) -> None:
    result = json.loads(framework(reproduced, "verify", "--profile", "smoke", "--format", "json").stdout)
    seen = {each["clause"]: each["status"] for each in result["verdicts"] if each["stage"] == "run"}
    assert seen["measurements.cost.measure"] == "conforms"
    assert seen["measurements.cost.repeats"] == "waived"
    found = records(reproduced)
    figures = {name: found[f"{name} measure-cost"].measurements for name in ("M_base", "M_sdm", "M_challenge")}
    counts = {
        name: next(each["value"] for each in facts if each["quantity"] == "nonzero_parameters")
        for name, facts in figures.items()
    }
    zeros = found["M_sdm pretrain"].sparsity["zeros"]
    assert counts["M_base"] - counts["M_sdm"] == zeros
    assert {each["adapter"] for each in figures["M_challenge"]} == {"merged", "unmerged"}
    report = (reproduced / "documents/smoke/COMPLIANCE.md").read_text()
    assert "## Measurements" in report
    assert "tokens/s" in report


def test_runs_are_logged_with_times_outside_of_their_evidence(reproduced: Path) -> None:
    for record in records(reproduced).values():
        lines = list(read_lines(reproduced / "runs/logs" / f"{record.folder}.jsonl"))
        assert [lines[0]["event"], lines[-1]["event"]] == ["started", "finished"]


def test_a_tracker_that_is_not_installed_is_refused_before_anything_starts(reproduced: Path, tmp_path: Path) -> None:
    folder = copied(reproduced, tmp_path / "tracked")
    shutil.rmtree(folder / "runs")
    refused = framework(folder, "run", "--variant", "M_base", "--profile", "smoke", "--tracker", "nobodys")
    assert refused.returncode == 2
    assert "no tracker is called 'nobodys'" in refused.stderr
    assert not (folder / "runs").exists()
