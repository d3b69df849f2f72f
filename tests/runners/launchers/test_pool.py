"""Several runs at a time: each in a process of its own, each recorded, none lost and none repeated."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from framework.errors import FrameworkError, InputError
from framework.evidence.record import RECORD, RunRecord
from framework.evidence.run_index import REGISTRY, Registry
from framework.evidence.store import RunStore
from framework.planning.outcomes import Outcome, Unheard
from framework.planning.steps import Step
from runners.launchers.forking import in_child
from runners.launchers.pool import LOGS, run_pool, visible_devices
from tests.support.executed import study

VARIANTS = """\
  dense: {steps: [pretrain]}
  pruned: {from: dense, steps: [{prune: {sparsity: 0.5, tensors: [in_proj]}}]}
"""
SEEDS = 4


@pytest.fixture
def steps(tmp_path: Path) -> tuple[Step, ...]:
    made = study(tmp_path, VARIANTS)
    text = (tmp_path / "experiment.yaml").read_text()
    (tmp_path / "experiment.yaml").write_text(text.replace("seeds: [3]", "seeds: [1, 2, 3, 4]"))
    return made.plan().steps


def recorded(step: Step, store: RunStore, project: Path, progress: Any, status: Any = "done") -> RunRecord:
    """What an execution leaves, without its work."""
    folder = store.folder(step.folder)
    folder.mkdir(parents=True)
    record = RunRecord(
        step.key, step.folder, step.name, list(step.variants), step.model_name, step.task, step.seed, None, {},
        status=status, metrics={"loss": step.seed / 2},
    )  # fmt: skip
    record.write(folder)
    return record


def run(steps: tuple[Step, ...], root: Path, execute: Callable[..., Any], jobs: int = 2) -> list[Outcome]:
    return list(run_pool(steps, RunStore(root / "runs"), root, Unheard(), jobs, execute))


def test_every_run_has_its_folder_its_record_and_its_row(steps: tuple[Step, ...], tmp_path: Path) -> None:
    outcomes = run(steps, tmp_path, recorded)
    assert [outcome.status for outcome in outcomes] == ["done"] * 2 * SEEDS
    for outcome in outcomes:
        assert outcome.record is not None
        assert (tmp_path / "runs" / outcome.step.folder / RECORD).is_file()
    rows = {row["key"]: row for row in Registry(tmp_path / "runs").rows()}
    assert set(rows) == {step.key for step in steps}
    assert all(row["metrics"] == {"loss": row["seed"] / 2} for row in rows.values())


def test_a_second_time_nothing_is_executed(steps: tuple[Step, ...], tmp_path: Path) -> None:
    run(steps, tmp_path, recorded)
    again = run(steps, tmp_path, lambda *_: pytest.fail("executed again"))
    assert [outcome.status for outcome in again] == ["found"] * 2 * SEEDS


def test_a_failed_run_is_recorded_and_stops_only_what_needs_it(steps: tuple[Step, ...], tmp_path: Path) -> None:
    def execute(step: Step, store: RunStore, project: Path, progress: Any) -> None:
        if step.seed == 2 and step.variant == "dense":
            recorded(step, store, project, progress, "running")
            raise FrameworkError("the loss is not a number")
        recorded(step, store, project, progress)

    outcomes = {(each.step.variant, each.step.seed): each for each in run(steps, tmp_path, execute)}
    assert outcomes["dense", 2].status == "failed"
    assert outcomes["dense", 2].error == "the loss is not a number"
    assert outcomes["pruned", 2].status == "skipped"
    assert "dense · pretrain" in outcomes["pruned", 2].error
    assert sum(each.status == "done" for each in outcomes.values()) == 2 * SEEDS - 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_whose_process_dies_is_recorded_as_failed(
    steps: tuple[Step, ...], tmp_path: Path, number: signal.Signals
) -> None:
    def execute(step: Step, store: RunStore, project: Path, progress: Any) -> None:
        recorded(step, store, project, progress, "running" if step.seed == 1 else "done")
        if step.seed == 1:
            os.kill(os.getpid(), number)

    outcomes = {(each.step.variant, each.step.seed): each for each in run(steps, tmp_path, execute)}
    assert number.name in outcomes["dense", 1].error
    record = RunRecord.read(tmp_path / "runs" / outcomes["dense", 1].step.folder)
    assert record.status == "failed"
    assert record.error is not None
    assert number.name in record.error
    statuses = {(row["variant"], row["seed"]): row["status"] for row in Registry(tmp_path / "runs").rows()}
    assert statuses["dense", 1] == "failed"
    assert statuses["dense", 2] == "done"


def test_as_many_at_a_time_as_asked_and_no_more(steps: tuple[Step, ...], tmp_path: Path) -> None:
    """The first three wait for each other; a fourth would be seen among them."""
    running = tmp_path / "running"
    running.mkdir()

    def execute(step: Step, store: RunStore, project: Path, progress: Any) -> None:
        mine = running / str(os.getpid())
        mine.touch()
        deadline = time.monotonic() + 60
        while not (tmp_path / "met").exists() and time.monotonic() < deadline:
            if len(list(running.iterdir())) >= 3:
                (tmp_path / "met").touch()
            time.sleep(0.01)
        time.sleep(0.05)
        (tmp_path / f"seen-{len(list(running.iterdir()))}").touch()
        mine.unlink()
        recorded(step, store, project, progress)

    run(steps, tmp_path, execute, jobs=3)
    seen = {path.name for path in tmp_path.glob("seen-*")}
    assert (tmp_path / "met").exists()
    assert not seen & {"seen-4", "seen-5", "seen-6"}


def test_what_a_run_says_reaches_the_board(steps: tuple[Step, ...], tmp_path: Path) -> None:
    heard: list[tuple[Any, ...]] = []

    class Board(Unheard):
        def update(self, step: Step, done: int, loss: float, learning_rate: float) -> None:
            heard.append((step.seed, done, loss, learning_rate))

        def message(self, step: Step, text: str) -> None:
            heard.append((step.seed, text))

    def execute(step: Step, store: RunStore, project: Path, progress: Any) -> None:
        progress.begin(step, 7)
        progress.update(3, 0.5, 1e-4)
        progress.message("é " * 40_000)  # more than a pipe holds
        recorded(step, store, project, progress)
        os.write(1, b"to the log\n")

    outcomes = list(run_pool(steps[:1], RunStore(tmp_path / "runs"), tmp_path, Board(), 1, execute))
    assert outcomes[0].status == "done"
    seed = steps[0].seed
    assert heard == [(seed, 3, 0.5, 1e-4), (seed, "é " * 40_000)]
    assert (tmp_path / "runs" / LOGS / f"{steps[0].folder}.log").read_text() == "to the log\n"


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from runners.launchers.forking import live\n"
        "reading, writing = os.pipe()\n"
        "parent = os.getpid()\n"
        "if (pid := os.fork()) == 0:\n"
        "    live(parent, writing, Path(sys.argv[1]), lambda: None, lambda: time.sleep(60))\n"
        "print(pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    while not (tmp_path / "log").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while _alive(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_question_asked_in_a_child_has_its_answer_or_its_error() -> None:
    assert in_child(lambda: [os.getpid() == os.getppid(), "é", None]) == [False, "é", None]
    with pytest.raises(FrameworkError, match="the reason"):
        in_child(lambda: (_ for _ in ()).throw(FrameworkError("the reason")))
    with pytest.raises(FrameworkError, match="SIGKILL"):
        in_child(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_the_registry_is_made_anew_from_the_records(steps: tuple[Step, ...], tmp_path: Path) -> None:
    run(steps, tmp_path, recorded)
    registry = Registry(tmp_path / "runs")
    before = list(registry.rows())
    for path in tmp_path.glob(f"runs/{REGISTRY}*"):
        path.unlink()
    assert registry.rebuild() == len(before)
    assert list(registry.rows()) == before


def test_a_registry_that_is_none_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / REGISTRY).write_bytes(b"no database, and longer than the header of one, to be read as such" * 20)
    with pytest.raises(InputError, match="remove it"):
        list(Registry(tmp_path).rows())


def test_the_registry_takes_rows_of_several_processes_at_once(steps: tuple[Step, ...], tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")

    def execute(step: Step, *rest: Any) -> None:
        record = recorded(step, *rest)
        for _ in range(20):
            Registry(store.root).note(record, store.folder(step.folder))

    assert {outcome.status for outcome in run(steps, tmp_path, execute, jobs=4)} == {"done"}
    with closing(sqlite3.connect(store.root / REGISTRY)) as database:
        assert database.execute("SELECT COUNT(*) FROM runs").fetchone() == (2 * SEEDS,)


def test_devices_are_known_without_asking_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert visible_devices() == ["3", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_devices() == []


def test_a_pool_writes_what_one_process_writes(tmp_path: Path) -> None:
    """The same command with and without `--jobs`: the same runs, the same bytes."""
    found = []
    for folder, more in (("one", []), ("pool", ["--jobs", "2"])):
        made = study(tmp_path / folder, VARIANTS)
        command = [sys.executable, "-m", "framework", "run", "--all", *more]
        done = subprocess.run(command, cwd=made.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        runs = list(RunStore(made.root / "runs").runs())
        found.append({run.record.key: run.record.artefacts for run in runs})
    assert found[0] == found[1]
    assert len(found[0]) == 2
