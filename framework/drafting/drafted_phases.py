"""A phase of the draft: what its trainings state, each clause once, with what the others of them say."""

from __future__ import annotations

from framework.conformance.meaning import same
from framework.drafting.clauses_of_trainings import Clauses, clauses_of
from framework.drafting.fitting_values import fits
from framework.drafting.leaves import TODO, Leaf, Tree, first_stated, put
from framework.drafting.stated import Evidence, Facts
from framework.drafting.trainings import Arranged, Training
from framework.names import parse_path

_LENGTHS = frozenset(("epochs", "max_steps"))
ADAPTER = "adapter."
"""What is a variant's step's, and no phase's."""


def clauses_of_phase(arranged: Arranged, phase: str, count: int) -> Clauses:
    """What all trainings of a phase state, those of the first one first; what excludes one of its clauses is none."""
    found: Clauses = {}
    for training in arranged.phases[phase]:
        first = set(found)
        for clause, evidence in clauses_of(training, arranged.companions.get(phase, ()), count).items():
            if clause in _LENGTHS and clause not in found and _LENGTHS & first:
                continue
            if any(_inside(clause, other) for other in found):
                continue
            if clause in first:  # what only a default says is no other statement
                evidence = [each for each in evidence if each.file not in {one.name for one in training.defaults}]
            known = found.setdefault(clause, [])
            known += [each for each in evidence if each not in known]
    return found


def _inside(one: str, other: str) -> bool:
    """Whether one of two clauses stands below the other: a manifest has only one of them."""
    return one.startswith(f"{other}.") or other.startswith(f"{one}.")


def drafted_phase(arranged: Arranged, phase: str, clauses: Clauses, dataset: str | None) -> Tree:
    """One phase, as far as files state it."""
    made: Tree = {}
    tasks = _tasks(arranged.phases[phase])
    if dataset is not None and "dataset" not in clauses and not tasks:
        made["dataset"] = Leaf(dataset)
    by_task = {clause for facts in tasks.values() for clause in facts}
    for clause, evidence in clauses.items():
        if clause.startswith(ADAPTER) or (clause in _LENGTHS and by_task & _LENGTHS):
            continue
        put(made, parse_path(clause), first_stated(evidence))
    if tasks:
        made["tasks"] = {task: _task(facts) for task, facts in tasks.items()}
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


def _task(facts: dict[str, list[Evidence]]) -> Tree:
    made: Tree = {}
    for fact, evidence in facts.items():
        clause = "learning_rate" if fact == "optimizer.learning_rate" else fact
        put(made, parse_path(clause), first_stated(evidence))
    return made


def adapter_of(clauses: Clauses) -> Tree | None:
    """The LoRA of a phase, if a file states its rank."""
    rank = clauses.get("adapter.lora.rank")
    if not rank:
        return None
    alpha = clauses.get("adapter.lora.alpha")
    lora: Tree = {"rank": first_stated(rank), "alpha": first_stated(alpha) if alpha else Leaf(rank[0].value, TODO)}
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
