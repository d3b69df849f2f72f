"""Loops, defaults that are kept, and variables that nothing reads, in shell scripts."""

from __future__ import annotations

from typing import Any

import pytest

from framework.reading.nodes import UNSET, Document, Opaque
from framework.reading.shell.reader import parse_shell


def _value(text: str, key: str) -> Any:
    document = parse_shell(text, "run.sh")
    node = document.node((key,))
    return None if node is None else document.value(node)


def _names(document: Document) -> set[str]:
    return set() if document.root is None else set(document.value(document.root))


SEED = "do python t.py --seed $s; done\n"


@pytest.mark.parametrize(
    "head",
    [
        "for s in 1 2 3; ",
        "for s in {1..3}\n",
        "for s in $(seq 1 3); ",
        "for s in `seq 3`; ",
        "for s in {3..1}; ",
        'S=(1 2 3)\nfor s in "${S[@]}"; ',
        "S='1 2 3'\nfor s in $S; ",
        "A=1\nfor s in $A 2 3; ",
        "for lr in 1 2; do for s in 1 2 3; do echo; done; done; for s in 1 2 3; ",
    ],
)
def test_a_loop_gives_a_flag_each_of_its_values(head: str) -> None:
    value = _value(head + SEED, "--seed")
    assert isinstance(value, Opaque)
    assert sorted(value.each) == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "key", "each"),
    [
        ("for s in 1 2; do python t.py --seed=$s; done", "--seed", (1, 2)),
        ("for s in 1 2; do python t.py --name run_${s}_x; done", "--name", ("run_1_x", "run_2_x")),
        ("for e in 4 5; do python t.py --lr 1e-$e; done", "--lr", (1e-4, 1e-5)),
        ("for s in 1 2; do python t.py seed=$s; done", "seed", (1, 2)),
        ("for a in 1 2; do for b in 3 4; do python t.py --x $a --y $b; done; done", "--y", (3, 4)),
    ],
)
def test_each_value_is_the_whole_argument(text: str, key: str, each: tuple[Any, ...]) -> None:
    assert _value(text, key).each == each


@pytest.mark.parametrize(
    "text",
    [
        "for s in $LIST; do python t.py --seed $s; done",
        "for s in 1 $2; do python t.py --seed $s; done",
        "for s in 1 2; do [ -e x ] && break; python t.py --seed $s; done",
        "for s in 1 2; do if [ -e x ]; then continue; fi; python t.py --seed $s; done",
        "for s in 1 2; do s=$((s + 1)); python t.py --seed $s; done",
        "for s in 1 2; do if [ -e x ]; then python t.py --seed $s; fi; done",
        "for s in 1 2; do python t.py --seed $s$s; done",
        "for ((s=0; s<3; s++)); do python t.py --seed $s; done",
    ],
)
def test_a_loop_that_may_run_otherwise_states_no_values(text: str) -> None:
    value = _value(text, "--seed")
    assert isinstance(value, Opaque)
    assert value.each == ()


def test_a_loop_over_one_value_is_that_value_at_its_place() -> None:
    document = parse_shell("LR=3e-5\nfor lr in $LR; do python t.py --lr $lr; done\n", "run.sh")
    node = document.node(("--lr",))
    assert node is not None
    assert document.value(node) == 3e-5
    assert str(document.location(document.origin(node))) == "run.sh:1:4"


@pytest.mark.parametrize("colon", [":", ""])
def test_a_default_that_is_kept_holds_unless_the_environment_decides(colon: str) -> None:
    text = f': "${{STEPS{colon}=200}}"\npython t.py --steps $STEPS\n'
    for key in ("--steps", "STEPS"):
        value = _value(text, key)
        assert isinstance(value, Opaque)
        assert value.default == 200
    assert _value(f"STEPS=5\n{text}", "--steps") == 5
    assert _value("python t.py --steps $STEPS --again ${STEPS:-1}\n", "--steps").default is UNSET


@pytest.mark.parametrize(
    "text",
    [
        "SEED=42\npython t.py --seed $seed\n",
        "SEED=42\nfor s in 1 2; do python t.py --s $s; done\n",
        "SEED=42; LR=1; python t.py --lr $LR\n",
        "declare SEED=42\npython t.py\n",
    ],
)
def test_a_variable_that_nothing_uses_states_nothing(text: str) -> None:
    document = parse_shell(text, "run.sh")
    assert "SEED" not in _names(document)
    assert "no command" in document.absent["SEED"]


@pytest.mark.parametrize(
    "text",
    [
        "SEED=42\n",
        "SEED=42\necho x\n",
        "export SEED=42\npython t.py\n",
        "SEED=42\nexport SEED\npython t.py\n",
        "SEED=42 python t.py\n",
        "set -a\nSEED=42\npython t.py\n",
        "SEED=42\npython t.py $SEED\n",
        "SEED=42\nsource run_all.sh\npython t.py\n",
        "SEED=42\nX=$((SEED + 1))\npython t.py --x $X\n",
        "SEED=42\npython t.py <<EOF\nseed: ${SEED}\nEOF\n",
    ],
)
def test_a_variable_that_a_program_may_get_is_kept(text: str) -> None:
    assert "SEED" in _names(parse_shell(text, "run.sh"))
