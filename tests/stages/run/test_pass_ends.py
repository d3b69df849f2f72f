"""What a trainer drops at the end of a pass is a fact, from whoever states it; where nobody does, both are possible."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from framework.evidence.atomic import write_json
from framework.evidence.record import read_json
from framework.stages.run.pass_ends import Ends, steps_of_pass
from tests.support.run_folders import change_run, write_lines
from tests.support.scripted import ON_FLAGS, ScriptedStudy
from tests.support.statuses import codes, status_of

T, F, N = True, False, None


@pytest.mark.parametrize(
    ("examples", "batch", "ends", "steps"),
    [
        (960, 64, Ends(), (15, 15)),
        (1000, 64, Ends(), (15, 16)),
        (1000, 64, Ends(T, T), (15, 15)),
        (1000, 64, Ends(F, F), (16, 16)),
        (1000, 64, Ends(T, N, 1), (15, 15)),
        (1000, 64, Ends(F, N, 1), (16, 16)),
        (1000, 64, Ends(T, F, 4), (16, 16)),  # 62 micro-batches of 16: 15 updates, and 2 of 4
        (1000, 64, Ends(T, T, 4), (15, 15)),
        (1000, 64, Ends(F, T, 4), (15, 15)),  # 63 micro-batches: 15 updates, and 3 of 4
        (1020, 64, Ends(F, T, 4), (16, 16)),  # 64, the last with 12 samples
        (1020, 64, Ends(T, T, 4), (15, 15)),
        (10, 64, Ends(T, T), (1, 1)),
    ],
)
def test_the_steps_of_a_pass(examples: int, batch: int, ends: Ends, steps: tuple[int, int]) -> None:
    assert steps_of_pass(examples, batch, ends) == steps


EXAMPLES, BATCH, EPOCHS = 1000, 64, 3


def verified(root: Path, done: int, stated: str = "", samples: bool = False, **observed: Any) -> Any:
    """A finished run of a script whose log says how many steps it made."""
    runner = ON_FLAGS.replace("{block_size:", "{drop: settings.drop_last, block_size:") if stated else ON_FLAGS
    changes = [
        ("64_000", str(EXAMPLES)),
        ("precision: bf16\n", f"precision: bf16\n{stated}"),
        ("count: 2", "count: 1"),
    ]
    study = ScriptedStudy(root, runner, *changes)
    step = study.step()
    folder = root / "runs" / step.folder
    folder.mkdir(parents=True)
    per = done // EPOCHS
    floor, warmup = 2e-5, math.ceil(0.1 * done)
    lines = []
    for number in range(1, done + 1):
        over = (number - 1 - warmup) / max(1, done - warmup)
        rate = 2e-4 * (number - 1) / warmup if number <= warmup else floor + 0.9e-4 * (1 + math.cos(math.pi * over))
        line = {"step": number, "learning_rate": rate}
        rest = per == 16 and number % per == 0
        lines.append(line | ({"samples": EXAMPLES % BATCH if rest else BATCH} if samples else {}))
    write_lines(folder / "steps.jsonl", lines)
    record = {
        "key": step.key, "folder": step.folder, "step": "train", "variants": ["full"], "model": "small", "task": None,
        "seed": 42, "profile": None, "identity": dict(step.identity), "status": "done", "format": 1,
        "observed": {"command": {}, "optimizer_steps": done, "train_examples": EXAMPLES, **observed},
    }  # fmt: skip
    write_json(folder / "record.json", record)
    change_run(folder)
    assert read_json(folder / "record.json")["status"] == "done"
    return study.verify(plan=study.plan("full"))


def epochs(result: Any) -> Status | None:
    return status_of(result, "phases.train.epochs", Stage.RUN)


DROPS = "    settings: {drop_last: true}\n"
KEEPS = "    settings: {drop_last: false}\n"


@pytest.mark.parametrize(
    ("done", "manifest", "written", "status"),
    [
        (48, "", None, Status.CONFORMS),
        (45, "", None, Status.UNVERIFIED),  # nothing says that a rest is dropped, nor that it is not
        (44, "", None, Status.VIOLATED),
        (46, "", None, Status.VIOLATED),
        (49, "", None, Status.VIOLATED),
        (45, DROPS, None, Status.CONFORMS),
        (48, DROPS, None, Status.VIOLATED),
        (48, KEEPS, None, Status.CONFORMS),
        (45, "", {"dataloader_drop_last": True}, Status.CONFORMS),
        (48, "", {"dataloader_drop_last": True}, Status.VIOLATED),
        (45, "", {"data.drop_last": True}, Status.CONFORMS),
        (48, "", {"args.drop-last": False}, Status.CONFORMS),
    ],
)
def test_the_length_is_held_with_what_is_dropped(
    tmp_path: Path, done: int, manifest: str, written: dict[str, Any] | None, status: Status
) -> None:
    observed = {"accumulation": 1} | ({} if written is None else {"settings": written})
    result = verified(tmp_path, done, manifest, **observed)
    assert epochs(result) is status
    if status is not Status.VIOLATED:
        assert status_of(result, "phases.train.schedule.warmup", Stage.RUN) is Status.CONFORMS, codes(result)


def test_the_samples_of_the_log_show_what_is_dropped(tmp_path: Path) -> None:
    for done in (45, 48):
        result = verified(tmp_path / str(done), done, samples=True)
        assert (epochs(result), status_of(result, "phases.train.batch_size", Stage.RUN)) == (Status.CONFORMS,) * 2


def test_what_an_accumulation_carries_over_is_not_known(tmp_path: Path) -> None:
    for done, status in ((47, Status.UNVERIFIED), (45, Status.UNVERIFIED), (43, Status.VIOLATED)):
        assert epochs(verified(tmp_path / str(done), done, accumulation=4)) is status
