"""The data that the steps of a plan read: each once, and what of it is prepared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.evidence.remembering.kept_facts import sum_of
from framework.planning.steps import Measure, Step, Training
from runners.data.asked import known, size_of, statement


@dataclass(frozen=True, slots=True)
class Reading:
    """What a step reads: the training whose data it is, as it reads it, and the statement of it."""

    step: Step
    work: Training
    objective: str
    stated: dict[str, Any]

    @property
    def own_tokenizer(self) -> bool:
        """Whether the tokenizer is known from the manifest alone: not where an earlier step trained it."""
        return self.step.parent is None or self.step.model.tokenizer != "train"


def readings(steps: Sequence[Step], project: Path) -> Iterator[Reading]:
    """What the steps read, in their order; those that a command trains, and measurements, read for themselves."""
    by_key = {step.key: step for step in steps}
    for step in steps:
        work = step.work if isinstance(step.work, Training) else step.calibration
        if step.command is not None or isinstance(step.work, Measure) or work is None or step.missing:
            continue
        objective = str(work.phase.objective)
        if not isinstance(step.work, Training) and objective != "completion":
            objective = "classification" if _classifies(step, by_key) else "causal_lm"
        stated = statement(work.dataset, step.model, objective, int(work.recipe.sequence_length), project)
        yield Reading(step, work, objective, stated)


def _classifies(step: Step, by_key: dict[str, Step]) -> bool:
    """Whether the checkpoint that a step starts from is a classifier."""
    while step.parent is not None and step.parent in by_key:
        step = by_key[step.parent]
        if isinstance(step.work, Training):
            return step.work.phase.objective == "classification"
    return False


def prepared_or_not(steps: Sequence[Step], to_run: Collection[str], project: Path) -> list[dict[str, Any]]:
    """For each thing that steps read, of those whose keys are in ``to_run``: the dataset, the model, and `prepared`,
    `to prepare` or `unknown`."""
    found: dict[str, dict[str, Any]] = {}
    for each in readings(steps, project):
        if each.step.key not in to_run:
            continue
        name = each.work.dataset_name
        mark = sum_of({**each.stated, "dataset name": name, "known": each.own_tokenizer})
        if mark in found:
            continue
        facts: dict[str, Any] = {"dataset": name, "model": each.step.model_name, "objective": each.objective}
        if not each.own_tokenizer:
            facts["status"] = "unknown"
        elif (there := known(each.stated)) is not None:
            facts |= {"status": "prepared", "tokens": there["tokens"], "bytes": there["bytes"]}
        else:
            facts |= {"status": "to prepare", "source_bytes": size_of(name, each.work.dataset, project)}
        found[mark] = facts
    return list(found.values())
