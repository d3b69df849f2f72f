"""Hybrid adapters: who gets which follows from the declared thresholds, and merged weights keep their zeros."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from peft import PeftModel
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from framework.conformance import Stage, Status
from framework.errors import FrameworkError, InputError, UsageError
from framework.evidence.record import RunRecord
from framework.evidence.store import Run
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import SGH, Adapter, Prune
from framework.manifest.sections.models import Model
from framework.manifest.sections.phases import Phase
from framework.stages.checkpoint.recomputed.hybrid_groups import expected_groups, importance_in
from runners.adapters.importance import GROUPS, groups_of, importance_of, reaching
from runners.adapters.sgh import HybridAdapter
from runners.models.building import classifier_over
from runners.models.checkpoints import load_checkpoint
from runners.sparsity.masks import load_masks
from tests.support.executed import ExecutedStudy, study
from tests.support.run_folders import change_run

LLAMA = Model(
    family="llama", weights="random", layers=2, hidden=16, heads=2, intermediate=24, vocabulary=256, tokenizer="bytes"
)
GPT2 = LLAMA.model_copy(update={"family": "gpt2"})
WIDE = {"low_rank": 2, "high_rank": 3}


# Groups


def sgh(**stated: Any) -> SGH:
    return SGH(**{"importance": "magnitude"} | stated)


@pytest.mark.parametrize(
    ("modules", "counts"),
    [
        # by hand: (1 - p) * n of the most important reach p, rounded half up
        (1, [0, 1, 0, 0]),
        (2, [1, 0, 1, 0]),
        (3, [1, 1, 0, 1]),
        (4, [1, 1, 1, 1]),
        (7, [2, 2, 1, 2]),
        (10, [3, 2, 3, 2]),
        (48, [12, 12, 12, 12]),
    ],
)
def test_percentile_groups_are_exact_counts(modules: int, counts: list[int]) -> None:
    source = numpy.random.default_rng(modules)
    distinct = {f"h.{index}": float(value) for index, value in enumerate(source.permutation(modules) + 1)}
    equal = dict.fromkeys(distinct, 0.25)
    for importance in (distinct, equal):
        groups = groups_of(sgh(), importance)
        numbers = Counter(groups.values())
        assert [numbers[group] for group in GROUPS] == counts
        assert groups == expected_groups(sgh(), importance)
        rank = {name: GROUPS.index(group) for name, group in groups.items()}
        ordered = sorted(importance, key=lambda name: -importance[name])
        assert [rank[name] for name in ordered] == sorted(rank.values())


def test_a_percentile_is_the_decimal_number_that_is_written() -> None:
    assert [reaching(0.7, 10), reaching(0.1, 10), reaching(0.9, 5), reaching(0.0, 6)] == [3, 9, 1, 6]
    assert (1 - 0.9) * 5 < 0.5  # in binary, where rounding half up would give none


def test_equals_are_taken_by_name_with_numbers_as_numbers() -> None:
    names = ["h.10.a", "h.9.b", "h.9.a", "h.2.a"]
    importance = {**dict.fromkeys(names, 0.5), "h.30.a": 0.7}
    spec = sgh(thresholds=[0.8, 0.6, 0.4])
    found = groups_of(spec, importance)
    assert list(found) == ["h.30.a", "h.2.a", "h.9.a", "h.9.b", "h.10.a"]
    assert list(found.values()) == ["high", "low", "ia3", "frozen", "frozen"]
    assert found == groups_of(spec, dict(reversed(importance.items()))) == expected_groups(spec, importance)


@pytest.mark.parametrize(
    ("thresholds", "groups"),
    [
        ([0.5, 0.3, 0.1], ["high", "low", "ia3", "frozen"]),
        ([0.5, 0.5, 0.1], ["high", "ia3", "ia3", "frozen"]),
        ([0.9, 0.8, 0.7], ["frozen"] * 4),
        ([0.0, 0.0, 0.0], ["high"] * 4),
    ],
)
def test_absolute_thresholds_are_reached_from_above(thresholds: list[float], groups: list[str]) -> None:
    importance = {"a": 0.5, "b": 0.3, "c": 0.1, "d": 0.05}
    spec = sgh(threshold_kind="absolute", thresholds=thresholds)
    assert list(groups_of(spec, importance).values()) == groups
    assert groups_of(spec, importance) == expected_groups(spec, importance)


def test_thresholds_and_ranks_fall() -> None:
    for wrong in ({"thresholds": [0.5, 0.75, 0.25]}, {"high_rank": 2, "low_rank": 4}):
        with pytest.raises(ValidationError, match=r"fall from|is above"):
            sgh(**wrong)


def test_importance_is_the_same_from_the_saved_tensors(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = {
        "h.0.in_proj": torch.randn(7, 5),
        "h.1.in_proj": torch.randn(7, 5).bfloat16(),
        "h.2.in_proj": torch.ones(3, 3),
    }
    masks = {name: torch.rand(weight.shape) < 0.7 for name, weight in weights.items()}
    for name, tensors in (("w", weights), ("m", masks)):
        save_file({f"{key}.weight": tensor for key, tensor in tensors.items()}, tmp_path / name)
    files = TensorFile(tmp_path / "w"), TensorFile(tmp_path / "m")
    by_magnitude, by_mask = sgh(), sgh(importance="mask")
    assert importance_of(by_magnitude, weights, {}) == importance_in(by_magnitude, files[0], None)
    assert importance_of(by_mask, weights, masks) == importance_in(by_mask, *files)
    assert importance_of(by_magnitude, weights, {})["h.2.in_proj"] == 1.0


# Adapters


@pytest.fixture(scope="module")
def pruned(shared: Any, phase: Callable[..., Phase]) -> Run:
    base = shared.pretrain(phase(max_steps=8))
    prune = Prune(sparsity=0.4, tensors=["in_proj", "x_proj", "out_proj"])
    return shared.run(prune, name="prune", parent=base)


def attached(run: Run, spec: SGH, noise: float = 0.3) -> tuple[HybridAdapter, Any]:
    """An adapter on a run's model as a classifier, moved off its start; and the batch that it is looked at with."""
    checkpoint = load_checkpoint(run.folder)
    model = classifier_over(checkpoint.model, checkpoint.family, ("a", "b"), 0).eval()
    adapter = HybridAdapter(spec, model, load_masks(run.folder), 5)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in adapter.model.parameters():
            if parameter.requires_grad:
                parameter.add_(noise * torch.randn_like(parameter))
    ids = torch.randint(0, 256, (3, 13))
    return adapter, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@pytest.mark.parametrize("importance", ["magnitude", "mask"])
