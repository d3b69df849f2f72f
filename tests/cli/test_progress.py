"""Plain progress lines, as a log of CI has them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from framework.cli.terminal import console
from framework.cli.terminal.bars import fitting
from framework.cli.terminal.board import PoolBoard
from framework.cli.terminal.progress import RichProgress, spelled
from framework.planning.steps import Step
from tests.support.project import Project


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Project(tmp_path).plan().steps[0]


@pytest.fixture(autouse=True)
def fresh_console() -> Iterator[None]:
    """The console is made once, for the standard output of that moment."""
    console.out.cache_clear()
    yield
    console.out.cache_clear()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_line_says_how_long_is_left_at_the_pace_so_far(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with RichProgress(steps=3, clock=clock) as progress:
        progress.begin(step, 1000)
        for done in (100, 200, 300):
            clock.now += 20
            progress.update(done, 2.5, 1e-3)
    assert said(capsys) == [
        f"start {step.label} (1 of 3)",
        "  100/1000 loss 2.500, learning rate 1.00e-03",
        "  200/1000 loss 2.500, learning rate 1.00e-03, 3 min left",
        "  300/1000 loss 2.500, learning rate 1.00e-03, 2 min left",
    ]


def test_a_run_that_goes_on_is_timed_from_where_it_went_on(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with RichProgress(steps=1, clock=clock) as progress:
        progress.begin(step, 1000)
        for done in (910, 920):
            clock.now += 20
            progress.update(done, 2.5, 1e-3)
    assert said(capsys)[-1].endswith("920/1000 loss 2.500, learning rate 1.00e-03, 3 min left")


def test_lines_come_at_most_every_ten_seconds(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with RichProgress(steps=1, clock=clock) as progress:
        progress.begin(step, 100)
        for done in range(1, 31):
            clock.now += 1
            progress.update(done, 2.5, 1e-3)
    assert [line.split()[0] for line in said(capsys)[1:]] == ["11/100", "22/100"]


def test_each_step_is_timed_by_itself(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with RichProgress(steps=2, clock=clock) as progress:
        for _ in range(2):
            progress.begin(step, 100)
            clock.now += 500
            progress.update(50, 2.5, 1e-3)
    assert not any("left" in line for line in said(capsys))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3_540, "59 min"), (3_580, "1 h 0 min"), (12_000, "3 h 20 min"),
     (86_399, "1 d 0 h"), (187_200, "2 d 4 h")],
)  # fmt: skip
def test_times_are_spelled_as_people_say_them(seconds: float, words: str) -> None:
    assert spelled(seconds) == words


LONG = "M_challenge_over_everything_that_there_is"


def on_a_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Puts a terminal of that width in the place of the console; what is written to it."""
    written = io.StringIO()
    terminal = Console(file=written, force_terminal=True, width=width, soft_wrap=True, highlight=False, emoji=False)
    monkeypatch.setattr(console, "out", lambda: terminal)
    return written


def lines_of(written: io.StringIO) -> list[str]:
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())
    return [line.rstrip() for line in re.split(r"[\r\n]", plain) if line.strip()]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_bar_keeps_steps_and_time_at_every_width(step: Step, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written = on_a_terminal(width, monkeypatch)
    with RichProgress(steps=12) as progress:
        progress.begin(replace(step, variants=(LONG,)), 1000)
        for done in (110, 115, 120):
            progress.update(done, 2.5, 1e-3)
        progress._bar.refresh()
    line = lines_of(written)[-1]
    assert len(line) <= width
    assert re.search(r"━+.*120/1000 [0-9]+:[0-9]{2}:[0-9]{2}", line), line
    assert line.startswith(LONG[:5])
    assert ("loss 2.500" in line) is (width >= 80)
    assert ("learning rate 1.00e-03" in line) is (width >= 120)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_pool_keeps_the_bars_of_all_its_runs(step: Step, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written = on_a_terminal(width, monkeypatch)
    runs = [replace(step, variants=(LONG,), seed=seed, key=str(seed)) for seed in (1, 2)]
    with PoolBoard(12, 0, 2) as board:
        for run in runs:
            board.started(run)
            board.training(run, 1000)
            board.update(run, 110, 2.5, 1e-3)
        board.update(runs[1], 120, 2.5, 1e-3)
    last = lines_of(written)[-3:]
    assert all(len(line) <= width for line in last)
    assert [re.findall(r"[0-9]+/[0-9]+", line) for line in last] == [["0/12"], ["110/1000"], ["120/1000"]]
    assert all(re.search(r"━.*(-:--:--|[0-9]+:[0-9]{2}:[0-9]{2})", line) for line in last), last


@pytest.mark.parametrize(("width", "kept"), [(0, ""), (9, ""), (10, "loss 2.500"), (20, "loss 2.500"), (99, None)])
def test_a_note_loses_whole_parts(width: int, kept: str | None) -> None:
    note = "loss 2.500, learning rate 1.00e-03"
    assert fitting(note, width) == (note if kept is None else kept)
