"""The clauses that a training states: its files' facts in the manifest's terms, each with all that is said about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from framework.conformance.meaning import same
from framework.drafting.fitting_values import fits
from framework.drafting.stated import Evidence, Facts, Stating
from framework.drafting.trainings import Training

Clauses = dict[str, list[Evidence]]
"""By a clause's path below its phase: what is taken first, then what else is said."""
_PLAIN = (
    "optimizer.name", "optimizer.learning_rate", "optimizer.weight_decay", "optimizer.eps", "optimizer.momentum",
    "schedule.name", "schedule.min_learning_rate", "sequence_length", "max_grad_norm", "precision", "dataset",
    "adapter.lora.rank", "adapter.lora.alpha", "adapter.lora.dropout", "adapter.lora.targets",
)  # fmt: skip
_STOPPING = ("early_stopping.metric", "early_stopping.patience", "early_stopping.min_delta")
_WARMUPS = ("schedule.warmup.ratio", "schedule.warmup.steps", "schedule.warmup.epochs")


def clauses_of(training: Training, beside: Sequence[Stating], count: int) -> Clauses:
    """What the files of a training state; those of defaults only where no other does."""
    files = (training.main, *training.companions, *beside)
    counts = [each.project["hardware.count"].value for each in files if "hardware.count" in each.project]
    count = next((int(value) for value in counts if fits("hardware.count", value)), count)
    sources = [(training.facts, training.main.defaults)]
    sources += [(each.facts, each.defaults) for each in (*training.companions, *beside)]
    found = _clauses(sources, count)
    for each in training.defaults:
        for clause, evidence in _clauses([(each.facts, {})], count).items():
            others = each.also.get(clause, set())
            if clause in found or excluded(clause, found) or (others | {clause}) & {*found, *training.main.unknown}:
                continue
            found[clause] = [replace(one, explicit=True) for one in evidence]
    return {clause: found[clause] for clause in sorted(found, key=_order)}


def clauses_beside(beside: Iterable[Stating], count: int) -> Clauses:
    """What the files state that go beside several trainings."""
    return _clauses([(each.facts, each.defaults) for each in beside], count)


def excluded(clause: str, found: Clauses) -> bool:
    """Whether a manifest that states some clauses has no place for another: a second length, a part of a setting."""
    lengths = {"epochs", "max_steps"}
    if clause in lengths and (lengths - {clause}) & found.keys():
        return True
    return any(one.startswith(f"{clause}.") or clause.startswith(f"{one}.") for one in found)


def _order(clause: str) -> tuple[int, str]:
    """As people state them: the dataset, the optimizer, the schedule, the batch, the length, and what is left."""
    sections = (
        "dataset",
        "optimizer",
        "schedule",
        "batch_size",
        "epochs",
        "max_steps",
        "sequence_length",
        "max_grad_norm",
    )
    section = clause.partition(".")[0]
    return (sections.index(section) if section in sections else len(sections) + (section == "settings"), "")


def _clauses(sources: list[tuple[Facts, Facts]], count: int) -> Clauses:
    facts: dict[str, list[Evidence]] = {}
    for own, _ in sources:
        for fact, evidence in own.items():
            facts.setdefault(fact, []).append(evidence)
    assumed: Facts = {}
    for _, defaults in sources:
        for fact, evidence in defaults.items():
            assumed.setdefault(fact, evidence)
    found: Clauses = {fact: facts[fact] for fact in _PLAIN if fact in facts}
    if "adapter.lora.rank" in found and "adapter.lora.alpha" not in found and "adapter.lora.alpha" in assumed:
        found["adapter.lora.alpha"] = [assumed["adapter.lora.alpha"]]
    if betas := _betas(facts, assumed):
        found["optimizer.betas"] = betas
    warmups = [replace(each, value=_duration(unit, each.value)) for unit in _WARMUPS for each in facts.get(unit, ())]
    if warmups:
        found["schedule.warmup"] = warmups
    if batch := _batch(facts, assumed, count):
        found["batch_size"] = batch
    for length in ("epochs", "max_steps"):
        if length in facts and not excluded(length, found):
            found[length] = facts[length]
    if "early_stopping.patience" in facts:
        found.update({fact: facts[fact] for fact in _STOPPING if fact in facts})
    found.update({fact: each for fact, each in facts.items() if fact.startswith(("settings.", "optimizers."))})
    return found


def _betas(facts: dict[str, list[Evidence]], assumed: Facts) -> list[Evidence]:
    if "optimizer.betas" in facts:
        return facts["optimizer.betas"]
    names = [f"optimizer.betas[{index}]" for index in (0, 1)]
    pair = [facts.get(name, [assumed[name]] if name in assumed else []) for name in names]
    if not all(pair) or not any(each[0].line for each in pair):
        return []
    stated = next(each[0] for each in pair if each[0].line)
    note = ", ".join(each[0].where for each in pair if each[0] is not stated)
    return [replace(stated, value=[each[0].value for each in pair], note=f"and {note}")]


def _duration(unit: str, value: float) -> str:
    if unit.endswith("ratio"):
        return f"{100 * value:.10f}".rstrip("0").rstrip(".") + "%"
    return f"{value:g} epochs" if unit.endswith("epochs") else f"{value:.0f} steps"


def _batch(facts: dict[str, list[Evidence]], assumed: Facts, count: int) -> list[Evidence]:
    """The whole batch: stated, or micro batch x accumulation x processes."""
    if "batch_size" in facts:
        return facts["batch_size"]
    if "batch_size.micro" in facts:
        found = []
        for each in facts["batch_size.micro"]:
            folds = facts.get("batch_size.accumulation") or [
                one for one in [assumed.get("batch_size.accumulation")] if one is not None
            ]
            fold = folds[0].value if folds and fits("batch_size.accumulation", folds[0].value) else 1
            note = f"micro batch {each.value} x accumulation {fold} x {count} process{'es' if count > 1 else ''}"
            found.append(replace(each, value=int(each.value * fold * count), note=note))
        return found
    return facts.get("?batch_size", []) if count == 1 else []


def rivals(evidence: list[Evidence]) -> list[Evidence]:
    """What says something else than what is taken: the first of each other value."""
    found: list[Evidence] = []
    for each in evidence[1:]:
        if not any(same(one.value, each.value) for one in (evidence[0], *found)):
            found.append(each)
    return found