def test_the_merged_model_is_the_trained_one_and_keeps_its_zeros(pruned: Run, importance: str) -> None:
    adapter, batch = attached(pruned, sgh(importance=importance, **WIDE))
    masks, before = load_masks(pruned.folder), load_file(pruned.folder / "model" / "model.safetensors")
    logits = adapter.model(**batch)
    assert sorted(Counter(adapter.groups.values()).items()) == [("frozen", 1), ("high", 1), ("ia3", 1), ("low", 1)]
    merged = adapter.merge()
    assert torch.allclose(merged(**batch), logits, atol=1e-5)
    tensors = dict(merged.named_parameters())
    assert set(tensors) - {"classifier.weight"} == set(before) - {"lm_head.weight"}
    for name, weight in tensors.items():
        group = adapter.groups.get(name.removesuffix(".weight"), "frozen")
        if name != "classifier.weight":
            assert torch.equal(weight, before[name]) == (group == "frozen"), name
        if name in masks:
            assert not weight[~masks[name]].any()
        if group == "ia3":
            factors = weight / before[name]
            assert torch.allclose(factors.nan_to_num(nan=0), (factors.nanmean(1)[:, None] * masks[name]), atol=1e-5)


@pytest.mark.parametrize(("model", "targets"), [(LLAMA, ["up_proj", "q_proj"]), (GPT2, ["c_fc", "c_attn"])])
def test_peft_loads_what_was_saved(
    shared: Any, phase: Callable[..., Phase], tmp_path: Path, model: Model, targets: list[str]
) -> None:
    base = shared.pretrain(phase(), model=model)
    adapter, batch = attached(base, sgh(targets=targets, **WIDE))
    assert not adapter.masked
    adapter.save(tmp_path)
    logits = adapter.model(**batch)
    checkpoint = load_checkpoint(base.folder)
    plain: Any = classifier_over(checkpoint.model, checkpoint.family, ("a", "b"), 0).eval()
    for kind in ("ia3", "lora"):
        plain = PeftModel.from_pretrained(plain, tmp_path / "adapter" / kind).merge_and_unload()
    assert torch.allclose(plain(**batch), logits, atol=1e-5)
    assert torch.allclose(adapter.merge()(**batch), logits, atol=1e-5)
    saved = json.loads((tmp_path / "adapter" / "groups.json").read_text())
    assert {name: found["group"] for name, found in saved["modules"].items()} == adapter.groups
    assert saved["masked"] is False


