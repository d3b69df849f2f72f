"""From the manifest to the memo: what a run records of its adapter and its merge, and that verify counts it again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from framework.cli import main as command_line
from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord
from runners.adapters.saved import load_sparse_lora
from runners.models.checkpoints import load_checkpoint
from runners.sparsity.masks import load_masks, save_masks
from tests.support.executed import ExecutedStudy, study
from tests.support.run_folders import change_run

VARIANTS = """\
  dense: {steps: [pretrain]}
  pruned: {from: dense, steps: [{prune: {sparsity: 0.6, tensors: [in_proj, x_proj]}}]}
  to_dense: {from: pruned, steps: [{finetune: {adapter: {lora: &lora {rank: 3, alpha: 12, mode: sparse_to_dense}}}}]}
  to_sparse: {from: pruned, steps: [{finetune: {adapter: {lora: {<<: *lora, mode: sparse_to_sparse, dropout: 0.1}}}}]}
  unsaid: {from: pruned, steps: [{finetune: {adapter: {lora: {rank: 2, alpha: 12}}}}]}
  plain: {from: dense, steps: [{finetune: {adapter: {lora: {rank: 3, alpha: 12, mode: dense}}}}]}
  hybrid: {from: pruned, steps: [{finetune: {adapter: {sgh: {importance: mask, high_rank: 3, low_rank: 2}}}}]}
