"""Execute variants, and what they depend on, with the manifest's values."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from framework import api
from framework.cli.options import add_jobs, add_profile, add_selection, add_set, add_trackers, planned, selected
from framework.cli.terminal import console
from framework.errors import FrameworkError, UsageError
from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore, shown
from framework.manifest.experiment import Experiment
from framework.names import find_path
from framework.planning.build import Plan, complete
from framework.planning.outcomes import Outcome
from framework.planning.tuned.allowing import unswept_allowed
from framework.planning.tuned.best_of_grids import filled, load

HELP = "execute variants, and what they depend on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_profile(parser)
    add_set(parser)
    add_jobs(parser)
    add_trackers(parser)
    parser.add_argument("--all", action="store_true", help="all variants")
    parser.add_argument(
        "--allow-unswept",
        nargs="?",
        const="no reason given",
        metavar="REASON",
        help="start production with values that no search chose, or others than it chose; recorded with each run",
    )
    parser.add_argument("--verbose", action="store_true", help="show what commands of `runners` write")


def main(options: argparse.Namespace) -> int:
    if not options.variant and not options.all:
        raise UsageError("name what to run: --variant NAME (repeatable), or --all")
    experiment, plan = selected(options, options.all)
    if options.shard is not None and not plan.steps:
        console.literal(f"nothing to do: the share {options.shard} has no step of this selection")
        return 0
    _require_effect(options, experiment, plan)
    if options.allow_unswept is not None:
        plan = unswept_allowed(plan, options.allow_unswept)
    outcomes = executed(experiment, plan, options, options.verbose)
    show_results(outcomes)
    require_success(outcomes)
    return 0


def executed(experiment: Experiment, plan: Plan, options: argparse.Namespace, verbose: bool = False) -> list[Outcome]:
    """How the steps of a selection ended. Those that wait for the best of a grid come after that grid's own, with the
    value that these decide; a failure ends it.

    Raises:
        UsageError: something cannot run here.
        InputError: a value that steps wait for is not decided by what the selection holds.
    """
    ended: dict[str, Outcome] = {}
    while True:
        ready = without_waiting(plan)
        if len(ready.steps) < len(plan.steps) and not api.to_do(experiment, ready):
            complete(plan)
        say_what_follows(experiment, ready, len(plan.steps) - len(ready.steps))
        require_possible(
            experiment, ready, lambda other: planned(other, options, options.all), options.jobs is not None
        )
        ended |= {each.step.key: each for each in execute(experiment, ready, options.jobs, verbose, options.tracker)}
        failed = any(each.status == "failed" for each in ended.values())
        if failed or len(ready.steps) == len(plan.steps):
            return list(ended.values())
        experiment = filled(experiment)
        plan = planned(experiment, options, options.all)
        if getattr(options, "allow_unswept", None) is not None:
            plan = unswept_allowed(plan, options.allow_unswept)


def without_waiting(plan: Plan) -> Plan:
    """The steps that wait for the best of no grid, and build on none that does."""
    waiting = {step.key for step in plan.steps if step.awaits}
    for step in plan.steps:
        if {step.parent, *step.references.values()} & waiting:
            waiting.add(step.key)
    return Plan(tuple(step for step in plan.steps if step.key not in waiting))


def _require_effect(options: argparse.Namespace, experiment: Experiment, plan: Plan) -> None:
    """
    Raises:
        UsageError: what `--set` says is used by no step: a task, a model or a variant states its own.
    """
    if not experiment.set_values or not plan.steps:
        return
    without = planned(load(options.manifest, options.profile), options, options.all)
    if {step.key for step in plan.steps} == {step.key for step in without.steps}:
        said = " ".join(f"--set {path}" for path in experiment.set_values)
        raise UsageError(f"{said}: no step of this selection would do anything else")


def say_what_follows(experiment: Experiment, plan: Plan, waiting: int = 0) -> None:
    """Before anything that takes seconds to import: how many steps there are, and what is waited for."""
    left = len(api.to_do(experiment, plan))
    then = f", {waiting} wait for the best of a grid" if waiting else ""
    loading = "; loading PyTorch" if left else ""
    console.literal(f"{len(plan.steps)} steps: {len(plan.steps) - left} done, {left} to run{then}{loading}")


def require_possible(
    experiment: Experiment, plan: Plan, again: Callable[[Experiment], Plan], forked: bool = False
) -> None:
    """Refuse, before anything is written, what cannot run here; name the profiles that would.

    Raises:
        UsageError: with every obstacle and its clause; or there is nothing to run.
    """
    if not plan.steps:
        raise UsageError(f"the plan has no step: {experiment.document.file} states no variant for this selection")
    obstacles = api.obstacles(experiment, plan, forked)
    if not obstacles:
        return
    lines = ["this plan cannot run here:"]
    lines += [f"  {_place(experiment, each.clause)}{each.clause} = {each.declared}: {each.found}" for each in obstacles]
    others = [name for name in experiment.stated.profiles if name != experiment.profile]
    possible = [name for name in others if _possible(experiment, name, again, forked)]
    if possible:
        lines.append("a profile that would work here: " + ", ".join(f"--profile {name}" for name in possible))
    raise UsageError("\n".join(lines))


def _place(experiment: Experiment, clause: str) -> str:
    found = next((each for each in experiment.clauses if each.id == clause), None)
    if found is not None:
        return f"{found.deviation.location if found.deviation else found.location}: "
    path = find_path(experiment.raw, clause)
    return f"{experiment.location(path)}: " if path else ""


def _possible(experiment: Experiment, profile: str, again: Callable[[Experiment], Plan], forked: bool) -> bool:
    try:
        other = load(experiment.path, profile)
        return not api.obstacles(other, again(other), forked)
    except FrameworkError:
        return False


def execute(
    experiment: Experiment,
    plan: Plan,
    jobs: int | None = None,
    verbose: bool = False,
    trackers: Sequence[str] = (),
) -> list[Outcome]:
    """How all steps ended, in the plan's order, with progress shown while they are executed."""
    store = RunStore(experiment.runs)
    found = [step for step in plan.steps if store.done(step.key)]
    started = sorted({step.command.runner for step in plan.steps if step.command and step not in found})
    if started:
        names = ", ".join(f"runners.{name}" for name in started)
        console.literal(f"starts programs that the manifest names, without a shell: {names}")
    if jobs is None:
        from framework.cli.terminal.progress import RichProgress

        for step in found:
            console.marked("green", "done", f"{step.label} (found in {_folder(store, step.key)})")
        with RichProgress(verbose, len(plan.steps) - len(found)) as progress:
            ended = list(api.outcomes(experiment, plan, progress, trackers=trackers))
    else:
        from framework.cli.terminal.board import PoolBoard

        with PoolBoard(len(plan.steps) - len(found), len(found), jobs) as board:
            ended = list(api.outcomes(experiment, plan, board, jobs, trackers))
    place = {step.key: number for number, step in enumerate(plan.steps)}
    return sorted(ended, key=lambda outcome: place[outcome.step.key])


