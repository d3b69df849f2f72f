"""`framework check --since`: a statement that was changed to what a config says."""

from __future__ import annotations

import os
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest

from framework.conformance import Finding
from framework.errors import UsageError
from framework.stages.check import check
from framework.stages.since import check_since, moved_towards_drift
from tests.support.project import Project

LEARNING_RATE = "phases.pretrain.optimizer.learning_rate"


def git(root: Path, *arguments: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return done.stdout.strip()


def commit(project: Project, message: str = "x") -> str:
    git(project.root, "add", "-A")
    git(project.root, "commit", "-q", "--allow-empty", "-m", message)
    return git(project.root, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A config that drifts: 3e-4 where 2e-4 is stated."""
    git(tmp_path, "init", "-q")
    project = Project(tmp_path).config("lr: 2e-4", "lr: 3e-4")
    commit(project)
    return project


def since(project: Project, revision: str = "HEAD") -> list[Finding]:
    with chdir(project.root):
        return check_since(project.load(), revision)


def fit(project: Project) -> Project:
    """Change the statement to what the config says."""
    return project.replace("learning_rate: 2e-4", "learning_rate: 3e-4").replace("0.1 * learning_rate", "2e-5")


def test_nothing_changed(project: Project) -> None:
    assert since(project) == []


def test_the_statement_moved_to_the_config(project: Project) -> None:
    fit(project)
    (finding,) = since(project)
    assert (finding.code, finding.severity, finding.clause) == ("M140", "error", LEARNING_RATE)
    assert (finding.expected, finding.actual) == (2e-4, 3e-4)
    assert str(finding.location).startswith("experiment.yaml:")
    assert finding.declared is not None
    assert finding.declared.file == "configs/pretrain.yaml"
    assert "since HEAD" in finding.message


def test_the_config_was_repaired(project: Project) -> None:
    project.config("lr: 3e-4", "lr: 2e-4")
    assert since(project) == []


def test_a_clause_that_conformed_may_change_with_its_config(project: Project) -> None:
    project.replace("    epochs: 4\n", "    epochs: 6\n").config("epochs: 4", "epochs: 6")
    (finding,) = since(project)
    assert (finding.code, finding.severity, finding.clause) == ("M141", "warning", "phases.pretrain.epochs")
    assert str(finding.declared).startswith("configs/pretrain.yaml:")


def test_a_statement_that_still_disagrees_is_drift_and_no_move(project: Project) -> None:
    project.replace("learning_rate: 2e-4", "learning_rate: 1e-4")
    assert [finding for finding in since(project) if finding.code == "M140"] == []


def test_a_clause_that_is_gone(project: Project) -> None:
    project.config("betas: [0.9, 0.98]", "betas: [0.9, 0.999]")
    commit(project)
    project.replace("      betas: [0.9, 0.98]\n", "").replace("      optim.betas: optimizer.betas\n", "")
    (finding,) = since(project)
    assert (finding.code, finding.clause) == ("M140", "phases.pretrain.optimizer.betas")


def test_a_product_of_a_batch(project: Project) -> None:
    project.config("accumulation: 2", "accumulation: 4")
    commit(project)
    project.replace("    batch_size: 4\n", "    batch_size: 8\n")
    assert [(finding.code, finding.clause) for finding in since(project)] == [("M140", "phases.pretrain.batch_size")]


def test_since_an_earlier_or_a_later_revision(project: Project) -> None:
    first = git(project.root, "rev-parse", "HEAD")
    fit(project)
    commit(project)
    assert [finding.code for finding in since(project, first[:10])] == ["M140"]
    assert [finding.code for finding in since(project, "HEAD~1")] == ["M140"]
    assert since(project, "HEAD") == []


def test_a_project_below_the_repository_s_root(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    project = Project(tmp_path / "papers" / "one").config("lr: 2e-4", "lr: 3e-4")
    commit(project)
    fit(project)
    assert [finding.code for finding in since(project)] == ["M140"]


def test_it_is_a_pure_function_of_two_checks(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Project(tmp_path_factory.mktemp("now")).config("lr: 2e-4", "lr: 3e-4")
    fit(other)
    old, new = project.load(), other.load()
    with chdir(project.root):
        before = check(project.load())
    with chdir(other.root):
        after = check(other.load())
    assert [finding.code for finding in moved_towards_drift(old, new, before, after)] == ["M140"]


@pytest.mark.parametrize(
    "revision", ["--output=x", "-h", "", "no-such-revision", "HEAD:experiment.yaml", "a b", "$(id)", "HEAD\n"]
)
def test_a_revision_is_never_an_option(project: Project, revision: str) -> None:
    before = project.files()
    with pytest.raises(UsageError, match="revision"):
        since(project, revision)
    assert project.files() == before


def test_outside_git(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not in a git repository"):
        since(Project(tmp_path))


def test_a_revision_without_a_manifest(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    with pytest.raises(UsageError, match=r"HEAD has no experiment\.yaml"):
        since(Project(tmp_path))


def test_a_manifest_that_was_broken_then(project: Project) -> None:
    whole = project.read()
    project.write("experiment.yaml", "version: 2\n")
    commit(project)
    project.write("experiment.yaml", whole)
    with pytest.raises(UsageError, match="the manifest at HEAD cannot be checked"):
        since(project)


def test_on_the_command_line(project: Project) -> None:
    fit(project)
    outcome = project.cli("check", "--since", "HEAD", "--format", "json")
    assert outcome.code == 1
    assert [finding["code"] for finding in outcome.json["findings"] if finding["severity"] == "error"] == ["M140"]