"""
ADAPTED = ("to_dense", "to_sparse", "unsaid", "plain", "hybrid")
RULES = ("R140", "R143", "R144", "T101", "T130", "T131", "T132", "T133", "T134", "T135")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> ExecutedStudy:
    made = study(tmp_path_factory.mktemp("study"), VARIANTS)
    path = made.root / "experiment.yaml"
    path.write_text(path.read_text().replace("learning_rate: 3e-3}\n    batch_size: 8\n    max_steps: 4", FASTER))
    return made.execute()


FASTER = "learning_rate: 3e-2}\n    batch_size: 8\n    max_steps: 6"


def recorded(finished: ExecutedStudy, variant: str) -> RunRecord:
    return RunRecord.read(finished.folder(variant, "finetune"))


# What a run records


@pytest.mark.parametrize("variant", ADAPTED)
def test_masked_weights_are_counted_at_each_stage(finished: ExecutedStudy, variant: str) -> None:
    """Before, after training, after the merge, after save, reload and casts; a dense update fills the mask."""
    folder = finished.folder(variant, "finetune")
    record, masks = recorded(finished, variant), load_masks(folder)
    stated = record.adapter["masked_weights"]
    assert stated["total"] == sum(int((~mask).sum()) for mask in masks.values())
    assert (stated["total"] > 0) == (variant != "plain")
    nonzero = dict(stated["nonzero"])
    trained = nonzero.pop("trained")
    assert nonzero == dict.fromkeys(("before", "merged", "reloaded", "float16", "bfloat16"), 0)
    adapter = folder / "adapter" / "adapter_model.safetensors"
    if variant in ("to_dense", "unsaid"):
        filled = 0
        tensors = load_file(adapter)
        for name in (name for name in tensors if "lora_A" in name):
            module = name.removeprefix("base_model.model.").split(".lora_A.")[0]
            update = tensors[name.replace("lora_A", "lora_B")] @ tensors[name]
            filled += int((update[~masks[f"{module}.weight"]] != 0).sum())
        assert trained == filled > 0
    else:
        assert trained == 0


def test_the_merge_of_a_dense_update_changes_the_function_and_the_record_says_by_how_much(
    finished: ExecutedStudy,
) -> None:
    """And that of a masked update does not; the modes differ in their configs and in their results."""
    records = {variant: recorded(finished, variant) for variant in ADAPTED}
    moved = {}
    for variant, record in records.items():
        before, after = (record.metrics[f"loss_{when}_merge"] for when in ("before", "after"))
        logits = record.adapter["logits"]
        assert logits["examples"] == 8
        assert logits["largest_difference"] >= logits["mean_difference"] >= 0
        assert logits["mean_magnitude"] > 0
        moved[variant] = (abs(after - before), logits["largest_difference"])
    for variant in ("to_dense", "unsaid"):
        assert moved[variant][0] > 1e-4
        assert moved[variant][1] > 1e-2
    for variant in ("to_sparse", "plain", "hybrid"):
        assert moved[variant][0] < 1e-5
        assert moved[variant][1] < 1e-4
    modes = {variant: record.adapter.get("mode") for variant, record in records.items()}
    assert modes == {
        "to_dense": "sparse_to_dense",
        "to_sparse": "sparse_to_sparse",
        "unsaid": "sparse_to_dense",
        "plain": "dense",
        "hybrid": None,
    }
    assert records["to_dense"].identity != records["to_sparse"].identity
    saved = [load_file(finished.folder(name, "finetune") / "model" / "model.safetensors") for name in ADAPTED[:2]]
    assert not torch.equal(*(each["backbone.layers.0.mixer.in_proj.weight"] for each in saved))


def test_a_saved_adapter_is_loaded_by_the_checkpoint_it_was_put_on(finished: ExecutedStudy) -> None:
    folder = finished.folder("to_sparse", "finetune")
    merged = load_checkpoint(folder).model
    model = load_checkpoint(finished.folder("pruned", "prune")).model
    start = type(merged)(merged.family, model.backbone, merged.config)
    backbone = load_sparse_lora(start, folder / "adapter")
    ids = torch.arange(20).view(2, 10)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    assert torch.allclose(backbone(**inputs), merged(**inputs), atol=1e-5)


# What verify makes of it


def test_every_clause_of_adapters_conforms(finished: ExecutedStudy) -> None:
    for stage in (Stage.RUN, Stage.CHECKPOINT):
        held = finished.statuses(stage, "adapter")
        wrong = {name: status for name, status in held.items() if status is not Status.CONFORMS}
        assert len(held) > 10
        assert wrong == {}
    assert finished.findings(*RULES) == []
    modes = [verdict for verdict in finished.verify().matrix.verdicts if verdict.clause.endswith("lora.mode")]
    reasons = {verdict.reason for verdict in modes if verdict.stage is Stage.CHECKPOINT}
    assert any("merged tensors are (W + s B A) * M" in reason for reason in reasons)
    assert any("masked weights, counted as recorded" in reason for reason in reasons)
    assert any("trained under the masks" in reason for reason in reasons)


def in_model(edit: Callable[[dict[str, torch.Tensor], dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    """Change the saved tensors of a merged model, given its masks."""

    def apply(folder: Path) -> None:
        path = folder / "model" / "model.safetensors"
        tensors = load_file(path)
        edit(tensors, load_masks(folder))
        path.unlink()
        save_file(tensors, path)

    return apply


def bring_back(tensors: dict[str, torch.Tensor], masks: dict[str, torch.Tensor]) -> None:
    name = next(iter(masks))
    tensors[name].view(-1)[(~masks[name]).view(-1).nonzero()[0]] = 1e-3


def nudge(tensors: dict[str, torch.Tensor], masks: dict[str, torch.Tensor]) -> None:
    name = next(iter(masks))
    tensors[name].view(-1)[masks[name].view(-1).nonzero()[0]] += 1e-3


def rescaled(folder: Path) -> None:
    """The adapter that was saved is not the one that was merged."""
    path = folder / "adapter" / "adapter_model.safetensors"
    tensors = {name: 1.01 * tensor if "lora_B" in name else tensor for name, tensor in load_file(path).items()}
    path.unlink()
    save_file(tensors, path)


def other_masks(folder: Path) -> None:
    """The masks beside the adapter keep one weight more."""
    masks = load_masks(folder / "adapter")
    mask = next(iter(masks.values())).view(-1)
    mask[(~mask).nonzero()[0]] = True
    (folder / "adapter" / "masks.safetensors").unlink()
    save_masks(folder / "adapter", masks, {})


def configured(name: str, value: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "adapter" / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))

    return edit


def stated(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    return lambda folder: change_run(folder, lambda record: edit(record.adapter))


def counted(stage: str, count: int) -> Callable[[Path], None]:
    return stated(lambda adapter: adapter["masked_weights"]["nonzero"].update({stage: count}))


def moved(share: float) -> Callable[[Path], None]:
    """The mean difference of the logits as a share of their mean magnitude."""

    def edit(adapter: dict[str, Any]) -> None:
        adapter["logits"] |= {"mean_magnitude": 2.0, "mean_difference": 2.0 * share}

    return stated(edit)


DEAD = ["backbone.layers.0.mixer.in_proj"]
BROKEN: dict[str, tuple[str, Callable[[Path], None], set[str], str]] = {
    "a weight that came back": ("to_dense", in_model(bring_back), {"T101", "T133", "T134"}, "1 merged weights of"),
    "a weight that is not the sum": ("to_sparse", in_model(nudge), {"T133"}, "1 merged weights of"),
    "another adapter": ("to_sparse", rescaled, {"T133"}, "are not (W + s B A) * M"),
    "another adapter, no mode said": ("unsaid", rescaled, {"T133"}, "are not (W + s B A) * M"),
    "another adapter, no masks": ("plain", rescaled, {"T133"}, "are not (W + s B A) * M"),
    "other masks beside it": ("to_sparse", other_masks, {"T134"}, "the masks saved with the adapter has"),
    "another digest saved": ("to_sparse", configured("mask_sha256", "0" * 64), {"T134"}, "adapter_config.json has"),
    "another digest recorded": (
        "to_dense",
        stated(lambda adapter: adapter.update(mask_sha256="0" * 64)),
        {"T134"},
        "it trained under the masks 000000000000",
    ),
    "weights that are said to have been there": ("to_dense", counted("before", 3), {"T134"}, "recorded 3 masked"),
    "weights that are said to have come back": ("hybrid", counted("reloaded", 3), {"T134"}, "recorded 3 masked"),
    "a masked update that left its mask": ("to_sparse", counted("trained", 3), {"T134"}, "not zero (trained)"),
    "another number of masked weights": (
        "to_sparse",
        stated(lambda adapter: adapter["masked_weights"].update(total=1)),
        {"T134"},
        "it recorded 1 masked weights",
    ),
    "a merge that moved the function": ("plain", moved(2e-4), {"T135"}, "without masks the merge moved the logits"),
    "a masked update that moved in its merge": ("to_sparse", moved(2e-4), {"T135"}, "fp32 tolerates 0.0001 of that"),
    "a merge that broke the model": ("plain", moved(1e300), {"T135"}, "moved the logits by 2e+300"),
    "another mode saved": ("to_dense", configured("mode", "sparse_to_sparse"), {"T130"}, "LoRA mode was"),
    "a mode that became plain": ("to_dense", configured("mode", None), {"T130"}, "LoRA mode was"),
    "another mode recorded": (
        "to_dense",
        stated(lambda adapter: adapter.update(mode="sparse_to_sparse")),
        {"R140"},
        "LoRA mode was 'sparse_to_sparse', not 'sparse_to_dense'",
    ),
    "an adapter that never trained": (
        "to_dense",
        stated(lambda adapter: adapter.update(dead=DEAD)),
        {"R144"},
        "in_proj",
    ),
    "a hybrid that never trained": ("hybrid", stated(lambda adapter: adapter.update(dead=DEAD)), {"R144"}, "in_proj"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_merge_is_found(finished: ExecutedStudy, tmp_path: Path, case: str) -> None:
    variant, edit, codes, message = BROKEN[case]
    copy = finished.copy(tmp_path)
    folder = copy.folder(variant, "finetune")
    edit(folder)
    change_run(folder)
    result = copy.verify()
    found = [finding for finding in result.findings if finding.code in RULES]
    assert {finding.code for finding in found} == codes, [finding.message for finding in found]
    assert any(message in finding.message for finding in found), [finding.message for finding in found]
    assert result.failed


@pytest.mark.parametrize("gone", ["adapter", "masked_weights"])
def test_what_cannot_be_counted_again_is_unverified(finished: ExecutedStudy, tmp_path: Path, gone: str) -> None:
    copy = finished.copy(tmp_path)
    folder = copy.folder("to_sparse", "finetune")
    if gone == "adapter":
        (folder / "adapter" / "adapter_model.safetensors").unlink()
        change_run(folder)
    else:
        stated(lambda adapter: adapter.pop("masked_weights"))(folder)
    held = copy.statuses(Stage.CHECKPOINT, "mode")
    assert held["variants.to_sparse.steps[0].finetune.adapter.lora.mode"] is Status.UNVERIFIED
    assert copy.findings(*RULES) == []


# The memo


def test_the_memo_says_what_was_recorded_and_goes_stale(
    finished: ExecutedStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = finished.copy(tmp_path)
    with chdir(copy.root):
        assert command_line.run(["docs", "memo"]) == 0
        text = Path("documents/CORRECTNESS_MEMO.md").read_text()
        assert command_line.run(["docs", "memo", "--check"]) == 0
        rows = {label: cells for line in text.splitlines() if (cells := _cells(line)) for label in cells[:1]}
        assert "5 of 5 planned trainings of adapters have a finished run" in text
        assert "None in the runs that were made." in text
        assert "Nothing, in 5 of 5 runs." in text
        for variant in ADAPTED:
            record = recorded(copy, variant)
            (label,) = (label for label in rows if label.startswith(f"{variant} "))
            shown = [_cells(line) for line in text.splitlines() if _cells(line)[:1] == [label]]
            masked = record.adapter["masked_weights"]
            assert len(shown) == 3
            assert shown[0][2] == f"{masked['total']:,}"
            nonzero = [masked["nonzero"][stage] for stage in ("before", "trained", "merged", "reloaded")]
            assert shown[0][3:7] == [f"{count:,}" for count in nonzero]
            assert shown[1][1] == ("-" if variant == "plain" else "0.6")
            losses = [record.metrics[f"loss_{when}_merge"] for when in ("before", "after")]
            assert shown[2][1:3] == [f"{loss:.6g}" for loss in losses]
            assert float(shown[2][3]) == pytest.approx(losses[1] - losses[0], abs=1e-6)
            assert shown[2][6] == f"{record.adapter['logits']['largest_difference']:.6g}"
        counted("merged", 7)(copy.folder("to_dense", "finetune"))
        capsys.readouterr()
        assert command_line.run(["docs", "memo", "--check"]) == 1
        assert "stale: documents/CORRECTNESS_MEMO.md" in capsys.readouterr().out
        assert command_line.run(["docs"]) == 0
        again = Path("documents/CORRECTNESS_MEMO.md").read_text()
        assert re.search(r"\| T134 merge-evidence \| .*it recorded 7 masked weights not zero \(merged\)", again)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []


def test_the_memo_tells_of_failed_and_missing_runs(finished: ExecutedStudy, tmp_path: Path) -> None:
    copy = finished.copy(tmp_path)
    label = RunRecord.read(folder := copy.folder("to_dense", "finetune"))

    def fail(record: RunRecord) -> None:
        record.status, record.error = "failed", "1 of 4 adapters never had a gradient | such as in_proj"
        record.adapter["dead"] = DEAD

    change_run(folder, fail)
    for path in sorted(copy.folder("unsaid", "finetune").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    copy.folder("unsaid", "finetune").rmdir()
    with chdir(copy.root):
        assert command_line.run(["docs", "memo"]) == 0
        text = Path("documents/CORRECTNESS_MEMO.md").read_text()
    assert label.variants == ["to_dense"]
    assert "3 of 5 planned" in text
    assert r"1 of 4 adapters never had a gradient \| such as in_proj" in text
    assert "| 1 | backbone.layers.0.mixer.in_proj |" in text
    assert re.search(r"## Not run\n\n- unsaid ", text)


def test_a_study_without_adapters_has_no_memo(tmp_path: Path) -> None:
    made = study(tmp_path, "  dense: {steps: [pretrain]}\n")
    with chdir(made.root):
        assert command_line.run(["docs"]) == 0
        assert not Path("documents/CORRECTNESS_MEMO.md").exists()
        assert command_line.run(["docs", "--check"]) == 0
        assert command_line.run(["docs", "memo"]) == 0
        assert "0 of 0 planned" in Path("documents/CORRECTNESS_MEMO.md").read_text()
