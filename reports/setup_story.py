"""What a careful author tells around the tables: in short, why, how the variants come about, what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from framework.evidence.standing.run_state import Word
from framework.manifest.clauses import shown
from framework.manifest.experiment import Experiment
from framework.manifest.sections.grids import grid_of
from framework.manifest.sections.variants import lineage
from framework.names import find_path
from framework.stages.verify import VerifyResult
from reports.compliance import claims_of
from reports.page.result_tables import result_tables

_ANSWERS = {"conforms": "supported", "violated": "refuted"}


def story_context(result: VerifyResult) -> dict[str, Any]:
    """`summary` (sentences), `reasons`, `mermaid`, `results`, `answers` and `failures`."""
    answers = [_answer(each) for each in claims_of(result)]
    return {
        "summary": list(_summary(result, answers)),
        "reasons": list(_reasons(result.experiment)),
        "mermaid": list(mermaid(result.experiment)),
        "chosen": list(_chosen(result.experiment)),
        "results": result_tables(result),
        "answers": answers,
        "failures": [*_refuted(answers), *_failed(result)],
    }


def _answer(claim: dict[str, str]) -> dict[str, str]:
    """A claim with its answer in one word; under a profile it is one of that profile, and never the paper's."""
    there = re.search(r"\b(supported|refuted) there: (.*)", claim["reason"])
    word = _ANSWERS.get(claim["status"]) or (f"{there[1]} under this profile" if there else "open")
    return {**claim, "answer": word, "why": there[2] if there else claim["reason"]}


def _summary(result: VerifyResult, answers: list[dict[str, str]]) -> Iterator[str]:
    experiment, manifest = result.experiment, result.experiment.manifest
    written = [name for name in manifest.variants if grid_of(name, manifest.grids) is None]
    grids = len(manifest.variants) - len(written)
    compared = _count(len(written), "variant") + (
        f" and {_count(grids, 'point')} of {_count(len(manifest.grids), 'grid')}" if grids else ""
    )
    with_what = [_count(len(manifest.models), "model"), _count(len(manifest.datasets), "dataset")]
    yield f"The study compares {compared}, with {' and '.join(with_what)}, over {_count(len(manifest.seeds), 'seed')}."
    if frozen := experiment.stated.frozen:
        yield f"What no variant, grid or profile may change: {_listed([f'`{each}`' for each in frozen])}."
    yield f"Of {_count(result.planned, 'planned run')} {result.finished} are there."
    if answers:
        counts: dict[str, int] = {}
        for each in answers:
            counts[each["answer"]] = counts.get(each["answer"], 0) + 1
        yield f"Of {_count(len(answers), 'claim')} {_listed([f'{n} {word}' for word, n in counts.items()])}."


def _reasons(experiment: Experiment) -> Iterator[dict[str, str]]:
    """What the author gives a reason or a place for, in the order of the statement: clause, value, why, source."""
    paper = experiment.manifest.paper
    order = {clause.path: place for place, clause in enumerate(experiment.clauses)}
    names = dict.fromkeys((*paper.why, *paper.sources))
    places = {name: find_path(experiment.raw, name) or () for name in names}

    def first(name: str) -> int:
        path = places[name]
        return min((place for own, place in order.items() if own[: len(path)] == path), default=len(order))

    for name in sorted(names, key=first):
        clause = experiment.by_path.get(places[name])
        yield {
            "clause": name,
            "value": shown(clause.effective) if clause is not None else "",
            "why": paper.why.get(name, ""),
            "source": paper.sources.get(name, ""),
        }


def mermaid(experiment: Experiment) -> Iterator[str]:
    """The lines of a flow chart: what each variant starts from, and which grid decides a value of which variant. A
    grid is one node, however many variants it has."""
    for one, other, label in edges(experiment):
        arrow = f"-. {label} .->" if label else "-->"
        yield f"    {_node(one)} {arrow} {_node(other)}"


def edges(experiment: Experiment) -> list[tuple[str, str, str]]:
    """From what, to what, and for a value that is the best of a grid which one that is; each once."""
    manifest = experiment.manifest
    found: dict[tuple[str, str, str], None] = {}
    start = ", ".join(manifest.models) or "initial weights"
    for name in manifest.variants:
        line = lineage(manifest.variants, name)
        found[(_group(experiment, line[1]) if len(line) > 1 else start, _group(experiment, name), "")] = None
        for value in experiment.best.of_variant(name):
            inner = ".".join(str(part) for part in value.path[6 if value.path[2] == "steps" else 3 :])
            found[(_grid(experiment, value.grid), _group(experiment, name), f"best {inner}")] = None
    return list(found)


def _group(experiment: Experiment, variant: str) -> str:
    grid = grid_of(variant, experiment.manifest.grids)
    return variant if grid is None else _grid(experiment, grid)


def _grid(experiment: Experiment, grid: str) -> str:
    count = sum(name.startswith(f"{grid}/") for name in experiment.manifest.variants)
    return f"{grid}: {_count(count, 'point')}"


def _node(label: str) -> str:
    """An identifier that says the label: Mermaid takes few characters outside quotes."""
    name = re.sub(r"\W", lambda sign: f"_{ord(sign[0]):x}_", label)
    text = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'n_{name}["{text}"]'


def _chosen(experiment: Experiment) -> Iterator[str]:
    for each in {value.asked: value for value in experiment.best.values.values()}.values():
        if each.is_open:
            yield f"{each.reason[0].upper()}{each.reason[1:]}."
            continue
        among = _listed([f"{one['measured']:.4g} ({one['variant']})" for one in each.among])
        yield f"Of the grid {each.grid} the best by {each.metric} is {each.variant}, among {among}."


def _refuted(answers: list[dict[str, str]]) -> Iterator[str]:
    for each in answers:
        if each["answer"].startswith("refuted"):
            yield f"{each['id']}: {each['answer']}. {each['why']}"


def _failed(result: VerifyResult) -> Iterator[str]:
    for step, state in result.planned_states:
        if state.word in (Word.FAILED, Word.DAMAGED, Word.CUT_OFF):
            yield f"{step.label}: {state}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
