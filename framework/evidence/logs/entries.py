"""Logs that are a row of named numbers for each step: JSON lines, CSV, TensorBoard's scalars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from framework.errors import InputError
from framework.evidence.logs.log import Log, Reading
from framework.evidence.logs.logged_names import USUAL, counted_examples, evaluation, number, pick
from framework.evidence.logs.row_kinds import Kinds, evaluation_of
from framework.locations import Location


def log_of(name: str, rows: Iterable[tuple[Location, Mapping[str, Any]]], reading: Reading) -> Log:
    """The log that rows make. Rows of one step are one; of what a step states twice, as after a restart, the last
    counts. Of what is measured twice the first is the evaluation: a trainer that puts the best weights back measures
    these at the same step.

    Raises:
        InputError: a step that is no whole number, or lies before the first one.
    """
    steps: dict[int, dict[str, Any]] = {}
    evaluations: dict[int, dict[str, Any]] = {}
    rates: dict[str, float] = {}
    ended: int | None = None
    final: dict[str, float] = {}
    measured: int | None = None
    observed: dict[str, Any] = {}
    kinds = Kinds(reading)
    for where, row in rows:
        stated = pick(row, "step", reading.names)
        if (examples := counted_examples(row)) is not None:
            observed["train_examples"] = examples
        if stated is None or (kind := kinds.of(row)) == "other":
            continue
        if not float(stated).is_integer():
            raise InputError.at(where, f"the step {stated!r} is no whole number")
        step = int(stated) + 1 - reading.steps_from
        summary = _summary(row)
        rates |= summary
        if "runtime" in summary:
            ended = int(stated)
            if len(summary) == len(_SUMMARY):
                continue
        line = {own: value for own in USUAL if own != "step" and (value := pick(row, own, reading.names)) is not None}
        metrics = evaluation(row if kind == "step" else evaluation_of(row, reading))
        if metrics:
            epoch = {"epoch": line["epoch"]} if "epoch" in line else {}
            known = evaluations.setdefault(step, {"step": step})
            evaluations[step] = {**metrics, **epoch, **known}
            final = metrics if step != measured else final | metrics
            measured = step
        if kind == "step" and set(line) - {"epoch"}:
            if step < 1:
                message = f"the log has a step {stated}, before its first one, {reading.steps_from}"
                raise InputError.at(where, message, "say `steps_from: 0` where the first step is called 0")
            steps.setdefault(step, {"step": step}).update(line)
    lines = [steps[step] for step in sorted(steps)]
    counted(lines)
    log = Log(name, lines, [evaluations[step] for step in sorted(evaluations)])
    log.rates, log.final, log.observed = rates, final, observed
    if ended is not None and ended > 0:
        log.observed["optimizer_steps"] = ended
        if log.steps and log.steps[-1]["step"] == ended and "epoch" in log.steps[-1]:
            log.observed["epochs"] = log.steps[-1]["epoch"]
    return log


_SEEN = {"samples_seen": "samples", "tokens_seen": "tokens"}
"""What is counted from the beginning, and what that is of one step."""


def counted(lines: list[dict[str, Any]]) -> None:
    """Put what each step had in the place of what all had until then; of a step whose predecessor is not there nothing
    is known."""
    for seen, own in _SEEN.items():
        before: tuple[int, float] = (0, 0)
        for line in lines:
            until = line.pop(seen, None)
            if until is None:
                continue
            if line["step"] == before[0] + 1 and until > before[1]:
                line.setdefault(own, until - before[1])
            before = line["step"], until


_SUMMARY = {"train_runtime": "runtime", "train_samples_per_second": "samples_per_second"}
"""What transformers' Trainer logs once, when it is done, with the number of steps that it made."""


def _summary(row: Mapping[str, Any]) -> dict[str, float]:
    named = ((key.rpartition("/")[2], number(value)) for key, value in row.items())
    return {_SUMMARY[name]: float(value) for name, value in named if name in _SUMMARY and value is not None}
