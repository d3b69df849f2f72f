"""Notebooks: Python cells as one file, commands as one script, and nothing of what only IPython reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from framework.reading.nodes import Document, Opaque
from framework.reading.python.notebook import parse_notebook


def _notebook(*cells: str, kind: str = "code") -> str:
    made = [{"cell_type": kind, "source": cell.splitlines(keepends=True), "outputs": []} for cell in cells]
    return json.dumps({"cells": made, "nbformat": 4}, indent=1)


def _read(*cells: str) -> Document:
    return parse_notebook(_notebook(*cells), "n.ipynb")


def _values(*cells: str) -> dict[str, Any]:
    document = _read(*cells)
    return document.value(document.root) if document.root is not None else {}


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nlr = 2e-4\n",
        "!pip install x\nlr = 2e-4\n",
        "!wget a \\\n    b\nlr = 2e-4\n",
        "obj?\nlr = 2e-4\n?obj\nobj??\n",
        "%%time\nlr = 2e-4\n",
        "%%capture out\nlr = 2e-4\n",
        "if x:\n    !ls\nlr = 2e-4\n",
        "%env A=1\nlr = 2e-4",
    ],
)
def test_what_ipython_alone_reads_states_nothing_and_hides_nothing(cell: str) -> None:
    assert _values(cell) == {"lr": 2e-4}


@pytest.mark.parametrize(
    "cell", ["files = !ls *.py\nlr = 2e-4\n", "files = %who_ls\nlr = 2e-4\n", "files = !ls a \\\n b\nlr = 2e-4"]
)
def test_what_a_command_gives_is_not_known(cell: str) -> None:
    values = _values(cell)
    assert values["lr"] == 2e-4
    assert isinstance(values["files"], Opaque)


@pytest.mark.parametrize(
    "cell", ["%%html\n<b>\nlr = 1\n", "%%writefile a.py\nlr = 1\n", "%%javascript\nlr = 1\n", "lr = = 1\n"]
)
def test_cells_of_another_language_state_nothing(cell: str) -> None:
    assert _values(cell, "wd = 0.1\n") == {"wd": 0.1}


def test_a_line_that_begins_with_a_sign_may_be_half_of_a_sum() -> None:
    assert _values("e = (7\n % 4)\n") == {"e": 3}


@pytest.mark.parametrize(
    ("cell", "name", "value", "place"),
    [
        ("!python train.py --lr 1e-4 \\\n    --epochs 3\n", "--lr", 1e-4, (6, 28)),
        ("!python train.py --lr 1e-4 \\\n    --epochs 3\n", "--epochs", 3, (7, 19)),
        ("%%bash\ncd x\npython train.py --lr 1e-4\n", "--lr", 1e-4, (8, 27)),
        ("%%script bash\npython train.py --lr 1e-4\n", "--lr", 1e-4, (7, 27)),
        ("n = 3\n!torchrun t.py --lr=1e-4", "--lr", 1e-4, (7, 26)),
    ],
)
def test_commands_are_read_at_their_places(cell: str, name: str, value: Any, place: tuple[int, int]) -> None:
    document = _read(cell)
    node = document.node((name,))
    assert node is not None
    assert document.value(node) == value
    assert (node.line, node.column) == place


def test_what_python_fills_in_is_not_known() -> None:
    values = _values("lr = 2e-4\n!python t.py --lr {lr} --wd $wd --k {2 * n}\n")
    assert all(isinstance(values[name], Opaque) for name in ("--lr", "--wd", "--k"))


def test_each_command_has_a_shell_of_its_own_and_a_name() -> None:
    values = _values("!LR=1\n!python t.py --lr $LR\n", "!python t.py --lr 2\n")
    assert isinstance(values["t.py"]["--lr"], Opaque)
    assert values["t.py#2"] == {"--lr": 2}


def test_a_command_that_no_shell_would_take_is_left_out() -> None:
    assert _values("!python t.py --a 'x\n", "!python u.py --b 2\n") == {"--b": 2}
