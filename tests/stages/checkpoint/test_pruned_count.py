"""How many weights pruning had to zero, where a share is rounded to what is removed as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record, seal
from tests.support.saved_models import kept, write_model
from tests.support.statuses import codes, status_of

CLAUSE = "variants.pruned.steps[0].prune.sparsity"


def pruned(tmp_path: Path, prune: str, zeros: tuple[int, int], asked_zeros: int) -> tuple[list[str], Status | None]:
    """Verify a pruning that left these zeros in its two tensors of 24 weights, and recorded that number as asked."""
    project = Project(tmp_path)
    project.replace("{score: magnitude, sparsity: {same_as: masked}}", prune)
    project.replace("  - iso_sparsity: {variants: [masked, pruned], scope: layer}\n", "")
    project.replace("seeds: [1, 2, 3]", "seeds: [1]").replace("confidence: 0.85", "confidence: 0.6")
    evidence = Evidence(project)
    for name in ("prune", "finetune"):
        folder = evidence.folder("pruned", name)
        names = ("h.0.in_proj.weight", "h.1.in_proj.weight")
        write_model(folder, {tensor: kept(tensor, count) for tensor, count in zip(names, zeros, strict=True)})
        seal(folder)
    change_record(evidence.folder("pruned", "prune"), lambda record: record.sparsity.update(asked_zeros=asked_zeros))
    result = project.verify()
    return [code for code in codes(result) if code == "T102"], status_of(result, CLAUSE, Stage.CHECKPOINT)


@pytest.mark.parametrize(("zeros", "right"), [((10, 10), True), ((9, 10), False)])
def test_within_each_layer_a_share_is_rounded_for_each_tensor(
    tmp_path: Path, zeros: tuple[int, int], right: bool
) -> None:
    found, status = pruned(tmp_path, "{scope: layer, sparsity: 0.4, tensors: [in_proj]}", zeros, sum(zeros))
    assert (found, status) == (([], Status.CONFORMS) if right else (["T102"], Status.VIOLATED))


def test_over_the_model_a_share_is_rounded_once(tmp_path: Path) -> None:
    found, status = pruned(tmp_path, "{sparsity: 0.4, tensors: [in_proj]}", (9, 10), 19)
    assert (found, status) == ([], Status.CONFORMS)


@pytest.mark.parametrize(
    ("zeros", "asked", "right"), [((12, 8), 20, True), ((12, 9), 20, False), ((20, 20), 40, False)]
)
def test_whole_channels_are_the_nearest_number_to_the_share(
    tmp_path: Path, zeros: tuple[int, int], asked: int, right: bool
) -> None:
    prune = "{structure: channel, sparsity: 0.4, tensors: [in_proj]}"
    found, status = pruned(tmp_path, prune, zeros, asked)
    assert (found, status) == (([], Status.CONFORMS) if right else (["T102"], Status.VIOLATED))
