"""Masks inside Model Zoo's trainer, against the small trainer protocol of `small_trainer.py`; never tried on a CSX."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from framework.dialects.families.model_zoo import tensor_name
from framework.errors import FrameworkError
from runners.cerebras import ReapplyMasks, reapply
from runners.cerebras.parameter_names import converted, interleaved
from runners.sparsity.masks import save_masks
from tests.runners.cerebras.small_trainer import HOOKS, SmallTrainer

HEADS, SHARED, WIDTH = 4, 2, 16
Make = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
OPTIMIZERS: dict[str, Make] = {
    "adamw": partial(torch.optim.AdamW, lr=1e-2, weight_decay=0.1),
    "adam": partial(torch.optim.Adam, lr=1e-2),
    "sgd": partial(torch.optim.SGD, lr=1e-1, momentum=0.9),
    "sgd, nesterov": partial(torch.optim.SGD, lr=1e-1, momentum=0.9, nesterov=True, weight_decay=0.1),
}


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.proj_q_dense_layer = nn.Linear(WIDTH, WIDTH, bias=False)
        self.proj_k_dense_layer = nn.Linear(WIDTH, WIDTH // 2, bias=False)
        self.proj_v_dense_layer = nn.Linear(WIDTH, WIDTH // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.proj_q_dense_layer(x), self.proj_k_dense_layer(x), self.proj_v_dense_layer(x)
        return (query * torch.cat([key, value], -1)).float().pow(2).mean() + (key - value).float().sin().mean()


class Zoo(nn.Module):
    """One layer under the names of Model Zoo's decoder, below a module of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Module()
        self.model.transformer_decoder = nn.Module()
        layer = nn.Module()
        layer.self_attn = Attention()
        self.model.transformer_decoder.layers = nn.ModuleList([layer])

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.model.transformer_decoder.layers[0].self_attn(x)  # type: ignore[union-attr, operator]
        return found