@pytest.mark.parametrize(
    ("thresholds", "kinds"), [([0.0, 0.0, 0.0], ["lora"]), ([0.9, 0.9, 0.0], ["ia3"]), ([0.5, 0.5, 0.5], ["lora"])]
)
def test_one_kind_of_adapter_alone(pruned: Run, tmp_path: Path, thresholds: list[float], kinds: list[str]) -> None:
    spec = sgh(thresholds=thresholds, threshold_kind="percentile" if thresholds[0] else "absolute", **WIDE)
    adapter, batch = attached(pruned, spec)
    adapter.save(tmp_path)
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == ["groups.json", *kinds]
    logits = adapter.model(**batch)
    assert torch.allclose(adapter.merge()(**batch), logits, atol=1e-5)


def test_what_cannot_be_adapted_is_refused(shared: Any, phase: Callable[..., Phase], pruned: Run) -> None:
    base = shared.pretrain(phase(max_steps=2))
    with pytest.raises(FrameworkError, match=r"importance: mask, but no step before left a mask for .*in_proj.weight"):
        attached(base, sgh(importance="mask"))
    with pytest.raises(FrameworkError, match=r"mask for backbone\.layers\.0\.mixer\.dt_proj\.weight \(2 of 4"):
        attached(pruned, sgh(importance="mask", targets=["in_proj", "dt_proj"]))
    with pytest.raises(FrameworkError, match="every target stays frozen"):
        attached(pruned, sgh(threshold_kind="absolute", thresholds=[0.99, 0.98, 0.97]))
    with pytest.raises(UsageError, match=r"'in_porj'.*'in_proj'"):
        attached(pruned, sgh(targets=["in_porj"]))
    with pytest.raises(FrameworkError, match=r"adapter\.sgh\.targets: .*incompatible with Mamba"):
        attached(pruned, sgh(targets=["out_proj"]))
    with pytest.raises(FrameworkError, match=r"adapters never had a gradient, such as .*dt_proj"):
        shared.finetune(phase("classification"), Adapter(sgh=sgh(targets=["in_proj", "dt_proj"])), parent=pruned)


def test_the_record_of_a_training(shared: Any, phase: Callable[..., Phase], pruned: Run) -> None:
    run = shared.finetune(phase("classification"), Adapter(sgh=sgh(importance="mask", **WIDE)), parent=pruned)
    adapter, masks = run.record.adapter, load_masks(run.folder)
    assert adapter["kind"] == "sgh"
    assert adapter["masked"] is True
    assert adapter["dead"] == []
    assert adapter["groups"] == {"high": 1, "low": 1, "ia3": 1, "frozen": 1}
    for name, found in adapter["modules"].items():
        assert found["importance"] == pytest.approx(float(masks[f"{name}.weight"].double().mean()), rel=1e-8)
    ranks = {"high": 3, "low": 2}
    shapes = {name: masks[f"{name}.weight"].shape for name in adapter["modules"]}
    expected = sum(
        ranks[found["group"]] * sum(shapes[name]) if found["group"] in ranks else shapes[name][0]
        for name, found in adapter["modules"].items()
        if found["group"] != "frozen"
    )
    assert adapter["parameters"] == expected
    assert run.record.parameters["trainable"] == expected + 2 * 16
    assert run.record.sparsity["zeros"] == pruned.record.sparsity["zeros"]
    assert load_checkpoint(run.folder).model.classes
    metrics = run.record.metrics
    assert metrics["loss_after_merge"] == pytest.approx(metrics["loss_before_merge"], abs=1e-5)


# From the manifest to the evidence

