"""Pruning removes exactly the number asked for, and says so where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from framework.errors import FrameworkError
from framework.evidence.store import Run
from framework.manifest.sections.methods import SDM, Mask, Prune, SameAs
from framework.manifest.sections.phases import Phase
from runners.sparsity.channels import Layer, Slice
from runners.sparsity.masks import load_masks
from runners.sparsity.scored import masks_of
from runners.sparsity.structures import Amount, Wanted

MODULES = ["in_proj", "x_proj", "out_proj"]


def tensors(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.folder / "model" / "model.safetensors")


def zeros(run: Run, modules: list[str]) -> dict[str, int]:
    weights = {f"{module}.weight" for module in modules}
    return {
        name: int((value == 0).sum()) for name, value in tensors(run).items() if name.split("mixer.")[-1] in weights
    }


@pytest.fixture(scope="module")
def base(shared: Any, phase: Callable[..., Phase]) -> Run:
    return shared.pretrain(phase())


@pytest.fixture(scope="module")
def learned(shared: Any, phase: Callable[..., Phase]) -> Run:
    stated = SDM(target_sparsity=0.3, learning_rate=0.4, sparsity_weight=10.0, initial_logit=0.5)
    return shared.pretrain(phase(max_steps=30), Mask(sdm=stated))


@pytest.fixture(scope="module")
def scattered(shared: Any, base: Run) -> Run:
    """Single weights of one module pruned."""
    return shared.run(Prune(sparsity=0.3, tensors=["in_proj"]), name="prune", parent=base)


@pytest.mark.parametrize("score", ["magnitude", "random"])
@pytest.mark.parametrize("structure", ["channel", "unstructured"])
@pytest.mark.parametrize("scope", ["model", "layer"])
def test_same_as_is_the_same_integer(
    shared: Any, base: Run, learned: Run, score: Any, structure: str, scope: Any
) -> None:
    prune = Prune(score=score, structure=structure, scope=scope, sparsity=SameAs(same_as="M_sdm"))
    run = shared.run(prune, name="prune", parent=base, same_as=learned)
    modules = ["in_proj", "conv1d", "x_proj", "out_proj"]
    ours, theirs = zeros(run, modules), zeros(learned, modules)
    assert sum(ours.values()) == sum(theirs.values()) == run.record.sparsity["zeros"] > 0
    if scope == "layer":
        assert ours == theirs
    assert {name: count for name, (count, _) in run.record.sparsity["tensors"].items()} == ours
    masks = load_masks(run.folder)
    for name, weight in tensors(run).items():
        expected = tensors(base)[name] * masks[name] if name in masks else tensors(base)[name]
        assert torch.equal(weight, expected)


def test_a_share_of_weights(shared: Any, base: Run) -> None:
    run = shared.run(Prune(sparsity=0.37, tensors=MODULES), name="prune", parent=base)
    elements = run.record.sparsity["elements"]
    assert run.record.sparsity["zeros"] == round(0.37 * elements)
    assert sum(zeros(run, MODULES).values()) == round(0.37 * elements)
    kept = torch.cat(
        [value[value != 0].abs() for name, value in tensors(run).items() if name.split(".")[-2] in MODULES]
    )
    gone = torch.cat([tensors(base)[name][~mask].abs() for name, mask in load_masks(run.folder).items()])
    assert gone.max() <= kept.min()


def test_nothing_is_pruned_for_nothing(shared: Any, base: Run) -> None:
    run = shared.run(Prune(sparsity=0.0, tensors=MODULES), name="prune", parent=base)
    assert run.record.sparsity["zeros"] == 0
    assert all(torch.equal(value, tensors(base)[name]) for name, value in tensors(run).items())


def test_the_random_score_follows_from_the_seed(shared: Any, base: Run) -> None:
    prune = Prune(score="random", sparsity=0.5, tensors=["in_proj"])
    first, again, other = (
        load_masks(shared.run(prune, name="prune", parent=base, seed=seed, attempt=attempt).folder)
        for seed, attempt in ((1, 0), (1, 1), (2, 0))
    )
    name = "backbone.layers.0.mixer.in_proj.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])


def test_pruning_twice_keeps_the_first_mask(shared: Any, scattered: Run) -> None:
    second = shared.run(Prune(score="random", sparsity=0.5, tensors=MODULES), name="prune", parent=scattered)
    before, after = load_masks(scattered.folder), load_masks(second.folder)
    for name, mask in before.items():
        assert not (after[name] & ~mask).any()
    assert second.record.sparsity["zeros"] == round(0.5 * second.record.sparsity["elements"])


def test_masks_of_other_tensors_are_passed_on(shared: Any, scattered: Run) -> None:
    second = shared.run(Prune(sparsity=0.3, tensors=["out_proj"]), name="prune", parent=scattered)
    masks = load_masks(second.folder)
    assert {name.split(".")[-2] for name in masks} == {"in_proj", "out_proj"}
    assert all(torch.equal(masks[name], mask) for name, mask in load_masks(scattered.folder).items())


def test_zeros_that_were_there_before_are_not_passed_over(shared: Any, scattered: Run) -> None:
    channels = Prune(structure="channel", sparsity=0.25, tensors=["in_proj", "out_proj"])
    with pytest.raises(FrameworkError, match=r"in_proj\.weight has \d+ zeros after pruning and \d+ were asked for"):
        shared.run(channels, name="prune", parent=scattered)


def test_an_impossible_number_of_channel_weights_names_the_nearest(shared: Any, base: Run) -> None:
    reference = shared.run(Prune(sparsity=0.26, tensors=MODULES), name="prune", parent=base)
    asked = reference.record.sparsity["zeros"]
    prune = Prune(structure="channel", sparsity=SameAs(same_as="x"))
    with pytest.raises(FrameworkError, match=rf"exactly {asked} zeroed weights.*nearest numbers are \d+ and \d+"):
        shared.run(prune, name="prune", parent=base, same_as=reference)


def test_a_reference_without_masks_is_an_error(shared: Any, base: Run) -> None:
    with pytest.raises(FrameworkError, match=r"has no masks.*name the `tensors`"):
        shared.run(Prune(sparsity=SameAs(same_as="x")), name="prune", parent=base, same_as=base)


def test_channels_by_hand() -> None:
    layers = [Layer("a", 3, {"a.w": Slice(0)}), Layer("b", 2, {"b.w": Slice(1, copies=2)})]
    scores = {
        "a.w": torch.tensor([[3.0, 4.0], [0.0, 1.0], [1.0, 0.0]]),  # norms 5, 1, 1
        "b.w": torch.tensor([[0.0, 2.0, 0.5, 0.0]]),  # norms 0.5, 2
    }
    (masks,) = masks_of(scores, "channel", Wanted([Amount(zeros={"a.w": 2, "b.w": 2})], layers=layers))
    assert masks["b.w"].tolist() == [[False, True, False, True]]
    assert masks["a.w"].tolist() == [[True, True], [True, True], [False, False]]  # of equal ones the last goes
    with pytest.raises(FrameworkError, match="all 2 channels of b would be removed"):
        masks_of(scores, "channel", Wanted([Amount(zeros={"a.w": 4, "b.w": 4})], "layer", layers=layers))


def test_by_layer_each_tensor_has_its_own_number() -> None:
    scores = {"a": torch.arange(10.0), "b": torch.arange(10.0) + 100}
    amount = Amount(zeros={"a": 2, "b": 7})
    apart, together = (masks_of(scores, "unstructured", Wanted([amount], scope))[0] for scope in ("layer", "model"))
    assert [int((~mask).sum()) for mask in apart.values()] == [2, 7]
    assert [int((~mask).sum()) for mask in together.values()] == [9, 0]