PREFIX = "model.layers.0.self_attn."
ROWS = {"q_proj": WIDTH, "k_proj": WIDTH // 2, "v_proj": WIDTH // 2}


def hub_masks(seed: int = 0) -> dict[str, Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    return {f"{PREFIX}{name}.weight": torch.rand(rows, WIDTH, generator=drawn) < 0.4 for name, rows in ROWS.items()}


@pytest.fixture
def callback(tmp_path: Path) -> ReapplyMasks:
    save_masks(tmp_path, hub_masks(), {"score": "random"})
    return ReapplyMasks(str(tmp_path / "masks.safetensors"), "llama", HEADS, SHARED, strict=False)


def model(dtype: torch.dtype = torch.float32) -> Zoo:
    torch.manual_seed(1)
    return Zoo().to(dtype)


def batches(count: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    drawn = torch.Generator().manual_seed(2)
    return [torch.randn(8, WIDTH, generator=drawn).to(dtype) for _ in range(count)]


class Watch:
    """Looks at the weights after every update, after the callback before it in the list did its work."""

    def __init__(self, callback: ReapplyMasks):
        self.callback, self.nonzero, self.zeros = callback, [], []  # type: ignore[var-annotated]

    def on_after_optimizer_step(self, trainer: SmallTrainer, model: nn.Module, optimizer: Any) -> None:
        held = {name: (model.get_parameter(name), dropped) for name, dropped in self.callback.dropped.items()}
        self.nonzero.append(sum(int((weight[dropped] != 0).sum()) for weight, dropped in held.values()))
        self.zeros.append(sum(int((weight == 0).sum()) for weight, _ in held.values()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_after_each_step_masked_weights_are_exactly_zero(
    callback: ReapplyMasks, optimizer: str, dtype: torch.dtype
) -> None:
    watch = Watch(callback)
    trainer = SmallTrainer(model(dtype), OPTIMIZERS[optimizer], [callback, watch], max_gradient_norm=1.0)
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    trainer.fit(batches(5, dtype))
    assert watch.nonzero == [0] * 5
    assert len(callback.dropped) == 3
    for name, weight in trainer.model.named_parameters():
        kept = ~callback.dropped[name]
        assert (weight[kept] != before[name][kept]).any()  # what is kept was trained
        assert 0 < int(kept.sum()) < kept.numel()


def test_without_the_callback_masked_weights_come_back(callback: ReapplyMasks) -> None:
    """The tests above could fail: momentum and decay alone move pruned weights."""
    trainer = SmallTrainer(model(), OPTIMIZERS["sgd"], [callback])
    trainer.call("on_fit_start", None, None, None)
    trainer.callbacks = [watch := Watch(callback)]
    trainer.fit(batches(2))
    assert min(watch.nonzero) > 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_old_momentum_brings_nothing_back(callback: ReapplyMasks, optimizer: str) -> None:
    """Moments that the optimizer had before the masks held, as in a checkpoint of a dense training, are cleared."""
    dense = SmallTrainer(model(), OPTIMIZERS[optimizer], [])
    dense.fit(batches(3))
    watch = Watch(callback)
    trainer = SmallTrainer(model(), OPTIMIZERS[optimizer], [callback, watch])
    trainer.optimizer.load_state_dict(dense.optimizer.state_dict())
    names = {id(parameter): name for name, parameter in trainer.model.named_parameters()}
    trainer.fit(batches(3), dense.model.state_dict())
    assert watch.nonzero == [0] * 3
    looked = 0
    for parameter, state in trainer.optimizer.state.items():
        for moment in state.values():
            if isinstance(moment, Tensor) and moment.shape == parameter.shape:
                assert int((moment[callback.dropped[names[id(parameter)]]] != 0).sum()) == 0
                looked += 1
    assert looked >= 3


def test_masked_gradients_take_no_part_in_the_norm(callback: ReapplyMasks) -> None:
    trainer = SmallTrainer(model(), OPTIMIZERS["sgd"], [callback], max_gradient_norm=1e9)
    norms = []

    def norm(_: SmallTrainer, model: nn.Module, outputs: Any) -> None:
        grads = [(model.get_parameter(name).grad, dropped) for name, dropped in callback.dropped.items()]
        norms.append(float(torch.cat([grad[~dropped] for grad, dropped in grads if grad is not None]).norm()))

    trainer.callbacks.append(watch := ModuleType("watch"))
    watch.on_after_backward = norm  # type: ignore[attr-defined]
    trainer.fit(batches(2))
    assert trainer.norms == pytest.approx(norms)


@pytest.mark.parametrize("log_steps", [1, 2])
def test_the_sparsity_that_is_reported_is_the_counted_one(callback: ReapplyMasks, log_steps: int) -> None:
    watch = Watch(callback)
    trainer = SmallTrainer(model(), OPTIMIZERS["adamw"], [callback, watch], log_steps=log_steps)
    trainer.fit(batches(4))
    elements = sum(dropped.numel() for dropped in callback.dropped.values())
    told = [metrics["sparsity/total/actual"] for metrics in trainer.logged]
    assert told == [zeros / elements for zeros in watch.zeros[log_steps - 1 :: log_steps]]
    assert {name for metrics in trainer.logged for name in metrics} == {
        f"sparsity/{name}/actual" for name in (*callback.dropped, "total")
    }
    counted = {name: int((trainer.model.get_parameter(name) == 0).sum()) for name in callback.dropped}
    assert callback.report == {name: (zeros, callback.dropped[name].numel()) for name, zeros in counted.items()}
    assert sum(counted.values()) == watch.zeros[-1]


def test_while_a_step_is_traced_metrics_are_tensors(callback: ReapplyMasks) -> None:
    """A traced step runs once for all: nothing in it may ask for a value, and the trainer fetches what it logs."""
    trainer = SmallTrainer(model(), OPTIMIZERS["sgd"], [callback])
    trainer.is_tracing = True
    trainer.fit(batches(1))
    (metrics,) = trainer.logged
    assert all(isinstance(value, Tensor) for value in metrics.values())
    assert float(metrics["sparsity/total/actual"]) == pytest.approx(
        sum(zeros for zeros, _ in callback.report.values()) / sum(of for _, of in callback.report.values())
    )


def test_a_checkpoint_that_is_not_the_pruned_one_is_refused(callback: ReapplyMasks) -> None:
    callback.strict = True
    trainer = SmallTrainer(model(), OPTIMIZERS["sgd"], [callback])
    with pytest.raises(FrameworkError, match=r"masked weights of the loaded model are not zero"):
        trainer.fit(batches(1))
    pruned = {
        name: weight.detach().masked_fill(callback.dropped[name], float("nan" if "proj_k" in name else "0"))
        for name, weight in trainer.model.named_parameters()
    }
    trainer.fit(batches(1), pruned)  # a CSX is said to save pruned weights as NaN
    assert all(weight.isfinite().all() for weight in trainer.model.parameters())


def test_frozen_weights_below_an_adapter_are_held_too(callback: ReapplyMasks) -> None:
    zoo = model()
    attention = zoo.model.transformer_decoder.layers[0].self_attn  # type: ignore[union-attr]
    attention.proj_q_dense_layer.weight.requires_grad_(False)  # type: ignore[union-attr]
    trainer = SmallTrainer(zoo, OPTIMIZERS["adamw"], [callback, watch := Watch(callback)])
    trainer.fit(batches(2))
    assert watch.nonzero == [0, 0]


# The vendor's names and the order of its rows


def rotated(weight: Tensor, heads: int) -> Tensor:
    """As the conversion of a Llama checkpoint orders the rows of queries and keys: by its definition, row by row."""
    rows, half = weight.shape[0] // heads, weight.shape[0] // heads // 2
    order = [head * rows + part * half + row for head in range(heads) for row in range(half) for part in (0, 1)]
    return weight[order]


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_masks_of_queries_and_keys_follow_the_rows_of_the_converted_weights(heads: int) -> None:
    weight = torch.arange(1.0, 16 * 3 + 1).view(16, 3)
    assert torch.equal(interleaved(weight, heads, "any"), rotated(weight, heads))


def test_a_converted_checkpoint_has_its_zeros_where_the_masks_are() -> None:
    masks = hub_masks()
    weights = {name: torch.rand(mask.shape) * mask for name, mask in masks.items()}
    orders = {"q_proj": HEADS, "k_proj": SHARED}
    for name, mask in converted(masks, "llama", HEADS, SHARED).items():
        ours = next(each for each in masks if tensor_name("llama", each) == name)
        module = ours.split(".")[-2]
        theirs = rotated(weights[ours], orders[module]) if module in orders else weights[ours]
        assert torch.equal(theirs != 0, mask)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("model.layers.3.self_attn.q_proj.weight", "transformer_decoder.layers.3.self_attn.proj_q_dense_layer.weight"),
        ("model.layers.0.mlp.up_proj.weight", "transformer_decoder.layers.0.ffn.ffn.0.linear_layer.weight"),
        ("model.layers.0.mlp.gate_proj.weight", "transformer_decoder.layers.0.ffn.ffn.0.linear_layer_for_glu.weight"),
        ("model.layers.11.mlp.down_proj.weight", "transformer_decoder.layers.11.ffn.ffn.1.linear_layer.weight"),
        ("model.embed_tokens.weight", None),
        ("model.layers.x.mlp.up_proj.weight", None),
        ("lm_head.weight", None),
    ],
)  # fmt: skip
def test_names_of_weights(ours: str, theirs: str | None) -> None:
    assert tensor_name("llama", ours) == theirs


def test_a_mask_that_fits_nothing_is_refused(callback: ReapplyMasks, tmp_path: Path) -> None:
    def setup(masks: dict[str, Tensor], heads: int = HEADS) -> None:
        save_masks(tmp_path, masks, {})
        SmallTrainer(model(), OPTIMIZERS["sgd"], [ReapplyMasks(str(callback.file), "llama", heads, SHARED)])

    some = torch.ones(WIDTH, WIDTH, dtype=torch.bool)
    with pytest.raises(FrameworkError, match="not known here"):
        setup({"lm_head.weight": some})
    with pytest.raises(FrameworkError, match="no such parameters"):
        setup({"model.layers.7.self_attn.q_proj.weight": some})
    with pytest.raises(FrameworkError, match="shape"):
        setup({f"{PREFIX}v_proj.weight": some})
    with pytest.raises(FrameworkError, match="no even number for each of 3 heads"):
        setup({f"{PREFIX}q_proj.weight": some}, heads=3)
    with pytest.raises(FrameworkError, match="no mask file"):
        SmallTrainer(model(), OPTIMIZERS["sgd"], [ReapplyMasks(str(tmp_path / "no" / "masks.safetensors"), "llama", 4)])


# The vendor's base class


def test_the_vendors_base_class_is_used_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the base class only the names of its hooks are ours to know: a stand-in has them all."""
    assert ReapplyMasks.__mro__[1:] == (object,)
    base = type("Callback", (), {name: lambda self, *arguments: None for name in HOOKS})
    module = ModuleType("cerebras.modelzoo.trainer.callbacks")
    module.Callback = base  # type: ignore[attr-defined]
    parents = ("cerebras", "cerebras.modelzoo", "cerebras.modelzoo.trainer")
    for name in parents:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    try:
        found = importlib.reload(reapply).ReapplyMasks
        assert issubclass(found, base)
        own = {name for name in vars(found) if name.startswith(("on_", "setup", "pre_", "post_"))}
        assert {"setup", "on_fit_start", "on_before_optimizer_step", "on_after_optimizer_step"} <= own <= set(HOOKS)
    finally:
        monkeypatch.undo()
        importlib.reload(reapply)
