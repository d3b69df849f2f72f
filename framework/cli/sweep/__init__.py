"""Search hyperparameters as the manifest's `searches` state it, each trial a run; `sweep analyze` takes the best."""

from __future__ import annotations

import argparse

from framework.cli.options import add_format, add_jobs, add_profile
from framework.planning.tuned.best_of_grids import load
from framework.searching.studies import Study, studies_of

HELP = "search hyperparameters, each trial a run; `sweep analyze` chooses"
ANALYZE = "analyze"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="SEARCH",
        help=f"searches of the manifest (default: all); `{ANALYZE}` before them chooses values from their trials",
    )
    for kind in ("variant", "model", "task"):
        parser.add_argument(f"--{kind}", action="append", default=[], metavar="NAME", help=f"a {kind} (repeatable)")
    add_profile(parser)
    add_jobs(parser)
    parser.add_argument("--shell", action="store_true", help="analyze: print the chosen values as lines for a shell")
    parser.add_argument(
        "--unfinished", action="store_true", help="analyze: choose although budgets are not spent, and say so"
    )
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    experiment = load(options.manifest, options.profile)
    analyze = options.names[:1] == [ANALYZE] and ANALYZE not in experiment.manifest.searches
    names = options.names[1:] if analyze else options.names
    studies: list[Study] = studies_of(experiment, names, options.variant, options.model, options.task)
    if analyze:
        from framework.cli.sweep.analyzing import choose

        return choose(experiment, studies, options)
    from framework.cli.sweep.searching import search

    return search(experiment, studies, options)
