"""How well a language model answers: the likelihood of choices, or what it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from transformers import GenerationConfig

from runners.data.completions import Completions, padded
from runners.training.evaluating.grouping import alike
from runners.training.objectives import logits_of, token_losses


def answer(accelerator: Accelerator, model: Any, examples: Completions, batch_size: int) -> dict[str, float]:
    """Measure a model on all questions, shared out over the processes.

    Returns:
        With choices `accuracy` (the most likely choice, by the sum of its tokens' log-probabilities),
        `accuracy_normalized` (by that sum over the choice's length) and `majority_share`; without, `exact_match` of
        greedily written text. What the length is, and when a text is right, says the dataset's protocol.
    """
    unwrapped, training = accelerator.unwrap_model(model), model.training
    own = range(accelerator.process_index, len(examples), accelerator.num_processes)
    chosen = any(question.choices for question in examples.questions)
    model.eval()
    with torch.no_grad(), accelerator.autocast():
        counts = (_chosen if chosen else _written)(unwrapped, examples, own, batch_size, accelerator)
    model.train(training)
    counts = accelerator.reduce(counts)
    if not chosen:
        return {"exact_match": float(counts[0] / counts[1])}
    right = [question.right for question in examples.questions]
    majority = max(right.count(number) for number in set(right)) / len(right)
    shares = (counts[:2] / counts[2]).tolist()
    return {"accuracy": shares[0], "accuracy_normalized": shares[1], "majority_share": majority}


def _chosen(model: Any, examples: Completions, own: range, batch_size: int, accelerator: Accelerator) -> Tensor:
    """[right, right by length, questions], float64."""
    rows = [
        (index, number, *examples.row(examples.questions[index], choice))
        for index in own
        for number, choice in enumerate(examples.questions[index].choices)
    ]
    likelihoods: dict[int, list[float]] = {index: [0.0] * len(examples.questions[index].choices) for index in own}
    for places in alike([len(tokens) for _, _, tokens, _ in rows], batch_size):
        part = [rows[place] for place in places]
        batch = padded([(tokens, first) for _, _, tokens, first in part], examples.padding).to(accelerator.device)
        losses = token_losses(logits_of(model, batch), batch).double().sum(dim=1)
        for (index, number, *_), loss in zip(part, losses.tolist(), strict=True):
            likelihoods[index][number] = -loss
    counts = torch.zeros(3, dtype=torch.float64, device=accelerator.device)
    for index, found in likelihoods.items():
        question = examples.questions[index]
        lengths = [examples.protocol.length(choice) for choice in question.choices]
        by_length = [value / length for value, length in zip(found, lengths, strict=True)]
        counts += counts.new_tensor([_first_best(found) == question.right, _first_best(by_length) == question.right, 1])
    return counts


def _first_best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def _written(model: Any, examples: Completions, own: range, batch_size: int, accelerator: Accelerator) -> Tensor:
    """[right, questions], float64."""
    counts = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    right = examples.protocol.right
    assert right is not None  # a plan refuses a protocol of choices for written answers
    for indices in _alike(examples, own, batch_size):
        prompts = torch.tensor([examples.prompt(index) for index in indices], device=accelerator.device)
        texts = _continued(model, prompts, examples)
        for index, text in zip(indices, texts, strict=True):
            written = examples.protocol.written(text)
            counts += counts.new_tensor([right(written, examples.questions[index].answer), 1])
    return counts


def _alike(examples: Completions, own: range, batch_size: int) -> Iterator[list[int]]:
    """Questions whose prompts are of one length: what is written then depends on no padding."""
    ordered = sorted(own, key=lambda index: len(examples.prompt(index)))
    for _, group in groupby(ordered, key=lambda index: len(examples.prompt(index))):
        members = list(group)
        for start in range(0, len(members), batch_size):
            yield members[start : start + batch_size]


def _continued(model: Any, prompts: Tensor, examples: Completions) -> list[str]:
    """What the model writes after each prompt (int64 [prompts, length]), greedily, up to its end token."""
    end = examples.tokenizer.eos_token_id
    room = getattr(model.config, "max_position_embeddings", None)
    longest = examples.longest if room is None else min(examples.longest, room - prompts.shape[1])
    whole = torch.ones_like(prompts)  # prompts of one length: nothing is padded
    plan = GenerationConfig(
        do_sample=False, max_new_tokens=longest, eos_token_id=end, pad_token_id=end if end is not None else 0
    )
    found = model.generate(prompts, attention_mask=whole, generation_config=plan)
    new = found[:, prompts.shape[1] :].tolist()
    cut = [row[: row.index(end)] if end in row else row for row in new]
    return [examples.tokenizer.decode(row, skip_special_tokens=True) for row in cut]
