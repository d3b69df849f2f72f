"""A record is held to itself and to its files: what is stated twice must be the same, fact by fact."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from framework.evidence.record import RECORD, RunRecord
from tests.stages.breaking import Break, observed, recorded
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record, seal, write_lines
from tests.support.saved_models import ZEROS, kept, write_model


def modelled(zeros: dict[str, int], **changes: object) -> Break:
    def change(evidence: Evidence) -> None:
        folder = evidence.folder("pruned", "finetune")
        write_model(folder, {name: kept(name, count) for name, count in zeros.items()}, **changes)
        seal(folder)

    return change


def result(**metrics: float) -> Break:
    """The line of the final metrics, and how many lines the record counts."""

    def change(evidence: Evidence) -> None:
        folder = evidence.folder("dense", "pretrain")
        write_lines(folder / "events.jsonl", [{"event": "result", **metrics}])
        change_record(folder, lambda record: record.observed.update(events=1))
        seal(folder)

    return change


def fact(*path: str, to: object) -> Break:
    return observed("dense", "pretrain", *path, to=to)


def one_more(record: RunRecord) -> None:
    record.artefacts["masks.safetensors"] = {"sha256": "0" * 64, "bytes": 1}


CONTRADICTIONS: dict[str, tuple[Break, str]] = {
    "an identity of other values": (fact("identity", "does", "phase", "batch_size", to=9), "its identity gives"),
    "another key": (fact("key", to="0" * 64), "holds the record of another run"),
    "another folder": (fact("folder", to="elsewhere"), "it lies in"),
    "another seed": (fact("seed", to=99), "seed is 99, and by its identity 1"),
    "another seed that was observed": (fact("observed", "seed", to=99), "observed.seed is 99"),
    "another parent": (observed("pruned", "prune", "parent", to="0" * 64), "parent is '0000"),
    "factors of another batch": (
        fact("observed", to={"micro_batch_size": 2, "accumulation": 3, "processes": 1, "batch_size": 8}),
        "observed.batch_size is 8, and its factors give 6",
    ),
    "another number of examples": (fact("data", "train_examples", to=7), "its data has 7"),
    "a step that no line tells of": (fact("observed", "optimizer_steps", to=99), "steps.jsonl has"),
    "an end that was not early": (fact("observed", "planned_steps", to=99), "it did not stop early"),
    "a metric that is no share": (fact("metrics", "accuracy", to=1.5), "accuracy is 1.5, no share"),
    "a loss below zero": (fact("metrics", "validation_loss", to=-1.0), "validation_loss is -1.0, below zero"),
    "a perplexity of another loss": (
        fact("metrics", to={"perplexity": 10.0, "validation_loss": 2.2}),
        "the exponential of its loss 9.02",
    ),
    "metrics other than the hashed ones": (result(perplexity=9.0, f1=0.5), "and events.jsonl says 9.0"),
    "a number of parameters": (fact("parameters", "total", to=2609), "the saved model has 2608"),
    "trained parameters": (fact("parameters", "trainable", to=1), "all are trained"),
    "zeros that its tensors have not": (
        observed("pruned", "prune", "sparsity", "tensors", to={"h.0.in_proj.weight": [11, 24]}),
        "h.0.in_proj.weight has 12 zeros in the saved model, the record says 11",
    ),
    "a sum of zeros": (observed("pruned", "prune", "sparsity", "zeros", to=5), "its tensors have 22"),
    "masks that keep what is zero": (
        modelled(ZEROS | {"h.1.in_proj.weight": 9}),
        "is another one than the step before",
    ),
    "a mask that is gone": (
        recorded("pruned", "finetune", lambda record: record.artefacts.pop("masks.safetensors")),
        "knows nothing of it",
    ),
    "a metric that is not finite": (fact("metrics", "f1", to=2), "f1 is 2.0, no share"),
    "an end before the beginning": (fact("started", to="2026-01-02"), "it ended before it was started"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_one_changed_fact_contradicts_another(project: Project, evidence: Evidence, case: str) -> None:
    change, words = CONTRADICTIONS[case]
    if case == "an end before the beginning":
        fact("finished", to="2026-01-01")(evidence)
    change(evidence)
    found = [each for each in project.verify().findings if words in each.message]
    assert {each.code for each in found} <= {"T122", "T123"}, found
    assert found, [each.message for each in project.verify().findings]


def test_what_a_record_does_not_say_contradicts_nothing(project: Project, evidence: Evidence) -> None:
    """A record of another version says less."""
    for folder in evidence.folders():
        change_record(folder, lambda record: (record.metrics.clear(), record.attempts.clear()))
    assert not [each for each in project.verify().findings if each.code in ("T122", "T123")]


UNCHANGED: dict[str, tuple[Break, str, str]] = {
    "an embedding": (modelled(ZEROS, wte=numpy.ones((16, 4))), "wte.weight are not its parent's", "T104"),
    "a cast": (modelled(ZEROS, wpe=numpy.ones((618, 2))), "wpe.weight has another shape or dtype", "T104"),
    "no number": (modelled(ZEROS, wte=numpy.full((16, 4), numpy.nan)), "are infinite or no number", "T105"),
    "without end": (modelled(ZEROS, wte=numpy.full((16, 4), numpy.inf)), "are infinite or no number", "T105"),
}


@pytest.mark.parametrize("case", UNCHANGED)
def test_a_tensor_that_should_not_have_changed_is_found(project: Project, evidence: Evidence, case: str) -> None:
    change, words, code = UNCHANGED[case]
    change(evidence)
    assert [each for each in project.verify().findings if each.code == code and words in each.message]


def test_how_many_tensors_are_the_parents_is_said(project: Project, evidence: Evidence) -> None:
    reasons = [verdict.reason for verdict in project.verify().matrix.verdicts]
    assert "5 tensors that it should not change are its parent's, bit for bit" in reasons
    assert "3 tensors that it should not change are its parent's, bit for bit" in reasons


def test_a_seed_that_is_not_declared_is_found(project: Project) -> None:
    evidence = Evidence(project, seeds=[99])
    assert {step.seed for step in evidence.plan.steps} == {99}
    found = [each for each in project.verify(plan=evidence.plan).findings if each.code == "R130"]
    assert found
    assert "99 is none of the declared seeds [1, 2, 3]" in found[0].message


def swapped(first: Path, second: Path) -> None:
    one, other = (first / RECORD).read_bytes(), (second / RECORD).read_bytes()
    (first / RECORD).write_bytes(other)
    (second / RECORD).write_bytes(one)


def dangling(first: Path, second: Path) -> None:
    (first / RECORD).unlink()
    (first / RECORD).symlink_to("nowhere.json")


FOLDERS: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "two folders that claim one run": (
        lambda first, second: shutil.copytree(first, first.with_name(f"copy.{first.name.rpartition('.')[2]}")),
        "are both said to be its run",
    ),
    "a copy under another name": (
        lambda first, second: shutil.copytree(first, first.with_name("copy-of-it")),
        "copy-of-it says that it is its run",
    ),
    "records that were swapped": (swapped, "holds the record of another run"),
    "a link that leads nowhere": (dangling, "leads nowhere"),
    "no record": (lambda first, second: (first / RECORD).unlink(), "and no record.json"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_that_is_not_its_run_is_found_and_not_called_not_run(
    project: Project, evidence: Evidence, case: str
) -> None:
    change, words = FOLDERS[case]
    change(evidence.folder("dense", "pretrain"), evidence.folder("dense", "pretrain", 2))
    found = [each for each in project.verify().findings if each.code == "T123"]
    assert words in found[0].message
    assert project.cli("verify").code == 1


def test_a_record_that_cannot_be_read_is_listed_whatever_it_is_of(project: Project, evidence: Evidence) -> None:
    folder = evidence.experiment.runs / "another.0000000000"
    folder.mkdir()
    (folder / RECORD).write_text("{")
    found = [each for each in project.verify().findings if each.code == "T121"]
    assert [each.message.partition(":")[0] for each in found] == ["another.0000000000"]
