"""Logs by their content, whatever they are called, and rows of several kinds in one log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.evidence.logs.deriving import derived
from framework.evidence.logs.log import Log, Reading
from framework.evidence.logs.registry import read_log
from framework.evidence.logs.taking import taken
from framework.manifest.sections.phases import Phase

STEPS = [{"step": step, "lr": 1e-3 * step, "loss": 4.0 - step} for step in (1, 2, 3)]
LINES = "".join(json.dumps(row) + "\n" for row in STEPS)
CONTENTS = {
    "JSON lines": LINES,
    "text, then JSON lines": f"[2026-01-01 12:00] start\nloading\n{LINES}done\n",
    "an array": json.dumps(STEPS, indent=2),
    "commas": "step,lr,loss\n" + "".join(f"{row['step']},{row['lr']},{row['loss']}\n" for row in STEPS),
    "tabs": "step\tlr\tloss\n" + "".join(f"{row['step']}\t{row['lr']}\t{row['loss']}\n" for row in STEPS),
    "semicolons": "step; lr; loss\n" + "".join(f"{row['step']}; {row['lr']}; {row['loss']}\n" for row in STEPS),
    "printed": "start\n" + "".join(f"step {row['step']}: loss {row['loss']}, lr {row['lr']}\n" for row in STEPS),
    "a trainer's state": json.dumps({"log_history": [{**row, "learning_rate": row["lr"]} for row in STEPS]}),
}


def read(path: Path, content: str | list[dict[str, Any]], **reading: Any) -> Log:
    text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
    path.write_text(text)
    return read_log([path], Reading(**reading))[0]


def seen(log: Log, name: str) -> dict[int, float]:
    return {line["step"]: line[name] for line in log.steps if name in line}


@pytest.mark.parametrize("name", ["log.jsonl", "train.log", "out.txt", "metrics.json", "history", "log.dat", "a.b.c"])
@pytest.mark.parametrize("content", CONTENTS)
def test_what_a_log_is_its_content_says(tmp_path: Path, content: str, name: str) -> None:
    if name == "log.jsonl" and not CONTENTS[content].startswith("{"):
        return  # who calls it so gets every line read as JSON
    log = read(tmp_path / name, CONTENTS[content])
    assert seen(log, "learning_rate") == {1: 1e-3, 2: 2e-3, 3: 3e-3}
    assert seen(log, "loss") == {1: 3.0, 2: 2.0, 3: 1.0}


@pytest.mark.parametrize("content", ["", "nothing of it\n", "\0\1\2", "a,b\nc,d\n", '{"model": 1}', "[1, 2]"])
def test_what_is_no_log_is_refused_with_what_is_one(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="known: tensorboard, trainer_state, json_lines, csv, text"):
        read(tmp_path / "log.json", content)


def test_a_stated_format_goes_before_the_content(tmp_path: Path) -> None:
    printed = '{"note": "step 1"}\nstep 1 loss 2.0 lr 0.1\n'
    assert seen(read(tmp_path / "train.log", printed, format="text"), "loss") == {1: 2.0}
    with pytest.raises(InputError, match="not JSON"):
        read(tmp_path / "train.jsonl", printed)


# Rows of several kinds

EVALUATED = {"step": 2, "loss": 9.0, "accuracy": 0.5}


@pytest.mark.parametrize(
    ("on_steps", "on_evaluations"),
    [
        ({"event": "training_step"}, {"event": "evaluation"}),
        ({"event": "train"}, {"event": "eval"}),
        ({}, {"event": "validate"}),
        ({"split": "train"}, {"split": "val"}),
        ({"mode": "training"}, {"mode": "validation"}),
        ({"type": "train_step"}, {"type": "valid_step"}),
        ({"phase": "train"}, {"phase": "dev"}),
    ],
)
def test_an_evaluation_among_the_steps_keeps_its_own_loss(
    tmp_path: Path, on_steps: Mapping[str, str], on_evaluations: Mapping[str, str]
) -> None:
    rows = [row | on_steps for row in STEPS]
    log = read(tmp_path / "log.jsonl", [*rows[:2], EVALUATED | on_evaluations, rows[2]])
    assert seen(log, "loss") == {1: 3.0, 2: 2.0, 3: 1.0}
    assert log.evaluations == [{"step": 2, "loss": 9.0, "accuracy": 0.5}]
    assert taken(log, None).metrics == {"loss": 9.0, "accuracy": 0.5}


@pytest.mark.parametrize(
    "other",
    [
        {"event": "test", "step": 3, "loss": 7.0, "lr": 1.0},
        {"event": "checkpoint", "step": 3, "loss": 7.0, "lr": 1.0},
        {"event": "train_end", "step": 3, "loss": 7.0, "lr": 1.0},
        {"event": "epoch_end", "step": 3, "loss": 7.0, "lr": 1.0},
    ],
)
def test_other_rows_are_neither(tmp_path: Path, other: dict[str, Any]) -> None:
    log = read(tmp_path / "log.jsonl", [*({**row, "event": "train"} for row in STEPS), other])
    assert (seen(log, "loss")[3], seen(log, "learning_rate")[3], log.evaluations) == (1.0, 3e-3, [])


def test_a_mark_of_another_word_alone_is_a_step(tmp_path: Path) -> None:
    assert len(read(tmp_path / "log.jsonl", [{**row, "event": "update_done"} for row in STEPS]).steps) == 3
    assert len(read(tmp_path / "log.jsonl", [{**row, "stage": "sft"} for row in STEPS]).steps) == 3


def test_filters_say_which_rows_are_what(tmp_path: Path) -> None:
    rows = [{**row, "what": 1} for row in STEPS] + [{**EVALUATED, "what": 2}, {**EVALUATED, "what": 3, "loss": 5.0}]
    log = read(tmp_path / "log.jsonl", rows, step_rows={"what": 1}, evaluation_rows={"what": 2})
    assert (len(log.steps), log.evaluations) == (3, [{"step": 2, "loss": 9.0, "accuracy": 0.5}])
    log = read(tmp_path / "log.jsonl", rows, step_rows={"what": 1})
    assert (seen(log, "loss"), log.evaluations) == ({1: 3.0, 2: 2.0, 3: 1.0}, [])
    table = "kind,step,lr,loss\nt,1,0.1,3.0\ne,1,,9.0\n"
    log = read(tmp_path / "log.csv", table, step_rows={"kind": "t"}, evaluation_rows={"kind": "e"})
    assert (seen(log, "loss"), log.evaluations) == ({1: 3.0}, [{"step": 1, "loss": 9.0}])


# What is counted


def test_what_is_counted_from_the_beginning_becomes_that_of_each_step(tmp_path: Path) -> None:
    rows = [{"step": step, "samples_seen": 8 * step, "tokens_seen": 100 * step} for step in (1, 2, 3)]
    log = read(tmp_path / "log.jsonl", rows)
    assert (seen(log, "samples"), seen(log, "tokens")) == ({1: 8, 2: 8, 3: 8}, {1: 100, 2: 100, 3: 100})
    sparse = [{"step": step, "samples_seen": 8 * step} for step in (10, 20)]
    assert seen(read(tmp_path / "log.jsonl", sparse), "samples") == {}
    own = {"samples_seen": "n"}
    named = read(tmp_path / "log.jsonl", [{"step": 1, "n": 4}, {"step": 2, "n": 8}], names=own)
    assert seen(named, "samples") == {1: 4, 2: 4}


PHASE = Phase.model_validate({"objective": "causal_lm", "dataset": "d", "batch_size": 4, "epochs": 2})


def epochs_of(*epochs: float | None, samples: tuple[int, ...] = ()) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [{"step": number, "loss": 1.0} for number in range(1, len(epochs) + 1)]
    for line, epoch in zip(lines, epochs, strict=True):
        line |= {} if epoch is None else {"epoch": epoch}
    for line, count in zip(lines, samples, strict=False):
        line["samples"] = count
    observed = taken(Log("rows", lines), None).observed
    return observed | derived(observed, PHASE)


@pytest.mark.parametrize(
    ("epochs", "made"),
    [
        ((0, 0, 1, 1), 2),
        ((1, 1, 2, 2, 3, 3), 3),
        ((0.5, 1.0, 1.5, 2.0), 2),
        ((0, 0, 1), None),  # the last one may not be whole
        ((0, 0, 0), None),  # nor may the only one
        ((0, 0, 2, 2), None),
        ((3, 3, 4, 4), None),  # it began elsewhere
        ((0.5, 1.0, 1.5), None),
        ((0, None, 1, 1), None),
        ((1, 1, 0, 0), None),
    ],
)
def test_epochs_as_the_rows_number_them(epochs: tuple[float | None, ...], made: int | None) -> None:
    assert epochs_of(*epochs).get("epochs") == made


def test_examples_and_batches_are_counted(tmp_path: Path) -> None:
    """A smaller last batch says how many examples there are; batches of one size do not: a rest may be dropped."""
    found = epochs_of(0, 0, 0, 1, 1, 1, samples=(4, 4, 2, 4, 4, 2))
    assert (found["train_examples"], found["samples_counted"]) == (10, 20)
    found = epochs_of(0, 0, 1, 1, samples=(4, 4, 4, 4))
    assert ("train_examples" in found, found["batch_size"]) == (False, 4)
    rows = [{"event": "start", "train_examples": 320}, *STEPS]
    assert read(tmp_path / "log.jsonl", rows).observed["train_examples"] == 320
