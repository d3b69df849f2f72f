"""Tables of results in LaTeX, as people and programs set them: which cell is of which run, and what is no figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.adoption.adopting import Outcome, adopt
from framework.adoption.sources.result_figures import figure_of
from framework.errors import Problem
from framework.evidence.store import RunStore
from framework.manifest.loading import load
from tests.adoption.left_runs import project, write
from tests.support.commands import called

Found = dict[tuple[str, str | None, int], dict[str, float]]


def taken(root: Path, table: str, stated: dict[str, Any]) -> tuple[Found, list[Outcome], list[Problem]]:
    """The metrics of each run by its variant, task and seed."""
    write(root / "table.tex", table)
    experiment = load(project(root, [{"path": "table.tex", **stated}]))
    outcomes, problems = adopt(experiment)
    runs = RunStore(experiment.runs).runs() if experiment.runs.is_dir() else ()
    found = {(run.record.variants[0], run.record.task, run.record.seed): run.record.metrics for run in runs}
    return found, outcomes, problems


LONG = r"""
\documentclass{article}
\newcommand{\ours}{\textsc{lora}}
% \begin{tabular}{ll} Method & Acc \\ dense & 1 \\ \end{tabular}
\begin{table}[t]
  \centering\small
  \caption{Results. All 100\% ours.}\label{tab:main}
  \begin{tabular}{@{}ll@{\hskip 2em}S[table-format=2.1]r@{}}
    \toprule
    Method & Seed & {Acc.\ (\%)} & Loss \\  % the usual
    \midrule
    \rowcolor{gray!10} dense & 1 & 79.3 & \textbf{0.31} \\
    \multirow{2}{*}{\ours{}} & 1 & \textbf{81.0}$^{\dagger}$ & $0.30$ \\
           % & 9 & 1.0 & 1.0 \\
           & 2 & \underline{80.5} & 3.1e-1 \\[2pt]
    \cmidrule(lr){1-4}
    \multicolumn{4}{l}{\textit{Not trained}} \\
    \bottomrule
  \end{tabular}
\end{table}
"""


def test_the_rows_of_a_table_are_runs(tmp_path: Path) -> None:
    columns = {"variant": "Method", "seed": "Seed"}
    stated = {"columns": columns, "task": "sst2", "metrics": {"accuracy": r"Acc.\ (%)", "validation_loss": "Loss"}}
    found, _, problems = taken(tmp_path, LONG, stated)
    assert not problems
    assert found == {
        ("dense", "sst2", 1): {"accuracy": pytest.approx(0.793), "validation_loss": 0.31},
        ("lora", "sst2", 1): {"accuracy": pytest.approx(0.81), "validation_loss": 0.30},
        ("lora", "sst2", 2): {"accuracy": pytest.approx(0.805), "validation_loss": 0.31},
    }


WIDE = r"""
\begin{tabular*}{\textwidth}{l cc cc c}
\hline
\multirow{2}{*}{Method} & \multicolumn{2}{c}{SST-2} & \multicolumn{2}{c}{MRPC} & \multirow{2}{*}{Avg.} \\
\cline{2-5}
 & Acc & F1 & Acc & F1 & \\
\hline
Dense & 91.5\% & 0.90 & 84.1\,\% & -- & 88.0 \\
LoRA  & \textbf{92.0\%} & 0.91 & $83.0 \pm 0.4$ & $0.80$ & 87.5 \\
\hline
\end{tabular*}
"""
ACROSS = {
    "columns": {"variant": "Method"},
    "across": "task",
    "seed": 1,
    "captures": {"variant": {"Dense": "dense", "LoRA": "lora"}, "task": {"SST-2": "sst2", "MRPC": "mrpc"}},
    "metrics": {"accuracy": "Acc"},
}


def test_cells_are_runs_where_the_titles_say_the_task(tmp_path: Path) -> None:
    found, outcomes, problems = taken(tmp_path, WIDE, ACROSS)
    assert found == {
        ("dense", "sst2", 1): {"accuracy": pytest.approx(0.915)},
        ("dense", "mrpc", 1): {"accuracy": pytest.approx(0.841)},
        ("lora", "sst2", 1): {"accuracy": pytest.approx(0.92)},
    }
    assert [each.label for each in outcomes if each.status == "left out"] == ["Avg.: the plan has no such task"]
    (problem,) = problems
    assert "SST-2" not in problem.message
    assert "several runs" in problem.message
    assert problem.location is not None
    line = WIDE.splitlines().index(next(line for line in WIDE.splitlines() if line.startswith("LoRA"))) + 1
    assert (problem.location.line, problem.location.column) == (line, WIDE.splitlines()[line - 1].index("$83.0") + 1)


def test_all_metrics_below_a_task_are_taken_where_none_is_named(tmp_path: Path) -> None:
    table = WIDE.replace(r"$83.0 \pm 0.4$", "83.0\\%")
    found, _, problems = taken(tmp_path, table, {**ACROSS, "metrics": {}})
    assert not problems
    assert found["lora", "mrpc", 1] == {"accuracy": pytest.approx(0.83), "f1": 0.8}
    assert found["dense", "mrpc", 1] == {"accuracy": pytest.approx(0.841)}


PANDAS = {
    "rows": r"""\begin{tabular}{lrlrr}
