"""Explain how two runs, or two statements of the experiment, differ in meaning. Exits with 1 where they do."""

from __future__ import annotations

import argparse
from pathlib import Path

from framework.cli.options import add_format, add_profile
from framework.cli.terminal import console
from framework.conformance.meaning import said
from framework.evidence.store import RunStore
from framework.manifest.experiment import runs_of
from framework.stages.differences import Difference, between_manifests, between_runs, statement

HELP = "explain how two runs, or two revisions of the manifest, differ"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("one", metavar="A", help="a run folder below runs/, a manifest, or a git revision")
    parser.add_argument("other", metavar="B", nargs="?", help="the same (default: the manifest as it is)")
    add_profile(parser)
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    manifest = Path(options.manifest)
    runs = {run.folder.name: run.record for run in RunStore(runs_of(manifest.absolute())).runs()}
    one, other = (_run_name(name) if name else None for name in (options.one, options.other))
    if one in runs and other in runs:
        found = list(between_runs(runs[one], runs[other]))
    else:
        first = statement(options.one, manifest, options.profile)
        second = statement(options.other or options.manifest, manifest, options.profile)
        found = list(between_manifests(first, second))
    if options.format == "json":
        console.as_json({"differences": [difference.as_dict() for difference in found]})
    else:
        _show(found)
    return 1 if found else 0


def _run_name(name: str) -> str:
    return name.rstrip("/").rsplit("/", 1)[-1]


def _show(found: list[Difference]) -> None:
    for difference in found:
        console.literal(f"{difference.path}: {said(difference.one)} -> {said(difference.other)}")
    console.text(f"{len(found)} differences in meaning" if found else "[bold green]the same[/] in meaning")
