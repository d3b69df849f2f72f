"""A log as the evidence of a run: its lines and evaluations by the record's names, and what it says of the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from framework.evidence.logs.deriving import steps_done
from framework.evidence.logs.log import Log
from framework.evidence.logs.logged_names import USUAL, evaluation, number
from framework.manifest.hyperparameters import split_of

_FINAL = {"loss": "validation_loss"}
"""Metrics that the record calls otherwise."""
_COURSE = frozenset(name for known, names in USUAL.items() if known != "loss" for name in names)
"""What trainers call a step, an epoch or a learning rate, which measure nothing."""
_EXAMPLES = ("train_samples", "train_examples", "num_train_examples")


class Taken(NamedTuple):
    """What a log gives a run: the lines of `steps.jsonl` and of `events.jsonl`, facts of `observed`, and the metrics of
    the last evaluation."""

    lines: list[dict[str, Any]]
    events: list[dict[str, Any]]
    observed: dict[str, Any]
    metrics: dict[str, float]


def taken(log: Log, objective: str | None, learning_rate: Literal["used", "next"] = "used") -> Taken:
    """What is taken of a log. ``learning_rate`` says which one a step is logged with: the one that it used, or the one
    that the scheduler then set."""
    lines = _shifted(log.steps) if learning_rate == "next" else log.steps
    observed = log.observed | steps_done(log)
    observed |= {f"train_{name}": value for name, value in log.rates.items()}
    done, planned = observed.get("optimizer_steps"), observed.get("planned_steps")
    lines = [line for line in lines if done is None or line["step"] <= done]
    if done is not None and planned is not None:
        observed["stopped_early"] = {"step": done, "epoch": observed.get("epochs")} if done < planned else None
    events = [{"event": "evaluation", **measured(entry, objective)} for entry in log.evaluations]
    return Taken(lines, events, observed, measured(log.final, objective))


def measured(entry: Mapping[str, Any], objective: str | None) -> dict[str, Any]:
    """An evaluation; a language model's perplexity is the exponential of its loss."""
    found = dict(entry)
    if objective == "causal_lm" and "loss" in found and "perplexity" not in found and found["loss"] < 700:
        found["perplexity"] = math.exp(found["loss"])
    return found


def final_metrics(data: Mapping[str, Any], objective: str | None) -> tuple[dict[str, float], dict[str, Any]]:
    """The final metrics that a trainer wrote; and how many examples were trained on, where they say so."""
    counts = [count for name in _EXAMPLES if isinstance(count := number(data.get(name)), int) and count > 0]
    plain = {f"eval_{name}": value for name, value in data.items() if split_of(name) is None and name not in _COURSE}
    found = measured(evaluation({**plain, **data}, ("validation", "test")), objective)
    return found, {"train_examples": counts[-1]} if counts else {}


def as_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics by the names of the record."""
    return {_FINAL.get(name, name): value for name, value in metrics.items()}


def _shifted(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps with the learning rates that they used, from a log that holds the one set after each."""
    found: dict[int, dict[str, Any]] = {}
    for line in steps:
        rest = {name: value for name, value in line.items() if name != "learning_rate"}
        found.setdefault(line["step"], {"step": line["step"]}).update(rest)
        if "learning_rate" in line:
            following = found.setdefault(line["step"] + 1, {"step": line["step"] + 1})
            following["learning_rate"] = line["learning_rate"]
    return [found[step] for step in sorted(found)]
