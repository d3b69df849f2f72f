"""Watch the runs of a plan while they are executed, here or on a machine that shares the folder: how many are done, how
far those at work are, what failed and why. Ends when nothing has been at work for a while."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from framework.cli.options import add_profile, add_selection, selected
from framework.cli.terminal import console
from framework.cli.terminal.progress import spelled
from framework.cli.terminal.states import STYLES
from framework.evidence.standing.run_state import State, Word
from framework.evidence.store import RunStore
from framework.planning.steps import Step
from framework.stages.run.current.progressing import Progressing, progressing, seconds_left
from framework.stages.run.run_states import RunStates, count_words

HELP = "watch a running grid: done, running with time left, failed with the reason"

_PATIENCE = 30.0
"""Seconds without a run at work after which nothing more is waited for: between two runs there is a moment."""
_SHARE = 0.2
"""Of the time that looking may take."""
_MOST = 12
_QUIET_SECONDS = 30.0
"""Without a terminal, a line about runs at work at most this often."""

States = list[tuple[Step, State]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_profile(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")
    parser.add_argument("--once", action="store_true", help="look once, and end")
    parser.add_argument(
        "--interval", type=_seconds, default=2.0, metavar="S", help="seconds between two looks (default: 2)"
    )


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return number


def main(options: argparse.Namespace) -> int:
    experiment, plan = selected(options, options.all)

    def look() -> States:
        runs = RunStates(plan, RunStore(experiment.runs, listed=True))
        return [(step, runs.of(step)) for step in plan.steps]

    if options.once:
        states = look()
        console.out().print(_screen(states))
    else:
        states = (_live if console.out().is_terminal else _lines)(look, options.interval)
        if any(state.to_run for _, state in states):
            console.note(f"nothing has been at work for {_PATIENCE:.0f} s: watched no longer")
    return 1 if any(state.word in (Word.FAILED, Word.DAMAGED) for _, state in states) else 0


def _live(look: Callable[[], States], interval: float) -> States:
    from rich.live import Live

    with Live(console=console.out(), auto_refresh=False) as live:
        return _until_idle(look, interval, lambda states: live.update(_screen(states), refresh=True))


def _lines(look: Callable[[], States], interval: float) -> States:
    """A line when a count changes, one for each failure, and now and then one about what is at work."""
    told: dict[str, Any] = {"counts": None, "failed": set(), "spoke": float("-inf")}

    def tell(states: States) -> None:
        counts = count_words([state for _, state in states])
        now = time.monotonic()
        if counts != told["counts"] or now - told["spoke"] > _QUIET_SECONDS:
            told["counts"], told["spoke"] = counts, now
            running = progressing(states, datetime.now(UTC))
            console.literal(f"{datetime.now():%H:%M:%S} {_counted(counts)}{_ahead(states, running)}")
            for each in running[:_MOST]:
                console.literal(f"  {each.step.label}: {_far(each)}")
        for step, state in states:
            if state.word is Word.FAILED and step.key not in told["failed"]:
                told["failed"].add(step.key)
                console.literal(f"  failed: {step.label}: {state.why}")

    return _until_idle(look, interval, tell)


def _until_idle(look: Callable[[], States], interval: float, tell: Callable[[States], None]) -> States:
    active = time.monotonic()
    while True:
        began = time.monotonic()
        states = look()
        tell(states)
        now = time.monotonic()
        if any(state.word is Word.RUNNING for _, state in states):
            active = now
        if not any(state.to_run or state.word is Word.RUNNING for _, state in states) or now - active > _PATIENCE:
            return states
        time.sleep(max(interval, (now - began) / _SHARE))


def _counted(counts: dict[Word, int]) -> str:
    total = sum(counts.values())
    rest = ", ".join(f"{count:,} {word}" for word, count in counts.items() if word is not Word.DONE)
    return f"{counts.get(Word.DONE, 0):,} of {total:,} done" + (f", {rest}" if rest else "")


def _ahead(states: States, running: list[Progressing]) -> str:
    left = seconds_left(states, running)
    return "" if left is None else f", about {spelled(left)} left"


def _far(each: Progressing) -> str:
    if each.total is None:
        return "at work"
    parts = [f"{each.done:,}/{each.total:,} steps"]
    if each.rate is not None:
        parts.append(f"{_rounded(each.rate)} steps/s")
    if each.left is not None and each.left >= 1:
        parts.append(f"{spelled(each.left)} left")
    if each.loss is not None:
        parts.append(f"loss {each.loss:.3f}")
    return ", ".join(parts)


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _screen(states: States) -> Any:
    """The counts, a bar for each run at work, and what failed."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    counts, running = count_words([state for _, state in states]), progressing(states, datetime.now(UTC))
    head = Text.assemble((_counted(counts), "bold"), _ahead(states, running))
    bar = ProgressBar(total=len(states) or 1, completed=counts.get(Word.DONE, 0), width=min(40, console.out().width))
    rows = Table.grid(padding=(0, 1))
    rows.add_column(no_wrap=True)
    rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for each in running[:_MOST]:
        share = f"{each.done / each.total:4.0%}" if each.total else "   ?"
        rows.add_row(Text(share, STYLES[Word.RUNNING]), Text(f"{each.step.label}: {_far(each)}"))
    if len(running) > _MOST:
        rows.add_row("", f"and {len(running) - _MOST:,} more at work")
    bad = [(step, state) for step, state in states if state.word in (Word.FAILED, Word.DAMAGED)]
    for step, state in bad[:_MOST]:
        rows.add_row(Text(str(state.word), STYLES[state.word]), Text(f"{step.label}: {state.why}"))
    if len(bad) > _MOST:
        rows.add_row("", f"and {len(bad) - _MOST:,} more failed: `framework runs --status failed` lists them")
    return Group(head, bar, rows)
