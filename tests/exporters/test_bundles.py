"""Bundles: the same verdicts from one file alone, and nothing unsafe or changed is unpacked."""

from __future__ import annotations

import json
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.evidence.bundles.opened import CONTENTS, METADATA, unpack
from tests.support.commands import called
from tests.support.evidence import Evidence
from tests.support.project import Project

Entries = list[tuple[zipfile.ZipInfo, bytes]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project's answer, its bundles with and without models, and no project any more."""
    pytest.importorskip("rocrate", reason="rocrate (the extra `bundle`) is not installed")
    top = tmp_path_factory.mktemp("bundles")
    project = Project(top / "project")
    Evidence(project, seeds=[1])
    (top / "answer.json").write_text(project.cli("verify", "--format", "json").out)
    for name, more in (("whole.zip", ["--with-models"]), ("small.zip", []), ("again.zip", [])):
        outcome = project.cli("bundle", str(top / name), *more)
        assert outcome.code == 0, outcome.err
    refused = project.cli("bundle", str(top / "again.zip"))
    assert refused.code == 2
    assert "--force" in refused.err
    assert not list(top.glob(".*")), "nothing half-written stays"
    project.root.rename(top / "gone")
    return top


def answer(place: Path, name: str) -> dict[str, Any]:
    outcome = called(place, "verify", "--bundle", name, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert "sha256" in outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def test_the_bundle_alone_gives_the_same_verdicts(place: Path) -> None:
    before = json.loads((place / "answer.json").read_text())
    assert len(before["verdicts"]) > 100, "this test would hold nothing"
    assert answer(place, "whole.zip") == before


def test_without_models_what_they_would_say_is_unverified_and_all_else_the_same(place: Path) -> None:
    before, after = json.loads((place / "answer.json").read_text()), answer(place, "small.zip")
    assert after["findings"] == before["findings"]
    assert after["summary"]["runs"] == before["summary"]["runs"]
    others = [[each for each in of["verdicts"] if each["stage"] != "checkpoint"] for of in (before, after)]
    assert others[0] == others[1]
    changed = [each for each in after["verdicts"] if each not in before["verdicts"]]
    assert changed
    assert {each["status"] for each in changed} == {"unverified"}
    assert all("the model is not in the bundle" in each["reason"] for each in changed)


def test_the_same_content_gives_the_same_bytes(place: Path) -> None:
    assert (place / "small.zip").read_bytes() == (place / "again.zip").read_bytes()


def test_a_bundle_is_read_where_rocrate_is_not_installed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rocrate", None)
    assert answer(place, "small.zip")["verdicts"]


def test_the_metadata_has_what_the_specifications_require(place: Path) -> None:
    """RO-Crate 1.1: the descriptor, the root data entity's properties; Process Run Crate 0.5: the actions'."""
    with zipfile.ZipFile(place / "small.zip") as archive:
        graph = {each["@id"]: each for each in json.loads(archive.read(METADATA))["@graph"]}
    assert graph[METADATA]["about"] == {"@id": "./"}
    assert graph[METADATA]["conformsTo"]["@id"] == "https://w3id.org/ro/crate/1.1"
    root = graph["./"]
    assert all(root[key] for key in ("name", "description", "datePublished", "license", "hasPart", "conformsTo"))
    actions = [each for each in graph.values() if each["@type"] == "CreateAction"]
    assert actions
    assert {each["@id"] for each in actions} <= {each["@id"] for each in root["mentions"]}
    for each in actions:
        assert all(each[key] for key in ("instrument", "object", "result", "agent", "about"))
    based = graph["#variant/pruned"]["isBasedOn"]
    assert based == {"@id": "#variant/dense"}
    named = [each["@id"] for action in actions for each in action["object"] + action["result"]]
    assert set(named) <= graph.keys(), "a reference leads nowhere"


def bundle(path: Path, more: Entries = (), drop: str = "", change: Callable[[str, bytes], bytes] | None = None) -> Path:  # type: ignore[assignment]
    """A bundle made by hand of one file, so that nothing needs rocrate; then spoilt."""
    import hashlib

    manifest = b"version: 1\n"
    listed = {"experiment.yaml": manifest, CONTENTS: b'{"format": 1, "left_out": [], "manifest": "experiment.yaml"}'}
    graph = [
        {"@id": name, "@type": "File", "sha256": hashlib.sha256(data).hexdigest(), "contentSize": str(len(data))}
        for name, data in listed.items()
    ]
    files = {METADATA: json.dumps({"@graph": graph}).encode(), **listed}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            if name != drop:
                archive.writestr(name, data if change is None else change(name, data))
        for entry, data in more:
            archive.writestr(entry, data)
    return path


def entry(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name)
    found.external_attr, found.compress_type = (kind | 0o644) << 16, zipfile.ZIP_DEFLATED
    return found


UNSAFE = {
    "an absolute path": ([(entry("/tmp/x"), b"")], "absolute"),
    "a drive": ([(entry("C:/x"), b"")], "absolute"),
    "a backslash": ([(entry("..\\x"), b"")], "absolute"),
    "a way out": ([(entry("../x"), b"")], "no plain path"),
    "a way out from below": ([(entry("runs/../../x"), b"")], "no plain path"),
    "a folder": ([(entry("runs/"), b"")], "no plain path"),
    "a link": ([(entry("x", stat.S_IFLNK), b"/etc/passwd")], "a link"),
    "a device": ([(entry("x", stat.S_IFCHR), b"")], "special file"),
    "a pipe": ([(entry("x", stat.S_IFIFO), b"")], "special file"),
    "a name in two cases": ([(entry("Experiment.yaml"), b"")], "one file on some systems"),
    "a file below a file": ([(entry("experiment.yaml/x"), b"")], "below what is a file"),
    "a file that is not listed": ([(entry("x"), b"1")], "not listed"),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_what_is_unsafe_is_refused_before_anything_is_written(case: str, tmp_path: Path) -> None:
    more, said = UNSAFE[case]
    folder = tmp_path / "inner" / "folder"
    folder.mkdir(parents=True)
    with pytest.raises(InputError, match=said):
        unpack(bundle(tmp_path / "b.zip", more), folder)
    if said != "not listed":
        assert list(folder.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "inner"]


def test_a_whole_bundle_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    assert unpack(bundle(tmp_path / "b.zip"), tmp_path / "f").manifest.read_text() == "version: 1\n"


def test_limits_hold(tmp_path: Path) -> None:
    file = bundle(tmp_path / "b.zip")
    for limits, said in (({"most_bytes": 100}, "bytes when unpacked"), ({"most_entries": 2}, "3 entries")):
        with pytest.raises(InputError, match=said):
            unpack(file, tmp_path, **limits)  # type: ignore[arg-type]


def _patched(file: Path, name: str, offset: int, value: bytes) -> None:
    """Change bytes of an entry in the directory of a ZIP (APPNOTE 4.3.12), counted from its signature."""
    data = bytearray(file.read_bytes())
    at = data.rindex(name.encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + offset : at + offset + len(value)] = value
    file.write_bytes(data)


def test_lies_of_the_directory_are_told(tmp_path: Path) -> None:
    for offset, value, said in (
        (8, b"\x01\x00", "is encrypted"),
        (24, (10**9).to_bytes(4, "little"), "would grow"),
        (24, (5).to_bytes(4, "little"), "not a whole ZIP"),
    ):
        file = bundle(tmp_path / "b.zip")
        _patched(file, "experiment.yaml", offset, value)
        folder = tmp_path / str(said)
        folder.mkdir()
        with pytest.raises(InputError, match=said):
            unpack(file, folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in it twice"):
        unpack(bundle(tmp_path / "b.zip", [(entry("experiment.yaml"), b"")]), tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("experiment.yaml", b"1", b"2", "experiment.yaml is not the file"),
        (CONTENTS, b'"left_out": []', b'"left_out": ["../x"]', "not of a bundle"),
        (CONTENTS, b'"format": 1', b'"format": 9', "not of a bundle"),
        (CONTENTS, b'"left_out": []', b'"left_out": ["runs/a/model/x"]', "no record of a run has it"),
        (CONTENTS, b'"left_out": []', b'"left_out": ["experiment.yaml"]', "says that it leaves it out"),
        (METADATA, b"{", b"[", "not JSON"),
        (METADATA, b"@graph", b"graph", "no RO-Crate"),
    ],
)
def test_what_was_changed_is_told(name: str, old: bytes, new: bytes, said: str, tmp_path: Path) -> None:
    file = bundle(tmp_path / "b.zip", change=lambda at, data: data.replace(old, new) if at == name else data)
    (tmp_path / "f").mkdir()
    with pytest.raises(InputError, match=said):
        unpack(file, tmp_path / "f")


@pytest.mark.parametrize("name", ["experiment.yaml", METADATA, CONTENTS])
def test_what_is_missing_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        unpack(bundle(tmp_path / "b.zip", drop=name), tmp_path / "f")


def test_no_zip_at_all(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(b"PK nothing")
    outcome = called(tmp_path, "verify", "--bundle", "b.zip")
    assert outcome.code == 2
    assert "not a whole ZIP" in outcome.err
    assert called(tmp_path, "verify", "--bundle", "none.zip").code == 2
    assert "--fix" in called(tmp_path, "verify", "--bundle", "b.zip", "--fix").err


def test_a_model_that_is_not_what_its_run_wrote_is_packed_and_told(tmp_path: Path) -> None:
    pytest.importorskip("rocrate", reason="rocrate (the extra `bundle`) is not installed")
    project = Project(tmp_path / "project")
    evidence = Evidence(project, variants=["dense"], seeds=[1])
    model = evidence.folder("dense", "pretrain") / "model" / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(data)
    before = project.cli("verify", "--format", "json", "--variant", "dense", "--seed", "1")
    assert project.cli("bundle", str(tmp_path / "b.zip")).code == 0
    after = called(tmp_path, *("verify", "--bundle", "b.zip", "--format", "json", "--variant", "dense", "--seed", "1"))
    assert (before.code, after.code) == (1, 1)
    assert after.json["findings"] == before.json["findings"]
