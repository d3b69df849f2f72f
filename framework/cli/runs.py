"""List the runs below `runs/`, one row each, from their records; the registry beside them is brought up to date."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

from framework.cli.terminal import console
from framework.evidence.record import RunRecord
from framework.evidence.run_index import COLUMNS, Registry
from framework.evidence.store import Run, RunStore
from framework.manifest.loading import load
from framework.recording.recorded_runs import CUT_OFF, how_it_ended

HELP = "list the runs and how they ended"

_STATUSES = ("running", "done", "failed", CUT_OFF)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", action="append", default=[], choices=_STATUSES, help="only these (repeatable)")
    parser.add_argument("--format", choices=("text", "json", "csv"), default="text", help="default: text")


def main(options: argparse.Namespace) -> int:
    runs = load(options.manifest).runs
    rows = _rows(runs, set(options.status)) if runs.is_dir() else []
    unreadable = [str(problem) for problem in RunStore(runs).unreadable()] if runs.is_dir() else []
    if options.format == "json":
        console.as_json({"runs": rows, "unreadable": unreadable})
    elif options.format == "csv":
        _csv(rows)
    else:
        _table(rows)
    for problem in unreadable if options.format != "json" else ():
        print(f"not listed: {problem}", file=sys.stderr)
    return 0


def _rows(runs: Path, statuses: set[str]) -> list[dict[str, Any]]:
    registry = Registry(runs)
    registry.rebuild()
    rows = [_looked_after(runs, row) for row in registry.rows()]
    registry.close()
    return [row for row in rows if not statuses or row["status"] in statuses]


def _looked_after(runs: Path, row: dict[str, Any]) -> dict[str, Any]:
    """The row of a run, of which another may have become what its record says: its process is gone."""
    if row["status"] != "running":
        return row
    run = Run(runs / row["folder"], RunRecord.read(runs / row["folder"]))
    if (ended := how_it_ended(run)) != CUT_OFF:
        return row
    attempt = run.record.attempts[-1]
    return {**row, "status": ended, "error": f"process {attempt.get('process')} on {attempt.get('host')} is gone"}


def _csv(rows: list[dict[str, Any]]) -> None:
    """One column for each metric and each number of zeros that any run has."""
    flat = [_flat(row) for row in rows]
    own = [name for name in COLUMNS if name not in ("metrics", "sparsity")]
    further = sorted({name for row in flat for name in row} - set(own))
    writer = csv.DictWriter(sys.stdout, [*own, *further], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    nested = {f"{group}.{name}": value for group in ("metrics", "sparsity") for name, value in row[group].items()}
    return {**{name: value for name, value in row.items() if name not in ("metrics", "sparsity")}, **nested}


def _table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    styles = {"done": "green", "failed": "bold red", "running": "yellow", CUT_OFF: "bold red"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("status", "run", "profile", "seconds", "error"):
        table.add_column(title, justify="right" if title == "seconds" else "left")
    for row in rows:
        seconds = f"{row['seconds']:.1f}" if row["seconds"] is not None else "-"
        error = (row["error"] or "").partition("\n")[0]
        cells = (row["folder"], row["profile"] or "-", seconds, error)
        table.add_row(Text(row["status"], styles[row["status"]]), *map(Text, cells))
    console.out().print(table)
    counts = {status: sum(row["status"] == status for row in rows) for status in styles}
    console.literal(f"{len(rows)} runs" + "".join(f", {count} {name}" for name, count in counts.items() if count))
