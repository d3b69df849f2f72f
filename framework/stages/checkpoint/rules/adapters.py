"""Adapters as they were saved: rank, alpha, dropout, targets and mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import same
from framework.evidence.adapter_options import alphas, doubts, of_wrong_kind
from framework.evidence.record import read_json
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import SGH, LoRA
from framework.stages.checkpoint.recorded.adapter_files import missing_modules, options
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

ADAPTER = Rule("T130", "adapter", Severity.ERROR, Stage.CHECKPOINT, "a saved adapter is another one than declared")

_CONFIG, _WEIGHTS = "adapter/adapter_config.json", "adapter/adapter_model.safetensors"


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        if work.adapter is None or not isinstance(spec := work.adapter.chosen[1], LoRA | SGH):
            continue
        yield from _unstated(context, observed, spec)
        if not isinstance(spec, LoRA):
            continue
        facts: list[tuple[str, Any, Callable[[Observed], Any]]] = [
            ("rank", spec.rank, _rank),
            ("alpha", spec.alpha, _alpha),
            ("dropout", spec.dropout, partial(_config, "lora_dropout")),
            ("targets", sorted(spec.targets), partial(_targets, spec.targets)),
            ("mode", spec.mode, _mode),
        ]
        for name, wanted, observe in facts:
            clause = context.clause(observed.step, f"adapter.lora.{name}")
            observe = partial(_certain, name, wanted, observe)
            yield from context.hold(ADAPTER, observed, clause, wanted, observe, f"LoRA {name}", _CONFIG)


def _unstated(context: EvidenceContext, observed: Observed, spec: LoRA | SGH) -> Iterator[Finding]:
    """What a run of the built-in runners saved otherwise than its step says, stated or by default."""
    if observed.run is None or observed.logged:
        return
    parent = context.related.parent(observed)
    try:
        weights = parent.tensors if parent is not None and parent.run is not None else None
    except NotRecorded:
        weights = None
    for found in (*options(observed, spec), *missing_modules(observed, spec, weights)):
        yield Finding(
            ADAPTER,
            f"{observed.step.label}: {found.message}",
            expected=found.expected,
            actual=found.actual,
            location=observed.place(found.place),
        )


def _file(observed: Observed, name: str) -> Any:
    assert observed.run is not None
    path = observed.run.folder / name
    if not path.is_file():
        raise NotRecorded(f"{observed.step.label} left no {name}")
    return path


def _certain(fact: str, wanted: Any, observe: Callable[[Observed], Any], observed: Observed) -> Any:
    """What is observed; where it is what was declared, only if no option of peft's makes another thing of it."""
    seen = observe(observed)
    path = observed.run.folder / _CONFIG if observed.run is not None else None
    if path is not None and path.is_file() and same(wanted, seen):
        data = read_json(path)
        why = of_wrong_kind(data) or doubts(data).get(fact)
        if why:
            raise NotRecorded(f"{_CONFIG}: {why}")
    return seen


def _alpha(observed: Observed) -> float | list[float]:
    """What alpha / rank would need to be the saved adapter's scale."""
    data = read_json(_file(observed, _CONFIG))
    if "lora_alpha" not in data:
        raise NotRecorded(f"{_CONFIG} has no lora_alpha")
    if (wrong := of_wrong_kind(data)) is not None:
        raise NotRecorded(f"{_CONFIG}: {wrong}")
    if not data.get("use_rslora") and not data.get("alpha_pattern"):
        return float(data["lora_alpha"])
    file = TensorFile(_file(observed, _WEIGHTS))
    ranks = {
        name.split(".lora_A.")[0].removeprefix("base_model.model."): tensor.shape[0]
        for name, tensor in file.tensors.items()
        if ".lora_A." in name
    }
    found = [round(alpha, 6) for alpha in alphas(data, ranks)]
    return found[0] if len(found) == 1 else found


def _config(key: str, observed: Observed) -> Any:
    data = read_json(_file(observed, _CONFIG))
    if key not in data:
        raise NotRecorded(f"{_CONFIG} has no {key}")
    return data[key]


def _mode(observed: Observed) -> str:
    """The mode that the adapter is saved with; peft's own configurations have none."""
    data = read_json(_file(observed, _CONFIG))
    return str(data.get("mode", "dense" if data.get("peft_type") == "LORA" else None))


def _rank(observed: Observed) -> int | list[int]:
    """The one rank of all saved A matrices, or all that there are."""
    file = TensorFile(_file(observed, _WEIGHTS))
    ranks = sorted({tensor.shape[0] for name, tensor in file.tensors.items() if ".lora_A." in name})
    if not ranks:
        raise NotRecorded(f"{_WEIGHTS} holds no LoRA matrices")
    return ranks[0] if len(ranks) == 1 else ranks


def _targets(declared: list[str], observed: Observed) -> list[str]:
    """The declared targets that saved modules have an adapter of (a module's name, or the end of it after a dot), and
    the last names of other modules that have one."""
    file = TensorFile(_file(observed, _WEIGHTS))
    modules = {name.split(".lora_A.")[0] for name in file.tensors if ".lora_A." in name}
    return sorted({found for module in modules for found in _meant(declared, module)})


def _meant(declared: list[str], module: str) -> list[str]:
    return [target for target in declared if f".{module}".endswith(f".{target}")] or [module.rsplit(".", 1)[-1]]
