"""A phase of the draft: optimizer, schedule, batch and length, from what files and trainers' defaults say."""

from __future__ import annotations

import math
from typing import Any

from framework.dialects.terms import words
from framework.drafting.leaves import TODO, Leaf, Tree, chosen
from framework.drafting.stated import Evidence, Gathered

_NAMES = {
    "optimizer.name": ("adamw", "adam", "sgd"),
    "schedule.name": ("constant", "linear", "cosine"),
    "precision": ("fp32", "bf16", "fp16"),
    "early_stopping.metric": ("loss", "perplexity", "accuracy", "f1"),
}
_COUNTS = frozenset(
    words(
        "batch_size batch_size.micro batch_size.accumulation max_steps sequence_length early_stopping.patience"
        " adapter.lora.rank hardware.count model.layers model.hidden model.state model.expand model.heads"
        " model.key_value_heads model.intermediate model.experts model.experts_per_token model.positions"
        " model.vocabulary"
    )
)
_SHARES = frozenset(
    words("share optimizer.momentum optimizer.betas[0] optimizer.betas[1] schedule.warmup.ratio adapter.lora.dropout")
)
_FROM_ZERO = frozenset(words("optimizer.weight_decay schedule.min_learning_rate"))
GLUE = frozenset(words("cola mnli mrpc qnli qqp rte sst2 stsb wnli"))
"""Names of tasks that say which dataset they are."""


def phase_of(gathered: Gathered, name: str, datasets: Tree) -> Tree:
    """One phase, with all that a manifest needs of it."""
    facts, tasks = gathered.phases[name], gathered.tasks.get(name, {})
    classifies = bool(tasks) and set(tasks) <= GLUE
    objective = "classification" if classifies else "causal_lm"
    phase: Tree = {
        "objective": Leaf(objective, "by the tasks' names" if classifies else "TODO: classification, if it is that")
    }
    if tasks:
        phase["tasks"] = {task: _task(own) for task, own in tasks.items()}
    else:
        phase["dataset"] = Leaf(next(each for each in datasets if each not in tasks_of(gathered)))
    phase["optimizer"] = _optimizer(facts)
    if schedule := _schedule(facts):
        phase["schedule"] = schedule
    phase["batch_size"] = _batch(gathered, facts)
    if not any("epochs" in own for own in tasks.values()):
        phase.update(length_of(facts))
    for fact in ("sequence_length", "max_grad_norm", "precision"):
        if found := fitting(fact, facts.get(fact)):
            phase[fact] = chosen(found)
    if patience := fitting("early_stopping.patience", facts.get("early_stopping.patience")):
        metric = fitting("early_stopping.metric", facts.get("early_stopping.metric"))
        phase["early_stopping"] = {
            "metric": chosen(metric) if metric else Leaf("loss", TODO),
            "patience": chosen(patience),
        }
    return phase


def _task(facts: dict[str, list[Evidence]]) -> Tree:
    held = {fact.removeprefix("optimizer."): fitting(fact, found) for fact, found in facts.items()}
    return {name: chosen(found) for name, found in held.items() if found}


def fitting(fact: str, evidence: list[Evidence] | None) -> list[Evidence]:
    """The evidence whose values the manifest can hold: no optimizer that it has no name for, no negative count."""
    return [each for each in evidence or () if _fits(fact, each.value)]


