"""Hybrid adapters as they were saved: who got which, by the weights and masks before the training, and their ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import same
from framework.errors import InputError
from framework.evidence.masks import MaskFile
from framework.evidence.record import read_json
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import SGH
from framework.stages.checkpoint.recomputed.hybrid_groups import expected_groups, importance_in
from framework.stages.checkpoint.zeros import MASKS
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

GROUPS = Rule(
    "T131", "hybrid-groups", Severity.ERROR, Stage.CHECKPOINT, "a module's adapter does not follow from its importance"
)
RANKS = Rule("T132", "hybrid-adapter", Severity.ERROR, Stage.CHECKPOINT, "a saved hybrid adapter is not as declared")

_GROUPS_FILE = "adapter/groups.json"
_WEIGHTS = "adapter/{kind}/adapter_model.safetensors"
_CONFIG = "adapter/lora/adapter_config.json"
_PREFIX = "base_model.model."
_BY_GROUPS = ("importance", "thresholds", "threshold_kind", "targets")
"""What decides about the groups; the other clauses are about the adapters themselves."""


class _Differs(Exception):
    """The adapter is another one; the message tells how."""


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed, work in context.trainings():
        if work.adapter is None or not isinstance(spec := work.adapter.chosen[1], SGH):
            continue
        for name in type(spec).model_fields:
            clause = context.clause(observed.step, f"adapter.sgh.{name}")
            if clause is None:
                continue
            if observed.run is None:
                yield context.judge.unverified(clause, context.stage, observed.absent)
                continue
            for rule, look in _looks(name):
                try:
                    reason = look(context, observed, spec)
                except NotRecorded as missing:
                    yield context.judge.unverified(clause, context.stage, str(missing))
                except _Differs as problem:
                    message = f"{observed.step.label}: {problem}"
                    yield context.violated(rule, clause, message, where=observed.place(_GROUPS_FILE))
                else:
                    yield context.judge.conforms(clause, context.stage, reason, observed.place(_GROUPS_FILE).file)


_Look = Callable[[EvidenceContext, Observed, SGH], str]


def _looks(name: str) -> list[tuple[Rule, _Look]]:
    """What a clause is held by. The importance stands for all that the manifest leaves at its default."""
    groups: list[tuple[Rule, _Look]] = [(GROUPS, _groups)]
    adapters: list[tuple[Rule, _Look]] = [(RANKS, _ranks), (RANKS, _settings)]
    return groups + adapters if name == "importance" else groups if name in _BY_GROUPS else adapters


def _groups(context: EvidenceContext, observed: Observed, spec: SGH) -> str:
    """The saved groups follow from the checkpoint that the training started from, by the declared thresholds."""
    parent = context.related.parent(observed)
    if parent is None:
        raise NotRecorded(f"{observed.step.label} started from initial weights, which are not kept")
    if parent.run is None:
        raise NotRecorded(parent.absent)
    masks = parent.run.folder / MASKS
    importance = importance_in(spec, parent.tensors, MaskFile(masks) if masks.is_file() else None)
    expected, saved = expected_groups(spec, importance), _saved(observed)
    if apart := sorted(set(expected) ^ set(saved)):
        raise _Differs(f"{apart[0]} is a target by the manifest or by {_GROUPS_FILE}, not by both")
    for name, group in expected.items():
        found = saved[name]
        if not same(importance[name], found["importance"]):
            raise _Differs(f"the importance of {name} was {found['importance']}, its checkpoint has {importance[name]}")
        if group != found["group"]:
            what = f"{name} has the importance {importance[name]:.6g}"
            raise _Differs(f"{what} and belongs to {group}, not to {found['group']}")
    numbers = ", ".join(f"{list(expected.values()).count(group)} {group}" for group in dict.fromkeys(expected.values()))
    return f"{len(expected)} modules: {numbers}"


def _ranks(context: EvidenceContext, observed: Observed, spec: SGH) -> str:
    """Each module has the tensors that its group says, of the declared rank, and no other has any."""
    ranks = {"high": spec.high_rank, "low": spec.low_rank}
    groups = {name: found["group"] for name, found in _saved(observed).items()}
    lora = {name: ranks[group] for name, group in groups.items() if group in ranks}
    scaled = {name for name, group in groups.items() if group == "ia3"}
    for name, rank in (seen := _lora(observed, bool(lora))).items():
        if rank != lora.get(name):
            raise _Differs(f"{name} has a LoRA of rank {rank}, not {lora.get(name, 'none')}")
    if missing := sorted(set(lora) - set(seen)):
        raise _Differs(f"{missing[0]} has no LoRA of rank {lora[missing[0]]}")
    if apart := sorted(scaled ^ _scaled(observed, bool(scaled))):
        raise _Differs(f"{apart[0]} has an IA3 vector or belongs to ia3, not both")
    return f"{len(lora)} LoRAs of their ranks, {len(scaled)} IA3 vectors"


def _settings(context: EvidenceContext, observed: Observed, spec: SGH) -> str:
    """peft's configuration states the declared alpha and dropout."""
    assert observed.run is not None
    path = observed.run.folder / _CONFIG
    if not path.is_file():
        if any(found["group"] in ("high", "low") for found in _saved(observed).values()):
            raise NotRecorded(f"{observed.step.label} left no {_CONFIG}")
        return "no LoRA"
    data = read_json(path)
    if not same(spec.dropout, data.get("lora_dropout")):
        raise _Differs(f"the dropout was {data.get('lora_dropout')}, not {spec.dropout}")
    alphas, ranks = data.get("alpha_pattern") or {}, data.get("rank_pattern") or {}
    for name, rank in ranks.items():
        alpha = spec.alpha if spec.alpha is not None else 2 * rank
        if not same(alpha, alphas.get(name, data.get("lora_alpha"))):
            raise _Differs(f"alpha of {name} was {alphas.get(name, data.get('lora_alpha'))}, not {alpha}")
    return f"alpha and dropout of {len(ranks)} LoRAs"


