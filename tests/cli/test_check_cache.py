"""The answer of the last check is given again only while nothing that it rests on has changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.project import Project

REPOSITORY = Path(__file__).resolve().parents[2]
PROBE = """
import sys
sys.path.insert(0, {repository!r})
from framework.cli.main import run
code = run(sys.argv[1:])
sys.stderr.write("computed" if "framework.stages.check" in sys.modules else "replayed")
raise SystemExit(code)
"""


class Cached:
    """Runs checks in processes of their own, and tells which were computed."""

    def __init__(self, project: Project, place: Path):
        self.project = project
        self.place = place
        self.environment = {"FRAMEWORK_CACHE_DIR": str(place)}

    def check(self, *arguments: str, cwd: str = ".", **environment: str) -> tuple[str, int, str]:
        done = subprocess.run(
            [sys.executable, "-c", PROBE.format(repository=str(REPOSITORY)), "check", *arguments],
            cwd=self.project.root / cwd,
            env={**os.environ, **self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stderr.endswith(("computed", "replayed")), done.stderr
        return done.stderr[-8:], done.returncode, done.stdout

    def settle(self) -> None:
        """Files are old enough to tell a later change by its time."""
        time.sleep(0.05)

    def warm(self, *arguments: str) -> tuple[int, str]:
        """A computed answer, kept: a few attempts, since the checkout itself may be written to at this moment."""
        for _ in range(5):
            self.settle()
            how, code, out = self.check(*arguments)
            assert how == "computed"
            again = self.check(*arguments)
            assert again[1:] == (code, out)
            if again[0] == "replayed":
                return code, out
        raise AssertionError("nothing was kept")


@pytest.fixture
def cached(tmp_path: Path) -> Cached:
    return Cached(Project(tmp_path / "project"), tmp_path / "cache")


def test_the_same_answer_again(cached: Cached) -> None:
    assert cached.warm()[0] == 0
    cached.project.config("lr: 2e-4", "lr: 3e-4")
    code, out = cached.warm()
    assert code == 1
    assert "error[C101]" in out


def test_a_change_is_seen_whatever_keeps_its_size_and_time(cached: Cached) -> None:
    cached.warm()
    path = cached.project.path("configs/pretrain.yaml")
    before = path.stat()
    cached.project.config("lr: 2e-4", "lr: 3e-4")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    how, code, _ = cached.check()
    assert (how, code) == ("computed", 1)


def test_a_changed_manifest_is_seen(cached: Cached) -> None:
    cached.warm()
    cached.project.replace("      learning_rate: 2e-4", "      learning_rate: 3e-4")
    assert cached.check()[:2] == ("computed", 1)


@pytest.mark.parametrize("name", ["configs/further.yaml", "requirements.txt", "deep/er/train.sh", "experiment.yml"])
def test_a_new_file_is_seen_wherever_it_is(cached: Cached, name: str) -> None:
    cached.project.path(name).parent.mkdir(parents=True, exist_ok=True)
    cached.warm()
    cached.project.write(name, "lr: 9\n")
    assert cached.check()[0] == "computed"


def test_a_file_that_went_is_seen(cached: Cached) -> None:
    cached.project.write("configs/other.yaml", "a: 1\n")
    cached.warm()
    cached.project.path("configs/other.yaml").unlink()
    assert cached.check()[0] == "computed"


@pytest.mark.parametrize("arguments", [["--strict"], ["--format", "json"], ["--ignore", "C1"]])
def test_another_question_is_another_answer(cached: Cached, arguments: list[str]) -> None:
    cached.warm()
    assert cached.check(*arguments)[0] == "computed"
    assert cached.check()[0] == "replayed"


def test_a_changed_baseline_is_seen(cached: Cached) -> None:
    cached.project.config("lr: 2e-4", "lr: 3e-4")
    cached.check("--write-baseline", "known.json")
    assert cached.warm("--baseline", "known.json")[0] == 0
    cached.project.write("known.json", '{"version": 1, "findings": []}')
    assert cached.check("--baseline", "known.json")[:2] == ("computed", 1)


def test_colour_is_part_of_the_question(cached: Cached) -> None:
    cached.warm()
    how, _, out = cached.check(FORCE_COLOR="1", NO_COLOR="")
    assert how == "computed"
    assert "\x1b" in out


def test_a_waiver_ends_with_its_day(cached: Cached) -> None:
    cached.warm()
    assert cached.check(TZ="Pacific/Kiritimati")[0] == "computed"  # another time zone, perhaps another day


@pytest.mark.parametrize("arguments", [["--no-cache"], ["--fix"], ["--fix", "--diff"], ["--format", "sarif"]])
def test_some_questions_are_always_computed(cached: Cached, arguments: list[str]) -> None:
    cached.settle()
    assert [cached.check(*arguments)[0] for _ in range(2)] == ["computed", "computed"]


def test_with_output_the_file_is_written_each_time(cached: Cached) -> None:
    cached.settle()
    for _ in range(2):
        assert cached.check("--output", "report.txt")[0] == "computed"
        cached.project.path("report.txt").unlink()


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff\xfe\0", None])
def test_a_damaged_entry_is_ignored(cached: Cached, damage: bytes | None) -> None:
    _, out = cached.warm()
    (entry,) = cached.place.iterdir()
    data = entry.read_bytes()
    entry.write_bytes(data.replace(b"conforms", b"CONFORMS", 1) if damage is None else damage)
    how, code, again = cached.check()
    assert (how, code, again) == ("computed", 0, out)


def test_a_refusal_is_not_kept(cached: Cached) -> None:
    cached.project.config("lr: 2e-4", "lr: [")
    cached.settle()
    assert [cached.check()[:2] for _ in range(2)] == [("computed", 2), ("computed", 2)]


def test_a_file_that_changed_just_now_is_not_trusted(cached: Cached) -> None:
    cached.settle()
    future = time.time_ns() + 3_600_000_000_000
    os.utime(cached.project.path("configs/pretrain.yaml"), ns=(future, future))
    assert [cached.check()[0] for _ in range(2)] == ["computed", "computed"]


def test_nothing_is_written_into_the_project(cached: Cached) -> None:
    before = cached.project.files()
    cached.warm()
    assert cached.project.files() == before


def test_no_place_for_a_cache_is_no_problem(cached: Cached) -> None:
    cached.settle()
    blocked = cached.place.parent / "blocked"
    blocked.write_text("")
    for _ in range(2):
        assert cached.check(FRAMEWORK_CACHE_DIR=str(blocked))[:2] == ("computed", 0)


def test_entries_are_bounded(cached: Cached, monkeypatch: pytest.MonkeyPatch) -> None:
    from framework.cli.checking import answers as cache

    monkeypatch.setattr(cache, "_MOST_ENTRIES", 3)
    for number in range(6):
        cache._write(str(cached.place / f"{number:08x}"), "x")
    assert len(list(cached.place.iterdir())) == 3


def test_a_replay_loads_neither_pydantic_nor_yaml(cached: Cached) -> None:
    cached.warm()
    code = PROBE.format(repository=str(REPOSITORY)).replace(
        '"computed" if', '" ".join(sorted(sys.modules)) if True else "computed" if'
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check"],
        cwd=cached.project.root,
        env={**os.environ, **cached.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "framework" in loaded
    assert not loaded & {"pydantic", "yaml", "argparse", "json", "rich", "dataclasses", "pathlib"}
