"""The single facts of a run that nothing beside them tells: a second run would, or not even that."""

from __future__ import annotations

import re

ALONE: dict[str, str] = {
    # What a training made, from its first step to its last.
    r"model/model\.safetensors:.* \((one weight|one more zero|noise)\)": "weights that were trained in full",
    r"adapter/.*adapter_model\.safetensors:.*": "weights that were trained in full",
    r"steps\.jsonl:\d+\.(loss|expected_sparsity|hard_sparsity)": "losses of single steps",
    r"steps\.jsonl:\d+\.tokens": "losses of single steps",
    r"events\.jsonl:\d+\.(loss|accuracy|f1|majority_share)": "evaluations that nothing was kept of",
    r"record\.json:adapter\.logits\..*": "logits before and after a merge",
    r"record\.json:adapter\.masked_weights\.nonzero\.trained": "logits before and after a merge",
    # What the data was, where no other run of the plan saw the same.
    r"record\.json:data\..*": "what the data was",
    r"correlations\.safetensors:.*": "the correlations of a permutation",
    # Which parameters a part of the optimizer had, by a digest of names that memory alone knew.
    r"record\.json:observed\.(decayed|undecayed)\.names_sha256": "digests of names",
    # What was computed on, and when: not even a second run tells.
    r"record\.json:(environment|energy|knobs|attempts)\..*": "circumstances",
    r"record\.json:(seconds|started|finished|variants\.\d+)": "circumstances",
    r"record\.json:observed\.device": "circumstances",
    r"record\.json:measurements\.\d+\.(what|per_pass|value|warmup)": "figures without passes",
    # What a library writes beside a model or an adapter, and what no rule reads.
    r"model/(config|tokenizer|tokenizer_config)\.json:.*": "what libraries write of the first checkpoint",
    r"model/model\.safetensors:metadata\.format": "what libraries write of the first checkpoint",
    r"adapter/.*adapter_config\.json:(auto_mapping.*|base_model_name_or_path|inference_mode|peft_version|revision"
    r"|task_type|fan_in_fan_out)": "what peft writes for itself",
}
"""Patterns of facts, as a forgery names them, and what the documentation calls them."""


def alone(fact: str) -> str | None:
    """What a fact is called that nothing beside it tells; None for one that must not change in silence."""
    return next((name for pattern, name in ALONE.items() if re.fullmatch(pattern, fact)), None)
