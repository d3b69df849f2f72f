"""Show the graph of steps that a selection needs: what is done, what would run, and why."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framework.cli.options import add_format, add_profile, add_selection, add_set, selected
from framework.cli.terminal import console
from framework.cli.terminal.states import STYLES
from framework.evidence.standing.run_state import State, Word
from framework.evidence.store import RunStore
from framework.isolation import own
from framework.manifest.experiment import Experiment
from framework.manifest.sections.root import DEFAULT
from framework.names import format_path
from framework.planning.build import Plan, complete
from framework.planning.estimates import Estimate, estimate, short
from framework.planning.sharing import coinciding, declared_runs, distinct_runs
from framework.planning.steps import Step, Training
from framework.planning.tuned.order import order_of
from framework.stages.run.run_states import RunStates, counted

if TYPE_CHECKING:
    from framework.planning.commands.command import Command

HELP = "show what would run, and what is done"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_profile(parser)
    add_set(parser)
    add_format(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")


def main(options: argparse.Namespace) -> int:
    experiment, plan = selected(options, options.all)
    store = RunStore(experiment.runs, listed=True)
    states = RunStates(plan, store)
    rows = [(step, states.of(step)) for step in plan.steps]
    # What a search, or a grid's runs, decide is not missing from the manifest.
    decided = tuple(step for step in plan.steps if not step.unswept and not step.awaits)
    absent = _absent(rows)
    if options.format == "json":
        steps = [_as_dict(step, state) for step, state in rows]
        missing = [str(problem) for problem in dict.fromkeys(each for step in decided for each in step.missing)]
        data = _data(experiment, rows)
        more: dict[str, Any] = {**({"data": data} if data else {}), **({"missing": missing} if missing else {})}
        if experiment.manifest.searches:
            more["searches"] = list(order_of(experiment, plan))
        if experiment.best.values:
            more["best_of"] = best_rows(experiment)
        more |= {"not_here": list(absent)} if absent else {}
        console.as_json({"profile": experiment.profile, "steps": steps, **more})
        if missing:
            return 2
        return 0
    for row in order_of(experiment, plan) if experiment.manifest.searches else ():
        console.literal(_search_line(row))
    for line in best_lines(experiment):
        console.literal(line)
    console.out().print(_tree(rows))
    for step in (step for step, state in rows if state.to_run and step.command is not None):
        console.literal(f"\n{step.label} is trained by a program that the manifest names:")
        for line in command_lines(step):
            console.literal(f"  {line}")
    _show_counts([state for _, state in rows])
    for line in _totals([estimate(step) for step, state in rows if state.to_run and isinstance(step.work, Training)]):
        console.text(line)
    for facts in _data(experiment, rows):
        console.literal(_said(facts))
    for name, readers in absent.items():
        done, waiting = readers
        console.literal(f"not here: {name}, read by {done} finished runs and {waiting} to run")
    _show_sharing(plan)
    if experiment.stated.variants.keys() == {DEFAULT} and "variants" not in experiment.raw:
        console.text(f"the manifest states no variants: one, `{DEFAULT}`, runs its phases in their order")
    complete(Plan(decided))
    return 0


def best_rows(experiment: Experiment) -> list[dict[str, Any]]:
    """The values that are the best of a grid, as JSON data; `variant` is the chosen one, None with `why` it is open."""
    return [
        {
            "clause": format_path(each.path),
            "best_of": each.grid,
            "by": each.metric,
            "variant": each.variant,
            **({"why": each.why} if each.is_open else {"among": [dict(one) for one in each.among]}),
        }
        for each in experiment.best.values.values()
    ]


def best_lines(experiment: Experiment) -> Iterator[str]:
    """What is chosen of each grid, and among what, or what it waits for: a line each."""
    for each in {each.asked: each for each in experiment.best.values.values()}.values():
        if each.is_open:
            yield f"best of {each.grid} by {each.metric}: open: {each.why}"
            continue
        found = ", ".join(f"{one['variant']} {one['measured']:.6g}" for one in each.among)
        yield f"best of {each.grid} by {each.metric}: {each.variant} (among {found})"


def _search_line(row: dict[str, Any]) -> str:
    """`search lr · lora · mrpc: 4 of 20 completed trials -> choice -> 3 runs wait; next: framework sweep lr`."""
    named = " · ".join(str(row[name]) for name in ("search", "variant", "task", "model") if row[name])
    wait = f"{row['waiting']} of {row['runs']} runs wait" if row["waiting"] else f"{row['runs']} runs"
    chosen = "chosen" if row["chosen"] else "not chosen yet"
    return f"search {named}: {row['progress']} -> {chosen} -> {wait}" + (
        f"; next: {row['next']}" if row["next"] else ""
    )


def _show_counts(states: list[State]) -> None:
    """How many steps are done and to run, and the states of those that need a look."""
    done, to_run = sum(state.word is Word.DONE for state in states), sum(state.to_run for state in states)
    others = [state for state in states if state.word not in (Word.DONE, Word.NOT_RUN)]
    console.text(f"{len(states)} steps: {done} done, {to_run} to run" + (f" ({counted(others)})" if others else ""))
    if any(state.word is Word.DAMAGED and not state.to_run for state in states):
        console.text("damaged runs are not made anew: restore their files, or remove their folders")


def _absent(rows: list[tuple[Step, State]]) -> dict[str, tuple[int, int]]:
    """Local files that are not here: how many finished runs read them, and how many steps would."""
    found: dict[str, tuple[int, int]] = {}
    for step, state in rows:
        for name in step.absent:
            done, waiting = found.get(name, (0, 0))
            found[name] = (done + (state.word is Word.DONE), waiting + state.to_run)
    return found


def _data(experiment: Experiment, rows: list[tuple[Step, State]]) -> list[dict[str, Any]]:
    """What the steps that would run read, and whether it is prepared; nothing where no step would."""
    to_run = {step.key for step, state in rows if state.to_run}
    if not to_run:
        return []
    of_all = [step for step, _ in rows]
    found: list[dict[str, Any]] = own("runners.data.planned").prepared_or_not(of_all, to_run, experiment.root)
    return found


def _said(facts: dict[str, Any]) -> str:
    """A line about data: how much is prepared, or is to be."""
    line = f"data {facts['dataset']} for {facts['model']} ({facts['objective']}): {facts['status']}"
    if facts["status"] == "prepared":
        return f"{line}, {short(facts['tokens'], 'tokens')}, {facts['bytes'] / 1e6:.1f} MB"
    if facts["status"] == "unknown":
        return f"{line}, until the step before has trained the tokenizer"
    size = facts["source_bytes"]
    return line if size is None else f"{line}, {size / 1e6:.1f} MB"


def _show_sharing(plan: Plan) -> None:
    """What a reader who counts the declared runs would miss."""
    declared, distinct = declared_runs(plan), distinct_runs(plan)
    if declared == distinct:
        return
    console.literal(f"{declared} declared runs are {distinct}: these variants coincide, and run once")
    for names in coinciding(plan):
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        console.literal(f"  {' = '.join(names[:4])}{more}")


def _totals(trainings: list[Estimate]) -> Iterator[str]:
    """What is to be trained, all together, and how much of that nobody can tell from the manifest."""
    lengths = [each.optimizer_steps for each in trainings if each.optimizer_steps is not None]
    if lengths:
        tokens = sum(each.tokens or 0 for each in trainings)
        of = f"{len(lengths)} of {len(trainings)} trainings"
        yield f"{sum(lengths):,} optimizer steps and {short(tokens, 'tokens')} in {of}"
    flops = [each.flops for each in trainings if each.flops is not None]
    if flops:
        yield (
            f"{short(sum(flops), 'FLOP')} of training in {len(flops)} of {len(trainings)}: "
            "the products of a forward pass, and twice these backward, of frozen weights once"
        )
    if any(each.at_most for each in trainings):
        yield "at most: " + "; ".join(dict.fromkeys(each.at_most for each in trainings if each.at_most))
    for unknown in dict.fromkeys(each.unknown for each in trainings if each.unknown):
        yield f"unknown: {unknown}"


def _tree(rows: list[tuple[Step, State]]) -> Any:
    """The graph as a tree: each step below the one whose checkpoint it starts from."""
    from rich.markup import escape
    from rich.tree import Tree

    labels = {step.key: f"{step.variant} {step.name}" for step, _ in rows}
    top = Tree("", hide_root=True)
    branches: dict[str, Any] = {}
    for step, state in rows:
        reads = "".join(f", {role} {labels[key]}" for role, key in step.references.items())
        cost = _cost(estimate(step))
        shared = f" (also {', '.join(step.variants[1:])})" if len(step.variants) > 1 else ""
        open_value = step.awaits[0].message.partition(": ")[2].partition(" by ")[0] if step.awaits else ""
        why = f"waits for {open_value}" if open_value else state.why
        because = f": {why}" if why else ""
        status = f"[{STYLES[state.word]}]{state.word}[/]"
        text = f"{status} {escape(step.label + shared + reads + cost)} [dim]{step.key[:10]}[/]{escape(because)}"
        branches[step.key] = (branches[step.parent] if step.parent else top).add(text)
    return top


def command_lines(step: Step) -> list[str]:
    """What a command of the user's own would be started with, and what it is not told."""
    command = step.command
    if command is None:
        return []
    import json
    import shlex

    lines = [f"runners.{command.runner}: {shlex.join(command.argv)}"]
    lines += [f"environment: {name}={shlex.quote(value)}" for name, value in command.environment.items()]
    lines += [f"{{{name}}} holds {json.dumps(data, ensure_ascii=False)}" for name, data in command.configs.items()]
    return lines + list(command.notes)


