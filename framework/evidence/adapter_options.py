"""What of peft's options makes a saved adapter another thing than W + (alpha / rank) B A on its targets alike.

Read from peft 0.21.2 (`tuners/lora/config.py`, `tuners/lora/layer.py`, `utils/other.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_OTHER_UPDATES = {
    "use_dora": "a DoRA, which also learns each output's magnitude",
    "use_qalora": "a QA-LoRA, which pools its input",
    "lora_bias": "with a trained bias beside B",
    "alora_invocation_tokens": "an activated LoRA, which is on for some tokens only",
    "arrow_config": "routed between adapters",
    "megatron_config": "Megatron's parallel layers",
}
_STARTS_ELSEWHERE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Initialisations that take what they put into the adapter out of the weights."""
_SOME = {
    "layers_to_transform": "only some layers have an adapter",
    "layers_pattern": "only some layers have an adapter",
    "exclude_modules": "some targets are excluded",
    "target_parameters": "parameters that are no modules have one, too",
    "trainable_token_indices": "rows of the embedding are trained, too",
}
_HEADS = ("classifier", "score")
"""What a classifier trains in full beside any adapter."""


def of_wrong_kind(config: Mapping[str, Any]) -> str | None:
    """The first option that holds what peft never writes there, in words; None where all are of their kinds."""
    alpha = config.get("lora_alpha", 0)
    if not isinstance(alpha, (int, float)) or isinstance(alpha, bool):
        return "`lora_alpha` is no number"
    for name in ("alpha_pattern", "rank_pattern"):
        held = config.get(name) or {}
        if not isinstance(held, dict) or not all(isinstance(value, (int, float)) for value in held.values()):
            return f"`{name}` is no mapping to numbers"
    whole = config.get("modules_to_save") or []
    if not isinstance(whole, list) or not all(isinstance(name, str) for name in whole):
        return "`modules_to_save` is no list of names"
    return None


def doubts(config: Mapping[str, Any]) -> dict[str, str]:
    """Why a fact of an adapter (`rank`, `alpha`, `targets`) cannot be told by its number, in words."""
    found: dict[str, str] = {}
    for option, why in _OTHER_UPDATES.items():
        if config.get(option) not in (None, False, {}, []):
            found |= dict.fromkeys(("alpha", "rank"), f"`{option}`: it is {why}")
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_STARTS_ELSEWHERE):
        found["alpha"] = f"`init_lora_weights: {start}`: its first update is taken out of the weights"
    for option, why in _SOME.items():
        if config.get(option) not in (None, {}, [], ""):
            found["targets"] = f"`{option}`: {why}"
    whole = sorted(set(config.get("modules_to_save") or ()) - set(_HEADS))
    if whole:
        found["targets"] = f"`modules_to_save`: {', '.join(whole)} was trained whole"
    if config.get("bias") not in (None, "none"):
        found["targets"] = f"`bias: {config['bias']}`: biases were trained, too"
    return found


def described(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a run record says of an adapter by its config alone: `kind`, `rank`, `alpha`, `dropout`, and under `doubts`
    why one of these is not what its number says."""
    unclear = doubts(config)
    for option in ("use_rslora", "alpha_pattern"):
        if config.get(option):
            unclear["alpha"] = f"`{option}`: its scale is not alpha / rank everywhere"
    if config.get("rank_pattern"):
        unclear["rank"] = "`rank_pattern`: some modules have another rank"
    found = {
        "kind": str(config.get("peft_type", "")).lower(),
        "rank": config.get("r"),
        "alpha": config.get("lora_alpha"),
        "dropout": config.get("lora_dropout"),
    }
    return {**found, "doubts": unclear} if unclear else found


def alphas(config: Mapping[str, Any], ranks: Mapping[str, int]) -> list[float]:
    """The alphas that alpha / rank would need for the scale that each adapted module has.

    Args:
        ranks: Of the saved matrices, by module. Rank-stabilised scaling is alpha / sqrt(rank).
    """
    patterns = config.get("alpha_pattern") or {}
    stated = config["lora_alpha"]
    found = set()
    for module, rank in (ranks or {"": 1}).items():
        pattern = next(_matching(patterns, module), None)
        alpha = stated if pattern is None else patterns[pattern]
        found.add(alpha * math.sqrt(rank) if config.get("use_rslora") else alpha)
    return sorted(found)


def irreproducible(config: Mapping[str, Any]) -> str | None:
    """Why loading this adapter does not give what was trained: its randomised decomposition of the weights is done
    anew, and comes out otherwise (measured with peft 0.21.2: logits 0.025 apart after a training that moved them by
    0.003). None where it does."""
    start = config.get("init_lora_weights")
    if isinstance(start, str) and re.fullmatch(r"pissa_niter_\d+", start.lower()):
        return f"init_lora_weights: {start} is a randomised decomposition, which loading repeats with another outcome"
    return None


def _matching(patterns: Iterable[str], module: str) -> Iterator[str]:
    for pattern in patterns:
        try:
            if re.match(rf"(.*\.)?({pattern})$", module):
                yield pattern
        except re.error:
            continue
