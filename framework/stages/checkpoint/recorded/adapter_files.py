"""An adapter as it was saved: peft's files, their modules and their options, held to what the step says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from framework.conformance.meaning import said
from framework.evidence.record import read_json
from framework.evidence.tensors import TensorFile, Tensors
from framework.manifest.sections.methods import SGH, LoRA
from framework.stages.checkpoint.recomputed.merged_weights import PREFIX
from framework.stages.checkpoint.recorded.contradiction import Contradiction, alike
from framework.stages.checkpoint.zeros import masks_of
from framework.stages.run.observed import NotRecorded, Observed

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
HEAD = "classifier"
_DESCRIBES = frozenset(
    ("auto_mapping", "base_model_name_or_path", "inference_mode", "peft_version", "revision", "task_type")
)
"""What in peft's file decides nothing about the update."""
_USUAL = {
    "bias": ("none",),
    "init_lora_weights": (True,),
    "init_ia3_weights": (True,),
    "megatron_core": ("megatron.core",),
    "qalora_group_size": (16,),
}
"""peft's own values of what is not stated (`tuners/lora/config.py`, peft 0.21.2); all else is empty or false there."""


def mode_of(observed: Observed, spec: LoRA) -> str | None:
    """The declared mode of a LoRA; where none is declared that which the masks of its targets demand."""
    if spec.mode is not None:
        return spec.mode
    try:
        names = [name.removesuffix(".weight") for name in masks_of(observed).tensors]
    except NotRecorded:
        return "dense"
    held = any(f".{name}".endswith(f".{target}") for name in names for target in spec.targets)
    return "sparse_to_dense" if held else "dense"


def any_target_masked(observed: Observed, masks: set[str]) -> bool:
    """Whether one of these tensors is the weight of a target."""
    spec = observed.step.work.adapter.chosen[1]  # type: ignore[union-attr]
    return any(f".{name.removesuffix('.weight')}".endswith(f".{target}") for name in masks for target in spec.targets)


def folders(observed: Observed) -> list[Path]:
    """The folders that hold an adapter of peft's, or a part of a hybrid."""
    assert observed.run is not None
    top = observed.run.folder / "adapter"
    return [folder for folder in (top, top / "lora", top / "ia3") if (folder / WEIGHTS).is_file()]


def modules_in(file: TensorFile) -> set[str]:
    """The modules that have a part in an adapter's file, by their names in the model."""
    own = {name.removeprefix(PREFIX) for name in file.tensors}
    return {
        name.split(".lora_")[0].removesuffix(".ia3_l") for name in own if ".lora_" in name or name.endswith(".ia3_l")
    }


def saved_parts(observed: Observed) -> tuple[set[str], int]:
    """The modules with an adapter, and how many parameters these have."""
    modules: set[str] = set()
    elements = 0
    for folder in folders(observed):
        file = TensorFile(folder / WEIGHTS)
        modules |= modules_in(file)
        elements += sum(
            tensor.elements for name, tensor in file.tensors.items() if not name.startswith(f"{PREFIX}{HEAD}.")
        )
    return modules, elements


def missing_modules(observed: Observed, spec: LoRA | SGH, weights: Tensors | None) -> Iterator[Contradiction]:
    """Each weight that a target names has an adapter, of both parts; a hybrid's frozen modules have none.

    Args:
        weights: The checkpoint that the adapter was put on, where there is one.
    """
    if weights is None or not folders(observed):
        return
    modules = {
        name.removesuffix(".weight")
        for name, tensor in weights.tensors.items()
        if name.endswith(".weight") and len(tensor.shape) == 2
    }
    named = {name for name in modules if any(f".{name}".endswith(f".{target}") for target in spec.targets)}
    if isinstance(spec, SGH):
        groups = read_json(folders(observed)[0].parent / "groups.json").get("modules") or {}
        named -= {name for name, found in groups.items() if isinstance(found, dict) and found.get("group") == "frozen"}
    saved: set[str] = set()
    for folder in folders(observed):
        file = TensorFile(folder / WEIGHTS)
        for name in modules_in(file):
            parts = [f"{PREFIX}{name}.lora_{part}.weight" in file.tensors for part in "AB"]
            if any(parts) and not all(parts):
                where = f"{folder.name}/{WEIGHTS}"
                yield Contradiction(where, f"of the adapter of {name} only one of two matrices was saved")
        saved |= modules_in(file)
    for name in sorted(named ^ saved):
        what = "is a target and has no adapter" if name in named else "has an adapter and is no target"
        yield Contradiction(f"adapter/{WEIGHTS}", f"{name} {what} in what was saved", None, name)


