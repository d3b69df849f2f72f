"""Options that several commands share."""

from __future__ import annotations

import argparse

from framework.cli.terminal.reading_files import shown_reading
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load as load_statement
from framework.planning.build import Plan, build
from framework.planning.machines.plan_shares import shard, shared
from framework.planning.tuned.best_of_grids import filled, load
from framework.planning.tuned.tuning import Tuning


def add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="for people, or for programs (default: text)"
    )


def add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", metavar="NAME", help="a declared set of deviations, such as smoke")


def add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="another value than the manifest states, as a recorded deviation (repeatable)",
    )


def loaded(options: argparse.Namespace) -> Experiment:
    """The experiment under the profile, and with the values, that the options name."""
    if not options.set:
        return load(options.manifest, options.profile)
    from framework.manifest.overridden.from_arguments import overridden

    return filled(overridden(load_statement(options.manifest), options.set, options.profile))


def add_selection(parser: argparse.ArgumentParser) -> None:
    """What to run or to look at; without a choice, all that the manifest (or the profile) states."""
    parser.add_argument(
        "--variant", action="append", default=[], metavar="NAME", help="a variant, or a pattern (repeatable)"
    )
    parser.add_argument("--model", action="append", default=[], metavar="NAME", help="a model (repeatable)")
    parser.add_argument("--task", action="append", default=[], metavar="NAME", help="a task (repeatable)")
    parser.add_argument("--seed", action="append", default=[], type=int, metavar="N", help="a seed (repeatable)")
    parser.add_argument(
        "--shard", metavar="I/N", help="the I-th of N shares of the plan, for machines that share nothing (2/3)"
    )


def add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs",
        type=_at_least_one,
        metavar="N",
        help="runs at a time, each in a process of its own (default: one after the other in this process)",
    )


def _at_least_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def add_trackers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tracker",
        action="append",
        default=[],
        metavar="NAME",
        help="tensorboard, wandb, mlflow (repeatable) or none (default: what the configs name, else tensorboard where "
        "it is installed)",
    )


def selected(options: argparse.Namespace, all_variants: bool = False) -> tuple[Experiment, Plan]:
    """The experiment and the plan that the options choose."""
    experiment = loaded(options) if hasattr(options, "set") else load(options.manifest, options.profile)
    return experiment, planned(experiment, options, all_variants)


def planned(
    experiment: Experiment, options: argparse.Namespace, all_variants: bool = False, tuning: Tuning | None = None
) -> Plan:
    variants = options.variant
    if not variants and not all_variants and experiment.profile is not None:
        variants = experiment.manifest.profiles[experiment.profile].variants
    share = None if options.shard is None else shard(options.shard)
    with shown_reading():
        plan = build(experiment, variants, options.model, options.task, options.seed, tuning=tuning)
        return plan if share is None else shared(build(experiment), plan, share)
