"""CSP: an order that puts what is correlated next to each other, and a model that computes what it did before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.models.mamba import modeling_mamba

from framework.conformance import Stage, Status
from framework.errors import FrameworkError, InputError
from framework.evidence.store import Run
from framework.manifest.sections.methods import Permute, Prune
from framework.manifest.sections.models import Model
from framework.manifest.sections.paper import Hardware
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from framework.stages.checkpoint.recomputed.channel_layouts import LAYOUTS
from runners import preflight
from runners.models.building import unfilled
from runners.models.checkpoints import load_checkpoint
from runners.models.families import FAMILIES
from runners.models.mamba_scan import linear_scan
from runners.sparsity.masks import MASKS, load_masks, read_masks
from runners.transforms.correlations import Correlation
from runners.transforms.csp import PERMUTATION
from runners.transforms.orders import best_order, nearest_neighbours, neighbour_sum, two_opt
from tests.runners.models.tiny import CAUSAL, build, outputs, randomised, tiny
from tests.support.executed import ExecutedStudy, study
from tests.support.run_folders import change_run

DIMENSIONS = [(family, name) for family in FAMILIES.names() for name in FAMILIES.get(family).dimensions]
MODELS = {family: tiny(family) for family in CAUSAL if FAMILIES.get(family).dimensions}
MASKED = {
    "mamba": ["in_proj", "x_proj", "out_proj"],
    "gpt2": ["c_fc", "c_proj"],
    "gpt": ["up_proj", "down_proj"],
    "llama": ["up_proj", "down_proj"],
    "mistral": ["up_proj", "down_proj"],
}


# Orders


def exact(weights: numpy.ndarray[Any, Any]) -> float:
    """The best sum of neighbours, by dynamic programming over subsets (Held and Karp 1962)."""
    size = len(weights)
    best = {(1 << last, last): 0.0 for last in range(size)}
    for seen in range(1, 1 << size):
        for last in range(size):
            if (value := best.get((seen, last))) is None:
                continue
            for following in range(size):
                if not seen >> following & 1:
                    state = (seen | 1 << following, following)
                    best[state] = max(best.get(state, 0.0), value + weights[last, following])
    return max(best[(1 << size) - 1, last] for last in range(size))


def correlated(size: int, seed: int) -> numpy.ndarray[Any, Any]:
    source = numpy.random.default_rng(seed)
    return abs(numpy.corrcoef(source.normal(size=(3 * size, size)).T))


@pytest.mark.parametrize("size", range(1, 9))
def test_an_order_is_near_the_best_there_is(size: int) -> None:
    shares = []
    for seed in range(6):
        weights = correlated(size, seed).reshape(size, size)
        order = best_order(weights)
        assert sorted(order) == list(range(size))
        reached = neighbour_sum(weights, order)
        assert reached >= neighbour_sum(weights, numpy.arange(size))
        shares.append(reached / exact(weights) if size > 1 else 1.0)
    assert max(shares) <= 1 + 1e-9
    assert min(shares) > 0.92
    assert numpy.mean(shares) > 0.985


def test_many_elements_are_ordered_too() -> None:
    source = numpy.random.default_rng(0)
    weights = abs(numpy.corrcoef((source.normal(size=(300, 8)) @ source.normal(size=(8, 90))).T))
    order = best_order(weights)
    assert sorted(order) == list(range(90))
    nearest = nearest_neighbours(weights, 0)
    assert neighbour_sum(weights, order) >= neighbour_sum(weights, two_opt(weights, nearest)) * 0.97
    assert neighbour_sum(weights, two_opt(weights, nearest)) >= neighbour_sum(weights, nearest)
    assert neighbour_sum(weights, order) > 1.5 * neighbour_sum(weights, numpy.arange(90))


def test_clusters_come_together_and_ties_keep_what_is_there() -> None:
    kind = numpy.arange(12) % 3
    clusters = (kind[:, None] == kind[None, :]).astype(float)
    found = kind[best_order(clusters)]
    assert (found[1:] != found[:-1]).sum() == 2
    for value in (0.0, 1.0):
        assert best_order(numpy.full((7, 7), value)).tolist() == list(range(7))
    with pytest.raises(ValueError, match="not a number"):
        best_order(numpy.full((4, 4), numpy.nan))


# Correlations


def test_correlations_are_averaged_over_the_groups_that_vary() -> None:
    source = numpy.random.default_rng(1)
    values = source.normal(size=(2, 50, 4)) @ source.normal(size=(4, 4)) + 1e4
    values[0, :, 3] = 7.0
    found = Correlation()
    for part in numpy.array_split(values, 5, axis=1):
        found.add(torch.from_numpy(part))
    one, other = (abs(numpy.corrcoef(group.T)) for group in (values[0, :, :3], values[1]))
    expected = other.copy()
    expected[:3, :3] = (one + other[:3, :3]) / 2
    assert numpy.allclose(found.matrix(), expected, atol=1e-9)
    still = Correlation()
    still.add(torch.full((2, 9, 3), 0.1))
    assert not still.matrix().any()


def test_the_states_that_are_seen_are_those_of_the_scan() -> None:
    model = built("mamba")
    dimension, seen, scans = FAMILIES.get("mamba").dimensions["state"], {}, []
    original = modeling_mamba.mamba_selective_scan

    def recording(*arguments: Any, **named: Any) -> Any:
        scans.append(linear_scan(*arguments, **named | {"return_last_state": True})[1])
        return original(*arguments, **named)

    modules = [model.get_submodule(prefix) for prefix in dimension.prefixes(model.config)]
    modeling_mamba.mamba_selective_scan = recording
    try:
        with torch.no_grad(), dimension.values(modules, seen.__setitem__):
            model(input_ids=torch.randint(0, 64, (1, 9)), use_cache=False)
    finally:
        assert modeling_mamba.mamba_selective_scan is recording
        modeling_mamba.mamba_selective_scan = original
    assert {index: tuple(values.shape) for index, values in seen.items()} == {0: (32, 9, 6), 1: (32, 9, 6)}
    assert all(torch.equal(seen[index][:, -1], last[0]) for index, last in enumerate(scans))


# The same function


def built(family: str, **further: Any) -> Any:
    """A model whose every parameter, biases included, is random."""
    FAMILIES.get(family).prepare()
    config = build(family).config
    config.update(further)
    return randomised(unfilled(FAMILIES.get(family), config)).eval()


BIASED = {"mamba": {"use_bias": True}, "llama": {"mlp_bias": True}}


@pytest.mark.parametrize(("family", "name"), DIMENSIONS)
def test_any_order_gives_the_same_function(family: str, name: str) -> None:
    from runners.models.dimensions import reorder

    model, dimension = built(family, **BIASED.get(family, {})), FAMILIES.get(family).dimensions[name]
    ids = torch.randint(0, 64, (3, 11))
    parameters = {key: value.detach().clone() for key, value in model.named_parameters()}
    masks = {key: torch.rand_like(value) < 0.5 for key, value in parameters.items() if value.dim() > 1}
    before = outputs(model, ids)
    orders = {prefix: torch.randperm(dimension.size(model.config)) for prefix in dimension.prefixes(model.config)}
    reordered = reorder(model, dimension, orders, masks)
    assert torch.allclose(outputs(model, ids), before, atol=1e-5 * float(before.detach().abs().max()))
    layout = LAYOUTS[family, name]
    touched = 0
    for key, parameter in model.named_parameters():
        found = layout.module_of(key)
        expected = parameters[key].numpy()
        if found:
            touched += 1
            expected = layout.reordered(found[1], expected, orders[found[0]].numpy())
            assert not torch.equal(parameter, parameters[key])
        assert numpy.array_equal(parameter.detach().numpy(), expected)
        if key in masks:
            kept = layout.reordered(found[1], masks[key].numpy(), orders[found[0]].numpy()) if found else masks[key]
            assert numpy.array_equal(reordered[key], kept)
            assert reordered[key].sum() == masks[key].sum()
    assert touched == sum(layout.module_of(key) is not None for key in parameters)
    assert touched >= 2 * len(dimension.axes) - 4  # a gate and biases that a model does without, in two layers


# As a step


@pytest.fixture(scope="module")
def pruned(shared: Any, phase: Callable[..., Phase]) -> dict[str, Run]:
    """For each family a trained model with masks."""
    runs = {}
    for family, model in MODELS.items():
        base = shared.pretrain(phase(max_steps=8), model=model)
        prune = Prune(sparsity=0.4, tensors=MASKED[family])
        runs[family] = shared.run(prune, name="prune", parent=base, model=model)
    return runs


def permuted(shared: Any, parent: Run, work: Permute, phase: Phase, model: Model) -> Run:
    calibration = Training(phase, "data", shared.text())
    return shared.execute(
        replace(shared.step(work, name="permute", parent=parent, model=model), calibration=calibration)
    )


@pytest.mark.parametrize(("family", "name"), [each for each in DIMENSIONS if each[0] in MODELS])
def test_a_trained_model_with_masks(
    shared: Any, phase: Callable[..., Phase], pruned: dict[str, Run], family: str, name: str
) -> None:
    work = Permute(method="csp", dimension=name, calibration_examples=5)
    run = permuted(shared, pruned[family], work, phase(), MODELS[family])
    ids = torch.randint(0, 256, (2, 32))
    with torch.no_grad():
        one, other = (load_checkpoint(each.folder).model.eval()(input_ids=ids).logits for each in (pruned[family], run))
    assert torch.allclose(one, other, atol=1e-4)
    metrics, seen = run.record.metrics, run.record.observed["permutation"]
    assert metrics["max_logit_difference"] < 1e-4
    assert metrics["validation_loss"] == pytest.approx(metrics["initial_validation_loss"], abs=1e-4)
    assert seen["before"] < seen["after"] == pytest.approx(sum(layer["after"] for layer in seen["layers"].values()))
    assert all(layer["before"] <= layer["after"] for layer in seen["layers"].values())
    orders = load_file(run.folder / PERMUTATION)
    assert list(orders) == list(seen["layers"])
    assert all(order.dtype == torch.int64 for order in orders.values())
    before, after = load_masks(pruned[family].folder), load_masks(run.folder)
    assert {key: int(mask.sum()) for key, mask in after.items()} == {
        key: int(mask.sum()) for key, mask in before.items()
    }
    assert run.record.sparsity["zeros"] == pruned[family].record.sparsity["zeros"]
    assert PERMUTATION in run.record.artefacts


def test_a_classifier_is_permuted_on_its_own_examples(
    shared: Any, phase: Callable[..., Phase], pruned: dict[str, Run]
) -> None:
    stated = phase("classification")
    tuned = shared.finetune(stated, parent=pruned["mamba"], model=MODELS["mamba"])
    work = Permute(method="csp", dimension="channel", calibration_examples=4)
    step = shared.step(work, name="permute", parent=tuned, model=MODELS["mamba"])
    run = shared.execute(replace(step, calibration=Training(stated, "data", shared.topics())))
    assert run.record.metrics["accuracy"] == tuned.record.metrics["accuracy"]
    assert run.record.data["classes"]


def test_what_cannot_be_permuted_is_refused(
    shared: Any, phase: Callable[..., Phase], pruned: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FrameworkError, match=r"a llama has no state dimension to reorder; .*channel"):
        permuted(shared, pruned["llama"], Permute(method="csp"), phase(), MODELS["llama"])
    step = shared.step(Permute(method="csp"), model=MODELS["llama"])
    here = Hardware(accelerator="cpu")
    (obstacle,) = preflight.obstacles(here, [step], shared.project)
    assert (obstacle.clause, obstacle.found) == (
        "variants.M_x.steps[0].permute",
        "a llama has no such dimension; known: channel",
    )
    elsewhere = shared.text(builtin=None, path="nowhere")
    away = replace(shared.step(Permute(method="csp")), calibration=Training(phase(), "data", elsewhere))
    assert [one.clause for one in preflight.obstacles(here, [away], shared.project)] == ["datasets.data.path"] * 2
    many = Permute(method="csp", calibration_examples=65)
    with pytest.raises(FrameworkError, match="65 are declared, the data has 64"):
        permuted(shared, pruned["mamba"], many, phase(), MODELS["mamba"])
    dimension = FAMILIES.get("mamba").dimensions["channel"]
    forgotten = {name: axis for name, axis in dimension.axes.items() if name != "out_proj.weight"}
    monkeypatch.setitem(FAMILIES.get("mamba").dimensions, "channel", replace(dimension, axes=forgotten))
    work = Permute(method="csp", dimension="channel", calibration_examples=6)
    with pytest.raises(FrameworkError, match="changed the function"):
        permuted(shared, pruned["mamba"], work, phase(), MODELS["mamba"])


# From the manifest to the evidence

VARIANTS = """\
  dense: {steps: [pretrain]}
  masked: {from: dense, steps: [{prune: {sparsity: 0.4, tensors: [in_proj, x_proj]}}]}
  states: {from: masked, steps: [{permute: {method: csp, calibration_examples: 5}}]}
  channels: {from: dense, steps: [{permute: {method: csp, dimension: channel, dataset: topics}}]}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> ExecutedStudy:
    return study(tmp_path_factory.mktemp("study"), VARIANTS).execute()


