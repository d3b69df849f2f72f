"""A model that is pruned as it was published: what it was is recorded, and which weights went is recomputed from it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord
from tests.runners.models.tiny import build
from tests.support import executed
from tests.support.executed import ExecutedStudy

COMMIT = "0123456789abcdef0123456789abcdef01234567"
VARIANT = "  pruned: {steps: [{prune: {score: SCORE, structure: STRUCTURE, sparsity: 0.5, tensors: [TENSORS]}}]}\n"
MODULES = {"bert": "query, intermediate.dense", "gpt2": "c_attn", "llama": "up_proj, gate_proj, down_proj"}
STATED = ("score", "structure", "scope")


def publish(family: str, folder: Path, **options: Any) -> None:
    """A checkpoint as others publish one: an encoder's without the name that its runs save it under."""
    model = build(family)
    (getattr(model, "bert", None) or model).save_pretrained(folder, **options)


def study(
    root: Path, family: str, where: str, score: str = "magnitude", structure: str = "unstructured"
) -> ExecutedStudy:
    stated = f"{{family: {family}, {where}, tokenizer: bytes}}"
    variant = VARIANT.replace("SCORE", score).replace("STRUCTURE", structure).replace("TENSORS", MODULES[family])
    return executed.study(root, variant, stated)


def choice(study: ExecutedStudy) -> set[Status | None]:
    """What the checkpoint stage says of the choice of weights."""
    statuses = study.statuses(Stage.CHECKPOINT, "prune")
    return {status for clause, status in statuses.items() if clause.rpartition(".")[2] in STATED}


def reasons(study: ExecutedStudy) -> str:
    verdicts = study.verify().matrix.verdicts
    return "\n".join(each.reason for each in verdicts if each.status is Status.UNVERIFIED and each.reason)


@pytest.mark.parametrize("family", MODULES)
@pytest.mark.parametrize("score", ["magnitude", "random"])
def test_the_choice_is_recomputed_from_the_published_checkpoint(family: str, score: str, tmp_path: Path) -> None:
    publish(family, tmp_path / "published", max_shard_size="10KB")
    done = study(tmp_path, family, "path: published", score).execute()
    assert done.findings("T103", "R135") == []
    assert choice(done) == {Status.CONFORMS}


def test_whole_channels_are_too(tmp_path: Path) -> None:
    publish("llama", tmp_path / "published")
    assert choice(study(tmp_path, "llama", "path: published", structure="channel").execute()) == {Status.CONFORMS}


def test_another_choice_is_a_finding(tmp_path: Path) -> None:
    """The run did what it was told; the manifest says something else than it was told."""
    publish("llama", tmp_path / "published")
    done = study(tmp_path, "llama", "path: published", "random").execute()
    folder = done.folder("pruned", "prune")
    study(tmp_path, "llama", "path: published", "magnitude")
    record = RunRecord.read(folder)
    step = done.plan().steps[0]
    record.key, record.folder, record.identity = step.key, step.folder, dict(step.identity)
    record.write(folder)
    folder.rename(folder.parent / step.folder)
    (finding,) = [found for found in done.findings("T103") if "score" in found or "magnitude" in found][:1]
    assert "weights went whose magnitude is above that of one that stayed" in finding


def test_a_checkpoint_that_changed_since_settles_nothing(tmp_path: Path) -> None:
    publish("llama", tmp_path / "published")
    done = study(tmp_path, "llama", "path: published").execute()
    path = tmp_path / "published" / "model.safetensors"
    tensors = load_file(path)
    tensors["model.layers.1.mlp.up_proj.weight"] += 1
    save_file(tensors, path, metadata={"format": "pt"})
    assert choice(done) == {Status.UNVERIFIED}
    assert "its finished run is of other files: published/model.safetensors" in reasons(done)
    shutil.rmtree(tmp_path / "published")
    assert choice(done) == {Status.UNVERIFIED}
    assert "cannot be read" in reasons(done)


def test_the_hubs_cache_is_read_at_the_recorded_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    repository = tmp_path / "cache" / "models--someone--tiny"
    publish("llama", repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    done = study(tmp_path, "llama", "hub: someone/tiny").execute()
    record = RunRecord.read(done.folder("pruned", "prune"))
    assert record.observed["source"]["commit"] == COMMIT
    assert choice(done) == {Status.CONFORMS}
    assert done.statuses(Stage.RUN, "hub")["models.tiny.hub"] is Status.CONFORMS
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    assert choice(done) == {Status.UNVERIFIED}
    assert f"started from someone/tiny at {COMMIT}" in reasons(done)


def test_initial_weights_are_not_kept(tmp_path: Path) -> None:
    sizes = "weights: random, layers: 2, hidden: 16, heads: 4, intermediate: 24, vocabulary: 256"
    done = study(tmp_path, "llama", sizes).execute()
    assert choice(done) == {Status.UNVERIFIED}
    assert done.statuses(Stage.RUN, "weights")["models.tiny.weights"] is Status.CONFORMS
