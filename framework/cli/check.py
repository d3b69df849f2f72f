"""Hold the manifest to itself and the project's config files to it."""

from __future__ import annotations

import argparse

from framework.cli import console, findings
from framework.cli.options import add_format
from framework.conformance.check import CheckResult, check
from framework.manifest.loading import load

HELP = "hold the config files to the manifest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    result = check(load(options.manifest))
    if options.format == "json":
        console.as_json(result.as_dict())
    else:
        show(result)
    return 1 if result.failed else 0


def show(result: CheckResult) -> None:
    findings.show(result.findings, result.experiment.root)
    summary = result.summary()
    verdict = "[bold red]drifted[/]" if result.failed else "[bold green]conforms[/]"
    files, keys = (
        f"{summary['files']} config files",
        f"{summary['keys'] - summary['unbound']} of {summary['keys']} keys bound",
    )
    console.text(f"{verdict}: {files}, {keys}")
    counts = ", ".join(f"{summary[name]} {name}" for name in ("conforms", "violated", "waived", "unverified"))
    console.text(f"{summary['clauses']} clauses: {counts} (no config file states those)")
