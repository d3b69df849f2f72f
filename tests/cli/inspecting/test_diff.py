"""`framework diff`: how two statements, or two runs, differ in meaning."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.evidence import Evidence
from tests.support.project import Project


def project_of(tmp_path: Path) -> Project:
    return Project(tmp_path)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_another_spelling_of_a_number_is_the_same_statement(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.write("old.yaml", project.read().replace("learning_rate: 2e-4", "learning_rate: 0.0002"))
    outcome = project.cli("diff", "old.yaml")
    assert (outcome.code, "the same" in outcome.out) == (0, True)


def test_a_changed_clause_is_named_with_both_values(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.write("old.yaml", project.read().replace("epochs: 4", "epochs: 5"))
    outcome = project.cli("diff", "old.yaml", "--format", "json")
    assert outcome.code == 1
    assert outcome.json["differences"] == [{"path": "phases.pretrain.epochs", "one": 5.0, "other": 4.0}]


def test_a_derived_value_differs_where_its_base_does(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.write("old.yaml", project.read().replace("learning_rate: 2e-4", "learning_rate: 4e-4"))
    paths = [each["path"] for each in project.cli("diff", "old.yaml", "--format", "json").json["differences"]]
    assert paths == ["phases.pretrain.optimizer.learning_rate", "phases.pretrain.schedule.min_learning_rate"]


def test_a_clause_that_only_one_side_states_is_named(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.write("old.yaml", project.read().replace("    max_grad_norm: 1.0\n", ""))
    (difference,) = project.cli("diff", "old.yaml", "--format", "json").json["differences"]
    assert difference == {"path": "phases.pretrain.max_grad_norm", "one": "not stated", "other": 1.0}


def test_a_git_revision_is_compared_with_the_manifest_as_it_is(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "statement")
    assert project.cli("diff", "HEAD").code == 0
    project.replace("seeds: [1, 2, 3]", "seeds: [1, 2]")
    outcome = project.cli("diff", "HEAD")
    assert (outcome.code, "seeds: [1, 2, 3] -> [1, 2]" in outcome.out) == (1, True)


def test_what_is_neither_file_nor_revision_is_refused(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    for name in ("nowhere", "--upload-pack=x"):
        outcome = project.cli("diff", name)
        assert outcome.code == 2
        assert "Traceback" not in outcome.err


def test_two_runs_are_compared_by_what_was_asked_and_observed(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    evidence = Evidence(project)
    one, other = (evidence.folder("dense", "pretrain", seed).name for seed in (1, 2))
    differences = project.cli("diff", one, other, "--format", "json").json["differences"]
    paths = {each["path"]: (each["one"], each["other"]) for each in differences}
    assert paths["identity.seed"] == (1, 2)
    assert paths["observed.seed"] == (1, 2)
    assert not any(path.startswith("environment") for path in paths)
    assert project.cli("diff", one, one).code == 0
