"""`framework data` and what `framework plan` says of prepared data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.cli.main import run

MANIFEST = """\
version: 1
paper: {title: Prepared}
models:
  tiny: {family: mamba, weights: random, layers: 1, hidden: 8, state: 4, vocabulary: 270, tokenizer: train}
datasets:
  manual: {path: text}
  films: {path: films, text: [sentence], labels: 2}
phases:
  pretrain:
    objective: causal_lm
    dataset: manual
    optimizer: {name: adamw, learning_rate: 1e-3}
    batch_size: 2
    sequence_length: 16
    max_steps: 1
  finetune:
    objective: classification
    dataset: films
    optimizer: {name: adamw, learning_rate: 1e-3}
    batch_size: 2
    sequence_length: 16
    max_steps: 1
variants:
  M_base: {steps: [pretrain, finetune]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiment.yaml").write_text(MANIFEST)
    for folder, suffix, text in (
        ("text", "txt", "All of the words of a small text, and more of them.\n" * 300),
        ("films", "jsonl", "".join(json.dumps({"sentence": f"film {n}", "label": n % 2}) + "\n" for n in range(20))),
    ):
        (tmp_path / folder).mkdir()
        for split in ("train", "validation"):
            (tmp_path / folder / f"{split}.{suffix}").write_text(text.replace("small", split).replace("film ", split))
    return tmp_path


def planned(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    assert run(["plan", "--format", "json"]) == 0
    return {each["dataset"]: each["status"] for each in json.loads(capsys.readouterr().out)["data"]}


def test_a_plan_says_what_is_prepared_and_what_will_be(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(capsys) == {"manual": "to prepare", "films": "unknown"}
    assert run(["plan"]) == 0
    told = capsys.readouterr().out
    assert "data manual for tiny (causal_lm): to prepare, 0.0 MB" in told
    assert "data films for tiny (classification): unknown, until the step before has trained the tokenizer" in told
    assert run(["data", "prepare"]) == 0
    assert "films for tiny: 20 and 20 examples" in capsys.readouterr().out
    assert planned(capsys) == {"manual": "prepared", "films": "unknown"}
    (project / "text" / "train.txt").write_text("Another text, of other words.\n" * 400)
    assert planned(capsys) == {"manual": "to prepare", "films": "unknown"}


def test_a_run_writes_nothing_that_was_prepared_before(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "prepare"]) == 0
    before = {path: path.stat().st_mtime_ns for path in (project / "cache" / "data").glob("*/index.json")}
    assert len(before) == 5, "a tokenizer, and two splits of two datasets"
    assert run(["run", "--all"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (project / "cache" / "data").glob("*/index.json")} == before


def test_what_is_prepared_is_listed_and_removed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "list"]) == 0
    assert "0 stores, 0.0 MB" in capsys.readouterr().out
    run(["data", "prepare"])
    capsys.readouterr()
    assert run(["data", "list"]) == 0
    assert "running text of path text/train.txt: 1 rows" in capsys.readouterr().out
    assert run(["data", "list", "--format", "json"]) == 0
    (first, *others) = json.loads(capsys.readouterr().out)
    assert len(others) == 4
    assert run(["data", "remove", first["key"][:8]]) == 0
    assert "1 stores removed" in capsys.readouterr().out
    assert run(["data", "remove", first["key"][:8]]) == 2
    assert "no prepared data of the key" in capsys.readouterr().err
    assert run(["data", "remove"]) == 2
    assert run(["data", "remove", "--all"]) == 0
    assert "4 stores removed" in capsys.readouterr().out
