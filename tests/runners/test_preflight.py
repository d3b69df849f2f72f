"""What stands in the way is found before anything starts, clause by clause, and quickly."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants

from framework.manifest.sections.methods import SDM, SGH, Adapter, LoRA, Mask, Permute, Prune
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.paper import Hardware
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from runners import hub, preflight, registry

ANYWHERE = Hardware()


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    monkeypatch.setattr(constants, "is_offline_mode", lambda: True)


def clauses(found: list[preflight.Obstacle]) -> list[str]:
    return [obstacle.clause for obstacle in found]


def test_a_small_local_plan_has_no_obstacle(laboratory: Any, phase: Callable[..., Phase]) -> None:
    steps = [
        laboratory.step(Training(phase(), "data", laboratory.text(), Mask(sdm=SDM(target_sparsity=0.3)))),
        laboratory.step(Training(phase(), "data", laboratory.text(), None, Adapter(lora=LoRA(rank=2, alpha=4.0)))),
        laboratory.step(Prune(sparsity=0.3, tensors=["in_proj"], structure="channel")),
    ]
    assert preflight.obstacles(Hardware(accelerator="cpu", memory_gb=80.0, count=8), steps, laboratory.project) == []


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        (Hardware(accelerator="NVIDIA A100", memory_gb=80.0), []),
        (Hardware(accelerator="A100"), []),
        (Hardware(accelerator="NVIDIA H100"), ["hardware.accelerator"]),
        (Hardware(accelerator="NVIDIA A10"), ["hardware.accelerator"]),
        (Hardware(accelerator="NVIDIA A100", count=4), ["hardware.count"]),
        (Hardware(accelerator="NVIDIA A100", memory_gb=96.0), ["hardware.memory_gb"]),
        (Hardware(accelerator="NVIDIA A100", memory_gb=40.0), ["hardware.memory_gb"]),
        (Hardware(accelerator="A100-40GB"), ["hardware.accelerator"]),
    ],
)
def test_declared_accelerators(declared: Hardware, found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"accelerator": "NVIDIA A100-SXM4-80GB", "count": 2, "memory_gb": 79.1}
    monkeypatch.setattr(preflight, "hardware", lambda: here)
    assert clauses(preflight.obstacles(declared, [], Path())) == found


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has an accelerator")
def test_a_missing_accelerator_and_its_precision(laboratory: Any, phase: Callable[..., Phase]) -> None:
    step = laboratory.step(Training(phase(precision="fp16"), "data", laboratory.text()))
    found = preflight.obstacles(Hardware(accelerator="NVIDIA A100"), [step], laboratory.project)
    assert found[0] == preflight.Obstacle("hardware.accelerator", "NVIDIA A100", "no accelerator")
    assert clauses(found) == ["hardware.accelerator", "phases.pretrain.precision"]


@pytest.fixture
def nothing_implemented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registries without members of their own, whatever this project implements."""
    for members in (preflight.TRANSFORMS, preflight.ADAPTERS, preflight.STRUCTURES, preflight.LEARNED_MASKS):
        monkeypatch.setattr(members, "_own", {})


@pytest.mark.usefixtures("nothing_implemented")
def test_methods_that_no_runner_implements(laboratory: Any, phase: Callable[..., Phase]) -> None:
    sgh = Adapter(sgh=SGH(importance="mask"))
    steps = [
        laboratory.step(Permute(method="csp"), variant="M_csp"),
        laboratory.step(Training(phase(), "data", laboratory.text(), None, sgh), variant="M_sgh"),
        laboratory.step(Prune(sparsity=0.5, structure="2:4", tensors=["in_proj"]), variant="M_nm"),
    ]
    found = preflight.obstacles(ANYWHERE, steps, laboratory.project)
    assert clauses(found) == [f"variants.{name}.steps[0]" for name in ("M_csp", "M_sgh", "M_nm")]
    assert [one.declared for one in found] == ["transform csp", "adapter sgh", "structure N:M"]