\toprule
variant & seed & task & accuracy & f1 \\
\midrule
dense & 1 & sst2 & 0.915000 & 0.900000 \\
dense & 2 & sst2 & 0.917000 & 0.910000 \\
lora & 1 & sst2 & 0.905000 & 0.890000 \\
\bottomrule
\end{tabular}
""",
    "styled": r"""\begin{tabular}{lllrr}
\toprule
 &  & task & accuracy & f1 \\
variant & seed &  &  &  \\
\midrule
\multirow[c]{2}{*}{dense} & 1 & sst2 & 0.915 & 0.900 \\
 & 2 & sst2 & \textbf{0.917} & 0.910 \\
lora & 1 & sst2 & 0.905 & 0.890 \\
\bottomrule
\end{tabular}
""",
    "pivoted": r"""\begin{tabular}{llrr}
\toprule
 & task & \multicolumn{2}{r}{sst2} \\
 &  & accuracy & f1 \\
variant & seed &  &  \\
\midrule
\multirow[t]{2}{*}{dense} & 1 & 0.915000 & 0.900000 \\
 & 2 & 0.917000 & 0.910000 \\
\cline{1-4}
lora & 1 & 0.905000 & 0.890000 \\
\cline{1-4}
\bottomrule
\end{tabular}
""",
}
"""What pandas 3.1 writes of one frame: `to_latex`, `Styler.to_latex`, and after a pivot over the task."""


@pytest.mark.parametrize("how", sorted(PANDAS))
def test_tables_of_pandas_are_read(tmp_path: Path, how: str) -> None:
    stated = {"format": "table", **({"across": "task"} if how == "pivoted" else {})}
    found, _, problems = taken(tmp_path, PANDAS[how], stated)
    assert not problems
    assert found == {
        ("dense", "sst2", 1): {"accuracy": 0.915, "f1": 0.9},
        ("dense", "sst2", 2): {"accuracy": 0.917, "f1": 0.91},
        ("lora", "sst2", 1): {"accuracy": 0.905, "f1": 0.89},
    }


TASKS = ("sst2", "mrpc")
TITLES = {
    "one metric each": (
        "Model & sst2 & mrpc \\\\\n & Acc & Acc \\\\", {"across": "task", "metrics": {"accuracy": "Acc"}}
    ),
    "one metric for all": ("Model & sst2 & mrpc \\\\", {"across": "task", "cells": "accuracy"}),
    "in two lines": (
        ("\\multirow{2}{*}{\\textbf{Model}} & \\multicolumn{2}{c}{\\textbf{Acc}} \\\\\n"
        " \\cmidrule(lr){2-3} & sst2 & mrpc \\\\"),
        {"across": "task", "cells": "accuracy", "captures": {"task": {f"Acc / {each}": each for each in TASKS}}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", sorted(TITLES))
@pytest.mark.parametrize("rule", [r"\midrule", r"\hline\hline", r"\midrule[0.8pt] \addlinespace"])
def test_titles_end_at_the_line_below_them(tmp_path: Path, how: str, rule: str) -> None:
    titles, stated = TITLES[how]
    table = f"\\begin{{tabular}}{{lcc}}\n{titles}\n{rule}\ndense & 0.9 & 0.8 \\\\\n\\end{{tabular}}\n"
    found, _, problems = taken(tmp_path, table, {"columns": {"variant": "Model"}, "seed": 1, **stated})
    assert not problems
    assert found == {("dense", "sst2", 1): {"accuracy": 0.9}, ("dense", "mrpc", 1): {"accuracy": 0.8}}


def test_seeds_may_be_columns_too(tmp_path: Path) -> None:
    table = "\\begin{tabular}{lcc} M & Seed 1 & Seed 2 \\\\ \\hline dense & 0.9 & 0.8 \\\\ \\end{tabular}"
    captures = {"seed": {"Seed 1": "1", "Seed 2": "2"}}
    stated = {"columns": {"variant": "M"}, "across": "seed", "cells": "accuracy", "task": "sst2", "captures": captures}
    found, _, problems = taken(tmp_path, table, stated)
    assert not problems
    assert found == {("dense", "sst2", 1): {"accuracy": 0.9}, ("dense", "sst2", 2): {"accuracy": 0.8}}


def test_the_table_that_has_the_columns_is_taken(tmp_path: Path) -> None:
    other = "\\begin{tabular}{ll} variant & speed \\\\ \\midrule dense & 3 \\\\ \\end{tabular}\n"
    found, _, problems = taken(
        tmp_path, other + PANDAS["rows"], {"metrics": {"accuracy": "accuracy"}, "format": "table"}
    )
    assert not problems
    assert len(found) == 3


def test_a_long_table_says_its_titles_on_every_page(tmp_path: Path) -> None:
    table = r"""\begin{longtable}{lrr}
