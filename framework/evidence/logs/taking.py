"""A log as the evidence of a run: its lines and evaluations by the record's names, and what it says of the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from framework.evidence.logs.bookkeeping import is_bookkeeping
from framework.evidence.logs.deriving import steps_done
from framework.evidence.logs.log import Log
from framework.evidence.logs.logged_names import COURSE, counted_examples, evaluation
from framework.manifest.hyperparameters import plain_metric, split_of
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.values.stated_metrics import PER_TOKEN, plain_unit, unit_of

_FINAL = {"loss": "validation_loss"}
"""Metrics that the record calls otherwise."""


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


def with_perplexity(phase: Phase, kind: str | None, unit: str | None) -> str | None:
    """The objective of a phase, by which perplexities are taken of losses; None where nothing says that a loss is per
    token, since of any other its exponential is none.

    Args:
        kind: Of which format the log is: a state of transformers' Trainer has the mean over the tokens.
        unit: What whoever declares the log says that its loss is counted in.
    """
    stated = plain_unit(unit) if unit is not None else None
    if stated is None and phase.metric is not None and plain_metric(str(phase.metric_name)) in ("loss", "perplexity"):
        stated = unit_of(phase.metric)
        if stated is None and plain_metric(str(phase.metric_name)) == "perplexity":
            stated = PER_TOKEN
    if stated is None and kind == "trainer state":
        stated = PER_TOKEN
    return phase.objective if stated == PER_TOKEN else None


def measured(entry: Mapping[str, Any], objective: str | None) -> dict[str, Any]:
    """An evaluation; a language model's perplexity is the exponential of its loss per token."""
    found = dict(entry)
    if objective == "causal_lm" and "loss" in found and "perplexity" not in found and found["loss"] < 700:
        found["perplexity"] = math.exp(found["loss"])
    return found


def final_metrics(data: Mapping[str, Any], objective: str | None) -> tuple[dict[str, float], dict[str, Any]]:
    """The final metrics that a trainer wrote; and how many examples were trained on, where they say so."""
    examples = counted_examples(data)
    plain = [name for name in data if split_of(name) is None and name not in COURSE and not is_bookkeeping(name)]
    unsplit = {f"eval_{name}": data[name] for name in plain}
    found = measured(evaluation({**unsplit, **data}, ("validation", "test")), objective)
    return found, {} if examples is None else {"train_examples": examples}


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
