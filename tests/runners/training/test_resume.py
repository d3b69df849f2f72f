"""A run that was killed ends as if it had not been: bit for bit."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from framework.errors import FrameworkError
from framework.evidence import environment
from framework.evidence.locks import this_host
from framework.evidence.record import CHECKPOINTS, RunRecord, sha256_of
from framework.evidence.standing.run_state import on_disk
from framework.evidence.store import Run, RunStore
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import SDM, SGH, Adapter, LoRA, Mask
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs, Step, Training
from runners.execute import execute
from runners.progress import Silent
from runners.training import phase as phase_module
from runners.training import update
from runners.training.checkpointing.checkpoint_files import CheckpointFolder
from tests.support.killing import Interrupting, Interruption, differences, evidence, killed_after, killed_when

KNOBS = Knobs(micro_batch_size=4, log_every=1, checkpoint_every=2)
SPARSE = Mask(sdm=SDM(target_sparsity=0.3, learning_rate=0.4, sparsity_weight=10.0, initial_logit=0.5))
COSINE = {"name": "cosine", "warmup": "2 steps", "min_learning_rate": "0.1 * learning_rate"}
EARLY = {"metric": "loss", "patience": 1, "min_delta": 0.05}


class Told(Silent):
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture(scope="module")
def masked_base(shared: Any, phase: Callable[..., Phase]) -> Run:
    """A pre-trained model with masks, to start adapters from."""
    run: Run = shared.pretrain(phase(max_steps=8, batch_size=16), SPARSE, variant="M_sdm")
    return run


def gpt2(laboratory: Any) -> dict[str, Any]:
    """Dropout is 0.1 in three places of each of its layers."""
    return {"model": laboratory.model.model_copy(update={"family": "gpt2", "heads": 2, "state": None})}


def dense(laboratory: Any, phase: Callable[..., Phase], base: Run) -> Step:
    stated = phase(batch_size=12, epochs=2.0, max_grad_norm=1.0, schedule=COSINE)  # 64 sequences: 6 steps an epoch
    knobs = replace(KNOBS, validate_every=3)
    return laboratory.step(Training(stated, "data", laboratory.text()), knobs=knobs, **gpt2(laboratory))


def half(laboratory: Any, phase: Callable[..., Phase], base: Run) -> Step:
    sgd = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}
    stated = phase(max_steps=10, precision="bf16", optimizer=sgd, schedule={**COSINE, "name": "linear"})
    return laboratory.step(Training(stated, "data", laboratory.text()), knobs=KNOBS)


def learned_mask(laboratory: Any, phase: Callable[..., Phase], base: Run) -> Step:
    stated = phase(batch_size=16, epochs=3.0, max_grad_norm=1.0, schedule=COSINE)
    return laboratory.step(Training(stated, "data", laboratory.text(), SPARSE, None), knobs=KNOBS)


def early_stopping(laboratory: Any, phase: Callable[..., Phase], base: Run) -> Step:
    """Six sequences are soon learned by heart; the validation loss is best after the first epochs."""
    stated = phase(batch_size=4, epochs=20.0, optimizer={"learning_rate": 2e-2}, early_stopping=EARLY)
    knobs = replace(KNOBS, checkpoint_every=1)
    return laboratory.step(Training(stated, "data", laboratory.text(limit=6)), knobs=knobs, **gpt2(laboratory))


def masked_lora(laboratory: Any, phase: Callable[..., Phase], base: Run) -> Step:
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, dropout=0.2, mode="sparse_to_sparse", targets=["in_proj"]))
    stated = phase("classification", epochs=2.0, early_stopping={"metric": "accuracy", "patience": 9})
    work = Training(stated, "data", laboratory.topics(), None, lora)
    return laboratory.step(work, name="finetune", parent=base, knobs=KNOBS)


def dense_lora(laboratory: Any, phase: Callable[..., Phase], base: Run) -> Step:
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, dropout=0.2, mode="sparse_to_dense", targets=["in_proj"]))
    work = Training(phase("classification", epochs=1.0), "data", laboratory.topics(), None, lora)
    return laboratory.step(work, name="finetune", parent=base, knobs=KNOBS)


def hybrid(laboratory: Any, phase: Callable[..., Phase], base: Run) -> Step:
    sgh = Adapter(sgh=SGH(importance="mask", dropout=0.1))
    work = Training(phase("classification", epochs=2.0), "data", laboratory.topics(), None, sgh)
    return laboratory.step(work, name="finetune", parent=base, knobs=KNOBS)


def uninterrupted(step: Step, root: Path, parents: Path) -> Path:
    """The step's run folder in a store of its own, which sees the finished runs of another."""
    store = RunStore(root / "runs")
    store.root.mkdir(parents=True)
    for run in parents.glob("*.*"):
        (store.root / run.name).symlink_to(run)
    execute(step, store, root, Silent())
    return store.folder(step.folder)


