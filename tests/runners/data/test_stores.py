"""Prepared data: written once, whole or not at all, recognised when it is not what it was, and by several at once."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framework.errors import FrameworkError
from framework.evidence.remembering import file_digest
from framework.evidence.remembering.file_digest import digest_of
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from runners.data import storing
from runners.data.preparing import Prepared, prepare
from runners.data.store import prepared_store
from runners.data.store.prepared_store import Making, found, made, removed, stores

MODEL = Model(family="mamba", weights="random", layers=1, hidden=8, vocabulary=300, tokenizer="bytes")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    for split in ("train", "validation"):
        (tmp_path / f"{split}.txt").write_text(f"a text of {split}\n" * 500)
        os.utime(tmp_path / f"{split}.txt", (1e9, 1e9))
    return tmp_path


Use = Callable[..., Prepared]


@pytest.fixture
def use(text: Path, phase: Callable[..., Phase]) -> Use:
    def again(length: int = 16, **stated: Any) -> Prepared:
        return prepare(
            Training(phase(sequence_length=length), "text", Dataset(path=".", **stated)), "tiny", MODEL, None, text
        )

    return again


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of the stores that are written."""
    kinds: list[str] = []
    real = storing.made

    def watched(key: str, write: Callable[[Making], dict[str, Any]], *arguments: Any, **more: Any) -> Any:
        def noted(making: Making) -> dict[str, Any]:
            facts = write(making)
            kinds.append(facts["kind"])
            return facts

        return real(key, noted, *arguments, **more)

    monkeypatch.setattr(storing, "made", watched)
    return kinds


def test_a_split_is_tokenised_once_for_all_lengths(use: Use, written: list[str]) -> None:
    first = use()
    assert written == ["running text"] * 2
    assert use().facts == first.facts
    other = use(length=7)
    assert len(written) == 2
    assert other.facts["fingerprint"] != first.facts["fingerprint"]


def test_another_content_is_another_store(use: Use, written: list[str], text: Path) -> None:
    before = use().facts
    (text / "train.txt").write_text("a text of TRAIN\n" * 500)
    after = use().facts
    assert written == ["running text"] * 3
    assert before["fingerprint"] != after["fingerprint"]
    assert before["validation_fingerprint"] == after["validation_fingerprint"]


def test_a_part_is_enough_until_more_is_needed(use: Use, written: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "_LETTERS", 1000)
    monkeypatch.setattr("runners.data.texts.parts_of.__defaults__", (200, 20))
    part = use(limit=10)
    (store,) = [each for each in stores() if not each.facts["whole"]]
    assert 160 <= store.facts["tokens"] < 2000
    assert use(limit=3).facts["train_examples"] == 3
    assert len(written) == 2
    whole = use()
    assert len(written) == 3
    assert whole.facts["train_examples"] == 16 * 500 // 16
    assert use(limit=10).facts["fingerprint"] == part.facts["fingerprint"]
    assert len(written) == 3


