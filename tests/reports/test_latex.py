"""The LaTeX of a paper: macros of clauses and results, tables, and the evidence that they are of."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from string import ascii_letters

import pytest

from framework.manifest.clauses import shown
from reports.analysis.run_groups import summary
from reports.documents import stale, write
from reports.latex.escaping import escaped, number, plus_minus, value
from reports.latex.macros import averaged, evidence_digest, macro_context
from reports.latex.unique_names import camel, file_names, macro_names
from reports.page.result_tables import mean_and_half
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record

FILE = "documents/experiment.tex"
TABLES = "documents/tables"
_MACRO = re.compile(r"\\newcommand\{\\([A-Za-z]+)\}\{(.*)\} % (.*)")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def evidence(project: Project) -> Evidence:
    return Evidence(project)


def macros(project: Project) -> dict[str, tuple[str, str]]:
    """By what it is of: name and text of each macro."""
    write(project.verify(), ["latex"])
    return {of: (name, text) for name, text, of in _MACRO.findall(project.read(FILE))}


def measured_again(evidence: Evidence) -> None:
    change_record(evidence.folder("dense", "pretrain"), lambda record: record.metrics.update(perplexity=9.0))


def test_every_clause_and_every_result_has_a_macro(project: Project, evidence: Evidence) -> None:
    found = macros(project)
    for clause in project.load().clauses:
        assert found[clause.id][1] == value(clause.effective)
    result = project.verify()
    groups = averaged(result)
    assert groups
    for group in groups:
        for metric, measured in group.metrics.items():
            task = f", {group.first.task}" if group.first.task else ""
            of = f"{metric}({group.first.variant}{task})"
            mean, half = mean_and_half(measured)
            assert found[of][1] == number(mean)
            assert found[f"{of} Interval"][1] == plus_minus(mean, half)
            assert found[f"{of} Runs"][1] == str(measured.n)
    names = [name for name, _ in found.values()]
    assert len(set(names)) == len(names)
    assert set("".join(names)) <= set(ascii_letters)


def test_a_macro_keeps_its_name_when_others_come(project: Project, evidence: Evidence) -> None:
    before = macros(project)
    project.append("settings: {a_new_fact: 3}\n")
    after = macros(project)
    assert {of: name for of, (name, _) in after.items() if of in before} == {of: n for of, (n, _) in before.items()}
    assert after["settings.a_new_fact"] == ("statedSettingsANewFact", "3")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("phases.train.optimizer.learning_rate", "PhasesTrainOptimizerLearningRate"),
        ("tasks.sst2.lr[0]", "TasksSstTwoLrZero"),
        ("M_base/50", "MBaseFiveZero"),
        ("Adam β₂", "AdamBETATwo"),
        ("été", "Ete"),
        ("学習", "FBEBFaSevenFour"),
        ("---", ""),
    ],
)
def test_names_are_letters_only(text: str, name: str) -> None:
    assert set(camel(text)) <= set(ascii_letters)
    if text != "学習":
        assert camel(text) == name


def test_names_that_would_be_one_are_told_apart_each_by_its_own_letters() -> None:
    alike = {"a_b.c": ("stated", "a_b.c"), "a.b_c": ("stated", "a.b_c"), "d": ("stated", "d")}
    names = macro_names(alike)
    assert len(set(names.values())) == 3
    assert names["d"] == "statedD"
    # Where one of the two goes, no macro of that name says the value of the other under its old name.
    alone = macro_names({"a_b.c": ("stated", "a_b.c")})
    assert alone["a_b.c"] not in names.values()
    files = file_names({"x": ("results", "A/b"), "y": ("results", "a.B"), "z": ("setup", "c")})
    assert len({name.lower() for name in files.values()}) == 3
    assert files["z"] == "setup-c"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("50% of A&B_c #1 $x^2$", r"50\% of A\&B\_c \#1 \$x\textasciicircum{}2\$"),
        (r"\input{x}~<|>", r"\textbackslash{}input\{x\}\textasciitilde{}\textless{}\textbar{}\textgreater{}"),
        ("[1] * β", r"{[}1] {*} \ensuremath{\beta}"),
        ("--lr\nnext\x00", "-{}-lr next"),
    ],
)
def test_texts_are_escaped(text: str, written: str) -> None:
    assert escaped(text) == written


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        (2e-5, r"\ensuremath{2 \times 10^{-5}}"),
        (0.1, "0.1"),
        (-0.5, r"\ensuremath{-0.5}"),
        (True, "true"),
        (None, "none"),
        ([0.9, 1e-8], r"{[}0.9, \ensuremath{1 \times 10^{-8}}]"),
        ("1_000", r"1\_000"),
    ],
)
def test_values_are_written_as_papers_do(stated: object, written: str) -> None:
    assert value(stated) == written
    assert shown(stated)


def test_a_result_carries_no_more_digits_than_its_interval() -> None:
    assert mean_and_half(summary([0.7931, 0.7999, 0.7898])) == ("0.794", "0.013")
    assert mean_and_half(summary([0.5])) == ("0.5", None)
    assert mean_and_half(summary([0.5, 0.5])) == ("0.5", "0")


def test_tables_have_a_row_for_each_variant_and_each_clause(project: Project, evidence: Evidence) -> None:
    write(project.verify(), ["latex"])
    names = {path.name for path in project.path(TABLES).iterdir()}
    assert any(name.startswith("results-") and name.endswith("-perplexity.tex") for name in names)
    table = next(path for path in project.path(TABLES).iterdir() if path.name.endswith("-perplexity.tex")).read_text()
    for group in averaged(project.verify()):
        if "perplexity" in group.metrics:
            cell = plus_minus(*mean_and_half(group.metrics["perplexity"]))
            row = next(line for line in table.splitlines() if line.startswith(f"{escaped(group.first.variant)} &"))
            assert cell in row
            assert row.endswith(r"\\")
    columns = {line.count(" & ") for line in table.splitlines() if line.endswith(r"\\") and "multicolumn" not in line}
    assert len(columns) == 1
    assert table.count("\\toprule") == table.count("\\midrule") == table.count("\\bottomrule") == 1
    phase = next(iter(project.load().manifest.phases))
    setup = project.read(f"{TABLES}/setup-{phase}.tex")
    own = [clause for clause in project.load().clauses if clause.path[:2] == ("phases", phase)]
    assert sum(line.endswith(r"\\") for line in setup.splitlines()) == len(own) + 1


def test_every_file_says_of_which_evidence_it_is(project: Project, evidence: Evidence) -> None:
    write(project.verify(), ["latex"])
    digest = evidence_digest(project.verify())
    files = [project.path(FILE), *project.path(TABLES).iterdir()]
    assert len(files) > 2
    assert all(f"% Evidence: sha256:{digest}\n" in path.read_text() for path in files)
    assert f"\\experimentEvidence}}{{{digest[:12]}}}" in project.read(FILE)
    measured_again(evidence)
    assert evidence_digest(project.verify()) != digest


def test_what_is_stale_is_told_with_its_file(project: Project, evidence: Evidence) -> None:
    assert {path.name for path, _ in stale(project.verify(), ["latex"])} >= {"experiment.tex"}
    write(project.verify(), ["latex"])
    assert project.cli("docs", "--check", "latex").code == 0
    measured_again(evidence)
    outcome = project.cli("docs", "--check", "latex")
    assert outcome.code == 1
    assert f"stale: {FILE}: " in outcome.out
    assert f"stale: {TABLES}/results-" in outcome.out
    # Once rendered it is kept with the others.
    project.cli("docs")
    assert project.cli("docs", "--check").code == 0
    project.write(f"{TABLES}/mine.tex", "% the author's own\n")
    assert project.cli("docs", "--check").code == 0
    project.write(f"{TABLES}/setup-gone.tex", project.read(FILE))
    outcome = project.cli("docs", "--check")
    assert (outcome.code, f"stale: {TABLES}/setup-gone.tex: " in outcome.out) == (1, True)


def test_it_is_rendered_only_where_it_was_asked_for(project: Project) -> None:
    assert project.cli("docs").code == 0
    assert not project.path(FILE).exists()
    assert project.cli("docs", "latex").code == 0
    assert macro_context(project.verify())["results"] == []
    assert "was measured" not in project.read(FILE)


def test_latex_takes_it(project: Project, evidence: Evidence) -> None:
    if (engine := shutil.which("pdflatex")) is None:
        pytest.skip("pdflatex is not installed")
    used = "\n".join(f"\\{name}{{}}\n" for name, _ in macros(project).values())
    inputs = "\n".join(f"\\input{{tables/{path.stem}}}\n" for path in project.path(TABLES).iterdir())
    project.write(
        "documents/paper.tex",
        "\\documentclass{article}\\usepackage{booktabs}\\input{experiment}\n"
        f"\\begin{{document}}\n{used}\n{inputs}\n\\end{{document}}\n",
    )
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=project.path("documents"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