def _saved(observed: Observed) -> dict[str, dict[str, Any]]:
    """Each module's importance and group, as the run saved them."""
    assert observed.run is not None
    path = observed.run.folder / _GROUPS_FILE
    if not path.is_file():
        raise NotRecorded(f"{observed.step.label} left no {_GROUPS_FILE}")
    modules = read_json(path).get("modules")
    if not isinstance(modules, dict) or not all(
        isinstance(found, dict) and {"importance", "group"} <= set(found) for found in modules.values()
    ):
        raise InputError.at(observed.place(_GROUPS_FILE), "no importance and group for each of its `modules`")
    return modules


def _file(observed: Observed, kind: str, needed: bool) -> TensorFile | None:
    assert observed.run is not None
    path = observed.run.folder / _WEIGHTS.format(kind=kind)
    if path.is_file():
        return TensorFile(path)
    if needed:
        raise NotRecorded(f"{observed.step.label} left no {_WEIGHTS.format(kind=kind)}")
    return None


def _lora(observed: Observed, needed: bool) -> dict[str, int]:
    """The rank of each module's saved LoRA: of both of its matrices."""
    file = _file(observed, "lora", needed)
    ranks: dict[str, int] = {}
    for name, tensor in (file.tensors if file else {}).items():
        module, end = name.removeprefix(_PREFIX).rsplit(".lora_", 1) if ".lora_" in name else ("", "")
        if end:
            rank = tensor.shape[0] if end.startswith("A") else tensor.shape[1]
            if ranks.setdefault(module, rank) != rank:
                raise _Differs(f"the two matrices of {module} are of the ranks {ranks[module]} and {rank}")
    return ranks


def _scaled(observed: Observed, needed: bool) -> set[str]:
    file = _file(observed, "ia3", needed)
    names = (name for name in (file.tensors if file else {}) if name.endswith(".ia3_l"))
    return {name.removeprefix(_PREFIX).removesuffix(".ia3_l") for name in names}
