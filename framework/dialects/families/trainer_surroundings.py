"""What becomes of a Trainer's arguments, and of an adapter's, in the training that they are given to.

Read in transformers 5.23 (`trainer.py`, `modeling_mixtral.py`) and in peft 0.21.2 (`tuners/tuners_utils.py`,
`utils/transformers_weight_conversion.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from framework.dialects.terms import Said, Surrounding, Unknown, words
from framework.manifest.architectures import of_experts, unadapted

SUMMED = frozenset(words("classification masked_lm seq2seq regression token_classification"))
"""Objectives whose losses the Trainer averages within a micro batch, and adds up over them."""
_TARGETS = "adapter.lora.targets"
_OF_EXPERTS = Unknown(
    "peft makes parameters of twice the rank of a mixture's stacked experts, reaches the router by some of these "
    "names, and refuses their dropout"
)


def judge(said: Said, around: Surrounding) -> None:
    """The Trainer adds up the gradients of what is no causal language model over accumulation and processes (losses
    that take no `num_items_in_batch`): a norm at which they are clipped then acts on a multiple of them, and so does
    the rate of an optimizer that does not scale its gradients. A mixture's balancing loss is added up, too."""
    judge_adapter(said, around)
    stated = {each.fact: each.value for each in said.statements}
    if stated.get("batch_size.accumulation", 1) == 1 and around.devices == 1:
        return
    if around.mixture and said.trainer != "TRL":
        why = Unknown("the Trainer adds up the balancing loss over accumulation and processes")
        _put(said, lambda fact: fact == "settings.load_balancing_weight", why)
    if around.objective in SUMMED:
        added = f"the Trainer adds up the gradients of {around.objective} over accumulation and processes"
        _put(said, lambda fact: fact == "max_grad_norm", Unknown(f"{added}, before it clips"))
        if stated.get("optimizer.name") == "sgd":
            _put(said, lambda fact: fact == "optimizer.learning_rate", Unknown(f"{added}, and SGD does not scale them"))


def judge_adapter(said: Said, around: Surrounding) -> None:
    """What peft makes of an adapter's targets in a model of this family."""
    targets = [
        str(each)
        for statement in said.statements
        if statement.fact == _TARGETS
        for each in (statement.value if isinstance(statement.value, list) else [statement.word])
    ]
    if around.mixture and any(map(of_experts, targets)):
        _put(said, lambda fact: fact.startswith("adapter.lora."), _OF_EXPERTS)
    refused = [each for each in targets if unadapted(around.family, each)]
    if refused:
        why = f"peft refuses an adapter on {' and '.join(refused)} of a {around.family}, before the first step"
        _put(said, lambda fact: fact == _TARGETS, Unknown(why))


def _put(said: Said, about: Callable[[str], bool], value: Any) -> None:
    """Put a value in the place of what is stated, and done by default, about some facts."""
    said.statements = [replace(each, value=value) if about(each.fact) else each for each in said.statements]
    said.defaults = [replace(each, value=value) if about(each.fact) else each for each in said.defaults]
