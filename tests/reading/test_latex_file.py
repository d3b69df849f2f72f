"""LaTeX: tables, lists and macros of a paper's source are keys, each value at its place, and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.reading.nodes import Opaque
from framework.reading.prose.latex_file import parse_latex
from tests.support.project import Project

TEXT = r"""\documentclass{article}
\newcommand{\lr}{2\times10^{-4}}
\newcommand*\bs{512}
\def\wd{0.1}
\newcommand{\norm}[1]{\|#1\|}
\begin{document}
\section{Training} % not here: 5
\begin{itemize}
  \item \textbf{Momentum:} 0.9
  \item Epochs: 3 % five before
  \item Plain text
\end{itemize}
\begin{table}[t]
\caption{Hyper-parameters: all of them}
\label{tab:hyper}
\begin{tabular}{lr}
\toprule
Hyperparameter & Value \\
\midrule
Learning rate & $\lr$ \\
Weight decay & \wd{} \\
Batch size & 1{,}024 \\
Warmup & 10\% \\
Betas & (0.9, 0.95) \\
Schedule & \texttt{cosine} \\ \hline
% Old & 3 \\
Steps & \num{50000} \\
Parameters & \(2.4\times 10^8\) \\
Norm & $\norm$ \\
\bottomrule
\end{tabular}
\end{table}
\begin{table*}
\begin{tabularx}{\textwidth}{l|cc}
 & \multicolumn{2}{c}{Model} \\ \cmidrule(lr){2-3}
\textbf{Size} & \textbf{LR} & Epochs \\\hline
\multirow{2}{*}{Base} & \num{1e-4} & 10 \\
Large & $5 \cdot 10^{-5}$ & \textbf{20} \\[2pt]
\end{tabularx}
\end{table*}
\end{document}
"""


def _found(name: str, text: str = TEXT) -> tuple[Any, str, int]:
    document = parse_latex(text, "p.tex")
    path = document.called(name, document.value(document.root))
    assert path is not None, name
    node = document.node(path)
    assert node is not None
    return document.value(node), document.text[node.start : node.stop], node.line


@pytest.mark.parametrize(
    ("name", "value", "token", "line"),
    [
        (r"\lr", 2e-4, r"2\times10^{-4}", 2),
        (r"\bs", 512, "512", 3),
        (r"\wd", 0.1, "0.1", 4),
        ("Momentum", 0.9, "0.9", 9),
        ("Training.Epochs", 3, "3", 10),
        ("tab:hyper.Learning rate", 2e-4, r"$\lr$", 20),
        ("Weight decay", 0.1, r"\wd{}", 21),
        ("Batch size", 1024, "1{,}024", 22),
        ("Warmup", 0.1, r"10\%", 23),
        ("Betas", [0.9, 0.95], "(0.9, 0.95)", 24),
        ("Schedule", "cosine", r"\texttt{cosine}", 25),
        ("Steps", 50_000, r"\num{50000}", 27),
        ("Parameters", 240_000_000, r"\(2.4\times 10^8\)", 28),
        ("Base.LR", 1e-4, r"\num{1e-4}", 37),
        ("Table 2.Large.LR", 5e-5, r"$5 \cdot 10^{-5}$", 38),
        ("Epochs.Large", 20, r"\textbf{20}", 38),
    ],
)
def test_values_and_places(name: str, value: Any, token: str, line: int) -> None:
    assert _found(name) == (value, token, line)


def test_a_macro_leads_to_its_definition_and_one_that_is_defined_twice_is_not_known() -> None:
    document = parse_latex(TEXT, "p.tex")
    node = document.node(("Training", "tab:hyper", "Learning rate"))
    assert node is not None
    assert document.location(document.origin(node)).line == 2
    again = TEXT.replace(r"\def\wd{0.1}", "\\def\\wd{0.1}\n\\renewcommand{\\wd}{0.2}")
    assert isinstance(_found("Weight decay", again)[0], Opaque)


def test_groups_of_columns_stand_before_their_titles() -> None:
    table = (
        r"\begin{tabular}{lcccc} & \multicolumn{2}{c}{A} & \multicolumn{2}{c}{B} \\ Task & lr & n & lr & n \\"
        r"x & 1 & 2 & 3 & 4 \\ y & 5 & 6 & 7 & 8 \end{tabular}"
    )
    document = parse_latex(table, "p.tex")
    assert document.value(document.root)["Table 1"] == {
        "x": {"A / lr": 1, "A / n": 2, "B / lr": 3, "B / n": 4},
        "y": {"A / lr": 5, "A / n": 6, "B / lr": 7, "B / n": 8},
    }


LONG = [
    r"\begin{tabular}{l" * 3000,
    r"\newcommand{\a}{" * 3000,
    "%" * 50_000,
    "&" * 50_000,
    r"\begin{tabular}{ll}" + "a & 1 \\\\\n" * 5000 + r"\end{tabular}",
    "{" * 50_000,
]


@pytest.mark.parametrize("text", LONG)
def test_no_source_takes_long(text: str) -> None:
    document = parse_latex(text, "p.tex")
    document.leaf_values()


def test_a_papers_source_is_held_and_never_changed(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("paper.tex", TEXT)
    keys = r"{'\lr': optimizer.learning_rate, 'tab:hyper.Weight decay': optimizer.weight_decay, Betas: optimizer.betas}"
    project.append(f"  - {{file: paper.tex, describes: phases.pretrain, keys: {keys}}}\n")
    drift = [each for each in project.check().findings if each.code == "C101"]
    assert [(each.location.line, each.location.column) for each in drift if each.location] == [(24, 9)]
    done = project.cli("check", "--fix")
    assert "LaTeX is only read" in done.out + done.err
    assert project.read("paper.tex") == TEXT


MACROS = {
    # definition, cell, value
    "in mathematics": (r"\newcommand{\lr}{3\times10^{-4}}", r"$\lr$", 3e-4),
    "in text": (r"\newcommand{\lr}{$3\times10^{-4}$}", r"\lr", 3e-4),
    "in either": (r"\newcommand{\lr}{\ensuremath{3\times10^{-4}}}", r"\lr{}", 3e-4),
    "by TeX's own word": (r"\def\lr{3e-4}", r"\lr", 3e-4),
    "with a mark": (r"\providecommand{\lr}{3e-4}", r"\lr\footnotemark[2]", 3e-4),
    "with a space": (r"\newcommand\lr{3e-4\xspace}", r"\lr\,", 3e-4),
    "in bold type": (r"\newcommand\lr{3e-4}", r"\textbf{\lr}", 3e-4),
    "of another file": (r"\input{numbers}", r"\lr", r"\lr"),
    "a number, spaced": ("", r"0.000\,3", 3e-4),
}


@pytest.mark.parametrize("case", MACROS)
def test_a_macro_in_the_first_row_of_names_and_values_is_a_value(case: str) -> None:
    definition, cell, value = MACROS[case]
    rows = rf"Learning rate & {cell} \\" + "\n" + r"Weight decay & 0.1 \\"
    table = "\\begin{tabular}{ll}\n" + rows + "\n\\end{tabular}\n"
    document = parse_latex(f"{definition}\n{table}", "p.tex")
    found = {path[-1]: document.value(node) for path, node in document.leaves()}
    assert found["Learning rate"] == value
    assert found["Weight decay"] == 0.1
    titled = table.replace("{ll}\n", "{ll}\n" + r"\textbf{Name} & \textbf{Value} \\" + "\n")
    again = parse_latex(f"{definition}\n{titled}", "p.tex")
    assert {path[-1]: again.value(node) for path, node in again.leaves()} == found
