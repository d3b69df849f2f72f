"""Compare two variants, or two runs: the settings that differ, and each metric with the test that its seeds allow."""

from __future__ import annotations

import argparse
from typing import Any

from framework.cli.inspecting.named_runs import run_named
from framework.cli.options import add_format, add_profile
from framework.cli.terminal import console
from framework.conformance.meaning import said
from framework.errors import UsageError
from framework.evidence.store import RunStore
from framework.isolation import own
from framework.manifest.experiment import Experiment
from framework.names import did_you_mean
from framework.planning.build import build
from framework.planning.tuned.best_of_grids import load
from framework.stages.comparison import Compared, HasMetrics, compared, settings_that_differ
from framework.stages.differences import Difference, between_runs

HELP = "compare two variants or runs: settings that differ, metrics with a test"

_RESULTS = "metrics"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("one", metavar="A", help="a variant, or a run folder below runs/")
    parser.add_argument("other", metavar="B", help="the same")
    parser.add_argument("--metric", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
    add_profile(parser)
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    experiment = load(options.manifest, options.profile)
    variants = experiment.manifest.variants
    if options.one in variants and options.other in variants:
        settings, results, missing = _variants(experiment, options.one, options.other)
    else:
        settings, results, missing = _runs(experiment, options.one, options.other)
    if options.metric:
        results = _chosen(results, options.metric)
    if options.format == "json":
        console.as_json(
            {
                "settings": [each.as_dict() for each in settings],
                "metrics": [each.as_dict() for each in results],
                "unfinished": missing,
            }
        )
    else:
        _show(options.one, options.other, settings, results, missing)
    return 0


def _variants(experiment: Experiment, one: str, other: str) -> tuple[list[Difference], list[Compared], int]:
    plan = build(experiment, [one, other])
    found = own("reports.analysis.rows").study(experiment, plan, list(dict.fromkeys([one, other])))
    sides: tuple[list[HasMetrics], ...] = tuple(
        [row for row in found.rows if row.variant == name] for name in (one, other)
    )
    return settings_that_differ(plan, one, other), list(compared(*sides)), found.missing


def _runs(experiment: Experiment, one: str, other: str) -> tuple[list[Difference], list[Compared], int]:
    store = RunStore(experiment.runs)
    try:
        records = [run_named(store, name).record for name in (one, other)]
    except UsageError as problem:
        variants = experiment.manifest.variants
        unknown = next(name for name in (one, other) if name not in variants)
        raise UsageError(f"{unknown!r} is no variant ({did_you_mean(unknown, variants)}), and {problem}") from None
    settings = [each for each in between_runs(*records) if not each.path.startswith(f"{_RESULTS}.")]
    return (
        settings,
        list(compared([records[0]], [_as(records[1], records[0])])),
        sum(r.status != "done" for r in records),
    )


def _as(record: Any, like: Any) -> Any:
    """A run's results beside those of another, whatever model, task and seed each is of."""
    from dataclasses import replace

    return replace(record, model=like.model, task=like.task, seed=like.seed)


def _chosen(results: list[Compared], names: list[str]) -> list[Compared]:
    known = dict.fromkeys(each.metric for each in results)
    for name in names:
        if name not in known:
            raise UsageError(f"both sides have no metric {name!r}: {did_you_mean(name, known)}")
    return [each for each in results if each.metric in names]


def _show(one: str, other: str, settings: list[Difference], results: list[Compared], missing: int) -> None:
    from rich.table import Table
    from rich.text import Text

    differ = "1 setting differs" if len(settings) == 1 else f"{len(settings)} settings differ"
    console.text(f"[bold]{differ if settings else 'the same settings'}[/]")
    if settings:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("setting", one, other):
            table.add_column(Text(title), overflow="fold")
        for each in settings:
            table.add_row(Text(each.path), Text(said(each.one)), Text(said(each.other)))
        console.out().print(table)
    console.text()
    if results:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("metric", one, other, "difference", "n", "test"):
            table.add_column(Text(title), justify="left" if title in ("metric", "test") else "right", overflow="fold")
        for row in results:
            place = " · ".join(part for part in (row.metric, row.task, row.model) if part)
            table.add_row(
                Text(place), *map(Text, (_mean(row.one), _mean(row.other), _difference(row), _n(row), _test(row)))
            )
        console.out().print(table)
    else:
        console.text("no metric that both have")
    if missing:
        console.text(f"{missing} declared {'run is' if missing == 1 else 'runs are'} not finished")


def _mean(values: tuple[float, ...]) -> str:
    return f"{sum(values) / len(values):.5g}"


def _difference(row: Compared) -> str:
    found = f"{row.difference:+.4g}"
    return found if row.interval is None else f"{found} [{row.interval.low:+.3g}, {row.interval.high:+.3g}]"


def _n(row: Compared) -> str:
    return f"{len(row.one)} pairs" if row.paired and len(row.one) > 1 else f"{len(row.one)}/{len(row.other)}"


def _test(row: Compared) -> str:
    if row.test is None:
        return "none: one pair" if row.paired else "none: too few"
    least = f", at least {row.test.attainable:.2g} with so few" if row.test.powerless else ""
    return f"p {row.test.p:.2g}{least} ({row.test.method})"
