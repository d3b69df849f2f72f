"""Write tables, figures and a summary of the finished runs: what each declared run gave, over seeds and sparsity."""

from __future__ import annotations

import argparse
from pathlib import Path

from framework.cli.options import add_profile, add_selection, selected
from framework.cli.terminal import console
from framework.isolation import own
from framework.planning.chosen_variants import matching_variants

HELP = "tables and figures of the finished runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_profile(parser)
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="draw and compare this one (repeatable)"
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="a CSV file of other numbers: metric, value, and what they are of"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where to write (default: analysis/ beside the documents)"
    )


def main(options: argparse.Namespace) -> int:
    experiment, plan = selected(options, all_variants=not options.variant)
    folder = options.output or own("reports.documents").folder(experiment) / "analysis"
    variants = matching_variants(experiment, options.variant)
    found = own("reports.analysis.rows").study(experiment, plan, variants)
    speeds = own("reports.analysis.throughput").throughput(experiment, plan, variants)
    written = own("reports.analysis.write").write(experiment, found, folder, options.metric, options.baseline, speeds)
    for path in written:
        console.literal(f"wrote {path}")
    if found.missing:
        console.note(f"{found.missing} of {found.missing + len(found.rows)} declared runs are not finished")
    return 0
