"""A model card for each checkpoint: metadata that the hub takes, and claims that come from the run's record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from reports.documents import stale, write
from reports.model_cards import cards
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record

CARDS = "documents/model-cards"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def evidence(project: Project) -> Evidence:
    return Evidence(project)


def with_checkpoint(evidence: Evidence) -> list[Path]:
    return [folder for folder in evidence.folders() if any(folder.glob("model/*.safetensors"))]


def test_each_checkpoint_has_a_card_that_says_what_its_run_recorded(project: Project, evidence: Evidence) -> None:
    write(project.verify(), ["cards"])
    folders = with_checkpoint(evidence)
    assert len(folders) > 3
    assert {path.name for path in project.path(CARDS).iterdir()} == {folder.name for folder in folders}
    index = project.read("documents/MODEL_CARDS.md")
    for folder in folders:
        record = json.loads((folder / "record.json").read_text())
        text = project.read(f"{CARDS}/{folder.name}/README.md")
        assert f"(model-cards/{folder.name}/README.md)" in index
        for name, value in record["metrics"].items():
            assert f"| {name} | {value:.6g} |" in text
        for name, facts in record["artefacts"].items():
            if name.startswith("model/") and not name.endswith(".json"):
                assert facts["sha256"] in text
        if "batch_size" in record["observed"]:
            assert f"| batch size | {record['observed']['batch_size']} |" in text
        # What follows the metadata is the card itself.
        metadata = yaml.safe_load(text.split("---\n")[1])
        assert set(record["variants"]) <= set(metadata["tags"])
        assert "license" not in metadata


def test_the_hub_s_library_takes_the_metadata(project: Project) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    project.replace("  topics: {builtin: reference-topics", "  topics: {hub: example/topics")
    project.replace("    weights: random\n", "    hub: example/tiny\n")
    project.replace("title: A small study", 'title: "A: \\"small\\" --- study #1"')
    evidence = Evidence(project)
    found = cards(project.verify())
    write(project.verify(), ["cards"])
    assert set(found) == {f"{folder.name}/README.md" for folder in with_checkpoint(evidence)}
    for name in found:
        data = hub.ModelCard(project.read(f"{CARDS}/{name}")).data
        assert data.base_model == "example/tiny"
        if data.eval_results:
            assert {each.metric_type for each in data.eval_results} == set(data.metrics)
    tuned = project.read(f"{CARDS}/{evidence.folder('pruned', 'finetune').name}/README.md")
    data = hub.ModelCard(tuned).data
    assert (data.datasets, data.pipeline_tag) == (["example/topics"], "text-classification")
    assert {(each.dataset_type, each.metric_value) for each in data.eval_results if each.metric_type == "f1"} == {
        ("example/topics", 0.5)
    }


def test_a_violation_stands_in_the_card_of_its_run_alone(project: Project, evidence: Evidence) -> None:
    broken = evidence.folder("dense", "pretrain")
    change_record(broken, lambda record: record.observed.update(seed=9))
    write(project.verify(), ["cards"])
    for folder in with_checkpoint(evidence):
        text = project.read(f"{CARDS}/{folder.name}/README.md")
        assert ("No violation was found that names this run." in text) is (folder != broken)
        assert "No violation, and each of" not in text


def test_a_card_is_stale_when_its_run_says_something_else(project: Project, evidence: Evidence) -> None:
    write(project.verify(), ["cards"])
    assert stale(project.verify(), ["cards"]) == []
    folder = evidence.folder("dense", "pretrain")
    change_record(folder, lambda record: record.metrics.update(perplexity=9.5))
    names = {path.parent.name for path, _ in stale(project.verify(), ["cards"])}
    assert folder.name in names
    write(project.verify(), ["cards"])
    gone = project.path(f"{CARDS}/gone/README.md")
    gone.parent.mkdir()
    gone.write_text(project.read(f"{CARDS}/{folder.name}/README.md"))
    assert [path for path, _ in stale(project.verify(), ["cards"])] == [gone]


def test_without_a_checkpoint_there_is_no_card(project: Project) -> None:
    write(project.verify(), ["cards"])
    assert "No run has left a checkpoint." in project.read("documents/MODEL_CARDS.md")
    assert not project.path(CARDS).exists()
