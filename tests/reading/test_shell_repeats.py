"""A flag that one command gives several times: the last counts, where that is certain."""

from __future__ import annotations

from typing import Any

import pytest

from framework.reading.nodes import Document, Opaque
from framework.reading.shell.reader import parse_shell


def _value(document: Document, key: str) -> Any:
    node = document.node((key,))
    assert node is not None
    return document.value(node)


@pytest.mark.parametrize(
    ("text", "key", "expected", "column"),
    [
        ("python t.py --lr 1 --lr 2\n", "--lr", 2, 25),
        ("python t.py --lr=1 --n 3 --lr=2\n", "--lr", 2, 31),
        ("python t.py --lr 1 --lr 2 --lr 3\n", "--lr", 3, 32),
        ("python t.py --tag x --tag y\n", "--tag", "y", 27),
        ("python t.py --warm-up 1 --warm_up 2\n", "--warm_up", 2, 35),
        ("python t.py --fp16 --fp16 False\n", "--fp16", False, 27),
        ("python t.py lr=1 lr=2\n", "lr", 2, 21),
        ("python t.py +lr=1 ++lr=2\n", "lr", 2, 24),
        ("python t.py +lr=1 lr=2\n", "lr", 2, 22),
        ("torchrun --nproc_per_node 2 --nproc_per_node 4 t.py\n", "--nproc_per_node", 4, 46),
    ],
)
def test_the_last_value_counts_at_its_place(text: str, key: str, expected: Any, column: int) -> None:
    document = parse_shell(text, "run.sh")
    assert _value(document, key) == expected
    node = document.node((key,))
    assert node is not None
    assert node.column == column
    assert document.editable(node)
    assert document.duplicates == []
    assert [document.value(each) for each in document.overruled[(key,)]][:1] != [expected]


@pytest.mark.parametrize(
    "text",
    [
        "python t.py --x 0.9 0.99 --x 0.8\n",
        "python t.py --x a --x b c\n",
        "accelerate launch --x 1 t.py --x 2\n",
        "A='--x 1 2'\npython t.py $A --x 2 3\n",
    ],
)
def test_where_more_than_the_last_may_count_it_is_not_known(text: str) -> None:
    value = _value(parse_shell(text, "run.sh"), "--x")
    assert isinstance(value, Opaque)
    assert "--x is given" in value.reason


@pytest.mark.parametrize("text", ["accelerate launch --x 2 t.py --x 2\n", "python t.py --x 2 --x 2\n"])
def test_what_says_the_same_again_is_known(text: str) -> None:
    assert _value(parse_shell(text, "run.sh"), "--x") == 2


@pytest.mark.parametrize("again", ["+lr=2", "+lr=1"])
def test_what_hydra_adds_twice_is_refused(again: str) -> None:
    document = parse_shell(f"python t.py +lr=1 {again}\n", "run.sh")
    assert [(each.path, each.second.column) for each in document.duplicates] == [(("lr",), 20)]
    assert parse_shell("python t.py '+lr=[1]' '+lr=[2]'\n", "run.sh").duplicates == []


def test_a_repeat_of_another_command_is_none() -> None:
    document = parse_shell("python t.py --lr 1\npython t.py --lr 2\n", "run.sh")
    assert document.overruled == {}
