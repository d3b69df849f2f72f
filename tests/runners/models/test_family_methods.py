"""Every method on every family: it runs, or it is refused in a sentence that names both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from framework.errors import FrameworkError
from framework.evidence.store import Run
from framework.manifest.sections.methods import SDM, SGH, Adapter, LoRA, Mask, Permute, Prune
from framework.manifest.sections.paper import Hardware
from framework.manifest.sections.phases import Phase
from framework.planning.method_targets import with_targets
from framework.planning.steps import Step, Training
from runners import preflight
from runners.models.families import FAMILIES
from runners.sparsity.masks import load_masks
from tests.runners.models.tiny import CAUSAL, tiny

FAMILY_NAMES = FAMILIES.names()
CHANNELS = {
    name: [module for module in layout.slices if module not in layout.optional]
    for name in FAMILY_NAMES
    if (layout := FAMILIES.get(name).channels)
}
SPARSE = SDM(target_sparsity=0.5, sparsity_weight=0.0, initial_logit=0.01, learning_rate=0.05)
"""The task alone moves the gates, from where either way is a step."""
METHODS = (
    "causal_lm",
    "classification",
    "sdm",
    "csp state",
    "csp channel",
    "prune unstructured",
    "prune channel",
    "lora",
    "masked lora",
    "sgh by magnitude",
    "sgh by mask",
    "lora on channels",
)
REFUSED: dict[tuple[str, str], str] = {
    ("bert", "causal_lm"): "a bert has no.* objective causal_lm|objective causal_lm.*a bert has none",
    **{
        (name, "csp state"): f"a {name} has no (such|state) dimension"
        for name in FAMILY_NAMES
        if "state" not in FAMILIES.get(name).dimensions
    },
    ("mixtral", "csp channel"): "a mixtral has no (such|channel) dimension.*belong to single experts",
    ("mixtral", "lora on channels"): "lora.*a mixtral has none there.*adapter sits on a module|adapter.lora.targets",
}


@pytest.fixture(scope="module")
def tuned(shared: Any, phase: Callable[..., Phase]) -> dict[str, Run]:
    """A trained classifier of each family."""
    return {name: shared.finetune(phase("classification"), model=tiny(name)) for name in FAMILY_NAMES}


@pytest.fixture(scope="module")
def pruned(shared: Any, tuned: dict[str, Run]) -> dict[str, Run]:
    """The same with masks over what adapters work on."""
    work = {name: Prune(sparsity=0.5, tensors=adapted(name)) for name in FAMILY_NAMES}
    return {
        name: shared.run(work[name], name="prune", parent=tuned[name], model=tiny(name), variant="M_p")
        for name in FAMILY_NAMES
    }


def adapted(family: str) -> list[str]:
    from framework.manifest.architectures import ARCHITECTURES

    return list(ARCHITECTURES[family].adapted)


def step_of(shared: Any, phase: Phase, causal: Phase, family: str, method: str, start: dict[str, Run]) -> Step:
    """The step that tries a method."""
    stated = tiny(family)

    def training(**parts: Any) -> Training:
        return with_targets(Training(phase, "data", shared.topics(), parts.get("mask"), parts.get("adapter")), family)

    work: Any = {
        "causal_lm": lambda: Training(causal, "data", shared.text()),
        "classification": lambda: training(),
        "sdm": lambda: training(mask=Mask(sdm=SPARSE)),
        "csp state": lambda: Permute(method="csp", dimension="state", calibration_examples=4),
        "csp channel": lambda: Permute(method="csp", dimension="channel", calibration_examples=4),
        "prune unstructured": lambda: Prune(sparsity=0.3, tensors=CHANNELS[family]),
        "prune channel": lambda: Prune(sparsity=0.25, structure="channel", tensors=CHANNELS[family]),
        "lora": lambda: training(adapter=Adapter(lora=LoRA(rank=2, alpha=4))),
        "masked lora": lambda: training(adapter=Adapter(lora=LoRA(rank=2, alpha=4, mode="sparse_to_sparse"))),
        "sgh by magnitude": lambda: training(adapter=Adapter(sgh=SGH(importance="magnitude"))),
        "sgh by mask": lambda: training(adapter=Adapter(sgh=SGH(importance="mask"))),
        "lora on channels": lambda: training(
            adapter=Adapter(lora=LoRA(rank=2, alpha=4, targets=adaptable_channels(family)))
        ),
    }[method]()
    parent = None if method in ("causal_lm", "classification", "sdm") else start[family]
    step = shared.step(work, name=method.split()[0], parent=parent, model=stated, variant="M_m", method=method)
    calibration = Training(phase, "data", shared.topics()) if isinstance(work, Permute) else None
    return replace(step, calibration=calibration)


def adaptable_channels(family: str) -> list[str]:
    """What the channels lie in, without what peft has no adapter for in a Mamba."""
    return [name for name in CHANNELS[family] if name not in ("conv1d", "dt_proj", "out_proj")]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_method_runs_or_is_refused(
    shared: Any,
    phase: Callable[..., Phase],
    tuned: dict[str, Run],
    pruned: dict[str, Run],
    family: str,
    method: str,
) -> None:
    start = pruned if method in ("masked lora", "sgh by mask") else tuned
    step = step_of(shared, phase("classification"), phase(), family, method, start)
    found = preflight.obstacles(Hardware(accelerator="cpu"), [step], shared.project)
    sentence = REFUSED.get((family, method))
    if sentence is not None:
        assert [one.found for one in found if family in one.found], "it is refused before anything starts"
        with pytest.raises(FrameworkError, match=f"(?s){sentence}"):
            shared.execute(step)
        import re

        assert any(re.search(sentence, f"{one.declared}: {one.found}") for one in found)
        return
    assert found == []
    run = shared.execute(step)
    assert run.record.status == "done"
    if method == "sdm" or method.startswith("prune"):
        masks = load_masks(run.folder)
        assert run.record.sparsity["zeros"] == sum(int((~mask).sum()) for mask in masks.values()) > 0
        assert {name.removesuffix(".weight").rpartition(".")[2] for name in masks} <= {
            name.rpartition(".")[2] for name in CHANNELS[family]
        }
    if "lora" in method or "sgh" in method:
        assert run.record.adapter["dead"] == []
        assert run.record.parameters["trainable"] < run.record.parameters["total"]
    if step.calibration is not None:
        assert run.record.metrics["max_logit_difference"] < 1e-4


def test_each_refusal_is_of_a_family_and_a_method_that_exist() -> None:
    assert {family for family, _ in REFUSED} <= set(FAMILY_NAMES)
    assert {method for _, method in REFUSED} <= set(METHODS)
    assert ("mamba", "csp state") not in REFUSED
    assert set(CAUSAL) == set(FAMILY_NAMES) - {"bert"}


def test_an_encoder_without_a_head_is_not_permuted(shared: Any, phase: Callable[..., Phase]) -> None:
    work = Permute(method="csp", dimension="channel", calibration_examples=4)
    step = shared.step(work, name="permute", model=tiny("bert"), variant="M_h")
    calibration = Training(phase("classification"), "data", shared.topics())
    with pytest.raises(FrameworkError, match="a bert without a classification head has no outputs"):
        shared.execute(replace(step, calibration=calibration))


# A router is pruned only where it is named


def test_a_mixtral_s_router_is_pruned_only_by_name(shared: Any, tuned: dict[str, Run]) -> None:
    def masked(**how: Any) -> set[str]:
        work = Prune(sparsity=0.5, **how)
        run = shared.run(work, name="prune", parent=tuned["mixtral"], model=tiny("mixtral"), variant="M_r")
        assert set(run.record.sparsity["tensors"]) == set(load_masks(run.folder))
        return {name.split("layers.")[1].partition(".")[2] for name in load_masks(run.folder)}

    experts = {"mlp.experts.gate_up_proj", "mlp.experts.down_proj"}
    assert masked(tensors=["gate_up_proj", "down_proj"]) == experts
    assert masked(tensors=["gate_up_proj", "down_proj"], structure="channel") == experts
    assert masked(tensors=["gate"]) == {"mlp.gate.weight"}


def test_an_expert_s_channels_go_with_their_three_slices(shared: Any, tuned: dict[str, Run]) -> None:
    work = Prune(sparsity=0.25, structure="channel", scope="layer", tensors=["gate_up_proj", "down_proj"])
    run = shared.run(work, name="prune", parent=tuned["mixtral"], model=tiny("mixtral"), variant="M_e")
    masks = load_masks(run.folder)
    for layer in range(2):
        wide, down = (masks[f"model.layers.{layer}.mlp.experts.{name}"] for name in ("gate_up_proj", "down_proj"))
        gate, up = wide.all(dim=2).chunk(2, dim=1)
        assert torch.equal(gate, up)
        assert torch.equal(gate, down.all(dim=1))
        assert int((~gate).sum()) == round(0.25 * 3 * 24)
        assert len(set((~gate).sum(dim=1).tolist())) > 1, "experts lose as many as they can spare"


def test_a_name_without_channels_is_refused(shared: Any, tuned: dict[str, Run]) -> None:
    work = Prune(sparsity=0.25, structure="channel", tensors=["query"])
    step = shared.step(work, name="prune", parent=tuned["bert"], model=tiny("bert"), variant="M_q")
    with pytest.raises(FrameworkError, match=r"no inner channel lies in bert\.encoder.*query"):
        shared.execute(step)
    (obstacle,) = preflight.obstacles(Hardware(accelerator="cpu"), [step], shared.project)
    assert (obstacle.declared, obstacle.found) == (
        "prune over query",
        "no inner channel of a bert lies in query; known: intermediate.dense, output.dense",
    )


def test_a_bert_s_feed_forward_layer_is_not_the_attention_s(shared: Any, tuned: dict[str, Run]) -> None:
    work = Prune(sparsity=0.25, structure="channel", tensors=["intermediate.dense", "output.dense"])
    run = shared.run(work, name="prune", parent=tuned["bert"], model=tiny("bert"), variant="M_f")
    assert not [name for name in load_masks(run.folder) if "attention" in name]
