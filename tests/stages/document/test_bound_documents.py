"""Documents of the author's own, whose numbers are held to the statement and to the results."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Finding, Stage, Status
from framework.stages.document.bound_verdicts import DocumentCounts
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.statuses import status_of

F1 = {1: 0.79, 2: 0.79936, 3: 0.79}
"""By seed; their mean is 0.79312."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def measured(project: Project) -> Project:
    evidence = Evidence(project)
    for seed, value in F1.items():
        change_record(
            evidence.folder("pruned", "finetune", seed), lambda record, f1=value: record.metrics.update(f1=f1)
        )
    return project


def bind(project: Project, text: str, file: str = "PAPER.md", more: str = "") -> Project:
    project.append(f"documents:\n  bound:\n    - file: {file}\n{more}")
    project.write(file, text)
    return project


def held(project: Project) -> tuple[list[Finding], DocumentCounts]:
    result = project.verify()
    assert result.documents is not None
    return [each for each in result.findings if each.rule.stage is Stage.DOCUMENT], result.documents


KEYS, PATTERNS, WORDS = "      keys: ", "      patterns: ", "      words: {Topics: topics}\n"
RATE = "phases.pretrain.optimizer.learning_rate"
SAID = {
    "a comment behind a result": ("It reaches 79.3<!-- framework: f1(pruned, topics) --> of 100.\n", ""),
    "a percent sign and emphasis": ("It reaches **79.31 %** <!-- framework: f1(pruned, topics) -->.\n", ""),
    "two in one comment": ("From 10.02 to 79.3 <!-- framework: perplexity(dense); f1(pruned, topics) -->\n", ""),
    "a spread": ("It reaches 79.3 ± 1.3 <!-- framework: f1(pruned, topics) -->\n", ""),
    "best of the seeds": ("At best 79.9 <!-- framework: best(f1(pruned, topics)) -->\n", ""),
    "a spread that is bound": ("79.3 ± 0.54 <!-- framework: f1(pruned, topics); deviation(f1(pruned)) * 100 -->\n", ""),
    "a clause": ("trained for 4 <!-- framework: phases.pretrain.epochs --> epochs\n", ""),
    "a length": ("warmup of 20% <!-- framework: phases.pretrain.schedule.warmup -->\n", ""),
    "a cell": (
        "| variant | topics |\n| --- | --- |\n| pruned | 79.3 ± 1.3 |\n| x | - |\n",
        f"{KEYS}{{pruned: 'f1(pruned, topics)'}}\n",
    ),
    "a label": ("- Learning rate: 2 × 10⁻⁴\n", f"{KEYS}{{Learning rate: {RATE}}}\n"),
    "a pattern": (
        "pruned reaches 79.3 on Topics.\n",
        f"{PATTERNS}{{'(?P<variant>\\w+) reaches ([\\d.]+) on (?P<task>\\w+)': 'f1({{variant}}, {{task}})'}}\n{WORDS}",
    ),
}
IN_LATEX = {
    "a comment": ("It reaches 79.3 % framework: f1(pruned, topics)\nof 100.\n", ""),
    "a comment behind percent": ("It reaches 79.3\\% % framework: f1(pruned, topics)\n", ""),
    "a row of a table": (
        "\\begin{tabular}{lr}\npruned & $79.3 \\pm 1.3$ \\\\ % framework: f1(pruned, topics)\n\\end{tabular}\n",
        "",
    ),
    "a macro": ("\\newcommand{\\lr}{$2 \\times 10^{-4}$}\n", f"{KEYS}{{'\\lr': {RATE}}}\n"),
}


def test_what_is_right_is_held(measured: Project) -> None:
    bind(measured, "", "none.md")
    text = measured.read()
    cases = [("PAPER.md", case, *said) for case, said in SAID.items()]
    cases += [("paper.tex", case, *said) for case, said in IN_LATEX.items()]
    for file, case, document, more in cases:
        measured.write("experiment.yaml", text.replace("    - file: none.md\n", f"    - file: {file}\n{more}"))
        measured.write(file, document)
        findings, counts = held(measured)
        assert findings == [], case
        assert counts.bound == counts.held > 0, case
        # The same with another first digit of each number is wrong, at its place.
        wrong = document.replace("79.", "69.").replace("10.02", "11.02").replace("for 4 ", "for 5 ")
        wrong = wrong.replace("of 20%", "of 30%").replace("2 × 10", "3 × 10").replace("$2 \\times", "$3 \\times")
        measured.write(file, wrong)
        findings, counts = held(measured)
        assert {each.code for each in findings} == {"D102"}, case
        assert counts.held < counts.bound, case
        where = findings[0].location
        assert where is not None
        line = wrong.split("\n")[where.line - 1]
        assert line[where.column - 1 :].startswith(("69.", "11.02", "5 ", "30%", "3 ")), case


