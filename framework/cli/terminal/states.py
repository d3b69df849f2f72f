"""The states of runs, as every command shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.evidence.standing.run_state import MADE_ELSEWHERE, State, Word
from framework.planning.steps import Step

STYLES = {
    Word.DONE: "green",
    Word.ADOPTED: "green",
    Word.RECORDED: "green",
    Word.DAMAGED: "bold red",
    Word.RUNNING: "cyan",
    Word.CUT_OFF: "yellow",
    Word.FAILED: "bold red",
    Word.STALE: "yellow",
    Word.NOT_RUN: "dim",
}
_MOST = 10


def remarks(states: Sequence[tuple[Step, State]]) -> Iterator[str]:
    """A line for each step whose run is there and is no evidence as it is, some of many."""
    sound = {Word.DONE, Word.NOT_RUN} | MADE_ELSEWHERE
    told = [(step, state) for step, state in states if state.word not in sound]
    for step, state in told[:_MOST]:
        yield f"{state.word}: {step.label}: {state.why}"
    if len(told) > _MOST:
        yield f"and {len(told) - _MOST} more: `framework plan` lists them"
