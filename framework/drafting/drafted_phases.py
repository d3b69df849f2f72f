"""A phase of the draft: what its trainings state, each clause once, with what the others of them say."""

from __future__ import annotations

from framework.conformance.meaning import same
from framework.drafting.alternatives import Split
from framework.drafting.clauses_of_trainings import Clauses
from framework.drafting.fitting_values import fits
from framework.drafting.leaves import Tree, first_stated, put, remark_on
from framework.drafting.stated import Evidence, Facts
from framework.drafting.trainings import Arranged, Training
from framework.manifest.sections.phases import LENGTHS
from framework.names import parse_path

ADAPTER = "adapter."
"""What is a variant's step's, and no phase's."""


def drafted_phase(trainings: list[Training], clauses: Split) -> Tree:
    """One phase, as far as files state it: what all its trainings say, and what each task has of its own."""
    made: Tree = {}
    tasks = _tasks(trainings)
    by_task = {clause for facts in tasks.values() for clause in facts}
    for clause, evidence in clauses.shared.items():
        if not clause.startswith(ADAPTER) and not (clause in LENGTHS and by_task & set(LENGTHS)):
            put(made, parse_path(clause), first_stated(evidence))
    if clauses.kind == "tasks":
        for task, own in clauses.own.items():
            tasks.setdefault(task, {}).update({clause: each for clause, each in own.items() if clause != "dataset"})
    if tasks:
        made["tasks"] = {task: _task(facts, clauses.own.get(task, {})) for task, facts in tasks.items()}
    for clause, evidence in clauses.differing.items():
        made[f"# {clause}"] = remark_on(clause, evidence)
    return made


def _tasks(trainings: list[Training]) -> dict[str, dict[str, list[Evidence]]]:
    """What the trainings of a phase say of each task."""
    found: dict[str, dict[str, list[Evidence]]] = {}
    for training in trainings:
        for task, facts in training.tasks.items():
            for fact, evidence in facts.items():
                if fits(fact, evidence.value) or fact.startswith("settings."):
                    found.setdefault(task, {}).setdefault(fact, []).append(evidence)
    return found


def _task(facts: dict[str, list[Evidence]], own: Clauses) -> Tree:
    made: Tree = {"dataset": first_stated(own["dataset"])} if "dataset" in own else {}
    for fact, evidence in facts.items():
        if not fact.startswith(ADAPTER):
            put(made, parse_path(in_task(fact)), first_stated(evidence))
    return made


def in_task(clause: str) -> str:
    """A phase's clause as a task has it."""
    return "learning_rate" if clause == "optimizer.learning_rate" else clause


def adapter_of(clauses: Clauses) -> Tree | None:
    """The LoRA of a phase, if a file states its rank and what it is scaled by."""
    rank, alpha = (clauses.get(f"{ADAPTER}lora.{name}") for name in ("rank", "alpha"))
    if not rank or not alpha:
        return None
    lora: Tree = {"rank": first_stated(rank), "alpha": first_stated(alpha)}
    for name in ("dropout", "targets"):
        if evidence := clauses.get(f"adapter.lora.{name}"):
            lora[name] = first_stated(evidence)
    return lora


def counts_of(arranged: Arranged) -> list[Evidence]:
    """The processes of the experiment: those that each training states, or that follow from its batches; what only some
    of several state is no statement about all."""
    found: list[Evidence] = []
    for phase, trainings in arranged.phases.items():
        for training in trainings:
            files = (training.main, *training.companions, *arranged.companions.get(phase, ()))
            own = [each.project["hardware.count"] for each in files if "hardware.count" in each.project]
            own = [each for each in own if fits("hardware.count", each.value)] or _divided(training.facts)
            if not own:
                return []
            found += [each for each in own if each not in found]
    return found


def _divided(facts: Facts) -> list[Evidence]:
    """The processes of a file that states the whole batch, the micro batch and the accumulation."""
    parts = [facts.get(name) for name in ("batch_size", "batch_size.micro", "batch_size.accumulation")]
    known = [each for each in parts if each is not None and fits("batch_size", each.value)]
    if len(known) < len(parts):
        return []
    whole, micro, folds = known
    count, rest = divmod(int(whole.value), int(micro.value * folds.value))
    if rest or count <= 1:
        return []
    note = "the whole batch, divided by micro batch x accumulation"
    return [Evidence(count, whole.file, whole.line, whole.path, whole.home, note=note)]


def agreed(evidence: list[Evidence]) -> bool:
    """Whether all places state one value."""
    return all(same(each.value, evidence[0].value) for each in evidence[1:])
