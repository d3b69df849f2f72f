"""List the runs below `runs/`, one row each, in the state that they are in; the registry beside them is brought up to
date."""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from framework.cli.inspecting.named_runs import plan_under
from framework.cli.terminal import console
from framework.cli.terminal.states import STYLES
from framework.errors import FrameworkError, InputError
from framework.evidence.run_index import COLUMNS, Registry, row_of
from framework.evidence.standing.run_state import Word
from framework.evidence.store import Run, RunStore
from framework.manifest.experiment import Experiment
from framework.planning.tuned.best_of_grids import load
from framework.stages.run.run_states import Listed, listed

HELP = "list the runs and how they ended"
WHY = "why"
_SHOWN = tuple(word for word in Word if word is not Word.NOT_RUN)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        type=_word,
        metavar="STATE",
        help=f"only these (repeatable): {', '.join(_SHOWN)}",
    )
    parser.add_argument("--format", choices=("text", "json", "csv"), default="text", help="default: text")


def _word(text: str) -> Word:
    """A state by its name, its words parted by a space or a hyphen."""
    for word in _SHOWN:
        if text.replace("-", " ") == word:
            return word
    raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_SHOWN)}")


def main(options: argparse.Namespace) -> int:
    experiment = load(options.manifest)
    found = list(listed(RunStore(experiment.runs, listed=True), partial(plan_under, experiment)))
    _note(experiment, found)
    rows = [_row(each) for each in found if not options.status or each.state.word in options.status]
    unreadable = [f"{each.folder.name}/{each.state.why}" for each in found if each.record is None]
    if options.format == "json":
        console.as_json({"runs": rows, "unreadable": unreadable})
    elif options.format == "csv":
        _csv(rows)
    else:
        _table(rows)
    for problem in unreadable if options.format != "json" else ():
        print(f"not listed: {problem}", file=sys.stderr)
    return 0


def _note(experiment: Experiment, found: Sequence[Listed]) -> None:
    """Bring the registry up to date; a folder that cannot be written is no reason to list nothing."""
    if not experiment.runs.is_dir():
        return
    registry = Registry(experiment.runs)
    try:
        registry.rebuild(Run(each.folder, each.record) for each in found if each.record is not None)
    except (FrameworkError, OSError) as problem:
        said = problem.problems[0].message if isinstance(problem, InputError) else str(problem)
        console.note(f"the registry stays as it is: {said}")
    finally:
        registry.close()


def _row(found: Listed) -> dict[str, Any]:
    """The registry's row, with the state in the place of what the record says, and the variant's name of today."""
    nothing: dict[str, Any] = {name: {} if name in ("metrics", "sparsity") else None for name in COLUMNS}
    row = nothing if found.record is None else row_of(found.record, found.folder)
    today = {} if found.step is None else {"variant": found.step.variant}
    return {**row, "folder": found.folder.name, **today, "status": str(found.state.word), WHY: found.state.why}


def _csv(rows: list[dict[str, Any]]) -> None:
    """One column for each metric and each number of zeros that any run has."""
    flat = [_flat(row) for row in rows]
    own = [name for name in (*COLUMNS, WHY) if name not in ("metrics", "sparsity")]
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

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("status", "run", "profile", "seconds", "why"):
        table.add_column(title, justify="right" if title == "seconds" else "left")
    for row in rows:
        seconds = f"{row['seconds']:.1f}" if row["seconds"] is not None else "-"
        cells = (row["folder"], row["profile"] or "-", seconds, row[WHY])
        table.add_row(Text(row["status"], STYLES[Word(row["status"])]), *map(Text, cells))
    console.out().print(table)
    counts = Counter(row["status"] for row in rows)
    console.literal(f"{len(rows)} runs" + "".join(f", {counts[word]} {word}" for word in Word if counts[word]))
