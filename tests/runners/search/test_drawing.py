"""Points: a function of the seed and of the trials before them, however often a search was interrupted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from framework.errors import UsageError
from framework.manifest.searched.value_sets import Point, named, outside
from framework.manifest.sections.searching.searches import Search
from framework.searching.trials import read_study
from runners.search.journals import Journal, without_half_a_line
from runners.search.trying import Tries

SPACE: dict[str, Any] = {
    "x": {"low": 0.0, "high": 1.0},
    "y": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "n": {"low": 1, "high": 64, "scale": "log"},
}
DECLARED = {"space": SPACE, "sampler": {"name": "random"}}


def search(sampler: Any = "tpe", space: dict[str, Any] | None = None, **more: Any) -> Search:
    stated = {"phase": "p", "space": space or SPACE, "sampler": sampler, "objective": "loss", "seeds": [1]}
    return Search.model_validate({**stated, "budget": {"completed_trials": 24}, **more})


def bowl(point: Point) -> float:
    return float((point["x"] - 0.3) ** 2 + (point["y"] - 0.1) ** 2 + (point["n"] - 8) ** 2 / 64)


def tried(stated: Search, path: Path, value: Callable[[Point], float] = bowl, most: int = 1000) -> list[Point]:
    """The points that one process tries; the last one, where it is ended after some, is left as it is begun."""
    tries = Tries(stated, path, {**DECLARED, "sampler": {"name": stated.sampling.name}})
    found: list[Point] = []
    while (proposal := tries.propose()) is not None:
        found.append(proposal.point)
        if len(found) == most:
            break
        tries.complete(proposal.number, value(proposal.point), {})
    tries.close()
    return found


@pytest.mark.parametrize("sampler", ["random", "tpe", "sobol", "cmaes"])
def test_an_interrupted_search_tries_what_a_whole_one_tries(tmp_path: Path, sampler: str) -> None:
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    stated = search({"name": sampler, "seed": 5})
    whole = tried(stated, tmp_path / "whole.journal")
    first = tried(stated, tmp_path / "cut.journal", most=7)
    second = tried(stated, tmp_path / "cut.journal", most=9)
    rest = tried(stated, tmp_path / "cut.journal")
    assert second[0] == first[-1]  # what was begun is gone on with
    assert rest[0] == second[-1]
    assert whole == [*first[:-1], *second[:-1], *rest]
    assert len({named(point) for point in whole}) == 24
    assert all(outside(stated.dimensions, point) == {} for point in whole)
    other = tried(search({"name": sampler, "seed": 6}), tmp_path / "other.journal")
    assert other != whole


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_samplers_that_learn_do(tmp_path: Path, sampler: str) -> None:
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    stated = search(sampler, budget={"completed_trials": 60})
    values = [bowl(point) for point in tried(stated, tmp_path / "s.journal")]
    assert min(values[30:]) < min(values[:20])
    assert sum(values[40:]) < sum(values[:20])


def test_sobol_fills_the_space_evenly(tmp_path: Path) -> None:
    stated = search({"name": "sobol", "scramble": False}, {"x": SPACE["x"], "b": {"choices": ["p", "q", "r", "s"]}})
    points = tried(stated.model_copy(update={"budget": None}), tmp_path / "s.journal", lambda point: 0.0, most=17)[:16]
    assert sorted(int(point["x"] * 16) for point in points) == list(range(16))
    assert [sum(point["b"] == each for point in points) for each in "pqrs"] == [4, 4, 4, 4]


def test_a_grid_goes_in_order_and_a_grown_one_tries_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "s.journal"

    def grid(rates: list[float], epochs: list[int]) -> list[Point]:
        space = {"x": {"choices": rates}, "n": {"choices": epochs}}
        stated = search("grid", space, budget=None)
        tries = Tries(stated, path, {"space": space, "sampler": {"name": "grid"}})
        found = []
        while (proposal := tries.propose()) is not None:
            found.append(proposal.point)
            tries.complete(proposal.number, 0.0, {})
        tries.close()
        return found

    assert grid([0.1, 0.3], [1, 2]) == [{"x": x, "n": n} for x in (0.1, 0.3) for n in (1, 2)]
    assert grid([0.1, 0.1 + 0.2], [1, 2]) == []  # points are compared as values
    assert grid([0.1, 0.3, 0.5], [1, 2]) == [{"x": 0.5, "n": 1}, {"x": 0.5, "n": 2}]
    with pytest.raises(UsageError, match="holds trials of another search"):
        grid([0.1, 0.3], [1, 2])


def test_a_finite_space_ends_when_all_of_it_was_tried(tmp_path: Path) -> None:
    space = {"a": {"choices": [[0.9, 0.95], [0.9, 0.98]]}, "b": {"low": 0.0, "high": 0.3, "step": 0.1}}
    stated = search("random", space, budget={"completed_trials": 100})
    points = tried(stated, tmp_path / "s.journal", lambda point: 0.0)
    assert len(points) == 8
    assert {point["b"] for point in points} == {0.0, 0.1, 0.2, 0.3} or all(
        outside(stated.dimensions, p) == {} for p in points
    )
    assert [0.9, 0.98] in [point["a"] for point in points]


def test_conditional_keys_are_drawn_where_they_hold(tmp_path: Path) -> None:
    space = {"o": {"choices": ["sgd", "adam"]}, "m": {"low": 0.0, "high": 1.0, "when": {"o": ["sgd"]}}}
    stated = search({"name": "tpe", "startup_trials": 4}, space)
    points = tried(stated, tmp_path / "s.journal", lambda point: point.get("m", 0.5))
    assert {("m" in point) == (point["o"] == "sgd") for point in points} == {True}
    assert {point["o"] for point in points} == {"sgd", "adam"}


def test_first_points_come_first(tmp_path: Path) -> None:
    point = {"x": 0.5, "y": 0.5, "n": 3}
    stated = search("random", first=[point])
    assert tried(stated, tmp_path / "s.journal", most=2)[0] == point


def test_no_number_never_ends_or_wins_a_search(tmp_path: Path) -> None:
    values = iter([float("nan"), float("-inf"), 3.0, float("inf"), 2.0])
    stated = search("random", budget={"completed_trials": 5})
    path = tmp_path / "s.journal"
    tried(stated, path, lambda point: next(values))
    study = read_study(path)
    assert study is not None
    assert [trial.state for trial in study.trials] == ["failed", "failed", "completed", "failed", "completed"]
    assert study.trials[0].facts["error"] == "the objective is nan"
    assert [trial.value for trial in study.trials if trial.state == "completed"] == [3.0, 2.0]


def test_failures_count_as_declared(tmp_path: Path) -> None:
    for counted, expected in ((True, 4), (False, 7)):
        stated = search("random", budget={"completed_trials": 4}, failures={"counted": counted})
        values = iter([1.0, float("nan"), float("nan"), float("nan"), *[1.0] * 9])
        assert len(tried(stated, tmp_path / f"{counted}.journal", lambda point, it=values: next(it))) == expected  # type: ignore[misc]
    hopeless = search("random", budget={"completed_trials": 4}, failures={"counted": False})
    assert len(tried(hopeless, tmp_path / "h.journal", lambda point: float("nan"))) == 14


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"space": {**SPACE, "x": {"low": 0.0, "high": 2.0}}}, "space x"),
        ({"objective": {"metric": "loss", "direction": "higher"}}, "objective"),
        ({"basis": "another"}, "what a trial trains beside the searched values"),
    ],
)
def test_a_stored_study_of_another_search_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    declared = {**DECLARED, "objective": {"metric": "loss", "direction": "lower"}, "basis": "one"}
    Tries(search("random"), tmp_path / "s.journal", declared).close()
    before = (tmp_path / "s.journal").read_bytes()
    with pytest.raises(UsageError, match=said):
        Tries(search("random"), tmp_path / "s.journal", {**declared, **change})
    assert (tmp_path / "s.journal").read_bytes() == before


def test_processes_share_a_study_and_no_point_is_tried_twice(tmp_path: Path) -> None:
    stated, path = search({"name": "tpe", "seed": 1}, budget={"completed_trials": 30}), tmp_path / "s.journal"
    children = []
    for _ in range(3):
        if (pid := os.fork()) == 0:
            code = 1
            try:
                mine = tried(stated, path)
                (tmp_path / f"{os.getpid()}.json").write_text(json.dumps(mine))
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    points = [point for file in tmp_path.glob("*.json") for point in json.loads(file.read_text())]
    assert len(points) == 30
    assert len({named(point) for point in points}) == 30
    study = read_study(path)
    assert study is not None
    assert study.count("completed") == 30


def test_a_killed_process_leaves_its_trial_to_the_next(tmp_path: Path) -> None:
    stated, path = search("random", budget={"completed_trials": 3}), tmp_path / "s.journal"
    if (pid := os.fork()) == 0:
        tries = Tries(stated, path, DECLARED)
        tries.propose()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    with path.open("ab") as stream:
        stream.write(b'{"op_code":8,"worker_id":"x","trial_')  # cut short in the middle of a line
    stored = read_study(path)
    assert stored is not None
    begun = stored.trials[0].point
    points = tried(stated, path)
    assert points[0] == begun
    assert len(points) == 3
    study = optuna.load_study(study_name="search", storage=Journal(path))  # Optuna's own tools can read it
    assert len(study.trials) == 3
    assert study.trials[0].params == pytest.approx(begun)


def test_half_a_line_is_cut_off_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    for content, kept in ((b"", b""), (b"a\nb\n", b"a\nb\n"), (b"a\nb", b"a\n"), (b"abc", b"")):
        path.write_bytes(content)
        without_half_a_line(path)
        assert path.read_bytes() == kept


def test_a_journal_that_is_none_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "s.journal").write_text('{"a": 1}\n{"b"\n{}\n')
    with pytest.raises(UsageError, match="is no study"):
        Tries(search("random"), tmp_path / "s.journal", DECLARED)
