"""What is told of a recorded run: its data by content, its row in reports and tables, and how commands find it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from datasets import Dataset
from torch.utils.data import Subset, TensorDataset

import framework
from framework import api
from framework.cli import main
from framework.conformance import Stage, Status
from framework.errors import UsageError
from framework.evidence.store import RunStore
from framework.manifest.loading import load
from framework.planning.build import build
from framework.recording.data_facts import data_facts
from reports.analysis.rows import study
from reports.analysis.tables import summary_csv
from reports.compliance import compliance_context
from tests.recording.training import Script, project, verified
from tests.support.statuses import status_of

FEATURES = torch.arange(12.0).reshape(6, 2)
CONTENT: dict[str, tuple[Any, Any, Any]] = {
    "tensors": (FEATURES, FEATURES.clone(), FEATURES + 1),
    "the shape of a tensor": (FEATURES, FEATURES.clone(), FEATURES.reshape(2, 6)),
    "bfloat16": (FEATURES.bfloat16(), FEATURES.bfloat16(), FEATURES.half()),
    "truth values": (FEATURES > 3, FEATURES > 3, FEATURES > 4),
    "arrays": (np.arange(4), np.arange(4), np.arange(4.0)),
    "lists": ([{"text": "a", "label": 1}], [{"text": "a", "label": 1}], [{"text": "a", "label": True}]),
    "a TensorDataset": (TensorDataset(FEATURES), TensorDataset(FEATURES.clone()), TensorDataset(FEATURES * 2)),
    "a Subset": (
        Subset(TensorDataset(FEATURES), [0, 1]), Subset(TensorDataset(FEATURES), [0, 1]),
        Subset(TensorDataset(FEATURES), [0, 2]),
    ),
    "a datasets.Dataset": (
        Dataset.from_dict({"a": [1, 2]}), Dataset.from_dict({"a": [1, 2]}), Dataset.from_dict({"a": [1, 3]}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTENT)
def test_a_fingerprint_is_of_the_content(name: str) -> None:
    one, same, other = (data_facts(data) for data in CONTENT[name])
    assert one == same
    assert one["fingerprint"] != other["fingerprint"]
    assert one["fingerprint_of"] == ("datasets" if "datasets" in name else "examples")
    assert one["examples"] == len(CONTENT[name][0])


def test_files_are_known_by_their_bytes_and_not_by_their_place(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "a.txt").write_text("a")
        (tmp_path / folder / "deep" / "b.txt").write_text("b")
    one, other = (data_facts(tmp_path / folder) for folder in ("one", "other"))
    assert one == other
    assert [each["file"] for each in one["files"]] == ["a.txt", "deep/b.txt"]
    (tmp_path / "other" / "a.txt").write_text("c")
    assert data_facts(tmp_path / "other")["fingerprint"] != one["fingerprint"]
    several = data_facts([tmp_path / "one" / "a.txt", tmp_path / "one" / "deep" / "b.txt"])
    assert several["fingerprint"] == one["fingerprint"]


class Drawing:
    """A dataset whose examples are drawn: to ask for one would change the training."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> torch.Tensor:
        raise AssertionError("it was asked for an example")


def test_a_dataset_that_draws_is_not_asked_for_examples() -> None:
    with pytest.raises(UsageError, match="a Drawing cannot be read without asking it for examples"):
        data_facts(Drawing())


def test_fingerprints_of_two_kinds_say_nothing_of_each_other(tmp_path: Path) -> None:
    project(tmp_path)
    Script().train(tmp_path)
    with framework.record(variant="dense", seed=2, manifest=tmp_path) as run:
        run.data(FEATURES, name="rows")
    assert "R133" not in {finding.code for finding in verified(tmp_path).findings}


def test_reports_and_tables_say_which_script_recorded_a_run(tmp_path: Path) -> None:
    project(tmp_path)
    for _ in range(2):
        Script().train(tmp_path)
    experiment = load(tmp_path)
    plan = build(experiment)
    table = summary_csv(study(experiment, plan).rows)
    assert table.splitlines()[0].endswith(",adopted,recorded")
    assert table.splitlines()[1].endswith(', attempt 2"')
    rows = compliance_context(api.verify(experiment, plan))["runs"]
    assert [row["status"].partition(" by ")[0] for row in rows] == ["recorded", "not run"]
    assert rows[0]["status"].endswith(", attempt 2")


def test_the_commands_find_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project(tmp_path)
    Script(peak=2e-2).train(tmp_path)
    manifest = ["--manifest", str(tmp_path / "experiment.yaml")]
    (left,) = RunStore(tmp_path / "runs").runs()
    assert main.run(["verify", left.folder.name, *manifest]) == 1
    told = capsys.readouterr().out
    assert "R110" in told
    assert "1 of them recorded by scripts" in told
    assert main.run(["plan", "--format", "json", *manifest]) == 0
    first, second = json.loads(capsys.readouterr().out)["steps"]
    assert first["reason"].startswith("recorded by ")
    assert second["reason"] == "new"


def test_what_a_recorded_run_started_from_is_not_known(tmp_path: Path) -> None:
    path = project(tmp_path)
    data = yaml.safe_load(path.read_text())
    data["variants"]["again"] = {"from": "dense", "steps": ["train"]}
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    with framework.record(variant="again", seed=1, manifest=tmp_path) as run:
        run.settings(max_grad_norm=1.0)
    result = verified(tmp_path)
    assert result.findings == []
    assert status_of(result, "variants.again.from", Stage.RUN) is Status.UNVERIFIED


def test_settings_of_the_papers_own_are_held(tmp_path: Path) -> None:
    project(tmp_path, settings={"label_smoothing": 0.1})
    for value, codes in ((0.1, set()), (0.2, {"R124"})):
        with framework.record(variant="dense", seed=1, manifest=tmp_path) as run:
            run.settings({"args.label-smoothing": value})
        assert {finding.code for finding in verified(tmp_path).findings} == codes