def _fits(fact: str, value: Any) -> bool:
    if fact in _NAMES:
        return value in _NAMES[fact]
    if fact == "optimizer.betas":
        return isinstance(value, list) and len(value) == 2 and all(_fits("share", item) for item in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return False
    if fact in _COUNTS or fact == "schedule.warmup.steps":
        return isinstance(value, int) and value >= (fact in _COUNTS)
    if fact.startswith("model."):
        return False
    if fact in _SHARES:
        return 0 <= value < 1
    return value >= 0 if fact in _FROM_ZERO else value > 0


def assumed_or_stated(facts: dict[str, list[Evidence]], fact: str) -> list[Evidence]:
    """What files state of a fact; if none does, what their trainers take."""
    return fitting(fact, facts.get(fact)) or fitting(fact, facts.get(f"={fact}"))


def _optimizer(facts: dict[str, list[Evidence]]) -> Tree:
    found: Tree = {}
    if names := fitting("optimizer.name", facts.get("optimizer.name")):
        found["name"] = chosen(names)
    rates = assumed_or_stated(facts, "optimizer.learning_rate")
    found["learning_rate"] = chosen(rates) if rates else Leaf(1e-3, f"{TODO}; the manifest needs one")
    for key in ("weight_decay", "eps", "momentum"):
        if held := fitting(f"optimizer.{key}", facts.get(f"optimizer.{key}")):
            found[key] = chosen(held)
    if betas := fitting("optimizer.betas", facts.get("optimizer.betas")):
        found["betas"] = chosen(betas)
    else:
        pair = [assumed_or_stated(facts, f"optimizer.betas[{index}]") for index in (0, 1)]
        if all(pair) and any(each[0].line for each in pair):
            comment = ", ".join(chosen(each).comment for each in pair)
            found["betas"] = Leaf([chosen(each).value for each in pair], comment)
    return found


def _schedule(facts: dict[str, list[Evidence]]) -> Tree:
    found: Tree = {}
    if names := fitting("schedule.name", facts.get("schedule.name")):
        found["name"] = chosen(names)
    units = ("schedule.warmup.ratio", "schedule.warmup.steps")
    warmups = [
        Evidence(_duration(unit, each.value), each.file, each.line, each.note, each.home)
        for unit in units
        for each in fitting(unit, facts.get(unit))
    ]
    if warmups:
        found["warmup"] = chosen(warmups)
    if least := fitting("schedule.min_learning_rate", facts.get("schedule.min_learning_rate")):
        found["min_learning_rate"] = chosen(least)
    return found


def _duration(unit: str, value: float) -> str:
    return f"{value} steps" if unit.endswith("steps") else f"{100 * value:.10f}".rstrip("0").rstrip(".") + "%"


def length_of(facts: dict[str, list[Evidence]]) -> Tree:
    """Epochs, or steps where files state only those."""
    for fact in ("epochs", "max_steps"):
        if found := fitting(fact, facts.get(fact)):
            return {fact: chosen(found)}
    assumed = fitting("epochs", facts.get("=epochs"))
    return {"epochs": chosen(assumed) if assumed else Leaf(1, f"{TODO}; the manifest needs one")}


def _batch(gathered: Gathered, facts: dict[str, list[Evidence]]) -> Leaf:
    """The whole batch of each file: stated, or micro batch x accumulation x processes."""
    counts = counts_of(gathered)
    count = chosen(counts).value if counts else 1
    sizes = whole = fitting("batch_size", facts.get("batch_size"))
    folds = {each.file: each.value for each in assumed_or_stated(facts, "batch_size.accumulation")}
    if not whole:
        sizes = [
            Evidence(each.value * folds.get(each.file, 1) * count, each.file, each.line, each.note, each.home)
            for each in assumed_or_stated(facts, "batch_size.micro")
        ]
    if sizes:
        leaf = chosen(sizes)
        return leaf if whole else Leaf(leaf.value, f"{leaf.comment} (micro batch x accumulation x {count} processes)")
    if doubtful := fitting("batch_size", facts.get("?batch_size")):
        leaf = chosen(doubtful)
        if folds or count > 1:
            return Leaf(leaf.value, f"{leaf.comment}; TODO: if that is the whole batch, not one device's")
        return leaf
    return Leaf(1, f"{TODO}; the manifest needs one")


def tasks_of(gathered: Gathered) -> set[str]:
    """The tasks of all phases."""
    return {task for tasks in gathered.tasks.values() for task in tasks}


def counts_of(gathered: Gathered) -> list[Evidence]:
    """The processes that files state, or that follow from their batches."""
    found = gathered.project.get("hardware.count|batch_size.processes", []) + gathered.project.get("hardware.count", [])
    return fitting("hardware.count", found) or _divided(gathered)


def _divided(gathered: Gathered) -> list[Evidence]:
    """The processes of a file that states the whole batch, the micro batch and the accumulation."""
    found: list[Evidence] = []
    for facts in gathered.phases.values():
        for whole in facts.get("batch_size", []):
            parts = [facts.get(f"batch_size.{part}", []) for part in ("micro", "accumulation")]
            own = [each.value for part in parts for each in part if each.file == whole.file]
            if len(own) == 2 and all(isinstance(value, int) and value > 0 for value in (whole.value, *own)):
                count, rest = divmod(whole.value, own[0] * own[1])
                note = "the whole batch, divided by micro batch x accumulation"
                found += [Evidence(count, whole.file, whole.line, note)] if count > 1 and not rest else []
    return found
