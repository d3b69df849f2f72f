"""A part of the sparse LoRA study as a user runs it, without a hub: in the pool, killed, verified, analysed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from framework.evidence.masks import MaskFile
from framework.evidence.record import RECORD, RunRecord
from framework.evidence.store import RunStore
from framework.evidence.tensors import TensorFile

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sparse_lora"
DENSE, SPARSE = "sparse_to_dense", "sparse_to_sparse"
CHOSEN = ("--profile", "smoke", "--model", "llama", "--task", "boolq")
LEVELS = ("--variant", "sparse/unstructured/0/*", "--variant", "sparse/unstructured/0.5/*")


def copied(folder: Path) -> Path:
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("runs", "documents", "data"))
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "framework", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def framework(folder: Path, *arguments: str) -> str:
    process = start(folder, *arguments)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    return told


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(tmp_path_factory.mktemp("paper") / "sparse_lora")
    framework(folder, "run", *CHOSEN, *LEVELS, "--jobs", "2")
    return folder


def trained(folder: Path, variant: str) -> RunRecord:
    (found,) = [
        run.record
        for run in RunStore(folder / "runs").runs()
        if variant in run.record.variants and run.record.step == "finetune"
    ]
    return found


def test_nothing_is_violated_by_what_ran(done: Path) -> None:
    result = json.loads(framework(done, "verify", "--profile", "smoke", "--format", "json"))
    looks = {(each["clause"], each["stage"], each["status"]) for each in result["verdicts"]}
    assert "violated" not in {status for _, _, status in looks}
    assert not [finding for finding in result["findings"] if finding["severity"] == "error"]
    mode = f'variants."sparse/unstructured/0.5/{SPARSE}".steps[1].finetune.adapter.lora.mode'
    assert {(mode, stage, "conforms") for stage in ("config", "plan", "run")} <= looks


def test_without_zeros_both_modes_are_the_same_run(done: Path) -> None:
    one, other = (trained(done, f"sparse/unstructured/0/{mode}") for mode in (DENSE, SPARSE))
    assert one.folder == other.folder


def test_with_zeros_the_modes_differ_in_config_function_and_result(done: Path) -> None:
    """A merge changes what a dense update computes, and leaves what a sparse one computes."""
    dense, sparse = (trained(done, f"sparse/unstructured/0.5/{mode}") for mode in (DENSE, SPARSE))
    assert dense.parent == sparse.parent
    stated = [json.loads((done / "runs" / each.folder / "adapter/adapter_config.json").read_text())["mode"]
              for each in (dense, sparse)]  # fmt: skip
    assert stated == [DENSE, SPARSE]
    assert dense.metrics["validation_loss"] != sparse.metrics["validation_loss"]
    assert dense.metrics["initial_validation_loss"] == sparse.metrics["initial_validation_loss"]
    before, after = (sparse.metrics[f"loss_{moment}_merge"] for moment in ("before", "after"))
    assert after == pytest.approx(before, rel=1e-5)
    before, after = (dense.metrics[f"loss_{moment}_merge"] for moment in ("before", "after"))
    assert abs(after - before) > 1e-3
    steps = [(done / "runs" / each.folder / "steps.jsonl").read_text().splitlines()[-1] for each in (dense, sparse)]
    assert json.loads(steps[0])["loss"] != json.loads(steps[1])["loss"]


@pytest.mark.parametrize("mode", [DENSE, SPARSE])
def test_every_masked_weight_is_zero_after_the_merge(done: Path, mode: str) -> None:
    folder = done / "runs" / trained(done, f"sparse/unstructured/0.5/{mode}").folder
    masks, model = MaskFile(folder / "masks.safetensors"), TensorFile(folder / "model/model.safetensors")
    masked = 0
    for name in masks.tensors:
        removed = masks.is_zero(name)
        assert model.is_zero(name)[removed].all(), name
        masked += int(removed.sum())
    assert masked == 2 * 3 * 32 * 80 // 2


def test_the_analysis_draws_throughput_over_the_batch_size(done: Path) -> None:
    framework(done, "analyse", *CHOSEN, *LEVELS)
    folder = done / "documents/smoke/analysis"
    with (folder / "throughput_vs_batch_size.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["batch_size"] for row in rows] == 2 * ["1", "2", "4", "8", "16", "32"]
    assert all(float(row["mean"]) > 0 and row["model"] == "llama" for row in rows)
    assert (folder / "throughput.llama.length-128.fp32.merged.png").read_bytes().startswith(b"\x89PNG")
    with (folder / "summary.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 4


def test_a_pool_that_is_killed_goes_on_without_repeating_what_is_done(tmp_path: Path) -> None:
    folder = copied(tmp_path / "killed")
    arguments = ("run", *CHOSEN, "--variant", "sparse/random/*/sparse_to_sparse", "--jobs", "2")
    pool = start(folder, *arguments)
    deadline = time.monotonic() + 240
    while len(finished(folder)) < 5 and pool.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    pool.send_signal(signal.SIGKILL)
    pool.communicate()
    assert pool.returncode == -signal.SIGKILL
    before = finished(folder)
    assert 5 <= len(before) < 21
    framework(folder, *arguments)
    after = finished(folder)
    assert len(after) == 21  # a pruning and a training for each of ten levels, and a measurement
    assert {path: after[path] for path in before} == before
    assert {RunRecord.read(path.parent).status for path in after} == {"done"}


def finished(folder: Path) -> dict[Path, int]:
    """The records of what is done, with the times at which they were written."""
    found = {}
    for path in (folder / "runs").glob(f"*/{RECORD}"):
        if '"status": "done"' in path.read_text():
            found[path] = path.stat().st_mtime_ns
    return found
