"""A quick verification reads no large file again that is as it was, and every one that is not: nothing else passes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework import api
from framework.evidence.remembering.file_digest import memory_of
from framework.stages.checkpoint.remembered_answers import _code
from framework.stages.verify import VerifyResult
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record, seal
from tests.support.saved_models import ZEROS, kept, write_model
from tests.support.tensors import save_tensors, stored

PRUNED = "  alike:\n    from: dense\n    steps: [{prune: {score: magnitude, sparsity: {same_as: masked}}}]\nrules:\n"
MODEL = "model/model.safetensors"


def least(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    for module in (
        "evidence.remembering.known_files",
        "stages.checkpoint.remembered_answers",
        "stages.checkpoint.reading_once",
    ):
        monkeypatch.setattr(f"framework.{module}.LEAST", size)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its own; every file is large, and settled."""
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path / "cache"))
    least(monkeypatch, 1)
    monkeypatch.setattr("framework.evidence.remembering.file_state._SETTLED", -1)
    return tmp_path / "cache"


@pytest.fixture
def found(tmp_path: Path) -> Evidence:
    return Evidence(
        Project(tmp_path / "project").replace("rules:\n", PRUNED), variants=["dense", "masked", "alike"], seeds=[1]
    )


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose bytes are read, by their run and their name."""
    names: list[str] = []
    real = os.preadv

    def noted(handle: int, buffers: Any, offset: int) -> int:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        names.append("/".join(path.parts[path.parts.index("runs") + 1 :]))
        return real(handle, buffers, offset)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the system does not tell which files are open")
    monkeypatch.setattr(os, "preadv", noted)
    return names


def verified(found: Evidence, quick: bool = False) -> VerifyResult:
    return api.verify(found.experiment, found.plan, quick=quick)


def told(result: VerifyResult) -> dict[str, Any]:
    """All but what was spared."""
    facts = result.as_dict()
    facts["summary"].pop("not_read_again", None)
    return facts


def files(found: Evidence) -> int:
    return sum(path.is_file() and path.name != "record.json" for path in found.experiment.runs.rglob("*"))


def place(found: Evidence, variant: str, step: str, name: str = MODEL) -> tuple[Path, str]:
    folder = found.folder(variant, step)
    return folder / name, f"{folder.name}/{name}"


def test_nothing_is_read_again_of_what_is_as_it_was(found: Evidence, read: list[str]) -> None:
    full = verified(found)
    assert full.spared is None
    assert "not_read_again" not in full.as_dict()["summary"]
    assert not full.failed
    read.clear()
    quick = verified(found, quick=True)
    assert read == []
    size = sum(path.stat().st_size for path in found.experiment.runs.rglob("*") if path.name != "record.json")
    assert quick.spared is not None
    assert quick.spared.files == files(found)
    assert quick.as_dict()["summary"]["not_read_again"]["files"] == files(found)
    assert 0 < quick.spared.bytes < size
    assert told(quick) == told(full)


def test_the_first_time_everything_is_read_and_remembered(found: Evidence, read: list[str]) -> None:
    first = verified(found, quick=True)
    assert first.spared == (0, 0)
    assert len(set(read)) == files(found)
    read.clear()
    assert told(verified(found, quick=True)) == told(first)
    assert read == []


def test_a_full_verification_reads_everything_whatever_is_remembered(found: Evidence, read: list[str]) -> None:
    verified(found)
    read.clear()
    verified(found)
    assert len(set(read)) == files(found)


def test_what_is_remembered_already_is_not_written_again(found: Evidence, cache: Path) -> None:
    verified(found)
    before = {path: path.stat().st_mtime_ns for path in (cache / "verified").iterdir()}
    verified(found)
    assert len(before) == 3
    assert {path: path.stat().st_mtime_ns for path in (cache / "verified").iterdir()} == before


def restored(path: Path, times: os.stat_result) -> None:
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def flipped(path: Path) -> None:
    """Another byte at the end, at the same size and time."""
    times, data = path.stat(), path.read_bytes()
    with path.open("r+b") as stream:
        stream.seek(len(data) - 1)
        stream.write(bytes([data[-1] ^ 1]))
    restored(path, times)


def exchanged(path: Path) -> None:
    """Another file with another byte in its place, of the same size and time."""
    times, data = path.stat(), path.read_bytes()
    other = path.with_name("other")
    other.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    restored(other, times)
    os.replace(other, path)


def behind_a_link(path: Path) -> None:
    other = path.with_name("elsewhere")
    path.rename(other)
    path.symlink_to(other)
    flipped(other)


CHANGED: dict[str, Callable[[Path], None]] = {
    "changed at equal size": flipped,
    "another inode": exchanged,
    "behind a link": behind_a_link,
}
SAME: dict[str, Callable[[Path], None]] = {
    "touched": lambda path: os.utime(path, ns=(5, 5)),
    "copied": lambda path: (
        (shutil.copy2(path, path.with_name("copy")), path.with_name("copy").replace(path))[1] and None
    ),
    "renamed and back": lambda path: path.rename(path.with_name("x")).rename(path) and None,
}


LARGE = {
    ("dense", "pretrain"): (MODEL, "model/config.json"),
    ("masked", "pretrain"): (MODEL, "masks.safetensors", "steps.jsonl"),
    ("alike", "prune"): (MODEL, "masks.safetensors", "model/config.json"),
}


@pytest.mark.parametrize("how", CHANGED)
@pytest.mark.parametrize(("run", "name"), [(run, name) for run, names in LARGE.items() for name in names])
def test_a_changed_file_is_read_and_found(
    found: Evidence, read: list[str], how: str, run: tuple[str, str], name: str
) -> None:
    path, shown = place(found, *run, name)
    verified(found)
    CHANGED[how](path)
    read.clear()
    quick = verified(found, quick=True)
    assert any(each.rsplit("/", 1)[0] == shown.rsplit("/", 1)[0] for each in read)
    assert {"T120", "T121"} & {finding.code for finding in quick.findings}
    assert told(quick) == told(verified(found))


@pytest.mark.parametrize("how", SAME)
def test_a_file_in_another_state_is_read_though_it_is_the_same(found: Evidence, read: list[str], how: str) -> None:
    full = verified(found)
    path, shown = place(found, "alike", "prune")
    SAME[how](path)
    read.clear()
    quick = verified(found, quick=True)
    assert set(read) == {shown}
    assert quick.spared is not None
    assert quick.spared.files == files(found) - 1
    assert told(quick) == told(full)
    read.clear()
    verified(found, quick=True)
    assert read == []


def test_of_a_copied_project_and_cache_everything_is_read(
    found: Evidence, read: list[str], cache: Path, tmp_path: Path
) -> None:
    """Put where the first one was, times and all."""
    verified(found)
    project = tmp_path / "project"
    shutil.copytree(project, tmp_path / "copy")
    shutil.copytree(cache, tmp_path / "cache copy")
    shutil.rmtree(project)
    shutil.rmtree(cache)
    shutil.copytree(tmp_path / "copy", project)
    shutil.copytree(tmp_path / "cache copy", cache)
    read.clear()
    assert verified(found, quick=True).spared == (0, 0)
    assert len(set(read)) == files(found)


def test_what_is_remembered_of_one_folder_says_nothing_of_another(found: Evidence, read: list[str]) -> None:
    verified(found)
    one, other = (memory_of("verified", found.folder(*run)) for run in (("dense", "pretrain"), ("alike", "prune")))
    assert one is not None
    assert other is not None
    shutil.copy(one, other)
    read.clear()
    verified(found, quick=True)
    assert {name.split("/")[0] for name in read} == {
        found.folder("alike", "prune").name,
        found.folder("dense", "pretrain").name,
    }


@pytest.mark.parametrize("torn", ["", "{}", "[]", "null", "cut", "edited"])
def test_a_torn_or_edited_memory_is_none(found: Evidence, read: list[str], torn: str) -> None:
    verified(found)
    memory = memory_of("verified", found.folder("masked", "pretrain"))
    assert memory is not None
    text = memory.read_text()
    edited = json.dumps({**json.loads(text), "answers": {}})
    memory.write_text({"cut": text[: len(text) // 2], "edited": edited}.get(torn, torn))
    read.clear()
    verified(found, quick=True)
    assert {name.split("/")[0] for name in read} == {found.folder("masked", "pretrain").name}


def test_what_is_violated_stays_violated(found: Evidence, read: list[str]) -> None:
    """A weight that came back, a choice that is another one, and a file that is not what the run wrote."""
    child, masked = found.folder("alike", "prune"), found.folder("masked", "pretrain")
    write_model(child, {name: kept(name)[::-1, ::-1] for name in ZEROS})
    seal(child)
    write_model(masked, {name: kept(name, zeros - 1) for name, zeros in ZEROS.items()})
    save_tensors(masked / "masks.safetensors", {name: stored(kept(name), "BOOL") for name in ZEROS})
    seal(masked)
    flipped(found.folder("dense", "pretrain") / "steps.jsonl")
    full = verified(found)
    assert {"T101", "T103", "T120"} <= {finding.code for finding in full.findings}
    read.clear()
    assert told(verified(found, quick=True)) == told(full)
    assert read == []


@pytest.mark.parametrize("what", ["record", "code", "parent", "config"])
def test_an_answer_holds_for_all_that_it_depends_on(
    found: Evidence, read: list[str], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a digest or the question is another one, the models are read again, though they are as they were."""
    verified(found)
    child, shown = found.folder("alike", "prune"), place(found, "dense", "pretrain")[1]
    if what == "record":
        change_record(child, lambda record: record.sparsity["tensors"].pop("h.1.in_proj.weight"))
    elif what == "code":
        _code.cache_clear()
        monkeypatch.setattr("framework.stages.checkpoint.remembered_answers._CODE", ("reading",))
    elif what == "parent":
        os.utime(found.folder("dense", "pretrain") / MODEL)
    else:
        path = found.folder("dense", "pretrain") / "model" / "config.json"
        path.write_text(path.read_text() + "\n")
        seal(found.folder("dense", "pretrain"))
    read.clear()
    quick = verified(found, quick=True)
    _code.cache_clear()
    assert shown in read
    assert told(quick) == told(verified(found))