def _folder(store: RunStore, key: str) -> str:
    found = store.find(key)
    return shown(found.folder) if found else ""


def require_success(outcomes: Sequence[Outcome]) -> None:
    """Refuse to go on after failures.

    Raises:
        FrameworkError: with every failed step and its error, and how many were skipped because of them.
    """
    failed = [f"{outcome.step.label}: {outcome.error}" for outcome in outcomes if outcome.status == "failed"]
    skipped = sum(outcome.status == "skipped" for outcome in outcomes)
    if failed:
        lines = failed if len(failed) == 1 else [f"{len(failed)} runs failed", *(f"  {each}" for each in failed)]
        if skipped:
            lines.append(f"{skipped} steps that need {'it' if len(failed) == 1 else 'them'} were not executed")
        raise FrameworkError("\n".join(lines))


def show_results(outcomes: Sequence[Outcome]) -> None:
    """A short table: what each step measured, and how sparse its model is; under the variant's name of today."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, side in (
        ("variant", "left"),
        ("step", "left"),
        ("task", "left"),
        ("seed", "right"),
        ("result", "left"),
        ("zeros", "right"),
    ):
        table.add_column(title, justify="right" if side == "right" else "left")
    for outcome in outcomes:
        if (record := outcome.record) is None:
            continue
        zeros = sum(count for count, _ in record.sparsity.get("tensors", {}).values())
        cells = (outcome.step.variant, record.step, record.task or "-", str(record.seed), _result(record))
        table.add_row(*cells, f"{zeros:,}" if zeros else "-")
    console.out().print(table)


def _result(record: RunRecord) -> str:
    metrics, parts = record.metrics, []
    if "validation_loss" in metrics:
        before = metrics.get("initial_validation_loss")
        after = metrics["validation_loss"]
        parts.append(f"loss {before:.3f} -> {after:.3f}" if before is not None else f"loss {after:.3f}")
    shown = ("perplexity", "accuracy", "f1", "exact_match")
    parts += [f"{name} {metrics[name]:.3f}" for name in shown if name in metrics]
    if record.measurements:
        there = sum(facts.get("value") is not None for facts in record.measurements)
        parts.append(f"{there} of {len(record.measurements)} figures measured")
    return ", ".join(parts) or "-"
