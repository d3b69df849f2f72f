"""Every score and structure from the manifest to its verdicts; and a choice that was tampered with is found."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from framework.conformance import Stage, Status
from framework.evidence.masks import MaskFile
from framework.evidence.record import RunRecord
from runners.sparsity.masks import load_masks, save_masks
from tests.support.executed import ExecutedStudy, study
from tests.support.run_folders import change_run

VARIANTS = """\
  dense: {steps: [pretrain]}
  everything: {from: dense, steps: [{prune: {sparsity: 0.4, scope: model, exclude: [embeddings, lm_head]}}]}
  none: {from: dense, steps: [{prune: {sparsity: 0.0, tensors: [in_proj]}}]}
  random: {from: dense, steps: [{prune: {score: random, scope: output, sparsity: 0.4, tensors: [in_proj, x_proj]}}]}
  pattern: {from: dense, steps: [{prune: {structure: "2:4", sparsity: 0.5, tensors: [in_proj, out_proj]}}]}
  outputs: {from: dense, steps: [{prune: {structure: output, scope: layer, sparsity: 0.2, tensors: [dt_proj]}}]}
  channels: {from: dense, steps: [{prune: {structure: channel, scope: model, score: magnitude, sparsity: 0.25}}]}
  taylor: {from: dense, steps: [{prune: {structure: channel, score: taylor, sparsity: 0.25, calibration_examples: 6}}]}
  gradient:
    from: dense
    steps:
      - prune: {score: gradient, scope: layer, sparsity: 0.3, tensors: [in_proj], calibration_examples: 6,
                calibration_batch_size: 4, dataset: text}
  wanda:
    from: dense
    steps: [{prune: {score: wanda, scope: output, sparsity: 0.5, tensors: [in_proj], calibration_examples: 6}}]
  sparsegpt:
    from: dense
    steps: [{prune: {score: sparsegpt, scope: layer, sparsity: 0.5, tensors: [in_proj], calibration_examples: 6}}]
"""
RECOMPUTED = ("everything", "none", "random", "pattern", "channels")
"""The variants whose choice follows from the weights and the seed."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> ExecutedStudy:
    return study(tmp_path_factory.mktemp("study"), VARIANTS).execute()


def test_every_declared_fact_is_recorded_and_held(finished: ExecutedStudy) -> None:
    result = finished.verify()
    assert [finding.message for finding in result.findings if finding.code[0] in "RT"] == []
    for clause in result.matrix.clauses:
        if "prune" not in clause.path:
            continue
        name, variant = clause.path[-1], clause.path[1]
        run, checkpoint = (result.matrix.status(clause, stage) for stage in (Stage.RUN, Stage.CHECKPOINT))
        assert run == (None if name in ("sparsity", "tensors") else Status.CONFORMS), clause.id
        chosen = name in ("score", "structure", "scope") and variant not in RECOMPUTED
        assert checkpoint == (Status.UNVERIFIED if chosen else Status.CONFORMS), clause.id


def test_the_mask_file_says_how_it_came_about(finished: ExecutedStudy) -> None:
    folder = finished.folder("gradient", "prune")
    facts, record = MaskFile(folder / "masks.safetensors").facts, RunRecord.read(folder)
    assert facts["score"] == "gradient"
    assert facts["scope"] == "layer"
    assert (facts["asked"], facts["reached"]) == (0.3, record.sparsity["zeros"] / record.sparsity["elements"])
    assert facts["calibration"] == {name: record.data[name] for name in ("name", "source", "fingerprint")}
    assert (facts["calibration_examples"], facts["calibration_batch_size"], facts["seed"]) == (6, 4, 3)
    assert facts["model"] == "tiny"
    assert "scope" not in MaskFile(finished.folder("pattern", "prune") / "masks.safetensors").facts
    solved = MaskFile(finished.folder("sparsegpt", "prune") / "masks.safetensors").facts
    assert solved["weights"] == "changed too: these masks belong to the model saved beside them"


def test_nothing_is_pruned_for_nothing(finished: ExecutedStudy) -> None:
    assert all(mask.all() for mask in load_masks(finished.folder("none", "prune")).values())


def test_a_choice_that_was_tampered_with_is_found(finished: ExecutedStudy, tmp_path: Path) -> None:
    """As many zeros as before, and the mask holds: only the choice is another one."""
    from safetensors.torch import load_file, save_file

    copy = finished.copy(tmp_path)
    folder = copy.folder("everything", "prune")
    masks, parent = load_masks(folder), load_file(copy.folder("dense", "pretrain") / "model" / "model.safetensors")
    name = next(name for name, mask in masks.items() if not mask.all() and mask.any())
    flat = masks[name].flatten()
    kept, gone = int(torch.nonzero(flat)[0]), int(torch.nonzero(~flat)[0])
    flat[kept], flat[gone] = False, True
    save_masks(folder, masks, {})
    tensors = load_file(folder / "model" / "model.safetensors")
    tensors[name] = parent[name] * masks[name]
    save_file(tensors, folder / "model" / "model.safetensors", metadata={"format": "pt"})
    change_run(folder)
    assert copy.findings("T101", "T102", "T120") == []
    assert any("weights went whose magnitude is above" in message for message in copy.findings("T103"))
