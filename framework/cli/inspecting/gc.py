"""List the runs that no plan of the manifest holds any more, and how much room they take; remove them when asked.

Kept whatever the manifest states: runs that others made, trials of searches, what is executed at this moment, what
other runs started from, and what cannot be read."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from framework.cli.inspecting.named_runs import plan_under, run_named
from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.errors import UsageError
from framework.evidence.store import RunStore
from framework.planning.tuned.best_of_grids import load
from framework.stages.run.current.unplanned import Unplanned, remove, unplanned

HELP = "list the runs that no plan holds any more, and remove them when asked"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="*", metavar="RUN", help="only these of them (default: all)")
    parser.add_argument("--remove", action="store_true", help="remove them for good; without it nothing is touched")
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    experiment = load(options.manifest)
    store = RunStore(experiment.runs, listed=True)
    found = list(unplanned(store, partial(plan_under, experiment)))
    if options.run:
        found = _chosen(store, found, options.run)
    told = {each.folder.name: remove(each) if options.remove else None for each in found}
    left = {name: problem for name, problem in told.items() if problem is not None}
    if options.format == "json":
        rows = [_row(each, options.remove and each.folder.name not in left) for each in found]
        console.as_json({"runs": rows, "bytes": sum(each.bytes for each in found)})
    else:
        _show(found, options.remove, set(left))
    for problem in left.values():
        print(f"not removed: {problem.message}", file=sys.stderr)
    return 1 if left else 0


def _chosen(store: RunStore, found: list[Unplanned], names: list[str]) -> list[Unplanned]:
    """Those that are named; a run that is still needed is refused, not left out in silence."""
    by_name = {each.folder.name: each for each in found}
    wanted = {name if name in by_name else run_named(store, name).folder.name for name in names}
    if needed := sorted(wanted - by_name.keys()):
        raise UsageError(
            f"still needed, or nobody's to remove: {', '.join(needed)}; `framework runs` says what they are"
        )
    return [each for name, each in by_name.items() if name in wanted]


def _row(each: Unplanned, removed: bool) -> dict[str, Any]:
    return {
        "folder": each.folder.name,
        "key": each.record.key if each.record else None,
        "why": each.why,
        "bytes": each.bytes,
        "removed": removed,
    }


def _show(found: list[Unplanned], removing: bool, left: set[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not found:
        console.text("nothing to remove: every run is held by a plan, or needed by one that is")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("run", "MB", "why"):
        table.add_column(title, justify="right" if title == "MB" else "left")
    for each in sorted(found, key=lambda each: -each.bytes):
        table.add_row(Text(each.folder.name), f"{each.bytes / 1e6:,.1f}", Text(each.why))
    console.out().print(table)
    gone = [each for each in found if each.folder.name not in left] if removing else []
    size = sum(each.bytes for each in gone or found) / 1e6
    runs = "run" if len(gone or found) == 1 else "runs"
    if gone:
        console.text(f"{len(gone)} {runs} removed, {size:,.1f} MB")
    elif not removing:
        console.text(f"{len(found)} {runs} that no plan holds, {size:,.1f} MB; `framework gc --remove` removes them")