def test_a_file_that_has_just_changed_is_not_remembered(
    found: Evidence, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change within the same tick of its clock would not show."""
    monkeypatch.setattr("framework.evidence.remembering.file_state._SETTLED", 10**15)
    verified(found)
    assert verified(found, quick=True).spared == (0, 0)


def test_masks_that_change_while_the_model_is_read_are_not_remembered(
    found: Evidence, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The masks that the model was held to are not those that were hashed: no answer is kept under these."""
    path, _ = place(found, "masked", "pretrain", "masks.safetensors")
    real = os.preadv
    done: list[bool] = []

    def reading(handle: int, buffers: Any, offset: int) -> int:
        if not done and os.path.samefile(f"/proc/self/fd/{handle}", place(found, "masked", "pretrain")[0]):
            done.append(True)
            exchanged(path)
            exchanged(path)  # twice the same byte: the content is as it was, the file another one
        return real(handle, buffers, offset)

    monkeypatch.setattr(os, "preadv", reading)
    verified(found)
    monkeypatch.setattr(os, "preadv", real)
    assert done
    memory = memory_of("verified", found.folder("masked", "pretrain"))
    assert memory is not None
    assert "counts under the masks" not in json.loads(memory.read_text())["answers"]


def test_small_files_are_read_and_not_remembered(found: Evidence, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    least(monkeypatch, 1 << 20)
    verified(found)
    assert verified(found, quick=True).spared == (0, 0)
    assert not (cache / "verified").exists()


def test_without_a_place_for_a_cache_everything_is_read(found: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", "/proc/no/such/place")
    full = verified(found)
    quick = verified(found, quick=True)
    assert quick.spared == (0, 0)
    assert told(quick) == told(full)


def test_the_command_says_what_it_did_not_read(found: Evidence) -> None:
    project = found.project
    arguments = ("verify", "--seed", "1", "--variant", "dense", "--variant", "masked", "--variant", "alike")
    first = project.cli(*arguments, "--quick")
    assert "quick: all were read: no large file (from 1 MiB on) is known" in first.out
    again = project.cli(*arguments, "--quick")
    assert f"quick: {files(found)} large files of 0 MB are as an earlier verification read them" in again.out
    assert project.cli(*arguments, "--quick", "--format", "json").json["summary"]["not_read_again"] == {
        "files": files(found),
        "bytes": sum(
            p.stat().st_size for p in found.experiment.runs.rglob("*") if p.is_file() and p.name != "record.json"
        ),
    }
    assert "quick" not in project.cli(*arguments).out
