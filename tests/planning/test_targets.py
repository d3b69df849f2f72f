"""Where a manifest names no modules, a method works on those of the model's family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.manifest.architectures import ARCHITECTURES
from framework.manifest.sections.methods import SDM, SGH, Adapter, LoRA, Mask
from framework.manifest.sections.models import Dataset
from framework.manifest.sections.phases import Phase
from framework.planning.method_targets import with_targets
from framework.planning.steps import Training
from tests.support.project import Project

PHASE = Phase.model_validate(
    {"objective": "causal_lm", "dataset": "d", "optimizer": {"learning_rate": 1}, "batch_size": 1, "epochs": 1}
)


def training(mask: Mask | None = None, adapter: Adapter | None = None) -> Training:
    return Training(PHASE, "d", Dataset(builtin="language-reference"), mask, adapter)


@pytest.mark.parametrize("family", ARCHITECTURES)
@pytest.mark.parametrize(
    "adapter", [Adapter(lora=LoRA(rank=2, alpha=4)), Adapter(sgh=SGH(importance="magnitude"))], ids=["lora", "sgh"]
)
def test_targets_are_the_family_s(family: str, adapter: Adapter) -> None:
    found: Any = with_targets(training(adapter=adapter), family).adapter
    assert found.chosen[0] == adapter.chosen[0]
    assert found.chosen[1].targets == list(ARCHITECTURES[family].adapted)
    assert with_targets(training(adapter=adapter), "theirs").adapter == adapter


@pytest.mark.parametrize("family", ARCHITECTURES)
def test_masked_tensors_are_the_family_s(family: str) -> None:
    found: Any = with_targets(training(mask=Mask(sdm=SDM(target_sparsity=0.3))), family).mask
    assert found.sdm.tensors == list(ARCHITECTURES[family].masked)


def test_what_is_stated_stays() -> None:
    stated = Adapter(lora=LoRA(rank=2, alpha=4, targets=["in_proj", "x_proj"]))
    assert with_targets(training(adapter=stated), "llama").adapter == stated
    assert with_targets(training(), "llama") == training()


def test_a_plan_names_them(tmp_path: Path) -> None:
    """And a manifest that states what is the default anyway demands the same runs."""
    project = Project(tmp_path).replace(", targets: [in_proj]", "").replace(", tensors: [in_proj]", "")
    steps = {(step.variant, step.name): step for step in project.plan(seeds=[1]).steps}
    pruned: Any = steps["pruned", "finetune"].work
    assert pruned.adapter.lora.targets == ["c_attn", "c_fc"]
    stated = Project(tmp_path / "stated").replace("targets: [in_proj]", "targets: [c_attn, c_fc]")
    stated.replace("tensors: [in_proj]", "tensors: [c_fc, c_proj]")
    assert {step.key for step in stated.plan(seeds=[1]).steps} == {step.key for step in steps.values()}
