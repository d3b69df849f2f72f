"""The data of a plan prepared before its runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from framework.evidence.remembering.kept_facts import sum_of
from framework.planning.steps import Step
from runners.data.planned import readings
from runners.data.preparing import prepare


def prepare_ahead(steps: Sequence[Step], project: Path) -> Iterator[str]:
    """Prepare what the steps read, each thing once, and say of each how much it is.

    A step that starts from another one's checkpoint reads with that one's tokenizer.

    Raises:
        FrameworkError: data or a tokenizer cannot be had, or there is no room.
    """
    tokenizers: dict[str, Any] = {}
    parents = {step.key: step.parent for step in steps}
    seen: set[str] = set()
    for each in readings(steps, project):
        first = each.step.key
        while (parent := parents.get(first)) is not None:
            first = parent
        mark = sum_of({**each.stated, "tokenizer of": None if each.own_tokenizer else first})
        if mark in seen and first in tokenizers:
            continue
        seen.add(mark)
        work = replace(each.work, phase=each.work.phase.model_copy(update={"objective": each.objective}))
        begun = time.monotonic()
        data = prepare(work, each.step.model_name, each.step.model, tokenizers.get(first), project)
        tokenizers.setdefault(first, data.tokenizer)
        facts = data.facts
        counts = f"{facts['train_examples']:,} and {facts['validation_examples']:,} examples"
        tokens = facts["train_tokens"] + facts["validation_tokens"]
        seconds = time.monotonic() - begun
        yield f"{facts['name']} for {each.step.model_name}: {counts}, {tokens:,} tokens ({seconds:.1f} s)"