CASES = (dense, half, learned_mask, early_stopping, masked_lora, dense_lora, hybrid)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_killed_run_ends_as_if_it_had_not_been(
    case: Callable[..., Step], shared: Any, phase: Callable[..., Phase], masked_base: Run, tmp_path: Path
) -> None:
    """Killed twice, each time past the last checkpoint; the checkpoints lie within an epoch."""
    step = case(shared, phase, masked_base)
    expected = uninterrupted(step, tmp_path, shared.store.root)
    assert len((expected / "steps.jsonl").read_text().splitlines()) > 5
    killed_after(3, step, shared.project)
    folder = shared.store.folder(step.folder)
    assert RunRecord.read(folder).status == "running"
    killed_after(5, step, shared.project)
    told = Told()
    execute(step, shared.store, shared.project, told)
    record = RunRecord.read(folder)
    assert differences(evidence(folder), evidence(expected)) == []
    assert [attempt["from_step"] for attempt in record.attempts] == [0, 2, 4]
    assert ["finished" in attempt for attempt in record.attempts] == [False, False, True]
    assert f"goes on after optimizer step 4 of {record.observed['planned_steps']}" in told.messages
    assert not (folder / CHECKPOINTS).exists()
    assert not list(folder.rglob(".*"))


def small(laboratory: Any, phase: Callable[..., Phase], **knobs: Any) -> Step:
    stated = phase(max_steps=8, batch_size=12, max_grad_norm=1.0, schedule=COSINE)
    return laboratory.step(Training(stated, "data", laboratory.text()), knobs=replace(KNOBS, **knobs))


@dataclass(frozen=True)
class Interrupted:
    """A run that was killed after 7 of 8 optimizer steps, saved after 4 and 6; and how it would have ended."""

    step: Step
    root: Path
    expected: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.root / "runs" / self.step.folder

    @property
    def checkpoints(self) -> Path:
        return self.folder / CHECKPOINTS

    def copy(self, root: Path) -> Interrupted:
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return replace(self, root=root)

    def finish(self, told: Told | None = None) -> RunRecord:
        return execute(self.step, RunStore(self.root / "runs"), self.root, told or Told())

    def went_on_from(self, done: int, told: Told | None = None) -> None:
        """Finish it, and hold it to the uninterrupted run."""
        record = self.finish(told)
        assert [attempt["from_step"] for attempt in record.attempts] == [0, done]
        assert differences(evidence(self.folder), self.expected) == []