def options(observed: Observed, spec: LoRA | SGH) -> Iterator[Contradiction]:
    """peft's files say what the step did, stated or by default, and nothing that makes another update of it."""
    assert observed.run is not None
    for folder in folders(observed):
        where = f"{folder.relative_to(observed.run.folder).as_posix()}/{CONFIG}"
        if not (folder / CONFIG).is_file():
            yield Contradiction(where, "the adapter was saved without its options")
            continue
        config, file = read_json(folder / CONFIG), TensorFile(folder / WEIGHTS)
        expected = _expected(observed, spec, folder.name, file, config)
        for name, value in config.items():
            if name in _DESCRIBES:
                continue
            wanted = (expected[name],) if name in expected else _USUAL.get(name, ())
            plain = not wanted and not value and value != 0
            same = any(_same(name, value, each) for each in wanted)
            if not plain and not same and not (not wanted and value in (False, None)):
                by = said(wanted[0]) if wanted else "nothing of the kind"
                yield Contradiction(
                    where, f"{name} is {said(value)}, and the step says {by}", wanted[0] if wanted else None, value
                )
        yield from _head(observed, file, f"{folder.relative_to(observed.run.folder).as_posix()}/{WEIGHTS}")


def _same(name: str, value: Any, wanted: Any) -> bool:
    if name in ("target_modules", "modules_to_save") and isinstance(value, list) and isinstance(wanted, list):
        return sorted(map(str, value)) == sorted(wanted)
    return alike(wanted, value)


def _expected(
    observed: Observed, spec: LoRA | SGH, kind: str, file: TensorFile, config: Mapping[str, Any]
) -> dict[str, Any]:
    """What the step says of peft's options, by name."""
    modules = sorted(modules_in(file))
    expected: dict[str, Any] = {
        "modules_to_save": [HEAD] if any(name.startswith(f"{HEAD}.") for name in _tensors(observed)) else None
    }
    # Of which layers the weights lie the other way round the shapes tell, but where they are square.
    expected["fan_in_fan_out"] = config.get("fan_in_fan_out") if (turned := _turned(observed, file)) is None else turned
    if kind == "ia3":
        return expected | {"peft_type": "IA3", "target_modules": modules, "feedforward_modules": []}
    try:
        masked = any_target_masked(observed, set(masks_of(observed).tensors))
    except NotRecorded:
        masked = False
    if isinstance(spec, LoRA):
        mode = mode_of(observed, spec)
        expected |= {"r": spec.rank, "lora_alpha": spec.alpha, "target_modules": list(spec.targets)}
        masked = mode != "dense"
    else:
        mode = "sparse_to_sparse"
        downs = {name: file.tensors.get(f"{PREFIX}{name}.lora_A.weight") for name in modules}
        ranks = {name: down.shape[0] for name, down in downs.items() if down is not None and down.shape}
        alphas = {name: spec.alpha or 2 * rank for name, rank in ranks.items()}
        expected |= {"r": spec.low_rank, "lora_alpha": spec.alpha or 2 * spec.low_rank, "target_modules": modules}
        expected |= {"rank_pattern": ranks, "alpha_pattern": alphas}
    expected |= {"lora_dropout": spec.dropout, "peft_type": "SPARSE_LORA" if masked else "LORA"}
    if masked:
        expected |= {"mode": mode, "mask_sha256": config.get("mask_sha256")}  # the digest has a rule of its own
    return expected


def _tensors(observed: Observed) -> Mapping[str, Any]:
    try:
        return observed.tensors.tensors
    except NotRecorded:
        return {}


def _turned(observed: Observed, file: TensorFile) -> bool | None:
    """Whether weights lie as [in, out]; None where every adapted weight is square, or none is there."""
    weights = _tensors(observed)
    for module in sorted(modules_in(file)):
        down, weight = file.tensors.get(f"{PREFIX}{module}.lora_A.weight"), weights.get(f"{module}.weight")
        if down is not None and weight is not None and len(weight.shape) == 2 and weight.shape[0] != weight.shape[1]:
            return bool(weight.shape[0] == down.shape[1])
    return None


def _head(observed: Observed, file: TensorFile, where: str) -> Iterator[Contradiction]:
    """The head that was saved with the adapter is the saved model's."""
    try:
        model: Tensors = observed.tensors
    except NotRecorded:
        return
    heads = sorted(name for name in model.tensors if name.startswith(f"{HEAD}."))
    for name in heads:
        own = f"{PREFIX}{name}"
        if own not in file.tensors:
            yield Contradiction(where, f"{name} is not in it, and was trained beside the adapter")
        elif (file.tensors[own].shape, file.tensors[own].dtype) != (
            model.tensors[name].shape,
            model.tensors[name].dtype,
        ):
            yield Contradiction(where, f"{name} has another shape or dtype than in the saved model")
        elif (file.bits(own) != model.bits(name)).any():
            yield Contradiction(where, f"{name} is another one than in the saved model")