def damage_by_one_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[7] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a bit": lambda folder: damage_by_one_bit(folder / "tokens.bin"),
    "the end": lambda folder: os.truncate(folder / "tokens.bin", 100),
    "the file": lambda folder: (folder / "tokens.bin").unlink(),
    "the index": lambda folder: (folder / "index.json").unlink(),
    "half of the index": lambda folder: os.truncate(folder / "index.json", 90),
    "a number of the index": lambda folder: (folder / "index.json").write_text(
        (folder / "index.json").read_text().replace('"rows": 1', '"rows": 2')
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_store_that_is_not_what_it_was_is_made_anew(use: Use, written: list[str], cache: Path, what: str) -> None:
    before = use().facts
    for store in stores():
        DAMAGE[what](store.folder)
    assert use().facts == before
    assert len(written) == 4
    assert use().facts == before
    assert len(written) == 4


def test_a_store_that_cannot_be_read_is_made_anew_and_hides_no_other(
    use: Use, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = use().facts
    lost, kept = stores()
    (lost.folder / "checked.json").unlink()
    real = Path.open

    def opening(self: Path, *arguments: Any, **more: Any) -> Any:
        if self == lost.folder / "tokens.bin":
            raise OSError(errno.EIO, "Input/output error", str(self))
        return real(self, *arguments, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", opening)
        assert [store.folder for store in stores()] == [kept.folder]
    (lost.folder / "tokens.bin").unlink()
    (lost.folder / "tokens.bin").mkdir()
    assert use().facts == before
    assert len(written) == 3


def test_a_remembered_fingerprint_that_was_edited_is_worked_out_anew(use: Use) -> None:
    before = use().facts
    views = [path for store in stores() for path in (store.folder / "views").iterdir()]
    assert len(views) == 2
    for path in views:
        path.write_text(path.read_text().replace('"value": "', '"value": "0'))
    assert use().facts == before


def test_without_room_nothing_is_left(use: Use, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, values: Any) -> None:
        self._stream.write(b"some")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(prepared_store.ArrayFile, "add", full)
    with pytest.raises(FrameworkError, match=r"no room for .*cache.data: No space left.*FRAMEWORK_CACHE"):
        use()
    assert [path for path in cache.rglob("*") if path.is_file() and path.parent.name not in ("locks", "sources")] == []


def test_a_cache_folder_that_is_none_is_an_error_with_advice(use: Use, cache: Path) -> None:
    cache.parent.write_text("a file")
    with pytest.raises(FrameworkError, match=r"cannot be written to .*let FRAMEWORK_CACHE_DIR name a folder"):
        use()


def test_a_source_that_changes_meanwhile_is_refused(use: Use, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = prepared_store.ArrayFile.close

    def late(self: Any) -> dict[str, Any]:
        (text / "train.txt").write_text("another\n")
        return real(self)

    monkeypatch.setattr(prepared_store.ArrayFile, "close", late)
    with pytest.raises(FrameworkError, match=r"train\.txt was changed while it was read"):
        use()
    assert stores() == []


def _make(log: Path) -> None:
    def write(making: Making) -> dict[str, Any]:
        with log.open("a") as stream:
            stream.write("written\n")
        numbers = making.array("tokens", "uint16")
        for start in range(0, 200_000, 1000):
            numbers.add(np.arange(start, start + 1000) % 1000)
        return {"kind": "test"}

    store = made("shared", write)
    assert int(store.array("tokens").sum()) == 200 * 499_500


def test_of_several_processes_one_writes_and_all_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_make, args=(log,)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 6
    assert log.read_text() == "written\n"


def test_what_a_killed_process_left_is_no_store_and_is_cleared(cache: Path, tmp_path: Path) -> None:
    left = cache / ".shared.partial"
    left.mkdir(parents=True)
    (left / "tokens.bin").write_bytes(b"half")
    (cache / "shared").mkdir()
    _make(tmp_path / "log")
    assert not left.exists()
    assert removed("shared") > 400_000
    assert found("shared") is None


def test_a_digest_is_remembered_for_the_state_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = tmp_path / "data.txt", []
    path.write_text("one")
    monkeypatch.setattr("framework.evidence.remembering.file_state._SETTLED", -1)
    real = file_digest._read
    monkeypatch.setattr(file_digest, "_read", lambda *a: read.append(1) or real(*a))
    assert digest_of(path) == digest_of(path)
    assert len(read) == 1
    times = path.stat()
    path.write_text("two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digest_of(path) == prepared_store.hashlib.sha256(b"two").hexdigest()
    assert list(tmp_path.glob("*.json")) == []


def test_numbers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = prepared_store.ArrayFile(tmp_path / "a.bin", "uint16")
    file.add([65_535])
    with pytest.raises(FrameworkError, match="65536 does not fit into uint16"):
        file.add([65_536])
    facts = file.close()
    assert facts["bytes"] == 2
    assert json.dumps(facts)
