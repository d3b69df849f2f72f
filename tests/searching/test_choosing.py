"""Which trial is taken, what is written about it, and what production is held to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.errors import InputError
from framework.manifest.loading import load
from framework.planning.build import complete
from framework.searching.choosing import Chosen, chosen_of, write_chosen
from framework.searching.optimum import digest_of, exports, path_of, read_optima
from framework.searching.selecting import selected
from framework.searching.spending import is_over, progress
from framework.searching.studies import Study, declared, studies_of
from framework.searching.trials import StoredStudy, Trial
from tests.support.project import Project
from tests.support.searched import MANIFEST

POINT = {"optimizer.learning_rate": 2e-3, "optimizer.weight_decay": 0.02, "batch_size": 8, "adapter.lora.rank": 4}
PRODUCTION = MANIFEST.replace("{name: adamw, learning_rate: 1e-4}", "{name: adamw}").replace("{rank: 2,", "{rank: 4,")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, PRODUCTION, "{}\n")


def study_in(project: Project) -> Study:
    return studies_of(project.load())[0]


def trial(number: int, value: float | None, state: Any = "completed", point: Any = None, **facts: Any) -> Trial:
    known = {"optimizer_steps": 6, "planned_steps": 6, "final": [f"key{number}"], "metrics": {"f1": 1.0 - number / 10}}
    return Trial(number, point or {**POINT, "batch_size": 4 + 4 * (number % 2)}, state, value, {**known, **facts})


def stored(project: Project, trials: list[Trial], **software: str) -> StoredStudy:
    study = study_in(project)
    return StoredStudy(study.path(project.root), "0" * 64, declared(study, "basis"), software, trials)


def choice_of(project: Project, trials: list[Trial]) -> Any:
    return selected(study_in(project).search, stored(project, trials))


def test_the_best_whole_trial_is_taken_and_of_equals_the_first(project: Project) -> None:
    trials = [
        trial(0, 0.5),
        trial(1, 0.8),
        trial(2, 0.8),
        trial(3, None, "failed", error="the loss is nan"),
        trial(4, 0.99, "pruned"),
        trial(5, float("nan")),
        trial(6, 0.95, optimizer_steps=3),
        trial(7, 0.97, point={**POINT, "optimizer.learning_rate": 0.5}),
        trial(8, None, "running"),
    ]
    found = choice_of(project, trials)
    assert found.trial.number == 1
    assert found.value == 0.8
    assert found.left_out == {
        3: "failed: the loss is nan",
        4: "pruned",
        5: "its value is nan",
        6: "it trained 3 of 6 optimizer steps",
        7: "outside the space: optimizer.learning_rate: 0.5 cannot come",
        8: "running",
    }


def test_the_direction_and_another_metric_decide(project: Project) -> None:
    trials = [trial(0, 0.5), trial(1, 0.8), trial(2, 0.2)]
    project.replace("objective: accuracy", "objective: {name: accuracy, direction: lower}")
    assert choice_of(project, trials).trial.number == 2
    project.replace("    seeds: [100]", "    seeds: [100]\n    selection: {metric: f1}")
    assert choice_of(project, trials).trial.number == 0


def test_a_trial_that_stopped_early_by_its_patience_is_whole(project: Project) -> None:
    found = choice_of(project, [trial(0, 0.5), trial(1, 0.9, optimizer_steps=3, stopped_early=True)])
    assert found.trial.number == 1


def chosen(project: Project, trials: list[Trial], monkeypatch: pytest.MonkeyPatch, unfinished: bool = False) -> Chosen:
    study = stored(project, trials)
    monkeypatch.setattr("framework.searching.choosing.stored_of", lambda asked, root: study)
    return chosen_of(project.load(), study_in(project), unfinished, {"batch_size": 0.7})


SIX = [trial(number, 0.5 + number / 100) for number in range(6)]


def test_what_is_written_says_all_that_it_rests_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(project, SIX, monkeypatch)
    assert write_chosen(project.load(), [found]) == "optimal_hyperparameters.yaml"
    (optimum,) = read_optima(project.path("optimal_hyperparameters.yaml"))
    assert optimum.values == SIX[5].point
    entry = optimum.entry
    assert entry["expected"]["value"] == 0.55
    assert entry["expected"]["metrics"] == {"f1": 0.5}
    assert entry["chosen"]["trial"] == 5
    assert entry["chosen"]["source_runs"] == ["key5"]
    assert entry["chosen"]["rule"].startswith("highest accuracy on validation")
    assert entry["analysed"]["runs"] == [f"key{number}" for number in range(6)]
    assert entry["analysed"]["completed"] == 6
    assert entry["digest"] == digest_of(entry)
    assert list(exports([optimum])) == [
        "TOPICS_LORA_LR=0.002", "TOPICS_LORA_WEIGHT_DECAY=0.02", "TOPICS_LORA_BATCH_SIZE=8", "TOPICS_LORA_RANK=4",
    ]  # fmt: skip


def test_values_are_written_at_full_precision_for_every_reader(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = {**POINT, "optimizer.learning_rate": 1.2345678901234567e-05}
    found = chosen(project, [trial(number, 0.1 * number, point=exact) for number in range(6)], monkeypatch)
    write_chosen(project.load(), [found])
    text = project.read("optimal_hyperparameters.yaml")
    assert yaml.safe_load(text)["optima"][0]["values"]["optimizer.learning_rate"] == 1.2345678901234567e-05
    assert read_optima(project.path("optimal_hyperparameters.yaml"))[0].values == exact


def test_chosen_again_from_the_same_trials_it_stays_as_it_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    write_chosen(project.load(), [chosen(project, SIX, monkeypatch)])
    before = project.read("optimal_hyperparameters.yaml")
    write_chosen(project.load(), [chosen(project, SIX, monkeypatch)])
    assert project.read("optimal_hyperparameters.yaml") == before
    write_chosen(project.load(), [chosen(project, [*SIX, trial(6, 0.9)], monkeypatch)])
    assert read_optima(project.path("optimal_hyperparameters.yaml"))[0].entry["chosen"]["trial"] == 6


def test_an_entry_that_was_edited_is_refused_with_its_place(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    write_chosen(project.load(), [chosen(project, SIX, monkeypatch)])
    project.replace("batch_size: 8\n    adapter", "batch_size: 4\n    adapter", "optimal_hyperparameters.yaml")
    with pytest.raises(InputError, match=r"optimal_hyperparameters.yaml:5:3: lr · lora · topics is no longer what"):
        read_optima(path_of(project.root, None))
    with pytest.raises(InputError, match="its digest is of other content"):
        project.plan("lora")


@pytest.mark.parametrize(
    "content", ["[]\n", "format: 2\noptima: []\n", "format: 1\noptima: [{search: lr}]\n", "a: [\n"]
)
def test_a_file_of_another_kind_is_a_named_error(project: Project, content: str) -> None:
    project.write("optimal_hyperparameters.yaml", content)
    with pytest.raises(InputError, match=r"optimal_hyperparameters\.yaml:"):
        project.plan("lora")


def test_an_optimum_at_the_end_of_its_range_is_a_warning(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    best = {**POINT, "optimizer.learning_rate": 9.9e-3, "optimizer.weight_decay": 0.0}
    found = chosen(project, [*SIX[:5], trial(5, 0.9, point=best)], monkeypatch)
    assert found.entry is not None
    assert found.entry["at_edge"] == {"optimizer.learning_rate": "upper", "optimizer.weight_decay": "lower"}
    assert "lies at the upper end of what was searched" in found.warnings[0]


def test_a_search_that_is_not_over_chooses_nothing_unless_asked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = chosen(project, SIX[:4], monkeypatch)
    assert found.entry is None
    assert found.missing == "not over: 4 of 6 completed trials; framework sweep lr goes on"
    early = chosen(project, SIX[:4], monkeypatch, unfinished=True)
    assert early.entry is not None
    assert early.entry["analysed"]["over"] is False
    assert early.warnings == ["the search is not over: 4 of 6 completed trials"]


def test_a_search_without_a_value_chooses_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(project, [trial(number, None, "failed", error="no memory") for number in range(6)], monkeypatch)
    assert found.missing == "no trial can be taken: failed: no memory"


def test_budgets_are_counted_in_their_unit(project: Project) -> None:
    project.replace("{completed_trials: 6}", "{optimizer_steps: 20}")
    search = study_in(project).search
    assert progress(search, stored(project, SIX[:3])) == "18 of 20 optimizer steps"
    assert not is_over(search, stored(project, SIX[:3]))
    assert is_over(search, stored(project, SIX[:4]))
    assert not is_over(search, stored(project, [*SIX[:4], trial(4, None, "running")]))
    assert is_over(search, stored(project, [*SIX[:3], trial(3, None, "pruned", optimizer_steps=4)]))


def problems(project: Project) -> list[str]:
    try:
        complete(project.plan("lora"))
    except InputError as failure:
        return [str(problem) for problem in failure.problems]
    return []


def test_production_waits_for_the_search_and_takes_what_it_chose(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (problem,) = problems(project)
    assert problem.startswith("experiment.yaml:21:3: lr · lora · topics · tiny: optimizer.learning_rate, ")
    assert "not searched yet" in problem
    assert "framework sweep lr" in problem
    write_chosen(project.load(), [chosen(project, SIX, monkeypatch)])
    assert problems(project) == []
    for step in project.plan("lora").steps:
        phase = step.identity["does"]["phase"]
        assert phase["optimizer"]["learning_rate"] == 2e-3
        assert phase["batch_size"] == 8
        assert step.identity["does"]["adapter"]["lora"]["rank"] == 4
        assert step.seed in (1, 2)


def test_production_with_other_values_is_refused_and_says_which(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_chosen(project.load(), [chosen(project, SIX, monkeypatch)])
    project.replace("optimizer: {name: adamw}", "optimizer: {name: adamw, learning_rate: 1e-3}")
    (problem,) = problems(project)
    assert problem.startswith("experiment.yaml:12:")
    assert "phases.tune.optimizer.learning_rate is 0.001, and the optimum is 0.002" in problem
    project.replace("learning_rate: 1e-3", "learning_rate: about 2e-3")  # as a paper rounds it
    assert problems(project) == []
    project.replace("{lora: {rank: 4, alpha: 4}}", "{lora: {rank: 4, alpha: 4}}, set: {optimizer.learning_rate: 3e-3}")
    (problem,) = problems(project)
    assert "variants.lora.steps[0].tune.set" in problem


def test_an_optimum_of_another_search_is_none(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    write_chosen(project.load(), [chosen(project, SIX, monkeypatch)])
    project.replace("high: 1e-2", "high: 1e-1")
    (problem,) = problems(project)
    assert "is of another search: space" in problem


def test_a_profile_has_studies_and_optima_of_its_own(project: Project) -> None:
    project.append("profiles:\n  smoke: {reason: quick, set: {searches.lr.budget: {completed_trials: 2}}}\n")
    experiment = load(project.manifest, "smoke")
    assert studies_of(experiment)[0].search.budget.completed_trials == 2  # type: ignore[union-attr]
    assert studies_of(experiment)[0].path(project.root) == project.path("searches/@smoke/lr/lora.topics.tiny.journal")
    assert path_of(project.root, "smoke") == project.path("searches/@smoke/optimal_hyperparameters.yaml")
