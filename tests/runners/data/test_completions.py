"""Answers to prompts: what is trained, and how answers are judged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from runners.data.completions import Completions
from runners.data.corpus import split_of
from runners.data.prompts import Question, filled, questions
from runners.data.protocols import final_answer, protocol_of, same_answer
from runners.training.evaluating.answering import answer
from runners.training.objectives import summed_loss, token_losses
from tests.runners.data.scripted import Scripted
from tests.runners.models.tiny import CAUSAL, build

NUMBER = Dataset(builtin="reference-topics").final_answer
PROTOCOL = protocol_of(Dataset(builtin="reference-topics"))


def asked_in(dataset: Dataset, split: str, folder: Path) -> list[Question]:
    return list(questions(dataset, split_of("data", dataset, split, folder)))


def rows(folder: Path, split: str, *data: dict[str, Any]) -> None:
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))


def test_boolq_has_its_choices_and_a_truth_value(tmp_path: Path) -> None:
    rows(tmp_path, "train", {"question": "is it", "answer": True}, {"question": "was it", "answer": False})
    stated = Dataset(path=".", prompt="{question}?", choices=[" no", " yes"], label="answer")
    found = asked_in(stated, "train", tmp_path)
    assert found[0] == Question("is it?", " yes", (" no", " yes"), 1)
    assert found[1].right == 0


def test_hellaswag_has_a_column_of_choices_and_its_label_as_text(tmp_path: Path) -> None:
    rows(tmp_path, "train", {"ctx": "A man", "endings": ["runs.", "is a tree."], "label": "0"})
    stated = Dataset(path=".", prompt="{ctx}", choices="endings")
    found = asked_in(stated, "train", tmp_path)
    assert found == [Question("A man", " runs.", (" runs.", " is a tree."), 0)]


def test_gsm8k_has_an_answer_to_write(tmp_path: Path) -> None:
    rows(tmp_path, "train", {"question": "1 + 1?", "answer": "One and one.\n#### 2"})
    stated = Dataset(path=".", prompt="Question: {question}\nAnswer:", answer=" {answer}")
    found = asked_in(stated, "train", tmp_path)
    assert found == [Question("Question: 1 + 1?\nAnswer:", " One and one.\n#### 2")]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"ctx": "a", "endings": ["b", "c"], "label": "2"}, "the choices are 0 to 1"),
        ({"ctx": "a", "endings": ["b", "c"], "label": ""}, "the choices are 0 to 1"),
        ({"ctx": "a", "endings": "bc", "label": 0}, "not a list of texts"),
        ({"ctx": "a", "endings": ["b"], "label": 0}, "at least two"),
        ({"ctx": "a", "label": 0}, "no column 'endings'"),
    ],
)
def test_a_row_that_is_no_question_is_named_with_its_place(tmp_path: Path, row: dict[str, Any], told: str) -> None:
    rows(tmp_path, "train", row)
    with pytest.raises(FrameworkError, match=r"train\.jsonl:1: ") as refused:
        asked_in(Dataset(path=".", prompt="{ctx}", choices="endings"), "train", tmp_path)
    assert told in str(refused.value)


def test_a_template_reaches_columns_and_nothing_else() -> None:
    row = {"a": "x", "__class__": "never"}
    assert filled("{a} {a.real} {a!r} {{a}} {}", row) == "x {a.real} {a!r} {x} {}"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It costs $1,000 or 3.", "3"),
        ("so\n#### -12", "-12"),
        ("3.50 each", "3.50"),
        ("none", None),
        ("that is 1,234.5", "1,234.5"),
    ],
)
def test_the_final_answer_is_the_last_number(text: str, number: str | None) -> None:
    assert final_answer(text, NUMBER) == number


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("1,000", "1000", True), ("$18", "18.0", True), ("18.", "18", True), ("18", "81", False), (None, None, False),
     ("A", "A ", True), ("A", "B", False)],
)  # fmt: skip
def test_answers_are_the_same_as_numbers_or_as_texts(one: str | None, other: str | None, same: bool) -> None:
    assert same_answer(one, other) is same


def test_only_the_tokens_of_the_answer_are_predicted(tokenizer: Any) -> None:
    found = Completions([Question("ab?", " yes", (" no", " yes"), 1)], tokenizer, 32, PROTOCOL, 8)
    batch = found.batch([0])
    assert tokenizer.decode(batch.input_ids[0]) == "ab? yes"
    assert batch.starts is not None
    assert tokenizer.decode(batch.input_ids[0, batch.starts[0] :]) == " yes"
    assert batch.predictions == found.predictions([0]) == len(" yes")


def test_spaces_at_the_end_of_a_prompt_belong_to_the_answer(tokenizer: Any) -> None:
    found = Completions([Question("ab:  ", "c", ("c", "d"), 0)], tokenizer, 32, PROTOCOL, 8)
    batch = found.batch([0])
    assert batch.starts is not None
    assert tokenizer.decode(batch.input_ids[0, batch.starts[0] :]) == "  c"


def test_a_row_that_is_too_long_loses_its_beginning(tokenizer: Any) -> None:
    found = Completions([Question("abcdefgh", " yes", (" no", " yes"), 1)], tokenizer, 8, PROTOCOL, 8)
    assert tokenizer.decode(found.batch([0]).input_ids[0]) == "efgh yes"
    with pytest.raises(FrameworkError, match="nothing of its prompt"):
        Completions([Question("abc", " yes", (" no", " yes"), 1)], tokenizer, 4, PROTOCOL, 8)


def test_the_loss_is_that_of_the_answers_alone(tokenizer: Any) -> None:
    """Against a loop over single tokens; what stands in the padding changes nothing."""
    asked = [Question("ab?", " yes", (" no", " yes"), 1), Question("a longer prompt?", " no", (" no", " yes"), 0)]
    found = Completions(asked, tokenizer, 32, PROTOCOL, 8)
    batch = found.batch([0, 1])
    logits = torch.randn(*batch.input_ids.shape, len(tokenizer), generator=torch.Generator().manual_seed(0))
    expected = 0.0
    assert batch.starts is not None
    for row, start in enumerate(batch.starts.tolist()):
        for place in range(start, int(batch.attention_mask[row].sum())):
            expected += float(F.cross_entropy(logits[row, place - 1], batch.input_ids[row, place]))
    assert float(summed_loss(logits, batch)) == pytest.approx(expected, rel=1e-5)
    assert int((token_losses(logits, batch) > 0).sum()) == batch.predictions


def test_the_most_likely_choice_wins_by_sum_and_by_length(tokenizer: Any) -> None:
    """With equal logits each token costs the same: the sum prefers the short choice, the normalised one is a tie that
    the first wins."""
    asked = [Question("q", " abcdef", (" abcdef", " a"), 0), Question("q", " a", (" abcdef", " a"), 1)]
    found = Completions(asked, tokenizer, 32, PROTOCOL, 8)
    model = Scripted(torch.zeros(len(tokenizer)), [])
    metrics = answer(Accelerator(cpu=True), model, found, 3)
    assert metrics == {"accuracy": 0.5, "accuracy_normalized": 0.5, "majority_share": 0.5}
    likely = torch.zeros(len(tokenizer))
    likely[tokenizer("f")["input_ids"]] = 50.0
    better = answer(Accelerator(cpu=True), Scripted(likely, []), found, 3)
    assert better["accuracy_normalized"] == 0.5


def test_a_written_answer_is_right_by_its_last_number(tokenizer: Any) -> None:
    asked = [Question("q", " so #### 12"), Question("qq", " so #### 7"), Question("w", " #### 12.0")]
    found = Completions(asked, tokenizer, 32, PROTOCOL, 4)
    model = Scripted(torch.zeros(1), tokenizer("= 12 and then 7")["input_ids"])
    assert answer(Accelerator(cpu=True), model, found, 2) == {"exact_match": pytest.approx(2 / 3)}


@pytest.mark.parametrize("family", CAUSAL)
def test_what_a_model_writes_depends_on_no_other_prompt(family: str, tokenizer: Any) -> None:
    """The same questions one by one and together, with prompts of several lengths."""
    model = build(family)
    asked = [Question(text, " 1") for text in ("a", "bc", "de", "fgh", "i")]
    found = Completions(asked, tokenizer, 64, PROTOCOL, 6)
    from runners.training.evaluating import answering

    with torch.no_grad():
        together = {
            index: text
            for indices in answering._alike(found, range(5), 4)
            for index, text in zip(
                indices,
                answering._continued(model, torch.tensor([found.prompt(i) for i in indices]), found),
                strict=True,
            )
        }
        for index in range(5):
            (alone,) = answering._continued(model, torch.tensor([found.prompt(index)]), found)
            assert together[index] == alone


def test_an_untrained_model_has_the_loss_of_guessing(tokenizer: Any) -> None:
    found = Completions([Question("ab?", " yes", (" no", " yes"), 1)], tokenizer, 32, PROTOCOL, 8)
    logits = torch.zeros(1, found.batch([0]).input_ids.shape[1], len(tokenizer))
    assert float(summed_loss(logits, found.batch([0]))) / 4 == pytest.approx(math.log(len(tokenizer)))
