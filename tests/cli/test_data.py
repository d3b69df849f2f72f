"""`framework data` and what `framework plan` says of prepared data."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from framework.cli.main import run
from framework.manifest.sections.models import Model
from runners.data import planned as planned_data
from runners.data.tokenizing import tokenizer_for

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


def test_a_plan_looks_once_at_what_many_steps_read(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "experiment.yaml").write_text(MANIFEST + "seeds: [1, 2, 3, 4, 5]\n")
    assert run(["data", "prepare"]) == 0
    asked: list[object] = []
    real = planned_data.known
    monkeypatch.setattr(planned_data, "known", lambda stated: asked.append(stated) or real(stated))
    assert planned(capsys) == {"manual": "prepared", "films": "unknown"}
    assert len(asked) == 1


def test_a_run_writes_nothing_that_was_prepared_before(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "prepare"]) == 0
    before = {path: path.stat().st_mtime_ns for path in (project / "cache" / "data").glob("*/index.json")}
    assert len(before) == 5, "a tokenizer, and two splits of two datasets"
    assert run(["run", "--all"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (project / "cache" / "data").glob("*/index.json")} == before


SEARCHED = """\
searches:
  lr:
    phase: finetune
    variants: [M_base]
    space: {optimizer.learning_rate: {low: 1e-5, high: 1e-2, scale: log}}
    budget: {completed_trials: 2}
    objective: accuracy
    seeds: [100]
"""


@pytest.mark.parametrize("stated", [", learning_rate: 1e-3", ""])
def test_what_waits_for_a_search_is_prepared_for_it(
    project: Path, capsys: pytest.CaptureFixture[str], stated: str
) -> None:
    manifest = project / "experiment.yaml"
    begun, ended = MANIFEST.split("  finetune:\n")
    manifest.write_text(f"{begun}  finetune:\n{ended.replace(', learning_rate: 1e-3', stated)}{SEARCHED}")
    code = run(["data", "prepare"])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "manual for tiny: " in told.out
    assert "films for tiny: 20 and 20 examples" in told.out
    assert "1 steps wait for a search; what they read is prepared" in told.out
    assert run(["run"]) == 2, "which does wait"


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


BUILT_IN = MANIFEST.replace("{path: films, text: [sentence], labels: 2}", "{builtin: reference-topics, labels: 2}")
ONLY_LABELLED = "steps: [finetune]"


@pytest.mark.parametrize("change", ["labels", "text", "tokenizer", "torn", "removed tokenizer", "limit"])
def test_a_plan_calls_nothing_prepared_that_a_run_would_prepare(
    project: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    manifest = project / "experiment.yaml"
    stated = (BUILT_IN if change == "labels" else MANIFEST).replace("steps: [pretrain, finetune]", ONLY_LABELLED)
    if change == "tokenizer":
        stated = stated.replace("vocabulary: 270, tokenizer: train", "vocabulary: 300, tokenizer: own")
        small = Model(family="mamba", vocabulary=270, tokenizer="train")
        tokenizer_for("tiny", small, ["some words of a text " * 9], project).save_pretrained(project / "own")
    if change == "limit":
        stated = stated.replace("labels: 2}", "labels: 2, limit: 4}")
    manifest.write_text(stated)
    assert run(["data", "prepare"]) == 0
    assert planned(capsys) == {"films": "prepared"}
    before = prepared(project)
    if change == "labels":
        manifest.write_text(stated.replace("labels: 2", "labels: 3"))
    elif change == "text":
        (project / "films" / "train.jsonl").write_text('{"sentence": "some other films", "label": 0}\n' * 40)
    elif change == "tokenizer":
        larger = Model(family="mamba", vocabulary=275, tokenizer="train")
        tokenizer_for(
            "tiny", larger, ["other words, quite another text, and yet more of them " * 9], project
        ).save_pretrained(project / "own")
    elif change == "torn":
        next(path for path in (project / "cache").rglob("labels.bin")).write_bytes(b"")
    elif change == "removed tokenizer":
        shutil.rmtree(next(path for path in (project / "cache").rglob("json.bin")).parent)
    else:
        manifest.write_text(stated.replace("limit: 4", "limit: 9"))
    assert planned(capsys) == {"films": "to prepare"}
    assert run(["data", "prepare"]) == 0
    assert prepared(project) != before, "the run found what it needed: the plan was wrong"
    assert planned(capsys) == {"films": "prepared"}


def prepared(project: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (project / "cache" / "data").glob("*/*.bin")}


def test_what_a_killed_writer_left_is_listed_and_removed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "prepare"]) == 0
    data = project / "cache" / "data"
    torn, *others = sorted(path.parent for path in data.glob("*/index.json"))
    (torn / "index.json").write_text("{")
    key = "f" * 40
    left = data / f".{key}.partial"
    left.mkdir()
    (left / "tokens.bin").write_bytes(b"0" * 2_000_000)
    shutil.copy(others[0] / "index.json", left)
    capsys.readouterr()
    assert run(["data", "list"]) == 0
    listed = capsys.readouterr().out
    assert f"{torn.name[:10]} damaged or unfinished" in listed
    assert f"{key[:10]} damaged or unfinished, made anew when it is needed: 2.0 MB" in listed
    assert f"{len(others)} stores" in listed
    with (data / "locks" / key).open("w") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert run(["data", "list"]) == 0
        assert key[:10] not in capsys.readouterr().out, "a process is writing it"
    assert run(["data", "remove", "--all"]) == 0
    assert not list(data.rglob("*.bin"))


def test_a_plan_loads_no_library_of_a_run(project: Path) -> None:
    assert run(["data", "prepare"]) == 0
    command = (
        "import sys; from framework.__main__ import main; main(['plan']); "
        "print(*sorted({'numpy', 'torch', 'tokenizers', 'transformers', 'pyarrow', 'datasets'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert "data manual for tiny (causal_lm): prepared" in done.stdout
    assert done.stdout.splitlines()[-1] == ""
