"""When an answer is right: protocols by the name of whose they are, since one answer is right under some and wrong
under others.

`framework` is this project's own: written answers are compared as numbers where they are numbers, choices by the bytes
of the text that follows the prompt. Those of EleutherAI's lm-evaluation-harness (Gao et al. 2021) are read from its
release 0.4.13: `lm_eval/tasks/gsm8k/gsm8k.yaml` (the two filters, what `exact_match` ignores, where writing ends),
`lm_eval/filters/extraction.py`, `lm_eval/api/metrics.py` and the multiple choices of `lm_eval/api/task.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from framework.manifest.sections.models import DEFAULT_PROTOCOL, Dataset

_UNTIL = ("Question:", "</s>", "<|im_end|>")
_IGNORED = (r",", r"\$", r"(?s).*#### ", r"\.$")
_STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")


class Protocol(NamedTuple):
    """How answers are judged."""

    right: Callable[[str, str], bool] | None
    """Whether a written text answers as the reference (the row's whole answer) does; None of one that is for choices
    alone, which a plan refuses for written answers."""
    length: Callable[[str], int]
    """By what the log-likelihood of a choice, as it follows the prompt, is divided."""
    until: tuple[str, ...] = ()
    """Texts at which a written answer ends, beside the tokenizer's end token."""

    def written(self, text: str) -> str:
        """What a model wrote, up to where it ends."""
        return text[: min(map(len, (text.partition(stop)[0] for stop in self.until)), default=len(text))]


def protocol_of(dataset: Dataset) -> Protocol:
    """The dataset's protocol.

    Raises:
        KeyError: it is none of these; a plan refuses that before.
    """
    name = dataset.protocol or DEFAULT_PROTOCOL
    if name != DEFAULT_PROTOCOL:
        return _PROTOCOLS[name]
    pattern = dataset.final_answer

    def right(text: str, reference: str) -> bool:
        return same_answer(final_answer(text, pattern), final_answer(reference, pattern))

    return Protocol(right, lambda choice: len(choice.encode()))


def final_answer(text: str, pattern: str) -> str | None:
    """The last match of a pattern in a text (its first group, if it has one), None without any."""
    found = None
    for match in re.finditer(pattern, text):
        found = match[1] if match.re.groups else match[0]
    return found


def same_answer(one: str | None, other: str | None) -> bool:
    """Whether two final answers say the same: equal as numbers (`1,000`, `$1000` and `1000.0` are), or as texts."""
    if one is None or other is None:
        return False
    try:
        return _number(one) == _number(other)
    except InvalidOperation:
        return one.strip() == other.strip()


def _number(text: str) -> Decimal:
    return Decimal(text.strip().lstrip("$").replace(",", "").rstrip("."))


def _strict(text: str) -> str | None:
    """The first number behind `####`."""
    match = _STRICT.search(text)
    return match[1].strip() if match else None


def _flexible(text: str) -> str | None:
    """The last run of digits, dots, commas and dollar signs."""
    matches = [match[1] or match[2] for match in _FLEXIBLE.finditer(text)]
    return matches[-1].strip() if matches else None


def _as_texts(extracted: Callable[[str], str | None]) -> Callable[[str, str], bool]:
    """Equality of texts: 18.0 is not 18."""

    def right(text: str, reference: str) -> bool:
        found = extracted(text)
        return found is not None and _without(found) == _without(reference)

    return right


def _without(text: str) -> str:
    for ignored in _IGNORED:
        text = re.sub(ignored, "", text)
    return text.lower()


def _characters(choice: str) -> int:
    """Of the choice alone: the space that parts it from the prompt is no part of it."""
    return len(choice.removeprefix(" "))


_PROTOCOLS = {
    "lm-eval/strict-match": Protocol(_as_texts(_strict), _characters, _UNTIL),
    "lm-eval/flexible-extract": Protocol(_as_texts(_flexible), _characters, _UNTIL),
    "lm-eval": Protocol(None, _characters),
}
