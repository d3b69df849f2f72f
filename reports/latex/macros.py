"""What the LaTeX document says: macros of clauses and results, tables, and a digest of the evidence behind them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from framework.errors import FrameworkError
from framework.manifest.clauses import shown
from framework.manifest.metrics import falls_in
from framework.stages.verify import VerifyResult
from reports.analysis.rows import study
from reports.analysis.run_groups import Group, groups
from reports.latex.escaping import escaped, number, plus_minus, value
from reports.latex.unique_names import file_names, macro_names
from reports.page.result_tables import mean_and_half

_ANY_TASK = "all"
"""The column of what was measured of no task."""


def macro_context(result: VerifyResult) -> dict[str, Any]:
    """The context of the macros' template."""
    experiment = result.experiment
    wanted: dict[str, tuple[str, ...]] = {}
    texts: dict[str, str] = {}
    for clause in experiment.clauses:
        wanted[clause.id] = ("stated", clause.id)
        texts[clause.id] = value(clause.effective)
    clauses = len(wanted)
    for group in averaged(result):
        for metric in group.metrics:
            for part, words in _parts(group, metric):
                key = f"{called(result, group, metric)} {part}".strip()
                wanted[key] = ("result", *_named_by(result, group, metric), part)
                texts[key] = words
    names = macro_names(wanted)
    lines = [
        {"name": names[key], "of": _comment(key), "line": f"\\newcommand{{\\{names[key]}}}{{{texts[key]}}}"}
        for key in wanted
    ]
    return {**_header(result), "clauses": lines[:clauses], "results": lines[clauses:]}


def tables(result: VerifyResult) -> dict[str, dict[str, Any]]:
    """By file name: the context of each table's template. One of the clauses of each phase, one of each model's
    metric over its tasks."""
    found: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {}
    for phase in result.experiment.manifest.phases:
        found[f"phases {phase}"] = (("setup", phase), _setup_table(result, phase))
    members = averaged(result)
    for model in dict.fromkeys(group.first.model for group in members):
        own = [group for group in members if group.first.model == model]
        for metric in dict.fromkeys(name for group in own for name in group.metrics):
            found[f"results {model} {metric}"] = (("results", model, metric), _result_table(result, own, metric))
    names = file_names({key: words for key, (words, _) in found.items()})
    return {f"{names[key]}.tex": {**_header(result), **context} for key, (_, context) in found.items()}


def evidence_digest(result: VerifyResult) -> str:
    """SHA-256 of what is said: each clause's value, and of each run that counts its key and all that it measured."""
    runs = [
        [each.run.record.key, each.run.record.metrics, each.run.record.measurements]
        for each in result.steps
        if each.run is not None and each.counts
    ]
    clauses = [[each.id, shown(each.effective)] for each in result.experiment.clauses]
    said = [json.dumps(each, sort_keys=True, ensure_ascii=False) for each in (*clauses, *runs)]
    return hashlib.sha256("\n".join(sorted(said)).encode()).hexdigest()


def averaged(result: VerifyResult) -> list[Group]:
    """The results over seeds; none where nothing is there to average, or to average with."""
    try:
        return groups(study(result.experiment, result.plan).rows)
    except (FrameworkError, ImportError):
        return []


def called(result: VerifyResult, group: Group, metric: str) -> str:
    """A result in the language of claims, and of which model where there are several."""
    model, task = (f" of {group.first.model}" if _several(result) else ""), group.first.task
    return f"{metric}({group.first.variant}{f', {task}' if task else ''}){model}"


def _several(result: VerifyResult) -> bool:
    return len(result.experiment.manifest.models) > 1


def _named_by(result: VerifyResult, group: Group, metric: str) -> tuple[str, ...]:
    row = group.first
    return metric, row.variant, row.task or "", *(("of", row.model) if _several(result) else ())


def _parts(group: Group, metric: str) -> Iterator[tuple[str, str]]:
    """What of a result has a macro: its mean, that with its interval, the ends of it, and over how many runs."""
    found = group.metrics[metric]
    mean, half = mean_and_half(found)
    yield "", number(mean)
    yield "Runs", str(found.n)
    if half is None or found.low is None or found.high is None:
        return
    yield "Interval", plus_minus(mean, half)
    places = len(mean.partition(".")[2])
    yield "Low", number(f"{found.low:.{places}f}")
    yield "High", number(f"{found.high:.{places}f}")


def _header(result: VerifyResult) -> dict[str, Any]:
    experiment = result.experiment
    return {
        "source": _comment(experiment.path.name),
        "profile": _comment(experiment.profile or ""),
        "evidence": evidence_digest(result),
        "finished": result.finished,
        "planned": result.planned,
    }


def _comment(text: str) -> str:
    """A text that ends no comment."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _setup_table(result: VerifyResult, phase: str) -> dict[str, Any]:
    own = [each for each in result.experiment.clauses if each.path[:2] == ("phases", phase)]
    rows = [[escaped(each.id.removeprefix("phases.").partition(".")[2]), value(each.effective)] for each in own]
    return _table(f"phases.{phase}", "ll", [[["Setting", 1], ["Value", 1]]], rows)


def _result_table(result: VerifyResult, own: Sequence[Group], metric: str) -> dict[str, Any]:
    """A row for each variant, a column for each task, and over how many runs each row's means are."""
    tasks = list(dict.fromkeys(group.first.task for group in own if metric in group.metrics))
    found = {(group.first.variant, group.first.task): group.metrics.get(metric) for group in own}
    rows = []
    for variant in dict.fromkeys(variant for variant, _ in found):
        cells = [found.get((variant, task)) for task in tasks]
        runs = sorted({cell.n for cell in cells if cell is not None})
        if runs:
            means = [plus_minus(*mean_and_half(cell)) if cell is not None else "---" for cell in cells]
            rows.append([escaped(variant), *means, "--".join(map(str, dict.fromkeys((runs[0], runs[-1]))))])
    arrow = r"$\downarrow$" if falls_in(result.experiment.stated, metric) else r"$\uparrow$"
    title = f"{escaped(metric.replace('_', ' '))} {arrow}"
    head: list[list[list[Any]]] = [[["", 1], [title, len(tasks)], ["", 1]]]
    if tasks != [None]:
        head.append([["Variant", 1], *([escaped(task or _ANY_TASK), 1] for task in tasks), ["$n$", 1]])
    else:
        head = [[["Variant", 1], [title, 1], ["$n$", 1]]]
    of = f"{metric} of {own[0].first.model}, mean and 95% t interval over runs"
    return _table(of, "l" + "c" * len(tasks) + "r", head, rows)


def _table(of: str, columns: str, head: list[list[list[Any]]], rows: list[list[str]]) -> dict[str, Any]:
    """The context of a table: its lines as LaTeX. A title is what it says, and over how many columns."""
    titles = []
    for line in head:
        cells = [text if width == 1 else f"\\multicolumn{{{width}}}{{c}}{{{text}}}" for text, width in line]
        titles.append(" & ".join(cells) + r" \\")
        titles += [rf"\cmidrule(lr){{2-{width + 1}}}" for text, width in line if width > 1]
    return {
        "of": _comment(of),
        "begin": f"\\begin{{tabular}}{{{columns}}}",
        "head": titles,
        "rows": [" & ".join(row) + r" \\" for row in rows],
    }
