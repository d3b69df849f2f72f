"""A metric by the names that trainers give it: the same one wherever the manifest's meets theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.manifest.hyperparameters import held, plain_metric
from framework.manifest.metrics import falls_in
from framework.manifest.sections.values.stated_metrics import Metric, falls
from framework.planning.recipes import Recipe, recipe_of
from tests.runners.command.commanded import run, study
from tests.stages.breaking import evaluated, recorded
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_lines, change_record, seal
from tests.support.statuses import codes, status_of

ALIKE = (
    "accuracy",
    "eval_accuracy",
    "eval/accuracy",
    "val_accuracy",
    "val/accuracy",
    "validation_accuracy",
    "Eval/Acc",
)
OTHERS = ("train_accuracy", "train/accuracy", "test_accuracy", "test/accuracy", "f1", "accuracy_normalized")
ACCURACY = "{metric: accuracy, patience: 3}"


def restated(project: Project, metric: str) -> Project:
    return project.replace(ACCURACY, f"{{metric: {metric}, patience: 3}}")


@pytest.mark.parametrize("name", ALIKE)
def test_names_of_one_metric_have_one_plain_name(name: str) -> None:
    assert plain_metric(name) == "accuracy"
    assert held(name, {"step": 1.0, "accuracy": 0.5}) == 0.5
    assert held("accuracy", {"train_accuracy": 0.1, "test/accuracy": 0.2, name: 0.5}) == 0.5


@pytest.mark.parametrize("name", OTHERS)
def test_those_of_other_data_are_others(name: str) -> None:
    assert plain_metric(name) != "accuracy"
    assert held("accuracy", {name: 0.5}) is None
    assert held(name, {"accuracy": 0.5}) is None
    assert held(name, {name: 0.5}) == 0.5


def test_the_same_name_goes_before_one_of_the_same_metric_and_a_validations_before_a_plain_one() -> None:
    both = {"loss": 1.0, "validation_loss": 2.0, "initial_validation_loss": 3.0}
    assert held("loss", both) == 1.0
    assert held("eval_loss", both) == 2.0
    assert held("loss", {"train_loss": 1.0, "eval/loss": 2.0}) == 2.0
    assert held("Top-1 accuracy", {"eval/top_1_accuracy": 0.5}) == 0.5


@pytest.mark.parametrize("name", ["eval_perplexity", "val/ppl", "eval/wer", "Loss", "loss_after_merge", "test_mse"])
def test_what_falls_falls_by_every_name(name: str) -> None:
    assert falls(name)
    assert not falls(Metric(name=name, direction="higher"))


@pytest.mark.parametrize("name", [*ALIKE, "bleu", "reward"])
def test_what_rises_does_not_fall(name: str) -> None:
    assert not falls(name)
    assert falls(Metric(name=name, direction="lower"))


@pytest.mark.parametrize("stated", ["accuracy", "eval_accuracy", "{name: val/accuracy, direction: higher}"])
@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("key", ["metric_for_best_model", "early_stopping_metric"])
def test_a_config_that_watches_it(tmp_path: Path, stated: str, name: str, key: str) -> None:
    project = restated(Project(tmp_path), stated)
    project.append("  - {file: f.yaml, describes: phases.finetune, dialect: generic}\n")
    project.write("f.yaml", f"{key}: {name}\nearly_stopping_patience: 3\n")
    found = project.check()
    assert "C141" not in codes(found)
    assert "C101" not in codes(found)
    clause = "phases.finetune.early_stopping.metric" + (".name" if "name:" in stated else "")
    assert status_of(found, clause, Stage.CONFIG) is Status.CONFORMS
    project.write("f.yaml", f"{key}: eval_f1\nearly_stopping_patience: 3\n")
    assert status_of(project.check(), clause, Stage.CONFIG) is Status.VIOLATED


@pytest.mark.parametrize(("name", "found"), [("test_accuracy", False), ("test/loss", True), ("val/rouge", False)])
def test_a_config_that_watches_another(tmp_path: Path, name: str, found: bool) -> None:
    project = Project(tmp_path).append("  - {file: f.yaml, describes: phases.finetune}\n")
    project.write("f.yaml", f"metric_for_best_model: {name}\npatience: 3\n")
    checked = project.check()
    assert ("C141" in codes(checked)) is found
    clause = "phases.finetune.early_stopping.metric"
    assert status_of(checked, clause, Stage.CONFIG) is not Status.CONFORMS


@pytest.mark.parametrize("stated", ["{patience: 3}", "{metric: {name: bleu}, patience: 3}"])
def test_a_config_that_says_nothing_of_early_stopping(tmp_path: Path, stated: str) -> None:
    project = Project(tmp_path).replace(ACCURACY, stated)
    project.append("  - {file: f.yaml, describes: phases.finetune}\n")
    project.write("f.yaml", "num_epochs: 2\n")
    told = [each for each in project.check().findings if each.code == "C140"]
    assert len(told) == 1
    assert ("on bleu" in told[0].message) is ("bleu" in stated)


@pytest.mark.parametrize("stated", ["metric", "{name: metric, unit: percent}"])
@pytest.mark.parametrize(("metric", "name"), [("f1", name.replace("accuracy", "f1")) for name in ALIKE[:6]])
def test_a_run_that_recorded_it(tmp_path: Path, stated: str, metric: str, name: str) -> None:
    for said, kept in dict.fromkeys([(metric, name), (name, metric)]):
        root = tmp_path / said.replace("/", "-") / kept.replace("/", "-")
        root.mkdir(parents=True)
        project = Project(root).replace("metric: f1}", f"metric: {stated.replace('metric', said)}}}")
        evidence = Evidence(project)
        for step in evidence.plan.steps:
            if step.name == "finetune":
                folder = evidence.experiment.runs / step.folder
                change_record(folder, lambda record, kept=kept: record.metrics.update({kept: record.metrics.pop("f1")}))
        clause = "phases.finetune.tasks.topics.metric" + (".name" if "name:" in stated else "")
        assert status_of(project.verify(), clause, Stage.RUN) is Status.CONFORMS


@pytest.mark.parametrize("name", ["train_f1", "test/f1"])
def test_a_run_that_recorded_another(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    recorded("pruned", "finetune", lambda record: record.metrics.update({name: record.metrics.pop("f1")}))(evidence)  # type: ignore[attr-defined]
    assert "R123" in codes(project.verify())


@pytest.mark.parametrize("stated", [*ALIKE, "{name: val/accuracy, direction: higher}"])
@pytest.mark.parametrize("name", ALIKE[:3])
def test_early_stopping_is_replayed_on_it(tmp_path: Path, stated: str, name: str) -> None:
    project = restated(Project(tmp_path), stated)
    evidence = Evidence(project)
    evaluated(0.5, 0.4, 0.4, 0.4, 0.4, stopped=False)(evidence)
    folder = evidence.folder("pruned", "finetune")

    def rename(lines: list[dict[str, object]]) -> None:
        for line in lines:
            line[name] = line.pop("accuracy")

    change_lines(folder / "events.jsonl", rename)
    seal(folder)
    assert "R122" in codes(project.verify())


@pytest.mark.parametrize("name", ["eval_perplexity", "val/ppl", "validation_perplexity"])
def test_a_claim_is_held_to_it(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    for step in evidence.plan.steps:
        folder = evidence.experiment.runs / step.folder
        change_record(folder, lambda record: record.metrics.update({name: record.metrics.pop("perplexity")}))
    assert status_of(project.verify(), "claims[0].assert", Stage.CLAIM) is Status.CONFORMS
    if "/" not in name:
        project.replace("perplexity(masked) <= 1.05 * perplexity(dense)", f"{name}(masked) <= 1.05 * {name}(dense)")
        assert "M173" not in codes(project.check())


@pytest.mark.parametrize("name", [name.replace("accuracy", "bleu") for name in ALIKE[:6]])
@pytest.mark.parametrize("file", ["log.jsonl", "all_results.json"])
def test_what_a_script_leaves_is_collected(tmp_path: Path, name: str, file: str) -> None:
    line = json.dumps({"step": 1, name: 0.25, "test_bleu": 0.5, "train/bleu": 0.75})
    if file == "log.jsonl" and name == "bleu":
        pytest.skip("unprefixed in a log it is the training's")
    kind = "log" if file == "log.jsonl" else "metrics"
    body = f"import sys\nopen(sys.argv[1] + '/{file}', 'w').write('''{line}''')"
    record, _ = run(study(tmp_path, body, f"outputs: {{{kind}: {file}}}"))
    assert record.metrics.pop("test_bleu", 0.5) == 0.5
    record.metrics.pop("step", None)
    assert record.metrics == {"bleu": 0.25}


@pytest.mark.parametrize("name", ALIKE)
def test_the_built_in_training_watches_it(tmp_path: Path, name: str) -> None:
    manifest = restated(Project(tmp_path), name).load().manifest
    recipe = recipe_of(manifest, manifest.phases["finetune"].for_task("topics"))
    assert isinstance(recipe, Recipe), recipe
    assert recipe.early_stopping is not None
    assert recipe.early_stopping.metric == "accuracy"


def test_the_manifests_direction_goes_before_the_usual_one(tmp_path: Path) -> None:
    manifest = restated(Project(tmp_path), "{name: eval/drift, direction: lower}").load().manifest
    assert falls_in(manifest, "drift")
    assert not falls_in(manifest, "gain")
    topics = "{name: eval/regret, direction: lower}"
    manifest = Project(tmp_path).replace("metric: f1}", f"metric: {topics}}}").load().manifest
    assert falls_in(manifest, "regret")
