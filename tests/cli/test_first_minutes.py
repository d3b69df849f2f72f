"""What a newcomer meets: a starting point, the manifest of a folder above, and messages with the right reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from framework import isolation
from framework.drafting.starting_point import STARTING_CONFIG
from framework.errors import InputError
from framework.evidence.record import RunRecord
from framework.reading.yaml import parsing
from tests.support.commands import called, process
from tests.support.project import Project


def test_an_empty_folder_is_offered_a_starting_point_that_conforms(tmp_path: Path) -> None:
    refused = called(tmp_path, "init")
    assert (refused.code, "`framework init --starter`" in refused.err) == (2, True)
    assert list(tmp_path.iterdir()) == []
    begun = called(tmp_path, "init", "--starter")
    assert begun.code == 0, begun.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["configs", "experiment.yaml"]
    checked = called(tmp_path, "check", "--strict")
    assert (checked.code, checked.out.splitlines()[0]) == (
        0,
        "conforms: 1 config file, 5 of 5 keys bound, 100 %",
    ), checked.out
    planned = called(tmp_path, "plan", "--format", "json").json
    assert "missing" not in planned
    assert len(planned["steps"]) == 4


def test_a_starting_point_goes_over_nothing(tmp_path: Path) -> None:
    path = tmp_path / STARTING_CONFIG[0]
    path.parent.mkdir()
    path.write_text("mine: 1\n")
    refused = called(tmp_path, "init", "--starter")
    assert (refused.code, str(Path(STARTING_CONFIG[0])) in refused.err) == (2, True)
    assert path.read_text() == "mine: 1\n"
    assert not (tmp_path / "experiment.yaml").exists()
    assert called(tmp_path, "init", "--starter", "--from", "x.md").code == 2
    assert called(tmp_path, "init", "--starter", "--force").code == 0


@pytest.mark.slow
def test_the_starting_point_runs_and_verifies(tmp_path: Path) -> None:
    assert called(tmp_path, "init", "--starter").code == 0
    done = process(tmp_path, "run", "--all", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    verified = called(tmp_path, "verify")
    assert verified.code == 0, verified.out
    assert "nothing violated: 4 of 4 planned runs are there" in verified.out
    for path in (tmp_path / "runs").glob("pruned*"):
        metrics = RunRecord.read(path).metrics
        assert metrics["validation_loss"] != metrics["initial_validation_loss"]


@pytest.mark.parametrize("command", [("check",), ("plan",), ("runs",), ("verify",)])
def test_a_command_finds_the_manifest_of_a_folder_above(tmp_path: Path, command: tuple[str, ...]) -> None:
    project = Project(tmp_path)
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    here, there = project.cli(*command), called(below, *command)
    assert there.code == here.code
    assert here.out == there.out


def test_a_nearer_manifest_goes_first_also_after_an_answer_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path / "cache"))
    project = Project(tmp_path / "outer")
    below = project.path("inner")
    below.mkdir()
    old = os.stat(project.path("experiment.yaml")).st_mtime - 100
    for path in [*project.root.rglob("*"), project.root]:
        os.utime(path, (old, old))
    assert called(below, "check").code == 0
    Project(below).config("lr: 2e-4", "lr: 3e-4")
    assert called(below, "check").code == 1


def test_the_search_ends_at_the_root_of_the_repository(tmp_path: Path) -> None:
    Project(tmp_path)
    (tmp_path / "other" / ".git").mkdir(parents=True)
    refused = called(tmp_path / "other", "check")
    assert refused.code == 2
    assert "experiment.yaml:1:1: error: no such file" in refused.err
    assert "`framework init` writes a first manifest" in refused.err


def pipe(project: Project) -> None:
    os.mkfifo(project.path("configs/pipe.yaml"))


def dangling(project: Project) -> None:
    project.path("configs/link.yaml").symlink_to("nowhere.yaml")


NOT_FILES = {
    "the project's folder": ("file: .", lambda project: None, "'.' names a folder, not files"),
    "a folder": ("file: configs", lambda project: None, "name what lies in it: 'configs/*.yaml'"),
    "a pipe": ("file: configs/pipe.yaml", pipe, "is no regular file (a pipe, a socket or a device)"),
    "a link to nothing": ("file: configs/link.yaml", dangling, "is a link to what is not there"),
    "nothing": ("file: configs/no.yaml", lambda project: None, "matches no file below"),
}


@pytest.mark.parametrize("case", NOT_FILES)
def test_a_binding_of_no_file_says_what_is_there_instead(tmp_path: Path, case: str) -> None:
    file, make, said = NOT_FILES[case]
    project = Project(tmp_path)
    make(project)
    project.replace("file: configs/pretrain.yaml", file)
    refused = project.cli("check")
    assert (refused.code, said in refused.err, "tuple index" in refused.err) == (2, True, False), refused.err


def test_bound_files_that_state_nothing_are_not_asked_to_be_bound(tmp_path: Path) -> None:
    project = Project(tmp_path)
    head, _, tail = project.read().partition("    keys:\n")
    project.write(
        "experiment.yaml", head + "    ignore: ['*']\n" + tail[tail.index("    knobs:") :].partition("    ignore")[0]
    )
    refused = project.cli("check")
    assert (refused.code, "no config file states any clause" in refused.err) == (2, True), refused.err
    assert "bind files" not in refused.err
    assert "give the bindings `keys:`" in refused.err


@pytest.mark.parametrize("text", ["many: [{}]\n", "one: &a [{}]\ntwo: &b 1\n"])
def test_many_values_without_aliases_are_not_called_an_expansion(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(parsing, "LARGEST_EXPANSION", 100)
    with pytest.raises(InputError, match="holds more than 100 values"):
        parsing.parse_yaml(text.format("1, " * 200), "a.yaml")
    with pytest.raises(InputError, match="expands to more than 100 values through its aliases"):
        parsing.parse_yaml(f"a: &a [{'1, ' * 30}]\nb: [*a, *a, *a, *a]\n", "a.yaml")


def test_a_line_of_many_values_takes_a_time_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hung for minutes: each value was looked for from the beginning of its line."""
    for _ in range(20):
        parsing.parse_yaml("a: 1\n", "a.yaml")
    monkeypatch.setattr(parsing, "Laid", None)  # which would be called
    many = parsing.parse_yaml(f"b: 2\nmany: [{'1, ' * 20_000}]\n", "b.yaml")
    assert many.root is not None
    assert len(many.value(many.root)["many"]) == 20_000  # type: ignore[index, call-overload]


def test_what_to_install_comes_from_where_this_one_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_HOME", str(tmp_path))
    assert isolation.to_install("run") == "pip install '.[run]' in a checkout of the framework"
    (tmp_path / "pyproject.toml").touch()
    assert isolation.to_install("run") == f"pip install '{tmp_path}[run]'"
