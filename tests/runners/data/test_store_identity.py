"""What tells a store from another, and what reading from one leaves behind."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.evidence.remembering import file_digest
from framework.evidence.remembering.file_digest import digest_of
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from runners.data import tokenizing
from runners.data.preparing import prepare
from runners.data.store.data_folder import data_folder
from runners.data.store.prepared_store import Making, made

MODEL = Model(family="mamba", weights="random", layers=1, hidden=8, vocabulary=270, tokenizer="train")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path / "cache"))


def test_a_file_that_has_just_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    read: list[int] = []
    real = file_digest._read
    monkeypatch.setattr(file_digest, "_read", lambda *arguments: read.append(1) or real(*arguments))
    assert digest_of(path) == digest_of(path)
    assert len(read) == 2, "its time does not tell it from one that is written in the same moment"


def test_a_tokenizer_is_told_by_how_it_cuts_and_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tokenizing.tokenizer_for("tiny", MODEL, ["some words of a text " * 9], Path())
    before = tokenizing.content_of(tokenizer)
    assert tokenizing.content_of(tokenizer) == before
    tokenizer.truncation_side = "left"
    other = tokenizing.content_of(tokenizer)
    monkeypatch.setattr(tokenizing.transformers, "__version__", "0.0")
    assert len({before, other, tokenizing.content_of(tokenizer)}) == 3


@pytest.mark.parametrize("objective", ["classification", "causal_lm"])
def test_a_tokenizer_is_left_the_same_whether_texts_were_read_or_stored(
    tmp_path: Path, phase: Callable[..., Phase], objective: str
) -> None:
    for split in ("train", "validation"):
        rows = (f'{{"text": "some words of a {split} text", "label": {number % 2}}}\n' for number in range(40))
        (tmp_path / f"{split}.jsonl").write_text("".join(rows))
    work = Training(phase(objective, sequence_length=8), "rows", Dataset(path=".", labels=2))
    left = []
    for _ in range(2):
        tokenizer = prepare(work, "tiny", MODEL, None, tmp_path).tokenizer
        left.append(tokenizer.backend_tokenizer.to_str())
    assert left[0] == left[1]


def test_who_waits_for_another_process_is_told_once() -> None:
    path = data_folder() / "locks" / "shared"
    path.parent.mkdir(parents=True)
    told: list[float] = []

    def write(making: Making) -> dict[str, object]:
        making.array("tokens", "uint16").add([1])
        return {}

    with path.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        release = threading.Timer(0.5, fcntl.flock, (holder, fcntl.LOCK_UN))
        release.start()
        begun = time.monotonic()
        made("shared", write, wait=lambda: told.append(time.monotonic()))
        release.join()
    assert len(told) == 1
    assert told[0] - begun < 0.4
