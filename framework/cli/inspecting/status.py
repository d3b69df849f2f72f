"""How it stands with the project, in one screen: what is stated, bound, planned, done, failed, drifted, and what comes
next. No checkpoint is read: `framework verify` does that."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from framework.cli.options import add_format, add_profile, add_selection, planned
from framework.cli.terminal import console
from framework.cli.terminal.states import STYLES
from framework.evidence.standing.run_state import State, Word
from framework.output.file_places import Places
from framework.output.report import coverage
from framework.planning.sharing import declared_runs, distinct_runs
from framework.planning.steps import Step
from framework.planning.tuned.best_of_grids import load
from framework.stages.overview import Overview, overview

HELP = "what is stated, bound, planned, done, failed, drifted, in one screen"

_MOST = 5
"""Rows of one kind in one screen."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_profile(parser)
    add_format(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")


def main(options: argparse.Namespace) -> int:
    experiment = load(options.manifest, options.profile)
    found = overview(experiment, lambda: planned(experiment, options, options.all))
    if options.format == "json":
        console.as_json(found.as_dict())
        return 0
    for title, lines in _parts(found):
        for number, line in enumerate(lines):
            console.out().print(f"[bold]{'' if number else title:9}[/] {line}")
    return 0


def _parts(found: Overview) -> Iterator[tuple[str, list[str]]]:
    from rich.markup import escape

    experiment = found.experiment
    title = experiment.stated.paper.title if experiment.stated.paper else None
    under = f", profile {experiment.profile}" if experiment.profile else ""
    yield "manifest", [escape(f"{experiment.document.file}{under}" + (f": {title}" if title else ""))]
    yield "stated", [", ".join(_many(count, name) for name, count in found.stated.items())]
    yield "bound", list(_bound(found))
    if found.drifted:
        places = Places(experiment.root)
        yield "drifted", list(_some([escape(_drift(finding, places)) for finding in found.drifted], "framework check"))
    if found.states:
        yield from _runs(found)
    yield "searches", [escape(_search(row)) for row in found.searches]
    yield "next", [escape(found.next)]


def _runs(found: Overview) -> Iterator[tuple[str, list[str]]]:
    from rich.markup import escape

    declared, distinct = declared_runs(found.plan), distinct_runs(found.plan)
    same = "" if declared == distinct else f" ({distinct:,} different ones)"
    yield "planned", [f"{_many(len(found.states), 'steps')} of {_many(declared, 'declared runs')}{same}"]
    counts = [f"[{STYLES[word]}]{count:,} {word}[/]" for word, count in found.counts.items()]
    stale = [f"{len(found.stale):,} of other values: `framework gc` lists what no plan holds"] if found.stale else []
    yield "runs", [", ".join(counts), *stale]
    for word in (Word.RUNNING, Word.FAILED, Word.CUT_OFF, Word.DAMAGED):
        yield word, list(_some([escape(_step(step, state)) for step, state in found.of(word)], "framework plan"))


def _many(count: int, name: str) -> str:
    return (
        f"{count:,} {name[:-3] + 'ch' if name == 'searches' else name.removesuffix('s')}"
        if count == 1
        else f"{count:,} {name}"
    )


def _bound(found: Overview) -> Iterator[str]:
    if found.refused:
        yield f"[bold red]cannot be held:[/] {_escaped(found.refused[0])}" + (
            f" (and {len(found.refused) - 1} more)" if len(found.refused) > 1 else ""
        )
    elif found.checked is None:
        yield "no config file: `configs:` in the manifest binds them"
    else:
        counts = found.checked.summary()
        verdict = "[bold red]drifted[/]" if found.checked.failed else "[bold green]conforms[/]"
        yield f"{_many(counts['files'], 'config files')} by {_many(counts['bindings'], 'bindings')}, {coverage(counts)}"
        settled = ", ".join(f"{counts[name]} {name}" for name in ("conforms", "violated", "waived", "unverified"))
        yield f"{verdict}: of {_many(counts['clauses'], 'clauses')} {settled}"


def _escaped(text: object) -> str:
    from rich.markup import escape

    return escape(str(text))


def _drift(finding: object, places: Places) -> str:
    from framework.conformance import Finding

    assert isinstance(finding, Finding)
    where = f"{finding.location}: " if finding.location else ""
    return f"{where}{finding.code} {finding.message}"


def _step(step: Step, state: State) -> str:
    return f"{step.label}: {state.why}" if state.why else step.label


def _search(row: dict[str, object]) -> str:
    named = " · ".join(str(row[name]) for name in ("search", "variant", "task", "model") if row[name])
    return f"{named}: {row['progress']}, {'chosen' if row['chosen'] else 'not chosen yet'}"


def _some(lines: Iterable[str], command: str) -> Iterator[str]:
    """The first lines, and where the others are."""
    kept = list(lines)
    yield from kept[:_MOST]
    if len(kept) > _MOST:
        yield f"and {len(kept) - _MOST:,} more: `{command}` lists them"
