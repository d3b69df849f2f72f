"""Each protocol is held to what the tool that it is named after says of the same rows.

The numbers of lm-evaluation-harness are those of its release 0.4.13: `simple_evaluate` with its task `gsm8k` on these
rows and a model that writes these texts, and with a task of multiple choices and a model that gives these
log-likelihoods.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from accelerate import Accelerator

from framework.manifest.sections.models import Dataset
from framework.planning.refusing.built_in import dataset_refusals
from runners.data.completions import Completions
from runners.data.prompts import Question
from runners.data.protocols import protocol_of
from runners.training.evaluating.answering import answer
from tests.runners.data.scripted import Scripted

WRITTEN = [
    # what is written, the reference's number, exact_match of strict-match and of flexible-extract, and of `framework`
    ("The total is 18.\n#### 18", "18", 1, 1, 1),
    ("#### 18.0", "18", 0, 0, 1),
    ("18", "18", 0, 1, 1),
    ("So $18.00.", "18", 0, 0, 1),
    ("#### $18", "18", 0, 1, 1),
    ("#### 1,000", "1000", 1, 1, 1),
    ("#### 1000", "1,000", 1, 1, 1),
    ("it is 18...", "18", 0, 0, 1),
    ("#### 18.", "18", 1, 1, 1),
    ("#### -5", "-5", 1, 1, 1),
    ("It is -5 degrees", "-5", 0, 1, 1),
    ("first 3 then 7", "7", 0, 1, 1),
    ("#### 3\nno, #### 7", "7", 0, 1, 1),
    ("#### 3\nno, #### 7", "3", 1, 0, 0),
    ("nothing", "7", 0, 0, 0),
    ("seven 7", "7", 0, 1, 1),
    ("#### 18 apples", "18", 1, 1, 1),
    ("answer: 18%", "18", 0, 1, 1),
    ("$18", "18", 0, 1, 1),
    ("#### 18\n\nQuestion: 5", "18", 1, 1, 0),
    ("1/2", "2", 0, 1, 1),
    ("18,", "18", 0, 1, 1),
    ("#### 1.5", "1.5", 1, 1, 1),
    (".5", "0.5", 0, 0, 0),
    ("#### 18 #### ", "18", 1, 1, 1),
    ("x = 9", "9", 0, 1, 1),
    ("it costs 5.", "5", 0, 1, 1),
    ("about 12.", "12", 0, 1, 1),
]
CHOICES = [
    # choices without the space before them, log-likelihoods, the right one, acc and acc_norm
    (("nine char", "twenty characters aa"), (-10.0, -21.2), 0, 1, 0),
    (("nine char", "twenty characters aa"), (-10.0, -21.2), 1, 0, 1),
    (("é" * 9, "abcdefghijkl"), (-10.0, -12.5), 1, 0, 1),
    (("yes", "no"), (-3.0, -2.5), 0, 0, 1),
    (("a b c d", "abcd"), (-6.0, -4.0), 1, 1, 0),
    (("x", "yy"), (-1.0, -2.0), 0, 1, 1),
    (("one", "two", "three"), (-3.0, -3.0, -4.0), 2, 0, 1),
]


def dataset(protocol: str | None) -> Dataset:
    return Dataset.model_construct(protocol=protocol)


@pytest.mark.parametrize(("text", "number", "strict", "flexible", "own"), WRITTEN)
def test_written_answers(text: str, number: str, strict: int, flexible: int, own: int) -> None:
    for name, right in (("lm-eval/strict-match", strict), ("lm-eval/flexible-extract", flexible), (None, own)):
        protocol = protocol_of(dataset(name))
        assert protocol.right is not None
        assert protocol.right(protocol.written(text), f"some steps\n#### {number}") is bool(right), name


@pytest.mark.parametrize(("choices", "likelihoods", "right", "accuracy", "normalized"), CHOICES)
def test_choices(
    choices: tuple[str, ...], likelihoods: tuple[float, ...], right: int, accuracy: int, normalized: int
) -> None:
    length = protocol_of(dataset("lm-eval")).length
    by_length = [value / length(f" {choice}") for value, choice in zip(likelihoods, choices, strict=True)]
    assert (likelihoods.index(max(likelihoods)) == right) is bool(accuracy)
    assert (by_length.index(max(by_length)) == right) is bool(normalized)


def test_by_bytes_with_the_space_it_is_the_other_choice() -> None:
    """Why the protocol must be named: beside a paper's `acc_norm` the number of another one is another number."""
    choices, values, *_ = CHOICES[0]
    best = {}
    for name in ("lm-eval", None):
        lengths = [protocol_of(dataset(name)).length(f" {choice}") for choice in choices]
        best[name] = max((0, 1), key=lambda choice: values[choice] / lengths[choice])
    assert best == {"lm-eval": 1, None: 0}


@pytest.mark.parametrize(
    ("name", "expected"), [(None, 2), ("lm-eval/strict-match", 1), ("lm-eval/flexible-extract", 1)]
)
def test_the_measurement_goes_by_the_stated_protocol(tokenizer: Any, name: str | None, expected: int) -> None:
    """Of three questions, to which `#### 18 then 18.0` is written."""
    asked = [Question("q", " #### 18"), Question("qq", " #### 18.0"), Question("w", " #### 7")]
    found = Completions(asked, tokenizer, 64, protocol_of(dataset(name)), 32)
    model = Scripted(torch.zeros(1), tokenizer("#### 18 then 18.0")["input_ids"])
    assert answer(Accelerator(cpu=True), model, found, 2) == {"exact_match": pytest.approx(expected / 3)}


REFUSED = {
    "of a harness that is not known": ({"protocol": "helm", "answer": " {a}"}, "does not judge written answers"),
    "of choices for what is written": ({"protocol": "lm-eval", "answer": " {a}"}, "does not judge written answers"),
    "of what is written for choices": (
        {"protocol": "lm-eval/strict-match", "choices": [" a", " b"]},
        "does not judge choices",
    ),
    "that finds the answer by itself": (
        {"protocol": "lm-eval/strict-match", "answer": " {a}", "final_answer": r"\d"},
        "finds the final answer by itself",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_protocol_that_nothing_here_judges_by_can_be_stated_and_is_not_run(case: str) -> None:
    stated, said = REFUSED[case]
    (refusal,) = dataset_refusals(Dataset.model_validate({"path": ".", "prompt": "{q}", **stated}), "completion")
    assert said in refusal.message
    assert refusal.path in (("protocol",), ("final_answer",))


def test_a_protocol_without_questions_is_refused_by_a_run() -> None:
    (refusal,) = dataset_refusals(Dataset(path=".", protocol="lm-eval"), "classification")
    assert refusal.path == ("protocol",)


@pytest.mark.parametrize(
    "stated",
    [
        {"protocol": "lm-eval", "choices": [" a", " b"]},
        {"protocol": "lm-eval/flexible-extract", "answer": " {a}"},
        {"protocol": "framework", "answer": " {a}", "final_answer": r"\d"},
        {"answer": " {a}"},
    ],
)
def test_what_is_known_runs(stated: dict[str, Any]) -> None:
    known = Dataset.model_validate({"path": ".", "prompt": "{q}", **stated})
    assert list(dataset_refusals(known, "completion")) == []
    assert protocol_of(known)
