"""Hold what really ran, the tensors on disk and the rendered documents to the manifest."""

from __future__ import annotations

import argparse

from framework import api
from framework.cli.options import add_format, add_profile, add_selection, planned
from framework.cli.terminal import console, findings
from framework.conformance import Stage, Status
from framework.errors import UsageError
from framework.evidence.store import RunStore
from framework.manifest.loading import load
from framework.names import did_you_mean
from framework.planning.machine import machine, said
from framework.stages.run.measured_runs import machine_of
from framework.stages.verify import VerifyResult

HELP = "hold runs, checkpoints and documents to the manifest"

_COLOURS = {Status.CONFORMS: "green", Status.VIOLATED: "red", Status.WAIVED: "yellow", Status.UNVERIFIED: "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="one run folder below runs/ (default: all that the plan holds)"
    )
    add_selection(parser)
    add_profile(parser)
    add_format(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")


def main(options: argparse.Namespace) -> int:
    experiment = load(options.manifest, options.profile)
    only = []
    if options.run is not None:
        runs = {run.folder.name: run for run in RunStore(experiment.runs).runs()}
        name = options.run.rstrip("/").rsplit("/", 1)[-1]
        if name not in runs:
            raise UsageError(f"no run {name!r} in {experiment.runs}: {did_you_mean(name, runs)}")
        record = runs[name].record
        if record.profile != experiment.profile:
            experiment = load(options.manifest, record.profile)
        only = [record.key]
    plan = planned(experiment, options, options.all)
    if only and only[0] not in {step.key for step in plan.steps}:
        if (measured := machine_of(record.identity)) not in (None, machine()):
            raise UsageError(f"{options.run!r} measured another machine, {said(measured)}: verify all, which finds it")
        raise UsageError(
            f"the manifest does not demand the run {options.run!r} any more: it states other values, or the "
            "selection leaves it out"
        )
    result = api.verify(experiment, plan, only)
    if options.format == "json":
        console.as_json(result.as_dict())
        options.format = "text"  # answered: what follows is for people
    else:
        findings.show(result.findings, experiment.root)
        show(result)
    if result.finished == 0:
        raise UsageError(f"nothing has been run: {experiment.runs} holds no finished run of this plan")
    return 1 if result.failed else 0


def show(result: VerifyResult) -> None:
    """The counts of each stage that was looked at."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    for status in Status:
        table.add_column(str(status), justify="right")
    looked = {verdict.stage for verdict in result.matrix.verdicts}
    for stage in (stage for stage in Stage if stage in looked):
        counts = result.matrix.count(stage)
        table.add_row(
            str(stage), *(f"[{_COLOURS[status]}]{counts[status]}[/]" if counts[status] else "0" for status in Status)
        )
    console.out().print(table)
    verdict = "[bold red]violated[/]" if result.failed else "[bold green]nothing violated[/]"
    profile = f" under the profile {result.experiment.profile}" if result.experiment.profile else ""
    adopted = f", {result.adopted} of them adopted" if result.adopted else ""
    console.text(f"{verdict}: {result.finished} of {len(result.steps)} planned runs are there{adopted}{profile}")
