"""What peft's options make of a saved adapter, read off its configuration."""

from __future__ import annotations

import pytest

from framework.evidence.adapter_options import alphas, irreproducible


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [8]),
        ({"use_rslora": True}, [16, 32]),
        ({"alpha_pattern": {"q_proj": 64}}, [8, 64]),
        ({"alpha_pattern": {"^q_proj": 64}}, [8]),
        ({"alpha_pattern": {r"layers\.\d+\.q_proj": 64}}, [8, 64]),
        ({"alpha_pattern": {"proj": 64}}, [8]),  # a part of a name is none
        ({"alpha_pattern": {"(": 64}}, [8]),
        ({"alpha_pattern": {"q_proj": 64}, "use_rslora": True}, [32, 128]),
    ],
)
def test_the_alpha_that_each_modules_scale_needs(options: dict[str, object], expected: list[float]) -> None:
    ranks = {"layers.0.q_proj": 4, "layers.0.v_proj": 16}
    assert alphas({"lora_alpha": 8, **options}, ranks) == expected


@pytest.mark.parametrize(
    ("start", "refused"), [("pissa_niter_4", True), ("PiSSA_niter_16", True), ("pissa", False), (True, False)]
)
def test_a_randomised_start_is_not_reproduced_by_loading(start: object, refused: bool) -> None:
    assert (irreproducible({"init_lora_weights": start}) is not None) is refused
    assert irreproducible({}) is None
