"""Run records, their JSON lines, and the store that finds runs by content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.evidence.record import RunRecord, artefacts_below, read_json, read_lines, sha256_of
from framework.evidence.remembering.run_contents import changed_artefacts
from framework.evidence.store import RunStore
from tests.support.run_folders import change_record

KEY = "0123456789abcdef" * 4


def record(**changes: Any) -> RunRecord:
    facts: dict[str, Any] = {
        "key": KEY,
        "folder": "dense.0123456789",
        "step": "pretrain",
        "variants": ["dense"],
        "model": "tiny",
        "task": None,
        "seed": 1,
        "profile": None,
        "identity": {"step": "pretrain"},
    }
    return RunRecord(**{**facts, **changes})


def test_a_record_that_is_written_is_read_back(tmp_path: Path) -> None:
    written = record(status="done", metrics={"perplexity": 12.5}, sparsity={"tensors": {"a": [1, 2]}}, error="é")
    written.write(tmp_path)
    assert RunRecord.read(tmp_path) == written


BROKEN: dict[str, tuple[str, str]] = {
    "not JSON": ("{", "not a run record"),
    "empty": ("", "not a run record"),
    "a list": ("[]", "not a run record"),
    "another format": ('{"format": 99}', "a run record of format 99, not 1"),
    "no format": ("{}", "a run record of format None"),
    "fields missing": ('{"format": 1}', "not a run record"),
    "an unknown field": (json.dumps({**asdict(record()), "extra": 1}), "extra"),
    "a text for a number": (json.dumps({**asdict(record()), "seed": "one"}), "seed"),
    "a list for a mapping": (json.dumps({**asdict(record()), "artefacts": [1]}), "artefacts"),
    "an artefact without a size": (json.dumps({**asdict(record()), "artefacts": {"a": {"sha256": ""}}}), "artefacts.a"),
    "an unknown status": (json.dumps({**asdict(record()), "status": "finished"}), "status"),
    "nested without end": ("[" * 100_000, "not a run record"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_record_is_a_named_error(tmp_path: Path, case: str) -> None:
    text, words = BROKEN[case]
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(InputError, match="record") as failure:
        RunRecord.read(tmp_path)
    assert words in str(failure.value)
    assert "record.json:1:1" in str(failure.value)


def test_a_folder_without_a_record_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run record here"):
        RunRecord.read(tmp_path)


def test_a_record_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    record(status="done").write(tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        record(metrics={"loss": float("nan")}).write(tmp_path)
    assert RunRecord.read(tmp_path).status == "done"
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


# JSON lines


def test_the_lines_of_a_file_are_its_objects(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n')
    assert list(read_lines(path)) == [{"step": 1}, {"step": 2}]


@pytest.mark.parametrize("tail", ['{"step": 2', '{"step": 2}', "{", '{"loss": "é'])
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path, tail: str) -> None:
    path = tmp_path / "steps.jsonl"
    path.write_bytes(b'{"step": 1}\n' + tail.encode()[: len(tail)])
    assert list(read_lines(path)) == [{"step": 1}]


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert list(read_lines(tmp_path / "steps.jsonl")) == []


@pytest.mark.parametrize("line", ["{", "", "[1]", "1", "{'a': 1}", "\udcff", "[" * 50_000])
def test_a_broken_line_before_the_last_is_a_named_error(tmp_path: Path, line: str) -> None:
    path = tmp_path / "steps.jsonl"
    path.write_bytes(b'{"step": 1}\n' + line.encode("utf-8", "surrogateescape") + b'\n{"step": 3}\n')
    with pytest.raises(InputError, match=r"steps\.jsonl:2:1: not (a )?JSON"):
        list(read_lines(path))


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_what_is_no_json_object_is_a_named_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json:1:1: not (a )?JSON"):
        read_json(tmp_path / "config.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path / "other.json")


# Artefacts


def test_artefacts_are_stated_by_hash_and_size(tmp_path: Path) -> None:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "a.bin").write_bytes(b"abc")
    (tmp_path / "steps.jsonl").write_bytes(b"")
    found = artefacts_below(tmp_path, "model", "steps.jsonl")
    assert list(found) == ["model/deep/a.bin", "steps.jsonl"]
    assert found["model/deep/a.bin"] == {"sha256": hashlib.sha256(b"abc").hexdigest(), "bytes": 3}
    assert found["steps.jsonl"]["bytes"] == 0


def test_a_hash_is_of_the_whole_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "a.bin").write_bytes(data)
    assert sha256_of(tmp_path / "a.bin") == hashlib.sha256(data).hexdigest()


# The store


def finished(root: Path, name: str = "dense.0123456789", **changes: Any) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "steps.jsonl").write_bytes(b"{}\n")
    artefacts = artefacts_below(folder, "steps.jsonl")
    record(folder=name, artefacts=artefacts, **{"status": "done", **changes}).write(folder)
    return folder


def test_a_finished_run_is_found_by_its_key_whatever_its_folder_is_called(tmp_path: Path) -> None:
    folder = finished(tmp_path, "renamed.0123456789")
    found = RunStore(tmp_path).done(KEY)
    assert found is not None
    assert found.folder == folder


def test_a_key_with_the_same_beginning_is_another_run(tmp_path: Path) -> None:
    finished(tmp_path, key=KEY[:10] + "f" * 54)
    assert RunStore(tmp_path).find(KEY) is None


@pytest.mark.parametrize("status", ["running", "failed"])
def test_a_run_that_did_not_finish_is_not_done(tmp_path: Path, status: str) -> None:
    finished(tmp_path, status=status)
    assert RunStore(tmp_path).find(KEY) is not None
    assert RunStore(tmp_path).done(KEY) is None


def test_a_run_without_one_of_its_artefacts_is_not_done(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    (folder / "steps.jsonl").unlink()
    assert RunStore(tmp_path).done(KEY) is None


def test_a_run_with_an_artefact_of_another_size_is_not_done(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    (folder / "steps.jsonl").write_bytes(b"{")
    assert RunStore(tmp_path).done(KEY) is None


def test_a_changed_artefact_is_told_by_its_hash(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    (run,) = RunStore(tmp_path).runs()
    assert changed_artefacts(run) == []
    (folder / "steps.jsonl").write_bytes(b"[]\n")
    assert changed_artefacts(run) == ["steps.jsonl"]
    (folder / "steps.jsonl").unlink()
    assert changed_artefacts(run) == ["steps.jsonl"]


def test_a_folder_whose_record_is_broken_is_no_finished_run(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    (folder / "record.json").write_text("{")
    assert RunStore(tmp_path).done(KEY) is None


def test_what_has_no_record_is_no_run(tmp_path: Path) -> None:
    finished(tmp_path)
    (tmp_path / "notes.0123456789").mkdir()
    (tmp_path / "file").write_text("")
    assert [run.folder.name for run in RunStore(tmp_path).runs()] == ["dense.0123456789"]


def test_without_a_folder_there_are_no_runs(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    assert list(store.runs()) == []
    assert store.done(KEY) is None


def test_a_record_can_be_changed_and_is_read_anew(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    change_record(folder, lambda each: setattr(each, "status", "failed"))
    assert RunStore(tmp_path).done(KEY) is None
