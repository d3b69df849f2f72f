"""The answer of a quick verification is given again only while nothing that it rests on has changed: neither what was
opened, nor what was asked for its state alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.cli.checking import answers
from framework.cli.checking.answers import Recorder, replay
from tests.support.evidence import Evidence
from tests.support.project import Project

ASKED = ["verify", "--quick"]


@pytest.fixture(autouse=True)
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies there is older than the process, as far as it knows; the code is that of another test."""
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(answers, "_STARTED", time.time_ns() + 10**12)
    monkeypatch.setattr(Recorder, "_add_code", lambda recorder: None)


def kept(root: Path, look: Callable[[], object]) -> None:
    """Answer once, after a look at something."""
    recorder = Recorder(states=True)
    look()
    recorder.store(ASKED, str(root), "as it was\n", 0, str(root / "runs"))
    assert replay(ASKED) == ("as it was\n", 0)


def flipped(path: Path) -> None:
    times, data = path.stat(), path.read_bytes()
    with path.open("r+b") as stream:
        stream.write(bytes([data[0] ^ 1]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("project/runs/one/model/weights", "project/experiment.yaml", "elsewhere/data.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path / "project"


def test_a_file_of_a_run_that_was_not_even_looked_at(root: Path) -> None:
    kept(root, lambda: None)
    flipped(root / "runs/one/model/weights")
    assert replay(ASKED) is None


@pytest.mark.parametrize("name", ["one/new", "one/model/new", "two"])
def test_what_comes_into_the_runs(root: Path, name: str) -> None:
    kept(root, lambda: None)
    (root / "runs" / name).write_text("x")
    assert replay(ASKED) is None


LOOKS: dict[str, Callable[[Path], object]] = {
    "its state": Path.stat,
    "its kind": Path.is_file,
    "its size": os.path.getsize,
    "its own state": lambda path: os.lstat(path),
    "its text": Path.read_text,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_lies_outside_the_project(root: Path, look: Callable[[Path], object]) -> None:
    place = root.parent / "elsewhere" / "data.csv"
    kept(root, lambda: look(place))
    flipped(place)
    assert replay(ASKED) is None


@pytest.mark.parametrize("name", ["absent", "absent/deep/er", "data.csv/below"])
def test_what_was_not_there_outside_the_project(root: Path, name: str) -> None:
    place = root.parent / "elsewhere" / name
    kept(root, lambda: place.is_file() or place.is_dir())
    if name == "data.csv/below":
        place.parent.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("x")
    assert replay(ASKED) is None


def test_what_others_do_in_a_folder_that_was_looked_for(root: Path) -> None:
    place = root.parent / "elsewhere"
    kept(root, place.is_dir)
    (place / "new").write_text("x")
    assert replay(ASKED) is not None
    (place / "data.csv").unlink()
    (place / "new").unlink()
    place.rmdir()
    assert replay(ASKED) is None


def test_an_environment_that_names_other_places(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(root, lambda: None)
    monkeypatch.setenv("HF_HOME", str(root))
    assert replay(ASKED) is None


def test_nothing_is_kept_of_so_many_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_MOST_FILES", 3)
    with pytest.raises(AssertionError):
        kept(root, lambda: None)


def test_looks_are_as_before_once_the_answer_is_kept(root: Path) -> None:
    real = os.stat
    recorder = Recorder(states=True)
    assert os.stat is not real
    recorder.stop()
    assert os.stat is real


def asked(root: Path, *more: str) -> tuple[bool, int, str]:
    """Whether a verification was computed, its exit code, and what it said."""
    code = (
        "import sys\nfrom framework.__main__ import main\ncode = main(sys.argv[1:])\n"
        "sys.stderr.write('computed' if 'framework.stages.verify' in sys.modules else '')\nraise SystemExit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *ASKED, *more], cwd=root, capture_output=True, text=True, check=False, timeout=120
    )
    return done.stderr.endswith("computed"), done.returncode, done.stdout


@pytest.mark.slow
def test_a_quick_verification_answers_again_until_a_weight_changes(tmp_path: Path) -> None:
    found = Evidence(Project(tmp_path / "project"), variants=["dense", "masked"], seeds=[1])
    root = tmp_path / "project"
    for _ in range(5):  # the checkout itself may be written to at this moment
        time.sleep(0.1)
        first = asked(root)
        again = asked(root)
        assert again[1:] == first[1:]
        if not again[0]:
            break
    assert (first[0], again[0], first[1]) == (True, False, 0)
    assert "quick: " in again[2]
    assert asked(root, "--format", "json")[0]
    flipped(found.folder("dense", "pretrain") / "model" / "model.safetensors")
    assert asked(root)[:2] == (True, 1)
