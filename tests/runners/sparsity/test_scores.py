"""Scores are what their papers say, measured on the declared batches."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from framework.errors import FrameworkError
from framework.manifest.sections.models import Model
from runners.data.examples import Batch
from runners.models.building import build_language_model
from runners.sparsity.by_layer import prune_layers
from runners.sparsity.scored import masks_of
from runners.sparsity.scores import SCORES, Measured, Score
from runners.sparsity.scores.sparsegpt import SPARSEGPT, solve
from runners.sparsity.structures import Amount, Wanted

MODULES = {"llama": ("q_proj", "up_proj", "down_proj"), "gpt2": ("c_attn", "c_fc", "mlp.c_proj")}


def build(family: str) -> Any:
    sizes = {"heads": 2, "intermediate": 24}
    stated = Model(family=family, weights="random", layers=2, hidden=16, vocabulary=64, **sizes)
    return build_language_model("tiny", stated, 64, 3, Path()).eval()


def batch(*rows: list[int]) -> Batch:
    ids = torch.tensor(rows)
    return Batch(ids, torch.ones_like(ids), None, ids.numel(), ids.numel() - len(rows))


def batches() -> list[Batch]:
    source = torch.Generator().manual_seed(1)
    return [batch(*torch.randint(0, 64, (2, 12), generator=source).tolist()) for _ in range(3)]


def measured(family: str) -> Measured:
    model = build(family)
    weights = {
        name: value
        for name, value in model.named_parameters()
        if any(name.endswith(f".{module}.weight") for module in MODULES[family])
    }
    return Measured(weights, 5, model, batches())


def scores(name: str, what: Measured) -> dict[str, torch.Tensor]:
    score = SCORES.get(name)
    assert isinstance(score, Score)
    return score.scores(what)


@pytest.mark.parametrize("name", SCORES.names())
def test_every_score_says_whether_it_needs_data(name: str) -> None:
    from framework.manifest.sections.methods import CALIBRATED

    assert SCORES.get(name).calibrated == (name in CALIBRATED)


@pytest.mark.parametrize("family", MODULES)
def test_gradients_and_taylor_are_means_of_absolute_values_over_the_batches(family: str) -> None:
    what = measured(family)
    expected = {name: torch.zeros_like(weight) for name, weight in what.weights.items()}
    for one in what.batches:
        what.model.zero_grad()
        what.model(input_ids=one.input_ids, labels=one.input_ids).loss.backward()
        for name in expected:
            expected[name] += what.weights[name].grad.abs() / len(what.batches)
    what.model.zero_grad()
    gradient, taylor = scores("gradient", what), scores("taylor", what)
    for name, weight in what.weights.items():
        assert torch.allclose(gradient[name], expected[name], rtol=1e-4, atol=1e-8)
        assert torch.allclose(taylor[name], expected[name] * weight.abs(), rtol=1e-4, atol=1e-9)
        assert weight.grad is None


@pytest.mark.parametrize("family", MODULES)
def test_wanda_is_the_magnitude_times_the_norm_of_the_input(family: str) -> None:
    what = measured(family)
    seen: dict[str, list[torch.Tensor]] = {name: [] for name in what.weights}
    for name in what.weights:
        module = what.model.get_submodule(name.removesuffix(".weight"))
        module.register_forward_pre_hook(lambda _, inputs, name=name: seen[name].append(inputs[0].flatten(0, 1)))
    with torch.no_grad():
        for one in what.batches:
            what.model(input_ids=one.input_ids)
    found = scores("wanda", what)
    for name, weight in what.weights.items():
        norms = torch.cat(seen[name][: len(what.batches)]).norm(dim=0)
        own = norms[:, None] if family == "gpt2" else norms[None, :]
        assert torch.allclose(found[name], weight.abs() * own, rtol=1e-5)


def test_padding_is_no_input() -> None:
    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = nn.Linear(4, 3, bias=False)
            self.table = nn.Parameter(torch.arange(32.0).view(8, 4))

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.own(self.table[input_ids])

    model = Linear()
    ids, mask = torch.tensor([[1, 2, 0], [3, 0, 0]]), torch.tensor([[1, 1, 0], [1, 0, 0]])
    one = Batch(ids, mask, torch.tensor([0, 1]), 3, 2)
    (found,) = scores("wanda", Measured({"own.weight": model.own.weight}, 0, model, [one])).values()
    norms = model.table[[1, 2, 3]].norm(dim=0)
    assert torch.allclose(found, model.own.weight.abs() * norms)


def test_what_is_no_linear_map_has_no_wanda() -> None:
    what = measured("llama")
    embedding = {"model.embed_tokens.weight": what.model.model.embed_tokens.weight}
    with pytest.raises(FrameworkError, match=r"embed_tokens\.weight is not the weight of a linear map"):
        scores("wanda", Measured(embedding, 0, what.model, what.batches))


def test_random_scores_have_a_seed_per_tensor_and_zeros_go_first() -> None:
    weights = {name: torch.ones(50, 40) for name in ("a", "b")}
    weights["a"][:10] = 0
    first, again, other = (scores("random", Measured(weights, seed)) for seed in (1, 1, 2))
    assert torch.equal(first["a"], again["a"])
    assert not torch.equal(first["b"], other["b"])
    assert not torch.equal(first["a"][10:], first["b"][10:])
    assert (first["a"][:10] == 0).all()
    assert first["a"][10:].min() > 0
    (masks,) = masks_of(first, "unstructured", Wanted([Amount(share=0.5)]))
    assert sum(int((~mask).sum()) for mask in masks.values()) == 2000  # exact, not on average
    assert not masks["a"][:10].any()


# SparseGPT


def hessian(inputs: torch.Tensor) -> torch.Tensor:
    own = inputs.T @ inputs
    own += 0.01 * own.diagonal().mean() * torch.eye(len(own), dtype=own.dtype)
    return torch.linalg.cholesky(torch.linalg.inv(own), upper=True)


@pytest.mark.parametrize("inputs", [64, 200])
def test_sparsegpt_removes_exactly_and_reconstructs_better_than_the_magnitude(inputs: int) -> None:
    torch.manual_seed(0)
    common = torch.randn(800, inputs // 4, dtype=torch.float64) @ torch.randn(inputs // 4, inputs, dtype=torch.float64)
    seen = common / (inputs // 4) ** 0.5 + 0.3 * torch.randn(800, inputs, dtype=torch.float64)
    weight = torch.randn(48, inputs, dtype=torch.float64)
    for share, pattern in ((0.37, None), (0.5, (2, 4)), (0.5, (4, 8))):
        solved = weight.clone()
        mask = solve(solved, hessian(seen), share, pattern)
        assert int((~mask).sum()) == round(share * weight.numel())
        assert (solved[~mask] == 0).all()
        if pattern:
            assert (mask.reshape(-1, pattern[1]).sum(dim=1) == pattern[0]).all()
        structure = f"{pattern[0]}:{pattern[1]}" if pattern else "unstructured"
        (plain,) = masks_of({"a.weight": weight.abs()}, structure, Wanted([Amount(share=share)], pattern=pattern))
        error, naive = (float((seen @ (one - weight).T).norm()) for one in (solved, weight * plain["a.weight"]))
        assert error < 0.75 * naive
        assert not torch.allclose(solved[mask], weight[mask])


def test_sparsegpt_without_correlations_is_the_magnitude() -> None:
    """With H a multiple of the identity nothing is gained by moving weights, and the score is w^2 times a constant."""
    torch.manual_seed(0)
    weight = torch.randn(10, 32, dtype=torch.float64)
    solved = weight.clone()
    mask = solve(solved, torch.eye(32, dtype=torch.float64), 0.4, None)
    (plain,) = masks_of({"a.weight": weight.abs()}, "unstructured", Wanted([Amount(share=0.4)]))
    assert torch.equal(mask, plain["a.weight"])
    assert torch.equal(solved, weight * mask)


def test_the_first_column_is_the_optimal_brain_surgeons() -> None:
    """One weight pruned, all others free: the closed form of Hassibi & Stork 1993."""
    torch.manual_seed(0)
    seen = torch.randn(100, 6, dtype=torch.float64)
    factor = hessian(seen)
    full = factor.T @ factor  # the inverse Hessian
    weight = torch.randn(1, 6, dtype=torch.float64)
    weight[0, 0] = 1e-3  # the one that goes
    solved = weight.clone()
    mask = solve(solved, factor, 1 / 6, None)
    assert mask.tolist() == [[False, True, True, True, True, True]]
    expected = weight - weight[0, 0] / full[0, 0] * full[0]
    assert torch.allclose(solved[0, 1:], expected[0, 1:])


@pytest.mark.parametrize("family", MODULES)
def test_sparsegpt_on_a_model(family: str) -> None:
    what = measured(family)
    before = {name: weight.detach().clone() for name, weight in what.weights.items()}
    wanted = Wanted([Amount(share=0.5)], scope="layer")
    masks = prune_layers(what.model, what.weights, what.batches, 0, lambda own: SPARSEGPT.solve(own, wanted))
    for name, weight in what.weights.items():
        assert int((weight == 0).sum()) == int((~masks[name]).sum()) == weight.numel() // 2
        assert not torch.equal(weight[masks[name]], before[name][masks[name]])


def test_layers_are_measured_with_those_before_already_pruned() -> None:
    what = measured("llama")
    dense = copy.deepcopy(what.model)
    order: list[list[str]] = []
    inputs: dict[str, torch.Tensor] = {}

    def choose(own: Measured) -> dict[str, torch.Tensor]:
        order.append(list(own.weights))
        found = scores("wanda", own)
        inputs.update(found)
        return masks_of(found, "unstructured", Wanted([Amount(share=0.5)], "output"))[0]

    masks = prune_layers(what.model, what.weights, what.batches, 0, choose)
    assert [names[0].split(".")[:3] for names in order] == [["model", "layers", "0"], ["model", "layers", "1"]]
    assert set(masks) == set(what.weights)
    own = {name: dict(dense.named_parameters())[name] for name in what.weights}
    at_once = scores("wanda", Measured(own, 0, dense, what.batches))
    assert torch.allclose(
        inputs["model.layers.0.self_attn.q_proj.weight"], at_once["model.layers.0.self_attn.q_proj.weight"]
    )
    assert not torch.allclose(inputs["model.layers.1.mlp.up_proj.weight"], at_once["model.layers.1.mlp.up_proj.weight"])


def test_a_module_that_is_never_called_is_named() -> None:
    what = measured("llama")
    what.model.extra = nn.Linear(4, 4)
    own = {"extra.weight": what.model.extra.weight}
    with pytest.raises(FrameworkError, match=r"the module of extra\.weight was never called"):
        scores("wanda", Measured(own, 0, what.model, what.batches))
    with pytest.raises(FrameworkError, match=r"extra\.weight has no gradient"):
        scores("gradient", Measured(own, 0, what.model, what.batches))


def test_the_calibration_leaves_no_hook_and_no_gradient_behind() -> None:
    what = measured("gpt2")
    for name in ("wanda", "taylor"):
        scores(name, what)
    assert not any(module._forward_pre_hooks for module in what.model.modules())
    assert all(weight.grad is None for weight in what.model.parameters())
