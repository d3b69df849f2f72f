"""Read and tokenise what a selection's runs read, so that they find it: on a login node, say, before the jobs."""

from __future__ import annotations

import argparse

from framework.cli.options import add_profile, add_selection, planned, selected
from framework.cli.terminal import console
from framework.isolation import own
from framework.planning.build import complete
from framework.planning.tuned.trial_plans import at_first_points

HELP = "read and tokenise what runs will read"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_profile(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")


def main(options: argparse.Namespace) -> int:
    experiment, plan = selected(options, options.all)
    if waiting := [step for step in plan.steps if step.unswept]:
        # What is read does not wait for what a search is to choose: any point of its space will do.
        plan = planned(experiment, options, options.all, at_first_points(experiment))
    complete(plan)
    count = 0
    for line in own("runners.data.ahead").prepare_ahead(plan.steps, experiment.root):
        console.literal(line)
        count += 1
    if not count:
        console.text("no step of this selection reads data here")
    if waiting:
        console.literal(f"{len(waiting)} steps wait for a search; what they read is prepared as at any of its points")
    return 0