@pytest.mark.usefixtures("nothing_implemented")
def test_a_third_party_adds_a_method_by_an_entry_point(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    step = laboratory.step(Permute(method="csp"))
    assert clauses(preflight.obstacles(ANYWHERE, [step], laboratory.project)) == ["variants.M_x.steps[0]"]
    point = EntryPoint("csp", "collections:OrderedDict", "framework.transforms")

    def installed(group: str, name: str | None = None) -> list[EntryPoint]:
        return [point] if group == point.group and name in (None, point.name) else []

    monkeypatch.setattr(registry, "entry_points", installed)
    assert preflight.obstacles(ANYWHERE, [step], laboratory.project) == []


@pytest.mark.parametrize("target", ["out_proj", "mixer.conv1d"])
def test_modules_of_a_mamba_that_peft_refuses(laboratory: Any, phase: Callable[..., Phase], target: str) -> None:
    adapter = Adapter(lora=LoRA(rank=2, alpha=4.0, targets=["in_proj", target]))
    step = laboratory.step(Training(phase(), "data", laboratory.text(), None, adapter))
    (found,) = preflight.obstacles(Hardware(), [step], laboratory.project)
    assert found.declared == f"lora on {target}"
    assert "peft has no adapter" in found.found


@pytest.mark.parametrize(("family", "refused"), [("gpt2", ["variants.M_x.steps[0]"]), ("llama", [])])
def test_an_adapter_on_a_tied_head_is_refused(
    laboratory: Any, phase: Callable[..., Phase], family: str, refused: list[str]
) -> None:
    adapter = Adapter(lora=LoRA(rank=2, alpha=4.0, targets=["lm_head"]))
    step = laboratory.step(Training(phase(), "data", laboratory.text(), None, adapter))
    sizes = {"intermediate": 32} if family == "llama" else {}
    model = Model(family=family, weights="random", layers=1, hidden=16, heads=2, **sizes)
    found = preflight.obstacles(Hardware(), [replace(step, model=model)], laboratory.project)
    assert clauses(found) == refused


SIZES: dict[str, dict[str, Any]] = {
    "gpt2": {"heads": 2},
    "llama": {"heads": 2, "intermediate": 32},
    "mixtral": {"heads": 2, "intermediate": 32, "experts": 4, "experts_per_token": 2},
    "mamba": {},
}


@pytest.mark.parametrize(
    ("family", "target", "said"),
    [
        ("gpt2", "c_attn", None),
        ("gpt2", "h.0.mlp.c_fc", None),
        ("gpt2", "wte", "transformer.wte is of the class Embedding"),
        ("gpt2", "wpe", "transformer.wpe is of the class Embedding"),
        ("gpt2", "ln_1", "is of the class LayerNorm"),
        ("gpt2", "c_atn", "did you mean 'c_attn'"),
        ("gpt2", "h.7.mlp.c_fc", "no module is called so"),
        ("llama", "q_proj", None),
        ("llama", "lm_head", None),
        ("llama", "embed_tokens", "is of the class Embedding"),
        ("llama", "input_layernorm", "is of the class LlamaRMSNorm"),
        ("llama", "mlp", "is of the class LlamaMLP"),
        ("mixtral", "o_proj", None),
        ("mixtral", "gate", "is of the class MixtralTopKRouter"),
        ("mixtral", "w1", "no module is called so"),
        ("mixtral", "experts", "is of the class MixtralExperts"),
        ("mamba", "x_proj", None),
        ("mamba", "embeddings", "is of the class Embedding"),
        ("mamba", "A_log", "no module is called so"),
    ],
)
def test_targets_that_are_no_linear_layers_are_found_before_anything_starts(
    laboratory: Any, phase: Callable[..., Phase], family: str, target: str, said: str | None
) -> None:
    adapter = Adapter(lora=LoRA(rank=2, alpha=4.0, targets=[target]))
    step = laboratory.step(Training(phase(), "data", laboratory.text(), None, adapter))
    model = Model(family=family, weights="random", layers=2, hidden=16, **SIZES[family])
    found = preflight.obstacles(Hardware(), [replace(step, model=model)], laboratory.project)
    assert [(each.declared, said in each.found) for each in found if said] == (
        [(f"lora on {target}", True)] if said else []
    )
    assert said or not found


def test_an_unknown_family(laboratory: Any) -> None:
    model = Model(family="rwkv", weights="random", layers=1, hidden=8)
    step = laboratory.step(Prune(sparsity=0.5, tensors=["x"]), model=model)
    assert clauses(preflight.obstacles(ANYWHERE, [step], laboratory.project)) == ["models.tiny.family"]


def test_missing_local_paths(laboratory: Any, phase: Callable[..., Phase]) -> None:
    dataset = Dataset(path="data")
    step = laboratory.step(Training(phase(), "text", dataset), model=Model(family="mamba", path="checkpoint"))
    found = preflight.obstacles(ANYWHERE, [step], laboratory.project)
    assert clauses(found) == ["models.tiny.path", "datasets.text.path", "datasets.text.path"]
    (laboratory.project / "data").mkdir()
    for split in ("train", "validation"):
        (laboratory.project / "data" / f"{split}.txt").write_text("text")
    assert clauses(preflight.obstacles(ANYWHERE, [step], laboratory.project)) == ["models.tiny.path"]


@pytest.mark.usefixtures("no_hub")
def test_the_hub_is_not_asked_offline(laboratory: Any, phase: Callable[..., Phase]) -> None:
    model = Model(family="mamba", hub="state-spaces/mamba-130m-hf", tokenizer="EleutherAI/gpt-neox-20b")
    step = laboratory.step(Training(phase(), "wiki", Dataset(hub="Salesforce/wikitext")), model=model)
    found = preflight.obstacles(ANYWHERE, [step], laboratory.project)
    assert clauses(found) == ["models.tiny.hub", "models.tiny.tokenizer", "datasets.wiki.hub"]
    assert all("HF_HUB_OFFLINE" in one.found for one in found)


@pytest.mark.usefixtures("no_hub")
def test_cached_repositories_are_no_obstacle(laboratory: Any, phase: Callable[..., Phase], tmp_path: Path) -> None:
    snapshot = tmp_path / "cache" / "models--state-spaces--mamba-130m-hf" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").touch()
    (snapshot / "model.safetensors").touch()
    arrow = tmp_path / "home" / "datasets" / "Salesforce___wikitext" / "raw" / "train.arrow"
    arrow.parent.mkdir(parents=True)
    arrow.touch()
    model = Model(family="mamba", hub="state-spaces/mamba-130m-hf")
    step = laboratory.step(Training(phase(), "wiki", Dataset(hub="Salesforce/wikitext")), model=model)
    assert preflight.obstacles(ANYWHERE, [step], laboratory.project) == []
    pinned = laboratory.step(Prune(sparsity=0.1, tensors=["x"]), model=model.model_copy(update={"revision": "def"}))
    assert clauses(preflight.obstacles(ANYWHERE, [pinned], laboratory.project)) == ["models.tiny.hub"]


@pytest.mark.usefixtures("no_hub")
def test_a_hub_that_hangs_costs_no_more_than_the_deadline(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "is_offline_mode", lambda: False)
    monkeypatch.setattr(hub.HfApi, "repo_info", lambda *_, **__: time.sleep(5))
    monkeypatch.setattr(hub, "SECONDS", 0.2)
    wanted = [hub.Repository("model", f"owner/model{number}", None) for number in range(20)]
    begun = time.monotonic()
    missing = hub.missing_repositories(wanted)
    assert time.monotonic() - begun < 1
    assert len(missing) == 20
    assert "does not answer" in missing[wanted[0]]


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (Model(family="llama", weights="random", layers=1, hidden=8, heads=2), "must state intermediate"),
        (Model(family="gpt2", weights="random", layers=1, hidden=8, heads=2, state=4), "has no state"),
    ],
)
def test_sizes_that_make_no_model_are_found_before_anything_starts(
    laboratory: Any, phase: Callable[..., Phase], model: Model, fault: str
) -> None:
    step = replace(laboratory.step(Training(phase(), "data", laboratory.text())), model=model)
    (obstacle,) = preflight.obstacles(ANYWHERE, [step], laboratory.project)
    assert obstacle.clause == f"models.{step.model_name}.family"
    assert fault in obstacle.found
