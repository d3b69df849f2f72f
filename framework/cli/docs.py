"""Render the documents from the manifest and the evidence, or tell which are stale."""

from __future__ import annotations

import argparse
from pathlib import Path

from framework.cli.options import add_profile, add_selection, add_set, loaded, planned
from framework.cli.terminal import console
from framework.errors import UsageError
from framework.isolation import own
from framework.stages.verify import VerifyResult, verify

HELP = "render the documents, or tell which are stale"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "document",
        nargs="*",
        metavar="DOCUMENT",
        help="setup, compliance, report, data, memo, latex, cards (default: all; the last two where they lie already)",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when a document is stale or missing"
    )
    parser.add_argument(
        "--pdf",
        action="store_true",
        help="also REPORT.pdf, printed by a Chromium or Chrome that is there, and each figure as SVG, PDF and PNG",
    )
    add_selection(parser)
    add_profile(parser)
    add_set(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")


def _printed(result: VerifyResult) -> None:
    """What is made for readers on paper, and checked by nobody: another browser's PDF has other bytes.

    Raises:
        UsageError: there is no browser that prints; the figures are written.
    """
    documents, printing = own("reports.documents"), own("reports.printing")
    folder = documents.folder(result.experiment)
    written = list(printing.write_figures(result, folder))
    if written:
        console.literal(
            f"wrote {len(written)} files of {len(written) // 3} figures to {_short(result, written[0].parent)}"
        )
    console.literal(f"wrote {_short(result, printing.print_report(folder / documents.REPORT))}")


def _short(result: VerifyResult, path: Path) -> str:
    return path.relative_to(result.experiment.root).as_posix()


def main(options: argparse.Namespace) -> int:
    documents = own("reports.documents")
    experiment = loaded(options)
    result = verify(experiment, planned(experiment, options, options.all))
    if options.pdf and (options.check or (options.document and "report" not in options.document)):
        raise UsageError("--pdf prints the report: leave --check out, and `report` in")
    if not options.check:
        for path in documents.write(result, options.document):
            console.literal(f"wrote {path.relative_to(experiment.root).as_posix()}")
        if options.pdf:
            _printed(result)
        return 0
    stale = documents.stale(result, options.document)
    for path, reason in stale:
        console.out().print("[bold red]stale[/]: ", end="")
        console.literal(f"{path.relative_to(experiment.root).as_posix()}: {reason}")
    if not stale:
        console.text("[bold green]fresh[/]: every document says what the manifest and the evidence say")
    return 1 if stale else 0
