"""`framework export`: files are written whole, all or none, and only over what is the same or may be replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.commands import called
from tests.support.exported import ATTENTION, ExportedStudy

FOLDER = Path("configs/cerebras")


def run(root: Path, *arguments: str) -> tuple[int, str, str]:
    outcome = called(root, *arguments)
    return outcome.code, outcome.out, outcome.err


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_each_training_of_a_variant_gets_a_file_and_its_binding(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path)
    code, out, _ = run(tmp_path, "export", "cerebras", "--variant", "lora", "--task", "arc")
    assert code == 0
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == [
        "bindings.yaml",
        "full.0-train.small.seed42.yaml",
        "lora.0-tune.arc.small.seed42.yaml",
    ]
    assert "wrote configs/cerebras/lora.0-tune.arc.small.seed42.yaml" in out
    assert out.count("not said: the data: HDF5 files of corpus") == 1
    study.manifest.write_text(study.manifest.read_text() + (tmp_path / FOLDER / "bindings.yaml").read_text())
    assert run(tmp_path, "check")[0] == 0


def test_a_changed_number_fails_the_check_at_its_line(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path)
    run(tmp_path, "export", "cerebras", "--variant", "lora")
    study.manifest.write_text(study.manifest.read_text() + (tmp_path / FOLDER / "bindings.yaml").read_text())
    path = tmp_path / FOLDER / "lora.0-tune.boolq.small.seed42.yaml"
    path.write_text(path.read_text().replace("r: 16", "r: 8"))
    line = path.read_text().splitlines().index("          r: 8") + 1
    code, out, _ = run(tmp_path, "check")
    assert code == 1
    assert f"{FOLDER}/{path.name}:{line}" in out
    assert "tune.adapter.lora.rank" in out


def test_a_second_export_writes_nothing(tmp_path: Path) -> None:
    ExportedStudy(tmp_path)
    run(tmp_path, "export", "cerebras", "--variant", "lora")
    before = files(tmp_path)
    code, out, _ = run(tmp_path, "export", "cerebras", "--variant", "lora")
    assert (code, files(tmp_path)) == (0, before)
    assert "wrote" not in out


def test_a_file_that_says_something_else_is_replaced_only_by_force(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path)
    run(tmp_path, "export", "cerebras", "--variant", "full")
    study.manifest.write_text(study.manifest.read_text().replace("learning_rate: 2e-4", "learning_rate: 3e-4"))
    before = files(tmp_path)
    code, _, err = run(tmp_path, "export", "cerebras", "--variant", "lora")
    assert code == 2
    assert "full.0-train.small.seed42.yaml would change: nothing was written; say --force" in err
    assert files(tmp_path) == before
    assert run(tmp_path, "export", "cerebras", "--variant", "lora", "--force")[0] == 0
    assert b"end_learning_rate: 0.0003" in files(tmp_path)[f"{FOLDER}/full.0-train.small.seed42.yaml"]


def test_bindings_of_an_earlier_export_stay(tmp_path: Path) -> None:
    ExportedStudy(tmp_path)
    run(tmp_path, "export", "cerebras", "--variant", "full")
    run(tmp_path, "export", "cerebras", "--variant", "lora", "--task", "arc")
    run(tmp_path, "export", "cerebras", "--variant", "lora", "--task", "boolq")
    bindings = (tmp_path / FOLDER / "bindings.yaml").read_text()
    assert bindings.count("- file: configs/cerebras/") == 3
    (tmp_path / FOLDER / "lora.0-tune.arc.small.seed42.yaml").unlink()
    run(tmp_path, "export", "cerebras", "--variant", "full")
    assert "tune.arc" not in (tmp_path / FOLDER / "bindings.yaml").read_text()


def test_nothing_is_left_where_one_file_cannot_be_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ExportedStudy(tmp_path)
    run(tmp_path, "export", "cerebras", "--variant", "full")
    before = files(tmp_path)
    replace, calls = os.replace, []

    def failing(source: str, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    assert run(tmp_path, "export", "cerebras", "--variant", "lora")[0] == 2
    assert len(calls) == 2
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--variant NAME"),
        (("--variant", "lroa"), "did you mean 'lora'?"),
        (("--variant", "lora", "--task", "boolk"), "did you mean 'boolq'?"),
    ],
)
def test_a_question_that_cannot_be_asked_exits_with_2(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    ExportedStudy(tmp_path)
    before = files(tmp_path)
    code, _, err = run(tmp_path, "export", "cerebras", *arguments)
    assert (code, files(tmp_path)) == (2, before)
    assert words in err


def test_what_cannot_be_exported_names_its_line_and_writes_nothing(tmp_path: Path) -> None:
    ExportedStudy(tmp_path, (ATTENTION, "targets: [q_proj, v_proj]"))
    before = files(tmp_path)
    code, _, err = run(tmp_path, "export", "cerebras", "--variant", "lora")
    assert (code, files(tmp_path)) == (2, before)
    assert "experiment.yaml:38:" in err
    assert "targets = [q_proj, v_proj] cannot be exported" in err


def test_a_folder_elsewhere_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    ExportedStudy(tmp_path / "study")
    code, _, _ = run(tmp_path / "study", "export", "cerebras", "--variant", "full", "--output", "../out")
    assert code == 0
    assert (tmp_path / "out" / "full.0-train.small.seed42.yaml").is_file()


def test_a_foreign_file_in_the_place_of_the_bindings_is_left_alone(tmp_path: Path) -> None:
    ExportedStudy(tmp_path)
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "bindings.yaml").write_text("- mine\n")
    before = files(tmp_path)
    code, _, err = run(tmp_path, "export", "cerebras", "--variant", "full")
    assert (code, files(tmp_path)) == (2, before)
    assert "none that an export wrote" in err