def _cost(expected: Estimate) -> str:
    """What a training would take, for its line; nothing for a step that does not train."""
    if expected.unknown is not None and expected.optimizer_steps is None:
        return ", steps unknown"
    if not expected.optimizer_steps or expected.tokens is None:
        return ""
    flops = "FLOP unknown" if expected.flops is None else short(expected.flops, "FLOP")
    return f", {expected.optimizer_steps:,} optimizer steps, {short(expected.tokens, 'tokens')}, {flops}"


def _as_dict(step: Step, state: State) -> dict[str, object]:
    expected = estimate(step)
    return {
        "key": step.key,
        "folder": step.folder,
        "step": step.name,
        "variants": list(step.variants),
        "model": step.model_name,
        "task": step.task,
        "seed": step.seed,
        "parent": step.parent,
        "references": dict(step.references),
        "optimizer_steps": expected.optimizer_steps,
        "tokens": expected.tokens,
        "training_flops": expected.flops,
        "unknown": expected.unknown,
        "at_most": expected.at_most,
        "status": str(state.word),
        "to_run": state.to_run,
        "reason": state.why or str(state.word),
        "command": None if step.command is None else _command(step.command),
    }


def _command(command: Command) -> dict[str, object]:
    return {
        "runner": command.runner,
        "argv": list(command.argv),
        "configs": dict(command.configs),
        "environment": dict(command.environment),
        "sources": dict(command.sources),
        "passed": list(command.passed),
        "notes": list(command.notes),
    }