VARIANTS = """\
  dense: {steps: [pretrain]}
  pruned: {from: dense, steps: [{prune: {sparsity: 0.4, tensors: [in_proj, x_proj]}}]}
  by_magnitude:
    from: dense
    steps: [{finetune: {adapter: {sgh: {importance: magnitude, thresholds: [0.75, 0.5, 0.25], high_rank: 6}}}}]
  by_mask:
    from: pruned
    steps:
      - finetune:
          adapter:
            sgh:
              importance: mask
              low_rank: 2
              high_rank: 3
              alpha: 5.0
              dropout: 0.1
              targets: [mixer.in_proj, x_proj]
              threshold_kind: absolute
              thresholds: [0.62, 0.6, 0.2]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> ExecutedStudy:
    return study(tmp_path_factory.mktemp("study"), VARIANTS).execute()


def test_every_clause_of_hybrid_adapters_conforms(finished: ExecutedStudy) -> None:
    for stage in (Stage.RUN, Stage.CHECKPOINT):
        held = finished.statuses(stage, "adapter")
        assert len(held) == 11
        assert set(held.values()) == {Status.CONFORMS}, held
    assert finished.findings("T131", "T132", "R143", "T101") == []


def regroup(folder: Path) -> None:
    path = folder / "adapter" / "groups.json"
    data = json.loads(path.read_text())
    modules = data["modules"]
    one, other = min(modules), max(modules)
    modules[one]["group"], modules[other]["group"] = modules[other]["group"], modules[one]["group"]
    path.write_text(json.dumps(data))


def reweigh(folder: Path) -> None:
    path = folder / "adapter" / "groups.json"
    data = json.loads(path.read_text())
    next(iter(data["modules"].values()))["importance"] *= 1.01
    path.write_text(json.dumps(data))


def cut(folder: Path) -> None:
    """LoRA of one rank less."""
    path = folder / "adapter" / "lora" / "adapter_model.safetensors"
    tensors = load_file(path)
    smaller = {
        name: tensor[:-1] if ".lora_A." in name else tensor[:, :-1] if ".lora_B." in name else tensor
        for name, tensor in tensors.items()
    }
    path.unlink()
    save_file({name: tensor.contiguous() for name, tensor in smaller.items()}, path)


def unscaled(folder: Path) -> None:
    path = folder / "adapter" / "ia3" / "adapter_model.safetensors"
    tensors = {name: tensor for name, tensor in load_file(path).items() if "ia3_l" not in name}
    path.unlink()
    save_file(tensors, path)


def other_alpha(folder: Path) -> None:
    path = folder / "adapter" / "lora" / "adapter_config.json"
    data = json.loads(path.read_text())
    data["alpha_pattern"] = dict.fromkeys(data["alpha_pattern"], 1)
    path.write_text(json.dumps(data))


def recorded(name: str, value: Any) -> Callable[[Path], None]:
    def edit(record: RunRecord) -> None:
        record.adapter[name] = value

    return lambda folder: change_run(folder, edit)


BROKEN: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "swapped groups": (regroup, "T131", "belongs to"),
    "another importance": (reweigh, "T131", "its checkpoint has"),
    "a lower rank": (cut, "T132", "has a LoRA of rank"),
    "a missing vector": (unscaled, "T132", "has an IA3 vector or belongs to ia3, not both"),
    "another alpha": (other_alpha, "T132", "alpha of"),
    "another importance recorded": (recorded("importance", "mask"), "R143", "SGH importance"),
    "other thresholds recorded": (recorded("thresholds", [0.7, 0.5, 0.25]), "R143", "SGH thresholds"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_hybrid_adapters_other_than_declared(finished: ExecutedStudy, tmp_path: Path, case: str) -> None:
    edit, code, message = BROKEN[case]
    copy = finished.copy(tmp_path)
    folder = copy.folder("by_magnitude", "finetune")
    edit(folder)
    change_run(folder)
    found = copy.findings("T131", "T132", "R143")
    assert any(message in each for each in copy.findings(code)), found


def test_masks_are_the_importance_only_where_a_step_before_leaves_some(tmp_path: Path) -> None:
    step = "steps: [{finetune: {adapter: {sgh: {importance: mask}}}}]"
    with pytest.raises(InputError) as refused:
        _ = study(tmp_path, f"  dense: {{steps: [pretrain]}}\n  hybrid: {{from: dense, {step}}}\n").load()
    (problem,) = refused.value.problems
    assert problem.message == "no step before this one leaves the masks that are to be the importance"
    masked = "  masked: {steps: [{pretrain: {mask: {sdm: {target_sparsity: 0.3}}}}]}\n"
    assert study(tmp_path, f"{masked}  hybrid: {{from: masked, {step}}}\n").plan().steps
