"""The linear scan computes what transformers' reference does, forward and backward."""

from __future__ import annotations

import pytest
import torch
from transformers.models.mamba import modeling_mamba

from runners.models import mamba_scan


def inputs(length: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    torch.manual_seed(length)
    batch, channels, states = 3, 6, 4
    values = {
        "hidden_states": torch.randn(batch, channels, length),
        "dt": torch.randn(batch, channels, length),
        "A": -torch.rand(channels, states) - 0.1,
        "B": torch.randn(batch, states, length),
        "C": torch.randn(batch, states, length),
        "D": torch.randn(channels),
        "z": torch.randn(batch, channels, length),
        "delta_bias": torch.randn(channels),
    }
    low = {"hidden_states", "dt", "B", "C", "z"}
    return {name: (value.to(dtype) if name in low else value).requires_grad_() for name, value in values.items()}


@pytest.mark.parametrize("length", [1, 2, 19])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 5e-2)])
def test_outputs_and_gradients_equal_the_reference(length: int, dtype: torch.dtype, tolerance: float) -> None:
    results = []
    for scan in (mamba_scan.linear_scan, mamba_scan._REFERENCE):
        values = inputs(length, dtype)
        output, state = scan(**values, delta_softplus=True, return_last_state=True)
        (output.float().sin().sum() + state.float().cos().sum()).backward()
        results.append([output.detach(), state.detach(), *(value.grad for value in values.values())])
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape
        assert torch.allclose(ours.float(), theirs.float(), rtol=tolerance, atol=tolerance)


def test_the_recurrence_has_the_right_derivative() -> None:
    a, b = (torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(mamba_scan._Recurrence.apply, (a, b))


def test_transformers_uses_it_once_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modeling_mamba, "mamba_selective_scan", mamba_scan._REFERENCE)
    model = modeling_mamba.MambaForCausalLM(
        modeling_mamba.MambaConfig(vocab_size=32, hidden_size=8, state_size=4, num_hidden_layers=1)
    )
    ids = torch.randint(0, 32, (2, 9))
    before = model(ids, use_cache=False).logits
    mamba_scan.use_linear_scan()
    assert modeling_mamba.mamba_selective_scan is mamba_scan._scan
    assert torch.allclose(model(ids, use_cache=False).logits, before, atol=1e-5)