def test_a_wrong_number_says_what_it_should_say(measured: Project) -> None:
    bind(measured, "It reaches «79.9 % <!-- framework: f1(pruned, topics) -->\n")
    (finding,), _ = held(measured)
    assert (finding.code, str(finding.location)) == ("D102", measured.place)
    assert "79.9 %" in finding.message
    assert "0.79312" in finding.message
    assert finding.advice is not None
    assert "79.3" in finding.advice


def test_a_clause_has_a_verdict_at_the_document_stage(measured: Project) -> None:
    bind(measured, "for «5 <!-- framework: phases.pretrain.epochs --> epochs\n")
    result = measured.verify()
    assert status_of(result, "phases.pretrain.epochs", Stage.DOCUMENT) == Status.VIOLATED
    (finding,) = [each for each in result.findings if each.code == "D102"]
    assert finding.declared is not None
    assert finding.declared.file == "experiment.yaml"
    assert (finding.clause, finding.expected, finding.actual) == ("phases.pretrain.epochs", 4, 5)


GONE = {
    "no such variant": ("79.3 <!-- framework: f1(prune, topics) -->\n", "", "unknown variant 'prune'"),
    "no such clause": ("4 <!-- framework: phases.pretrain.epoch -->\n", "", "neither a clause nor a result"),
    "no number of a clause": ("4 <!-- framework: paper.title -->\n", "", "is no number"),
    "no number before it": ("four <!-- framework: phases.pretrain.epochs -->\n", "", "no number before"),
    "too few numbers": ("4 <!-- framework: phases.pretrain.epochs; seeds -->\n", "", "too few numbers"),
    "no arithmetic": ("4 <!-- framework: f1(dense).real -->\n", "", "not arithmetic"),
    "a program": ("4 <!-- framework: __import__(os).system(ls) -->\n", "", "unknown variant"),
    "a label that is gone": ("nothing\n", "      keys: {Epochs: phases.pretrain.epochs}\n", "no 'Epochs'"),
    "a pattern without a match": ("nothing\n", "      patterns: {'(\\d+) eras': phases.pretrain.epochs}\n", "matches"),
}


def test_what_is_bound_and_not_there_is_said_and_the_rest_still_held(project: Project) -> None:
    bind(project, "", "none.md")
    text = project.read()
    for case, (document, more, words) in GONE.items():
        project.write("experiment.yaml", text.replace("    - file: none.md\n", f"    - file: PAPER.md\n{more}"))
        project.write("PAPER.md", f"{document}\nfor 5 <!-- framework: phases.pretrain.epochs -->\n")
        findings, _ = held(project)
        assert sorted(each.code for each in findings) == ["D102", "D105"], case
        assert words in next(each.message for each in findings if each.code == "D105"), case


def test_what_no_run_came_to_is_not_known(project: Project) -> None:
    bind(project, "«79.3 <!-- framework: f1(pruned, topics) -->\n")
    (finding,), counts = held(project)
    assert (finding.code, str(finding.location)) == ("D104", project.place)
    assert "results are missing for seeds [1, 2, 3]" in finding.message
    assert (counts.bound, counts.held) == (1, 0)


RESERVED = {
    "about": "about 80 <!-- framework: f1(pruned, topics) -->",
    "a bound": "> **80** % <!-- framework: f1(pruned, topics) -->",
    "a sign": "≈80 <!-- framework: f1(pruned, topics) -->, ~5 <!-- framework: phases.pretrain.epochs -->",
    "words": "more than 3 <!-- framework: phases.pretrain.epochs --> epochs",
}


@pytest.mark.parametrize("case", RESERVED)
def test_what_is_said_with_a_reservation_is_not_known(measured: Project, case: str) -> None:
    bind(measured, f"{RESERVED[case]}\n")
    findings, _ = held(measured)
    assert {each.code for each in findings} == {"D104"}


def test_a_tie_of_latex_is_no_reservation(measured: Project) -> None:
    bind(measured, "for~5 % framework: phases.pretrain.epochs\n", "paper.tex")
    assert [each.code for each in held(measured)[0]] == ["D102"]


def test_a_number_of_a_form_that_is_not_known_is_said_and_no_error(measured: Project) -> None:
    table = "| variant | topics |\n| --- | --- |\n| pruned | 79,3 |\n| x | - |\n"
    bind(measured, table, more="      keys: {pruned: 'f1(pruned, topics)'}\n")
    (finding,), counts = held(measured)
    assert (finding.code, "'79,3'" in finding.message, counts.held) == ("D104", True, 0)


