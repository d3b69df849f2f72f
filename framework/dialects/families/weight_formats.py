"""One word for the number format, two trainings: what format the weights have that the optimizer updates.

`bf16-true` of Lightning (2.6, `pytorch/plugins/precision/half.py`) and LitGPT (0.5.13), `bf16: full` of axolotl (0.19,
`core/builders/base.py`), `pure_bf16` of LLaMA-Factory (0.9.5) and `dtype: bf16` of torchtune (0.6.1, its recipes) train
weights of 16 bits; `bf16-mixed`, `16-mixed` and Composer's `amp_bf16` keep them in 32. transformers' Trainer trains
what is loaded: with `dtype: bfloat16` nothing keeps weights of 32 bits beside it, also under `bf16: true` (5.23), but
for an adapter's, which peft keeps in 32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.dialects import values
from framework.dialects.terms import Default, Said, Scope, Statement

FACT = "master_weights"
_WORDS = {
    "bf16true": "bf16",
    "16true": "fp16",
    "fp16true": "fp16",
    **dict.fromkeys(("bf16mixed", "16mixed", "fp16mixed", "ampbf16", "ampfp16", "32true"), "fp32"),
}
_KEYS: dict[str, dict[Any, str]] = {"pure_bf16": {True: "bf16"}, "bf16": {"full": "bf16"}}


def weight_format(statement: Statement) -> str | None:
    """The format of the weights that a statement of the precision implies; None where it does not tell."""
    key, word = str(statement.path[-1]).lstrip("-"), statement.word
    if isinstance(word, (str, bool)) and word in _KEYS.get(key, {}):
        return _KEYS[key][word]
    return format_of(word)


def format_of(word: Any) -> str | None:
    """The format of the weights that a word for a precision tells (`bf16-true`)."""
    return _WORDS.get(values.folded(word)) if isinstance(word, str) else None


def implied(said: Said) -> Iterator[Default]:
    """The formats of weights that what is stated of the precision implies, where nothing else is stated of them."""
    facts = [*(each.fact for each in said.statements), *(each.fact for each in said.defaults)]
    if FACT in facts:
        return
    for statement in said.statements:
        if statement.fact == "precision" and (found := weight_format(statement)) is not None:
            yield beside(str(statement.path[-1]), statement.word, found)


def loaded_in(scope: Scope) -> Iterator[Default]:
    """The format that transformers loads a model's weights in, where its scope says so and trains them."""
    for key in ("dtype", "torch_dtype"):
        found = values.precision(values.last(str(scope.get(key))), scope)
        if found in ("bf16", "fp16", "fp32") and scope.get("use_peft") is not True:
            yield beside(key, scope[key], found)
            return


def beside(key: str, word: Any, value: str) -> Default:
    """The weights' format as what a trainer does by itself, beside what a key says of the precision."""
    return Default(FACT, value, f"master weights beside `{key}: {word}`")
