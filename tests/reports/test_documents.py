"""Rendered documents: what they say, where they lie, and when they are stale."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.manifest.clauses import shown
from reports.compliance import MARKS
from reports.setup import clause_row
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.statuses import codes, status_of

SETUP, COMPLIANCE = "documents/EXPERIMENTAL_SETUP.md", "documents/COMPLIANCE.md"
MEMO = "documents/CORRECTNESS_MEMO.md"
PAGE, DATA = "documents/REPORT.html", "documents/report.json"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def rendered(project: Project, *options: str) -> Project:
    outcome = project.cli("docs", *options)
    assert outcome.code == 0, outcome.err
    return project


# Fresh and stale


def test_documents_that_were_just_rendered_are_fresh(project: Project) -> None:
    outcome = project.cli("docs")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [f"wrote {file}" for file in (SETUP, COMPLIANCE, MEMO, PAGE, DATA)]
    outcome = project.cli("docs", "--check")
    assert outcome.code == 0
    assert outcome.out.startswith("fresh")


def test_documents_that_are_missing_are_stale(project: Project) -> None:
    outcome = project.cli("docs", "--check")
    assert outcome.code == 1
    assert f"stale: {SETUP}: missing" in outcome.out
    assert f"stale: {COMPLIANCE}: missing" in outcome.out


def test_rendering_twice_gives_the_same(project: Project) -> None:
    Evidence(project)
    first = rendered(project).files()
    assert rendered(project).files() == first


def test_a_changed_manifest_makes_documents_stale_and_says_where(project: Project) -> None:
    rendered(project).replace("title: A small study", "title: A great study")
    outcome = project.cli("docs", "--check")
    assert outcome.code == 1
    assert f"stale: {SETUP}: " in outcome.out
    assert (
        "it says '**A small study** (A. Researcher)', and should say '**A great study** (A. Researcher)'" in outcome.out
    )


@pytest.mark.parametrize("name", [SETUP, COMPLIANCE])
def test_an_edited_document_is_stale(project: Project, name: str) -> None:
    rendered(project).replace("**A small study**", "**A smaller study**", name)
    outcome = project.cli("docs", "--check")
    assert outcome.code == 1
    assert f"stale: {name}: 2 lines differ" in outcome.out


@pytest.mark.parametrize("tail", ["\n", " ", "more\n"])
def test_a_document_with_something_behind_it_is_stale(project: Project, tail: str) -> None:
    rendered(project).append(tail, SETUP)
    assert project.cli("docs", "--check").code == 1


def test_a_document_cut_short_is_stale(project: Project) -> None:
    text = rendered(project).read(SETUP)
    project.write(SETUP, text[: len(text) // 2])
    assert project.cli("docs", "--check").code == 1


def test_new_evidence_makes_the_documents_stale(project: Project) -> None:
    rendered(project)
    Evidence(project, variants=["dense"])
    outcome = project.cli("docs", "--check")
    assert outcome.code == 1
    assert f"stale: {COMPLIANCE}" in outcome.out
    assert f"stale: {SETUP}" in outcome.out, "it tells what came of the study"
    rendered(project)
    assert project.cli("docs", "--check").code == 0


def test_a_check_of_documents_writes_nothing(project: Project) -> None:
    before = project.files()
    project.cli("docs", "--check")
    assert project.files() == before


def test_one_document_can_be_chosen(project: Project) -> None:
    assert rendered(project, "setup").path(SETUP).exists()
    assert not project.path(COMPLIANCE).exists()
    assert project.cli("docs", "--check", "setup").code == 0
    assert project.cli("docs", "--check", "compliance").code == 1


def test_documents_lie_where_the_manifest_says(project: Project) -> None:
    rendered(project.append("documents: {directory: paper/appendix}\n"))
    assert sorted(path.name for path in project.path("paper/appendix").iterdir()) == [
        "COMPLIANCE.md",
        "CORRECTNESS_MEMO.md",
        "EXPERIMENTAL_SETUP.md",
        "REPORT.html",
        "report.json",
    ]
    assert not project.path("documents").exists()


def test_a_folder_in_the_place_of_documents_is_refused(project: Project) -> None:
    project.write("documents", "a file\n")
    outcome = project.cli("docs")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def test_a_document_that_cannot_be_written_leaves_no_half_of_one(project: Project) -> None:
    project.path(COMPLIANCE).mkdir(parents=True)
    outcome = project.cli("docs")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert sorted(path.name for path in project.path("documents").iterdir()) == [
        "COMPLIANCE.md",
        "EXPERIMENTAL_SETUP.md",
    ]


# What they say


def test_the_setup_document_states_every_clause(project: Project) -> None:
    lines = rendered(project).read(SETUP).splitlines()
    for clause in project.load().clauses:
        assert clause_row(clause) in lines
    assert "| `phases.pretrain.optimizer.learning_rate` | 0.0002 | as stated |" in lines
    assert "| `phases.pretrain.schedule.warmup` | 20% | as stated |" in lines
    assert "| `phases.pretrain.optimizer.betas` | [0.9, 0.98] | as stated |" in lines


def test_the_setup_document_tells_the_experiment(project: Project) -> None:
    text = rendered(project).read(SETUP)
    for words in (
        "**A small study** (A. Researcher)",
        "| peak learning rate | 0.0002 |",
        "| schedule | cosine, warmup 20%, down to 2e-05 |",
        "exactly the zeros of masked",
        "SDM (target sparsity 0.5",
        "LoRA (rank 2, alpha 4, dropout 0.05",
        "masked and pruned have equal numbers of zeroed weights over the same tensors, per layer.",
        "dense and masked differ only in mask.",
        "- accelerator: NVIDIA A100",
        "- seeds: 1, 2, 3",
        "| cost | `perplexity(masked) <= 1.05 * perplexity(dense)` | seeds | 0.85 |",
    ):
        assert words in text


def test_the_setup_document_invents_nothing_of_another_s_training(project: Project) -> None:
    own = "  other:\n    optimizer: {weight_decay: 0.3}\n    schedule: {warmup: 5 epochs}\n  third: {batch_size: 3}\n"
    text = rendered(project.replace("phases:\n", f"phases:\n{own}")).read(SETUP)
    other = text.partition("other")[2].partition("third")[0]
    assert "| weight decay | 0.3 |" in other
    assert "| schedule | warmup 5 epochs |" in other
    assert "adamw" not in other
    assert "constant" not in other


def test_the_setup_document_tells_in_what_variants_are_equal(project: Project) -> None:
    rule = "equal: {variants: [dense, masked], of: [optimizer_steps, optimizer.learning_rate], within: 1.5%}"
    project.replace("seeds: [1", f"  - {rule}\nseeds: [1")
    text = rendered(project).read(SETUP)
    assert "dense and masked are equal in optimizer steps, optimizer.learning_rate, within 1.5%." in text


def matrix_of(project: Project, name: str = COMPLIANCE) -> dict[str, list[str]]:
    """The rows of the conformance matrix: the marks of each clause."""
    text = project.read(name)
    rows = text[text.index("| clause | value |") :].splitlines()[2:]
    found = {}
    for row in rows:
        if not row.startswith("|"):
            break
        identity, _, *marks = [part.strip() for part in re.split(r"(?<!\\)\|", row)[1:-1]]
        found[identity.strip("`")] = marks
    return found


def test_the_matrix_has_a_row_for_every_clause_and_a_mark_for_every_stage(project: Project) -> None:
    Evidence(project)
    result = rendered(project).verify()
    matrix = matrix_of(project)
    assert list(matrix) == [clause.id for clause in project.load().clauses]
    for clause in result.matrix.clauses:
        for stage, mark in zip(Stage, matrix[clause.id], strict=True):
            if stage is not Stage.DOCUMENT:
                assert mark == MARKS[result.matrix.status(clause, stage)]
            else:
                assert mark == MARKS[Status.CONFORMS]


def test_the_report_counts_what_the_matrix_shows(project: Project) -> None:
    Evidence(project)
    result = rendered(project).verify()
    text = project.read(COMPLIANCE)
    for stage in (Stage.MANIFEST, Stage.CONFIG, Stage.PLAN, Stage.RUN, Stage.CHECKPOINT, Stage.CLAIM):
        counts = result.matrix.count(stage)
        assert f"| {stage} | {' | '.join(str(counts[status]) for status in Status)} |" in text


def test_without_runs_the_report_says_so_and_shows_no_pass(project: Project) -> None:
    text = rendered(project).read(COMPLIANCE)
    assert "0 of 15 planned steps have a finished run." in text
    matrix = matrix_of(project)
    stages = list(Stage)
    for stage in (Stage.RUN, Stage.CHECKPOINT, Stage.CLAIM):
        assert {marks[stages.index(stage)] for marks in matrix.values()} <= {MARKS[Status.UNVERIFIED], MARKS[None]}


def test_the_report_shows_findings_with_both_places(project: Project) -> None:
    evidence = Evidence(project)
    folder = evidence.folder("dense", "pretrain")
    change_record(folder, lambda record: record.observed.update(seed=9))
    text = rendered(project).read(COMPLIANCE)
    assert "Nothing is violated." not in text
    assert "| R130 seed | dense · pretrain · tiny · seed 1: the seed was 9, not 1 |" in text
    assert f"| runs/{folder.name}/record.json:1:1 | experiment.yaml:" in text


def test_the_report_of_what_conforms_has_no_findings(project: Project) -> None:
    Evidence(project)
    text = rendered(project).read(COMPLIANCE)
    assert "15 of 15 planned steps have a finished run. Nothing is violated." in text


def test_the_report_shows_what_is_waived_and_why(project: Project) -> None:
    project.append("waivers: [{clause: seeds, stage: run, reason: lost, owner: lab, until: 2099-12-31}]\n")
    evidence = Evidence(project)
    change_record(evidence.folder("dense", "pretrain"), lambda record: record.observed.update(seed=9))
    text = rendered(project).read(COMPLIANCE)
    assert "| `seeds` | run | lost (lab, until 2099-12-31) |" in text
    assert matrix_of(project)["seeds"][list(Stage).index(Stage.RUN)] == MARKS[Status.WAIVED]


def test_the_report_shows_zeros_as_integers(project: Project) -> None:
    evidence = Evidence(project)
    tensors = {"a": [1_234_567, 2_000_000], "b": [0, 1_000_000]}
    change_record(evidence.folder("masked", "pretrain"), lambda record: record.sparsity.update(tensors=tensors))
    row = "| masked · pretrain · tiny · seed 1 | 0.5 | 1,234,567 | 3,000,000 | 0.411522 | 2 |"
    assert row in rendered(project).read(COMPLIANCE)


# Profiles

PROFILE = "profiles:\n  small: {reason: quick, set: {phases.pretrain.epochs: 2, datasets.manual.limit: 5}}\n"


def test_documents_of_a_profile_lie_apart_and_say_so(project: Project) -> None:
    rendered(project.append(PROFILE), "--profile", "small")
    assert not project.path(SETUP).exists()
    setup, report = (project.read(f"documents/small/{name}.md") for name in ("EXPERIMENTAL_SETUP", "COMPLIANCE"))
    assert "This is the setup under the profile `small` (quick)." in setup
    assert "| `phases.pretrain.epochs` | 4 | 2 |" in setup
    assert "| `datasets.manual.limit` | - | 5 |" in setup
    assert "> Profile `small`: quick." in report
    assert project.cli("docs", "--check", "--profile", "small").code == 0
    assert project.cli("docs", "--check").code == 1


def test_runs_under_a_profile_say_so_in_every_row(project: Project) -> None:
    Evidence(project.append(PROFILE), "small")
    text = rendered(project, "--profile", "small").read("documents/small/COMPLIANCE.md")
    start = text.index("| variant | step |")
    rows = text[start : text.index("\n\n", start)].splitlines()[2:]
    assert len(rows) == 15
    assert all("| small | done |" in row for row in rows)


# The document stage


def test_what_no_document_states_is_unverified(project: Project) -> None:
    assert status_of(project.verify_all(), "seeds", Stage.DOCUMENT) is Status.UNVERIFIED


def test_what_the_document_states_conforms(project: Project) -> None:
    result = rendered(project).verify_all()
    assert result.matrix.count(Stage.DOCUMENT) == {
        Status.CONFORMS: len(result.matrix.clauses),
        Status.VIOLATED: 0,
        Status.WAIVED: 0,
        Status.UNVERIFIED: 0,
    }


def test_what_the_document_states_otherwise_is_violated(project: Project) -> None:
    rendered(project).replace("learning_rate: 1e-4", "learning_rate: 2e-4")
    result = project.verify_all()
    clause = "phases.finetune.optimizer.learning_rate"
    assert codes(result) == ["D101"]
    assert status_of(result, clause, Stage.DOCUMENT) is Status.VIOLATED
    assert status_of(result, "seeds", Stage.DOCUMENT) is Status.CONFORMS


def test_a_document_under_a_profile_shows_the_deviation_and_is_waived(project: Project) -> None:
    rendered(project.append(PROFILE), "--profile", "small")
    outcome = project.cli("verify", "--profile", "small", "--format", "json")
    looks = {each["clause"]: each["status"] for each in outcome.json["verdicts"] if each["stage"] == "document"}
    assert looks["phases.pretrain.epochs"] == "waived"
    assert looks["seeds"] == "conforms"


def test_a_project_can_be_rendered_again_elsewhere(project: Project, tmp_path: Path) -> None:
    Evidence(project)
    rendered(project)
    copy = tmp_path.parent / f"{tmp_path.name}-copy"
    shutil.copytree(tmp_path, copy)
    moved = object.__new__(Project)
    moved.root = copy
    assert moved.cli("docs", "--check").code == 0


def test_a_clause_is_shown_as_the_matrix_shows_it(project: Project) -> None:
    for clause in project.load().clauses:
        assert shown(clause.value).replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;") in clause_row(clause)


@pytest.mark.parametrize(
    ("manifest", "cwd"), [("../experiment.yaml", "configs"), ("{root}/experiment.yaml", ".."), ("experiment.yaml", ".")]
)
def test_a_report_is_the_same_wherever_it_is_rendered(project: Project, manifest: str, cwd: str) -> None:
    evidence = Evidence(project)
    change_record(evidence.folder("dense", "pretrain"), lambda record: record.observed.update(seed=9))
    project.config("lr: 2e-4", "lr: 3e-4").config("epochs: 4\n", "").config("every: 20", "every: 20\nmore: 1\nmore: 2")
    rendered(project)
    outcome = project.cli("docs", "--check", "--manifest", manifest.format(root=project.root), cwd=cwd)
    assert outcome.code == 0, outcome.out