def test_a_profile_s_results_are_not_what_a_paper_reports(project: Project) -> None:
    project.append("profiles:\n  small: {reason: quick, set: {phases.pretrain.epochs: 2}}\n")
    bind(project, "79.3 <!-- framework: f1(pruned, topics) -->, 4 <!-- framework: phases.pretrain.epochs -->\n")
    Evidence(project, "small")
    result = project.verify("small")
    assert not [each for each in result.findings if each.rule.stage is Stage.DOCUMENT]
    # The paper states four epochs, whatever the profile makes of them.
    assert status_of(result, "phases.pretrain.epochs", Stage.DOCUMENT) == Status.WAIVED


def test_results_of_several_models_are_told_apart_by_the_document(measured: Project) -> None:
    model = "{family: gpt2, weights: random, layers: 2, hidden: 4, vocabulary: 16, tokenizer: bytes}"
    bind(measured, "79.3 <!-- framework: f1(pruned, topics) -->\n")
    measured.replace("datasets:\n", f"  other: {model}\ndatasets:\n")
    (finding,), _ = held(measured)
    assert (finding.code, "say `model`" in finding.message) == ("D104", True)
    measured.append("      model: tiny\n")
    assert held(measured)[0] == []


@pytest.mark.parametrize("what", ["f1(pruned, topics) * 1e308 * 1e9", "f1(pruned, topics) / 0"])
def test_a_result_that_is_no_number_holds_nothing(measured: Project, what: str) -> None:
    bind(measured, f"79.3 <!-- framework: {what} -->\n")
    (finding,), _ = held(measured)
    assert finding.code == "D104"


def test_numbers_beside_a_bound_one_are_listed(measured: Project) -> None:
    table = (
        "| variant | topics | other | note |\n| --- | --- | --- | --- |\n"
        "| pruned | 79.3 <!-- framework: f1(pruned, topics) --> | «61.2 ± 0.4 | run 3 |\n| SST-2 | **12** | - | |\n"
    )
    bind(measured, f"{table}\n| a | b |\n| --- | --- |\n| 1 | 2 |\n")
    (finding,), counts = held(measured)
    assert (finding.code, str(finding.location)) == ("D103", measured.place)
    assert "1 of 3 numbers of this table are bound; not 61.2 (3:" in finding.message
    assert "12 (4:" in finding.message
    assert (counts.bound, counts.held, counts.unbound) == (1, 1, 2)


def test_a_comment_that_is_shown_as_code_binds_nothing(measured: Project) -> None:
    bind(measured, "```html\n9 <!-- framework: phases.pretrain.epochs -->\n```\n")
    assert held(measured) == ([], DocumentCounts())


def test_a_manifest_that_binds_what_is_not_there_is_refused_with_its_place(project: Project) -> None:
    bind(project, "x\n", more="      keys: {«Epochs: phases.pretrain.epoch}\n      model: huge\n")
    outcome = project.cli("check")
    assert outcome.code == 2
    assert "'phases.pretrain.epoch' is neither a clause nor a result" in outcome.err
    assert "unknown model 'huge'" in outcome.err
    project.replace("keys: {Epochs: phases.pretrain.epoch}", "patterns: {'(': phases.pretrain.epochs}")
    assert "no regular expression" in "".join(project.problems())


def test_fix_writes_the_digits_and_nothing_else(measured: Project) -> None:
    before = (
        "\ufeffIt reaches **69.9 %** <!-- framework: f1(pruned, topics) -->\r\n"
        "in 5 <!-- framework: phases.pretrain.epochs -->, 3e-5 "
        f"<!-- framework: {RATE} -->"
    )
    bind(measured, before)
    outcome = measured.cli("verify", "--fix")
    after = before.replace("69.9", "79.3").replace("in 5", "in 4")
    assert measured.read("PAPER.md") == after
    assert "PAPER.md:1:14: f1(pruned, topics): 69.9 % -> 79.3 % [D102]" in outcome.err
    assert "it cannot say the value" in outcome.err
    assert outcome.code == 1
    measured.replace("3e-5", "2e-4", "PAPER.md")
    assert "documents: 3 of 3 bound numbers hold" in measured.cli("verify").out


def test_fix_in_latex_leaves_the_text_around(measured: Project) -> None:
    text = "\\begin{tabular}{lr}\npruned & $69.9 \\pm 1.3$ % framework: f1(pruned, topics)\n\\\\ \\end{tabular}\n"
    bind(measured, text, "paper.tex")
    measured.cli("verify", "--fix")
    assert measured.read("paper.tex") == text.replace("69.9", "79.3")


def test_fix_changes_no_file_that_may_not_be_written(measured: Project) -> None:
    bind(measured, "5 <!-- framework: phases.pretrain.epochs -->\n").path("PAPER.md").chmod(0o444)
    outcome = measured.cli("verify", "--fix")
    assert measured.read("PAPER.md").startswith("5 ")
    assert "read-only" in outcome.err