@pytest.fixture(scope="module")
def original(shared: Any, phase: Callable[..., Phase], tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    step = small(shared, phase)
    run = shared.execute(step)
    root = tmp_path_factory.mktemp("interrupted")
    killed_after(7, step, root)
    return Interrupted(step, root, evidence(run.folder))


@pytest.fixture
def interrupted(original: Interrupted, tmp_path: Path) -> Interrupted:
    return original.copy(tmp_path)


def test_a_checkpoint_is_safetensors_json_and_their_hashes(interrupted: Interrupted) -> None:
    assert sorted(path.name for path in interrupted.checkpoints.iterdir()) == [
        "LATEST",
        "step-00000004",
        "step-00000006",
    ]
    assert (interrupted.checkpoints / "LATEST").read_text() == "step-00000006\n"
    newest = interrupted.checkpoints / "step-00000006"
    files = json.loads((newest / "manifest.json").read_text())["files"]
    assert set(files) == {"weights.safetensors", "optimizer.safetensors", "state.json"}
    assert {path.name for path in newest.iterdir()} == {*files, "manifest.json"}
    assert all(sha256_of(newest / name) == facts["sha256"] for name, facts in files.items())
    weights = TensorFile(newest / "weights.safetensors").tensors
    assert "backbone.layers.0.mixer.in_proj.weight" in weights
    assert set(TensorFile(newest / "optimizer.safetensors").tensors) == {
        f"{name}.{entry}" for name in weights for entry in ("step", "exp_avg", "exp_avg_sq")
    }


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


FILES = ("weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json")


@pytest.mark.parametrize("damage", [shorten, empty, garble, Path.unlink], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_checkpoint_is_recognised_and_the_one_before_is_used(
    interrupted: Interrupted, name: str, damage: Callable[[Path], None]
) -> None:
    damage(interrupted.checkpoints / "step-00000006" / name)
    told = Told()
    saved = CheckpointFolder(interrupted.folder).newest(told.message)
    assert saved is not None
    assert saved.step == 4
    (why,) = told.messages
    assert why.startswith("the checkpoint step-00000006 is not used: ")


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one(interrupted: Interrupted) -> None:
    garble(interrupted.checkpoints / "step-00000006" / "optimizer.safetensors")
    told = Told()
    interrupted.went_on_from(4, told)
    assert "the checkpoint step-00000006 is not used: optimizer.safetensors is not what was written" in told.messages


def test_with_both_damaged_the_run_begins_anew(interrupted: Interrupted) -> None:
    for folder in interrupted.checkpoints.glob("step-*"):
        garble(folder / "weights.safetensors")
    interrupted.went_on_from(0)


def test_lines_that_are_gone_make_a_checkpoint_useless(interrupted: Interrupted) -> None:
    """As after a power cut: the run's own lines end before the newest checkpoint."""
    trace = interrupted.folder / "steps.jsonl"
    trace.write_text("".join(trace.read_text().splitlines(keepends=True)[:5]))
    told = Told()
    interrupted.went_on_from(4, told)
    assert any("steps.jsonl no longer begins with" in text for text in told.messages)


@pytest.mark.parametrize("content", [None, "step-00000099\n"])
def test_nothing_depends_on_what_latest_says(interrupted: Interrupted, content: str | None) -> None:
    path = interrupted.checkpoints / "LATEST"
    path.unlink() if content is None else path.write_text(content)
    interrupted.went_on_from(6)


def test_a_half_written_checkpoint_is_none(interrupted: Interrupted) -> None:
    shutil.copytree(interrupted.checkpoints / "step-00000006", interrupted.checkpoints / ".step-00000007.partial")
    (interrupted.folder / ".model.partial").mkdir()
    interrupted.went_on_from(6)
    assert not list(interrupted.folder.rglob(".*"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda each: replace(each, knobs=replace(each.knobs, micro_batch_size=6)), "micro_batch_size was 4 and is 6"),
        (lambda each: replace(each, knobs=replace(each.knobs, deterministic=False)), "knobs.deterministic was None"),
        (lambda each: replace(each, key=each.key[:10] + "f" * 54), "key was"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_kept(
    interrupted: Interrupted, change: Callable[[Step], Step], said: str
) -> None:
    step = change(interrupted.step)
    before = {path: path.stat().st_mtime_ns for path in interrupted.checkpoints.rglob("*")}
    with pytest.raises(FrameworkError, match=r"6 optimizer steps, but not of this training") as caught:
        execute(step, RunStore(interrupted.root / "runs"), interrupted.root, Silent())
    assert said in str(caught.value)
    assert "remove that folder to begin anew" in str(caught.value)
    assert {path: path.stat().st_mtime_ns for path in interrupted.checkpoints.rglob("*")} == before


def test_other_versions_are_named(interrupted: Interrupted, monkeypatch: pytest.MonkeyPatch) -> None:
    real = environment.version
    monkeypatch.setattr(environment, "version", lambda name: "1.0" if name == "torch" else real(name))
    with pytest.raises(FrameworkError, match=r"packages\.torch was '.+' and is '1\.0'"):
        interrupted.finish()
    monkeypatch.undo()
    record = interrupted.finish()
    assert [attempt.get("from_step") for attempt in record.attempts] == [0, None, 6]
    assert "packages.torch" in record.attempts[1]["error"]
    assert differences(evidence(interrupted.folder), interrupted.expected) == []


def test_how_often_a_run_is_saved_changes_nothing(
    shared: Any, phase: Callable[..., Phase], original: Interrupted
) -> None:
    ours = shared.execute(replace(small(shared, phase, checkpoint_every=None), key="a" * 64))
    theirs = evidence(ours.folder)
    for name in ("key", "folder", "knobs", "identity"):
        theirs["record"][name] = original.expected["record"][name]
    assert differences(theirs, original.expected) == []


def test_a_run_of_a_renamed_variant_goes_on(interrupted: Interrupted) -> None:
    renamed = replace(interrupted, step=replace(interrupted.step, variants=("M_y",)))
    assert renamed.folder != interrupted.folder
    record = renamed.finish()
    assert record.attempts[-1]["from_step"] == 6
    assert not interrupted.folder.exists()
    files = evidence(renamed.folder)["files"]
    assert files == interrupted.expected["files"]


def test_the_plan_says_that_a_run_goes_on(interrupted: Interrupted) -> None:
    run = RunStore(interrupted.root / "runs").find(interrupted.step.key)
    assert run is not None
    last = rf"cut off: it ended without a word; process [0-9]+ on {this_host()} executed it last"
    assert re.fullmatch(f"{last}; goes on from a checkpoint", str(on_disk(run)))
    shutil.rmtree(interrupted.checkpoints)
    assert re.fullmatch(last, str(on_disk(run)))


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_write(shared: Any, phase: Callable[..., Phase], original: Interrupted) -> None:
    """Killed each time that a checkpoint is being written, until one kill has left half of it."""
    step = replace(original.step, knobs=replace(KNOBS, checkpoint_every=1))
    root = original.root.parent / "half-written"
    folder = root / "runs" / step.folder
    seen = 0
    for _ in range(6):
        killed_when(lambda: any((folder / CHECKPOINTS).glob(".step-*.partial")), step, root)
        seen += any((folder / CHECKPOINTS).glob(".step-*.partial"))
        if RunRecord.read(folder).status == "done" or seen:
            break
    assert seen
    execute(step, RunStore(root / "runs"), root, Silent())
    theirs = evidence(folder)
    theirs["record"]["knobs"] = original.expected["record"]["knobs"]
    assert differences(theirs, original.expected) == []


def test_the_loss_scale_of_fp16_goes_on(
    laboratory: Any, phase: Callable[..., Phase], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A scaler on the CPU, and gradients that overflow it: it is halved and that update skipped; it doubles after every
    three that are not."""
    plain, loss = phase_module._accelerator, update.summed_loss

    def scaled(precision: str) -> Any:
        accelerator = plain(precision)
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=3)
        return accelerator

    monkeypatch.setattr(phase_module, "_accelerator", scaled)
    monkeypatch.setattr(update, "summed_loss", lambda logits, batch: 1000 * loss(logits, batch))
    step = laboratory.step(Training(phase(max_steps=14), "data", laboratory.text()), knobs=KNOBS)
    expected = uninterrupted(step, tmp_path / "whole", laboratory.store.root)
    trace = [json.loads(line) for line in (expected / "steps.jsonl").read_text().splitlines()]
    assert 2 < sum("skipped" in line for line in trace) < 12
    with pytest.raises(Interruption):
        execute(step, laboratory.store, laboratory.project, Interrupting(7))
    folder = laboratory.store.folder(step.folder)
    saved = json.loads((folder / CHECKPOINTS / "step-00000006" / "state.json").read_text())["training"]["scaler"]
    assert saved["scale"] < 2.0**127
    laboratory.execute(step)
    assert differences(evidence(folder), evidence(expected)) == []