\caption{Results} \\ \toprule variant & seed & accuracy \\ \midrule \endfirsthead
\multicolumn{3}{c}{continued} \\ \toprule variant & seed & accuracy \\ \midrule \endhead
\midrule \multicolumn{3}{r}{Continued on next page} \\ \endfoot \bottomrule \endlastfoot
dense & 1 & 0.9 \\
lora & 2 & 0.8 \\
\end{longtable}"""
    found, _, problems = taken(tmp_path, table, {"task": "sst2", "format": "table"})
    assert not problems
    assert found == {("dense", "sst2", 1): {"accuracy": 0.9}, ("lora", "sst2", 2): {"accuracy": 0.8}}


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"columns": {"variant": "Method"}}, "no table has a column 'Method'"),
        ({"columns": {"variant": "variant"}, "metrics": {"accuracy": "accuracies"}}, "did you mean 'accuracy'"),
    ],
)
def test_a_column_that_no_table_has_is_an_error_with_what_is_near(
    tmp_path: Path, stated: dict[str, Any], said: str
) -> None:
    _, _, problems = taken(tmp_path, PANDAS["rows"], {**stated, "format": "table"})
    assert said in f"{problems[0].message}: {problems[0].advice}"


def test_a_column_of_which_nothing_says_what_it_measures_is_an_error(tmp_path: Path) -> None:
    table = "\\begin{tabular}{lc} M & sst2 \\\\ \\hline dense & 0.9 \\\\ \\end{tabular}"
    _, _, problems = taken(tmp_path, table, {"columns": {"variant": "M"}, "across": "task", "seed": 1})
    assert "no title says what the column 'sst2' measures" in problems[0].message
    assert "cells: accuracy" in str(problems[0].advice)


FIGURES = {
    "79.3": 79.3, "79.3\\%": 0.793, "79.3%": 0.793, "$79.3$": 79.3, "**79.3**": 79.3, "_0.5_": 0.5, "0.5*": 0.5,
    "79.3$^{\\dagger}$": 79.3, "$79.3^{*}$": 79.3, "79.3$^{a,b}$": 79.3, "79.3\\textsuperscript{*}": 79.3,
    "$\\mathbf{79.3}$": 79.3, "1,024": 1024, "3.2e-4": 3.2e-4, "$3.2\\times10^{-4}$": 3.2e-4, "$-$0.3": -0.3,
    "−0.3": -0.3, "{79.3}": 79.3, "79.3<sup>†</sup>": 79.3, "84.1\\,\\%": 0.841, "": None, "--": None, "$-$": None,
    "N/A": None, "—": None, "OOM": None, "0": 0.0,
}  # fmt: skip
NO_FIGURES = (
    "79.3 ± 0.4", "$79.3\\pm0.4$", "79.3$_{\\pm 0.4}$", "79.3 (0.4)", "71.2/79.3", "79.3 (+1.2)", "79.3$_{0.4}$",
    "71--79", "$\\sim$79", "$>$79", "best", "79.3 \\std{0.4}", "1e", "$10^{2}3$",
)  # fmt: skip


@pytest.mark.parametrize("text", sorted(FIGURES))
def test_a_figure_is_read_as_it_is_set(text: str) -> None:
    assert figure_of(text) == (None if FIGURES[text] is None else pytest.approx(FIGURES[text], rel=1e-12))


@pytest.mark.parametrize("text", NO_FIGURES)
def test_what_is_no_figure_of_one_run_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no number|several runs"):
        figure_of(text)


SET = {
    r"\cellcolor{gray!20}\textit{79.3}": 79.3, r"\textit{\phantom{-}0.94}": 0.94, r"\textcolor{blue}{97.3}": 97.3,
    r"{\color{red}97.3}": 97.3, r"{\bf 79.3}": 79.3, r"\textbf{\underline{79.3}}": 79.3, r"\hphantom{0}9.3": 9.3,
    r"79.3\rlap{$^*$}": 79.3, r"79.3\textsuperscript{\textdagger}": 79.3, r"\best{79.3}": 79.3,
    r"\top{\best{79.3}}": 79.3,
    r"$\mathbf{79.3}^{\ast\ast}$": 79.3, r"\makecell{79.3}": 79.3, r"79.3\footnote{see}": 79.3, r"\,--\,": None,
    r"$79.3$\%": 0.793, r"\raisebox{1pt}{79.3}": 79.3, r"\sota": 81.5,
}  # fmt: skip


@pytest.mark.parametrize("cell", sorted(SET))
def test_what_sets_a_cell_changes_nothing_in_it(tmp_path: Path, cell: str) -> None:
    macros = r"\newcommand{\best}[1]{\textbf{#1}} \newcommand\sota{81.5} \newcommand{\top}[1]{\colorbox{red}{#1}}"
    titles = r"M & \makecell{Acc \\ $\uparrow$} \\ \midrule"
    table = rf"{macros} \begin{{tabular}}{{lc}} {titles} dense & {cell} \\ \end{{tabular}}"
    stated = {"columns": {"variant": "M"}, "metrics": {"accuracy": "Acc"}, "task": "sst2", "seed": 1}
    found, _, problems = taken(tmp_path, table, stated)
    if SET[cell] is None:
        assert "empty" in problems[0].message
    else:
        assert not problems
        assert found["dense", "sst2", 1] == {"accuracy": pytest.approx(SET[cell])}


@pytest.mark.parametrize("suffix", ["csv", "md", "tex"])
def test_two_columns_of_one_title_are_an_error(tmp_path: Path, suffix: str) -> None:
    table = {
        "csv": "variant,acc,acc\ndense,0.9,0.1\n",
        "md": "| variant | acc | acc |\n|---|---|---|\n| dense | 0.9 | 0.1 |\n",
        "tex": "\\begin{tabular}{lcc} variant & acc & acc \\\\ \\hline dense & 0.9 & 0.1 \\\\ \\end{tabular}",
    }[suffix]
    write(tmp_path / f"t.{suffix}", table)
    stated = {"path": f"t.{suffix}", "format": "table", "metrics": {"accuracy": "acc"}, "task": "sst2", "seed": 1}
    _, problems = adopt(load(project(tmp_path, [stated])))
    assert "2 columns are called 'acc'" in problems[0].message


def test_a_title_that_says_percent_makes_shares(tmp_path: Path) -> None:
    assert figure_of("79.3", "Acc. (%)") == pytest.approx(0.793)
    assert figure_of("79.3%", "Acc. [%]") == pytest.approx(0.793)
    assert figure_of(79.3, "Acc.") == 79.3
    write(tmp_path / "t.csv", "variant,task,seed,Acc (%)\ndense,sst2,1,79.3\n")
    project(tmp_path)
    assert called(tmp_path, "adopt", "t.csv", "--from", "table", "--metric", "accuracy=Acc (%)").code == 0
    (run,) = RunStore(tmp_path / "runs").runs()
    assert run.record.metrics["accuracy"] == pytest.approx(0.793)


def test_the_command_line_says_the_same(tmp_path: Path) -> None:
    project(tmp_path)
    write(tmp_path / "t.md", "| variant | sst2 | mrpc |\n|---|---|---|\n| dense | **0.9** | 0.8 |\n")
    outcome = called(tmp_path, "adopt", "t.md", "--across", "task", "--cells", "accuracy", "--seed", "1")
    assert outcome.code == 0
    assert "2 runs, 2 adopted" in outcome.out
