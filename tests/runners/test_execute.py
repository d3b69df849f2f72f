"""Runs from end to end: the store, the record, and what happens when something is missing or fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from framework.errors import FrameworkError
from framework.evidence.locks import only_one
from framework.evidence.record import RunRecord
from framework.evidence.remembering.run_contents import changed_artefacts
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import SDM, Adapter, LoRA, Mask, Prune, SameAs
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from runners import execute as execution
from runners.progress import Silent


def test_the_challenge_chain(laboratory: Any, phase: Callable[..., Phase]) -> None:
    """pretrain -> learned mask -> prune to the same number -> LoRA: the zeros are equal at every station."""
    stated = phase(epochs=3.0, batch_size=16)
    base = laboratory.pretrain(stated, variant="M_base")
    sdm = SDM(target_sparsity=0.3, learning_rate=0.4, sparsity_weight=10.0, initial_logit=0.5)
    learned = laboratory.pretrain(stated, Mask(sdm=sdm), variant="M_sdm")
    same = Prune(structure="channel", sparsity=SameAs(same_as="M_sdm"))
    pruned = laboratory.run(same, name="prune", parent=base, same_as=learned, variant="M_challenge")
    tuned = laboratory.finetune(
        phase("classification", max_steps=20),
        Adapter(lora=LoRA(rank=2, alpha=4.0)),
        parent=pruned,
        variant="M_challenge",
    )
    counts = {run.record.sparsity["zeros"] for run in (learned, pruned, tuned)}
    assert len(counts) == 1
    for run in (learned, pruned, tuned):
        saved = TensorFile(run.folder / "model" / "model.safetensors")
        for name, (zeros, elements) in run.record.sparsity["tensors"].items():
            assert (saved.zeros(name), saved.tensors[name].elements) == (zeros, elements)
        assert changed_artefacts(run) == []
        assert "masks.safetensors" in run.record.artefacts
    assert base.record.metrics["validation_loss"] < base.record.metrics["initial_validation_loss"] - 0.5
    assert tuned.record.parent == pruned.record.key
    assert pruned.record.references == {"same_as": learned.record.key}
    assert tuned.record.parameters["trainable"] < tuned.record.parameters["total"]
    assert not list(laboratory.store.root.rglob("*.partial"))


def test_a_child_reads_with_its_parents_tokenizer(laboratory: Any, phase: Callable[..., Phase]) -> None:
    trained = laboratory.model.model_copy(update={"tokenizer": "train", "vocabulary": 320})
    base = laboratory.pretrain(phase(), model=trained)
    child = laboratory.finetune(phase("classification"), parent=base, model=trained)
    ours, theirs = (json.loads((run.folder / "model" / "tokenizer.json").read_text()) for run in (child, base))
    assert ours["model"] == theirs["model"]
    assert child.record.data["vocabulary"] == 320


def test_a_classifier_keeps_its_head_for_the_same_task(laboratory: Any, phase: Callable[..., Phase]) -> None:
    stated = phase("classification", max_steps=8)
    first = laboratory.finetune(stated, parent=laboratory.pretrain(phase()))
    pruned = laboratory.run(Prune(sparsity=0.0, tensors=["in_proj"]), name="prune", parent=first)
    again = laboratory.finetune(stated, parent=pruned)
    assert again.record.metrics["initial_validation_loss"] == first.record.metrics["validation_loss"]
    other = laboratory.finetune(stated, parent=first, dataset=laboratory.topics(labels=3))
    assert len(other.record.data["classes"]) == 3
    with pytest.raises(FrameworkError, match="its parent is a classifier"):
        laboratory.pretrain(phase(), parent=first)


def test_the_record_says_where_it_ran(laboratory: Any, phase: Callable[..., Phase]) -> None:
    record = laboratory.pretrain(phase(max_steps=1)).record
    assert record.environment["packages"].keys() >= {"torch", "transformers", "peft"}
    assert record.environment["hardware"]["threads"] == 1
    assert record.environment["git"] is None
    assert record.started is not None
    assert record.finished is not None
    assert record.started <= record.finished
    assert record.started.endswith("+00:00")


def test_a_parent_must_be_finished(laboratory: Any, phase: Callable[..., Phase]) -> None:
    base = laboratory.pretrain(phase())
    orphan = replace(laboratory.step(Prune(sparsity=0.1, tensors=["in_proj"]), name="prune"), parent="f" * 64)
    with pytest.raises(FrameworkError, match=r"its parent.*has no finished, whole run"):
        laboratory.execute(orphan)
    (base.folder / "model" / "model.safetensors").unlink()
    with pytest.raises(FrameworkError, match="its parent"):
        laboratory.run(Prune(sparsity=0.1, tensors=["in_proj"]), name="prune", parent=base)
    lost = replace(laboratory.step(Prune(sparsity=SameAs(same_as="x")), name="prune"), references={"same_as": "e" * 64})
    with pytest.raises(FrameworkError, match="refers to as `same_as`"):
        laboratory.execute(lost)


def test_a_finished_run_is_never_removed(laboratory: Any, phase: Callable[..., Phase]) -> None:
    step = laboratory.step(Training(phase(), "data", laboratory.text()))
    run = laboratory.execute(step)
    with pytest.raises(FrameworkError, match="is finished: remove"):
        laboratory.execute(step)
    (run.folder / "steps.jsonl").unlink()
    with pytest.raises(FrameworkError, match="files of it are missing"):
        laboratory.execute(step)
    assert (run.folder / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("status", ["running", "failed"])
def test_leftovers_of_an_unfinished_attempt_go(laboratory: Any, phase: Callable[..., Phase], status: Any) -> None:
    step = laboratory.step(Training(phase(), "data", laboratory.text()))
    run = laboratory.execute(step)
    run.record.status = status
    run.record.write(run.folder)
    (run.folder / "left").write_text("over")
    again = laboratory.execute(step)
    assert not (again.folder / "left").exists()
    assert len((again.folder / "steps.jsonl").read_text().splitlines()) == 4


def test_a_failure_is_recorded_and_passed_on(
    laboratory: Any, phase: Callable[..., Phase], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Watching(Silent):
        def end(self, record: RunRecord) -> None:
            seen.append(record.status)

    def broken(context: Any, work: Any) -> None:
        assert laboratory.record(context.step).status == "running"
        raise RuntimeError("out of memory")

    monkeypatch.setattr(execution, "train_phase", broken)
    step = laboratory.step(Training(phase(), "data", laboratory.text()))
    with pytest.raises(RuntimeError, match="out of memory"):
        execution.execute(step, laboratory.store, laboratory.project, Watching())
    record = laboratory.record(step)
    assert (record.status, record.error, seen) == ("failed", "RuntimeError: out of memory", ["failed"])
    assert laboratory.store.done(step.key) is None


def test_two_processes_do_not_execute_one_step(laboratory: Any, phase: Callable[..., Phase]) -> None:
    step = laboratory.step(Training(phase(), "data", laboratory.text()))
    with (
        only_one(laboratory.store.root / ".locks" / step.folder, step.label),
        pytest.raises(FrameworkError, match="another process"),
    ):
        laboratory.execute(step)
    laboratory.execute(step)
