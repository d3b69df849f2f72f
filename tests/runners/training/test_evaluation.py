"""An evaluation says the same whoever shares a batch, and next to nothing of its batches is padding."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from framework.manifest.sections.models import Dataset, Model
from runners.data.completions import Completions
from runners.data.examples import Batch, LabelledTexts
from runners.data.prompts import Question
from runners.data.protocols import protocol_of
from runners.data.tokenizing import tokenizer_for
from runners.models.building import build_language_model, classifier_over
from runners.models.families import FAMILIES
from runners.training.evaluating import evaluation
from runners.training.evaluating.answering import answer
from runners.training.evaluating.evaluation import classification_metrics, evaluate, exact_sum
from runners.training.evaluating.grouping import alike
from runners.training.objectives import example_losses, logits_of, summed_loss

FAMILY = {
    "bert": {"heads": 2, "intermediate": 32},
    "gpt2": {"heads": 2},
    "llama": {"heads": 2, "intermediate": 32},
    "mamba": {"state": 4},
}
CLASSES = ("no", "yes")


def model_of(family: str, tmp_path: Path) -> Any:
    own = FAMILY[family]
    stated = Model(family=family, weights="random", layers=2, hidden=16, vocabulary=64, tokenizer="bytes", **own)
    return build_language_model("tiny", stated, 64, 3, tmp_path)


def classifier_of(family: str, tmp_path: Path) -> Any:
    return classifier_over(model_of(family, tmp_path), FAMILIES.get(family), CLASSES, 3)


def texts(count: int = 97) -> LabelledTexts:
    """Rows of 1 to 60 tokens, most of them short."""
    source = torch.Generator().manual_seed(5)
    lengths = (1 + 59 * torch.rand(count, generator=source) ** 3).int().tolist()
    rows = [torch.randint(64, (length,), generator=source).tolist() for length in lengths]
    return LabelledTexts(rows, torch.randint(2, (count,), generator=source).tolist(), 0, None)


@pytest.fixture
def accelerator() -> Accelerator:
    return Accelerator(cpu=True)


@pytest.mark.parametrize("family", FAMILY)
def test_the_metrics_are_those_of_each_example_alone(family: str, tmp_path: Path, accelerator: Accelerator) -> None:
    """Counts to the bit; the loss to float32's last places, where a padded product adds in another order."""
    model, examples = classifier_of(family, tmp_path).eval(), texts()
    losses, confusion = [], torch.zeros(2, 2, dtype=torch.int64)
    with torch.no_grad():
        for index in range(len(examples)):
            batch = examples.batch([index])
            logits = logits_of(model, batch)
            losses.append(float(summed_loss(logits, batch)))
            confusion[examples.labels[index], int(logits.argmax())] += 1
    assert confusion.sum(dim=0).all()  # both classes are predicted
    counts = classification_metrics(confusion)
    for size in (1, 7, 32, 1000):
        found = evaluate(accelerator, model, examples, size, 2)
        assert {name: found[name] for name in counts} == counts
        assert found["loss"] == pytest.approx(math.fsum(losses) / len(losses), rel=1e-6)
    assert evaluate(accelerator, model, examples, 1, 2)["loss"] == math.fsum(losses) / len(losses)


def test_the_sum_does_not_depend_on_who_shares_a_batch(
    tmp_path: Path, accelerator: Accelerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, as long as each example's loss is the same: here it follows from the example alone."""

    def of_the_tokens(logits: Any, batch: Batch) -> torch.Tensor:
        return (batch.input_ids * batch.attention_mask).sum(dim=1).float().sqrt() * 1e3

    monkeypatch.setattr(evaluation, "example_losses", of_the_tokens)
    model, examples = classifier_of("mamba", tmp_path), texts()
    assert len({evaluate(accelerator, model, examples, size, 2)["loss"] for size in (1, 3, 8, 50, 97)}) == 1


def test_a_sum_is_rounded_once() -> None:
    assert exact_sum([1e16, 1.0, -1e16] * 3) == 3.0
    assert exact_sum([1.0, math.inf]) == math.inf
    assert math.isnan(exact_sum([1.0, math.nan, math.inf]))


def test_next_to_nothing_is_padding(tmp_path: Path, accelerator: Accelerator, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [0, 0]
    real = evaluation.logits_of

    def counting(model: Any, batch: Batch) -> Any:
        seen[0] += batch.tokens
        seen[1] += batch.input_ids.numel()
        return real(model, batch)

    monkeypatch.setattr(evaluation, "logits_of", counting)
    examples = texts(400)
    evaluate(accelerator, classifier_of("mamba", tmp_path), examples, 16, 2)
    assert seen[0] == examples.tokens
    assert seen[1] < 1.1 * seen[0]
    in_order = [range(start, min(start + 16, 400)) for start in range(0, 400, 16)]
    assert sum(examples.batch(part).input_ids.numel() for part in in_order) > 2 * seen[0]


def test_groups_hold_every_place_once_the_longest_first() -> None:
    lengths = [3, 9, 1, 9, 4, 3, 3]
    groups = alike(lengths, 3)
    assert groups == [[1, 3, 4], [0, 5, 6], [2]]
    assert alike([], 3) == []
    assert alike([5, 5, 5], 2) == [[0, 1], [2]]  # running text keeps its order


def asked(prompt: str, choices: tuple[str, ...], right: int) -> Question:
    return Question(prompt, choices[right], choices, right)


def test_questions_are_answered_the_same_however_they_are_grouped(tmp_path: Path, accelerator: Accelerator) -> None:
    dataset = Dataset(path="x", prompt="{q}", choices="c", label="l")
    stated = Model(family="gpt2", weights="random", layers=2, hidden=16, heads=2, vocabulary=256, tokenizer="bytes")
    tokenizer = tokenizer_for("tiny", stated, (), tmp_path)
    questions = [
        asked("why " * (number % 7 + 1), (" yes", " not at all", " n" * (number % 3 + 1)), number % 3)
        for number in range(23)
    ]
    examples = Completions(questions, tokenizer, 64, protocol_of(dataset), 8)
    model = build_language_model("tiny", stated, 256, 3, tmp_path).eval()
    found = [evaluate(accelerator, model, examples, size, 0) for size in (1, 4, 100)]
    for each in found[1:]:
        assert each["loss"] == pytest.approx(found[0]["loss"], rel=1e-6)
        assert {**each, "loss": 0} == {**found[0], "loss": 0}
    with torch.no_grad():
        alone = [
            example_losses(logits_of(model, examples.batch([index])), examples.batch([index])) for index in range(23)
        ]
    assert found[0]["loss"] == math.fsum(map(float, alone)) / examples.predictions(range(23))
    assert answer(accelerator, model, examples, 5)["accuracy"] == found[0]["accuracy"]
