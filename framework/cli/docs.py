"""Render the documents from the manifest and the evidence, or tell which are stale."""

from __future__ import annotations

import argparse

from framework.cli.options import add_profile, add_selection, add_set, loaded, planned
from framework.cli.terminal import console
from framework.isolation import own
from framework.stages.verify import verify

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
    add_selection(parser)
    add_profile(parser)
    add_set(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")


def main(options: argparse.Namespace) -> int:
    documents = own("reports.documents")
    experiment = loaded(options)
    result = verify(experiment, planned(experiment, options, options.all))
    if not options.check:
        for path in documents.write(result, options.document):
            console.literal(f"wrote {path.relative_to(experiment.root).as_posix()}")
        return 0
    stale = documents.stale(result, options.document)
    for path, reason in stale:
        console.out().print("[bold red]stale[/]: ", end="")
        console.literal(f"{path.relative_to(experiment.root).as_posix()}: {reason}")
    if not stale:
        console.text("[bold green]fresh[/]: every document says what the manifest and the evidence say")
    return 1 if stale else 0
