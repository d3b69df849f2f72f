"""The checkpoint of a run as a GPT-2 or a Llama of transformers, held to its logits before and after it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from framework.errors import UsageError
from runners.models.checkpoints import load_checkpoint, write_model
from runners.models.gpt.conversion import to_family
from runners.models.gpt.language_model import GPTForCausalLM

_SEQUENCES, _TOLERANCE = 2, 1e-4


@dataclass(frozen=True, slots=True)
class Converted:
    """A model of another family with the tokenizer of the run, what it was asked, and what the run's model answered:
    int64 [sequences, tokens], float32 [sequences, tokens, vocabulary]."""

    model: Any
    tokenizer: Any | None
    asked: Tensor
    logits: Tensor


def converted(run_folder: Path, family: str) -> Converted:
    """The run's model as ``family``, `gpt2` or `llama`.

    Raises:
        UsageError: it is no `gpt`, or has a switch that the family does not have.
        FrameworkError: the checkpoint cannot be read.
    """
    checkpoint = load_checkpoint(run_folder)
    model = checkpoint.model
    if not isinstance(model, GPTForCausalLM):
        raise UsageError(f"{run_folder.name} is a {model.config.model_type}: only a gpt is exported as a {family}")
    try:
        other = to_family(model, family)
    except UsageError as problem:
        raise UsageError(f"{run_folder.name}: {problem}") from None
    config = model.config
    tokens = torch.arange(_SEQUENCES * config.max_position_embeddings) * 7919 % config.vocab_size
    asked = tokens.reshape(_SEQUENCES, -1)
    return Converted(other, checkpoint.tokenizer, asked, _logits(model, asked))


def write(place: Path, found: Converted) -> float:
    """Write a folder that transformers loads by itself; how far the logits of what it loads lie from the run's at most.

    Raises:
        AssertionError: they are others: nothing that anybody asked for was written.
    """
    write_model(place, found.model, found.tokenizer)
    disable_progress_bar()
    loaded = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
    apart = float((_logits(loaded, found.asked) - found.logits).abs().max())
    assert apart <= _TOLERANCE * max(1.0, float(found.logits.abs().max())), f"the logits differ by {apart}"
    return apart


def _logits(model: Any, asked: Tensor) -> Tensor:
    model.eval()
    with torch.no_grad():
        found: Tensor = model(input_ids=asked).logits
    return found.float()