def test_every_clause_of_a_permutation_conforms(finished: ExecutedStudy) -> None:
    held = finished.statuses(Stage.CHECKPOINT, "permute")
    assert len(held) == 5
    assert set(held.values()) == {Status.CONFORMS}
    assert finished.findings("T101", "T120", "T150") == []
    recorded = [step.calibration for step in finished.plan().steps if step.name == "permute"]
    assert [(each.dataset_name, each.phase.sequence_length) for each in recorded if each] == [
        ("text", 32),
        ("topics", 32),
    ]


def shift(orders: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: order.roll(1) for name, order in orders.items()}


BROKEN: dict[str, tuple[str, Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], str]] = {
    "another order": (PERMUTATION, shift, "is not the parent's in the saved order"),
    "no permutation": (
        PERMUTATION,
        lambda all: {name: order.clamp(min=1) for name, order in all.items()},
        "no permutation",
    ),
    "a layer less": (PERMUTATION, lambda all: dict(list(all.items())[1:]), "differ"),
    "a forgotten tensor": (
        "model/model.safetensors",
        lambda all: all | {"backbone.layers.1.mixer.A_log": all["backbone.layers.1.mixer.A_log"].flip(1)},
        "mixer.A_log in the saved model is not the parent's in the saved order",
    ),
    "another tensor": (
        "model/model.safetensors",
        lambda all: all | {"backbone.norm_f.weight": all["backbone.norm_f.weight"] + 1e-6},
        "norm_f.weight in the saved model is not the parent's unchanged",
    ),
    "masks left behind": (
        MASKS,
        lambda all: {name: mask.flip(0) for name, mask in all.items()},
        "in masks.safetensors is not the parent's",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_checkpoint_that_is_not_the_parents_reordered(finished: ExecutedStudy, tmp_path: Path, case: str) -> None:
    name, edit, message = BROKEN[case]
    copy = finished.copy(tmp_path)
    folder = copy.folder("states", "permute")
    metadata = {"method": "csp", "dimension": "state"} if name == PERMUTATION else {"format": "pt"}
    before = read_masks(folder / name) if name == MASKS else load_file(folder / name)
    tensors = {key: tensor.contiguous() for key, tensor in edit(before).items()}
    (folder / name).unlink()
    save_file(tensors, folder / name, metadata=metadata)
    change_run(folder)
    assert any(message in found for found in copy.findings("T150")), copy.findings("T150")


def test_a_permutation_needs_data(tmp_path: Path) -> None:
    variants = (
        "  first: {steps: [{permute: csp}]}\n  wrong: {steps: [pretrain, {permute: {method: csp, dataset: txt}}]}\n"
    )
    with pytest.raises(InputError) as refused:
        _ = study(tmp_path, variants).load()
    messages = [problem.message for problem in refused.value.problems]
    assert messages == ["no phase before this permutation says what data it is measured on", "unknown dataset 'txt'"]
    alone = "  first: {steps: [{permute: {method: csp, dataset: topics}}]}\n"
    calibration = study(tmp_path, alone).plan().steps[0].calibration
    assert calibration is not None
    assert (calibration.dataset_name, calibration.phase.sequence_length) == ("topics", 32)
