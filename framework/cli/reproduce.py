"""Everything, in order: check, run, verify, documents."""

from __future__ import annotations

import argparse

from framework.cli import check as check_command
from framework.cli.options import add_jobs, add_profile, add_selection, add_trackers, planned
from framework.cli.run import executed, require_success, show_results
from framework.cli.sweep.analyzing import choose
from framework.cli.sweep.searching import search
from framework.cli.terminal import console, findings
from framework.cli.verify import show as show_verdicts
from framework.isolation import own
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.tuned.best_of_grids import filled, load
from framework.searching.studies import all_studies, step_place
from framework.stages.check import check
from framework.stages.verify import verify

HELP = "check, run, verify and render the documents"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_profile(parser)
    add_jobs(parser)
    add_trackers(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")


def main(options: argparse.Namespace) -> int:
    _title(1, "check: config files against the manifest")
    checked = check(load(options.manifest))
    check_command.show(checked)
    if checked.failed:
        console.note("nothing was run: the config files drifted from the manifest")
        return 1
    experiment = load(options.manifest, options.profile)
    plan = planned(experiment, options, options.all)
    if any(step.unswept for step in plan.steps):
        _search(experiment, plan, options)
        plan = planned(experiment, options, options.all)
    _title(2, f"run: {len(plan.steps)} steps" + (f" under the profile {options.profile}" if options.profile else ""))
    outcomes = executed(experiment, plan, options)
    require_success(outcomes)
    experiment = filled(experiment)
    plan = planned(experiment, options, options.all)
    _title(3, "verify: runs and tensors against the manifest")
    verified = verify(experiment, plan)
    findings.show(verified.findings, experiment.root)
    show_verdicts(verified)
    _title(4, "docs: what the manifest and the evidence say")
    written = own("reports.documents").write(verified)
    for path in written:
        console.literal(f"wrote {_short(path)}")
    console.text()
    show_results(outcomes)
    console.literal(f"\nruns:      {_short(experiment.runs)}/")
    console.literal("documents: " + ", ".join(_short(path) for path in written))
    return 1 if verified.failed else 0


def _search(experiment: Experiment, plan: Plan, options: argparse.Namespace) -> None:
    """Search and choose what production waits for; what was searched before is found.

    Raises:
        FrameworkError: a search ended without a value that can be taken.
    """
    waiting = {step_place(study) for study in all_studies(experiment)} & {
        (variant, step.name, step.task, step.model_name)
        for step in plan.steps
        if step.unswept
        for variant in step.variants
    }
    studies = [study for study in all_studies(experiment) if step_place(study) in waiting]
    console.text("\n[bold]search before production[/]")
    asked = argparse.Namespace(**{**vars(options), "format": "text", "shell": False, "unfinished": False})
    if own_trials := [study for study in studies if study.search.trials is None]:
        search(experiment, own_trials, asked)
    choose(experiment, studies, asked)


def _title(number: int, text: str) -> None:
    console.text(f"\n[bold]{number}. {text}[/]")


def _short(path: object) -> str:
    from pathlib import Path

    try:
        return Path(str(path)).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
