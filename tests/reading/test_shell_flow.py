"""Which value a variable of a script has where a command uses it, whatever way the script takes."""

from __future__ import annotations

from typing import Any

import pytest

from framework.reading.nodes import Document, Opaque
from framework.reading.shell.reader import parse_shell

USE = "python t.py --lr $LR\n"


def value(text: str, key: str = "--lr") -> Any:
    document = parse_shell(text, "run.sh")
    node = document.node((key,))
    assert node is not None
    return document.value(node)


def source(document: Document, key: str) -> str:
    node = document.node((key,))
    assert node is not None
    return str(document.location(document.origin(node)))


@pytest.mark.parametrize(
    "text",
    [
        "if [ $X ]; then LR=3e-4; else LR=3e-4; fi\n",
        "if [ $X ]; then LR=3e-4; elif [ $Y ]; then LR=3e-4; else LR=3e-4; fi\n",
        "LR=3e-4\nif [ $X ]; then LR=3e-4; fi\n",
        "LR=3e-4\nif [ $X ]; then BS=2; fi\n",
        "LR=3e-4\n[[ $X ]] && LR=3e-4\n",
        "LR=1\nif [ $X ]; then LR=3e-4; else LR=2; exit 1; fi\nLR=3e-4\n",
        "if [ $X ]; then LR=3e-4; else echo usage; exit 1; fi\n",
        "if [ $X ]; then\n  if [ $Y ]; then LR=3e-4; else LR=3e-4; fi\nelse\n  LR=3e-4\nfi\n",
        "case $1 in a) LR=3e-4 ;; b | c) LR=3e-4 ;; *) exit 1 ;; esac\n",
        "case $1 in\n  (a)\n    LR=3e-4\n    ;;\n  *)\n    LR=3e-4\nesac\n",
        "LR=3e-4\ncase $1 in a) BS=1 ;; esac\n",
        "LR=3e-4\n(LR=1; echo $LR)\n",
        "LR=3e-4\nf() { local LR=1; echo $LR; }\nf\n",
        "LR=3e-4\nwhile read -r x; do LR=3e-4; done < f\n",
        "LR=1\nfor i in 1 2; do LR=2; done\nLR=3e-4\n",
        "{ LR=3e-4; }\n",
        "export LR=3e-4\n",
        "declare -r LR=3e-4\n",
        "readonly LR=3e-4\n",
        "LR=3e-4\nif ((LR == 1)); then echo; fi\n",
        "LR=3e-4\nif ((LR <= 1 && LR != 2)); then echo; fi\n",
        "LR=3e-4\nN=$((LR + 1))\n",
        "LR=3e-4\nLR=1 python other.py\n",
        "f() { echo $X; }\nLR=3e-4\nX=1 f\n",
    ],
)
def test_where_all_ways_agree_the_value_is_known(text: str) -> None:
    assert value(text + USE) == 3e-4


@pytest.mark.parametrize(
    "text",
    [
        "if [ $X ]; then LR=3e-4; else LR=1e-4; fi\n",
        "if [ $X ]; then LR=3e-4; fi\n",
        "LR=1e-4\nif [ $X ]; then LR=3e-4; fi\n",
        "if [ $X ]; then LR=3e-4; elif [ $Y ]; then LR=3e-4; fi\n",
        "if [ $X ]; then LR=3e-4; else [ $Y ] && exit 1; fi\n",
        "case $1 in a) LR=3e-4 ;; b) LR=3e-4 ;; esac\n",
        "case $1 in a) LR=3e-4 ;& b) LR=1 ;; *) LR=1 ;; esac\n",
        "LR=3e-4\n[[ $X ]] && LR=1\n",
        "LR=3e-4\n[[ $X ]] || { LR=1; }\n",
        "LR=3e-4\nf() { LR=1; }\n",
        "f() { LR=1; }\nLR=3e-4\nf\n",
        "LR=3e-4\nfor i in 1 2; do LR=1; done\n",
        "LR=3e-4\nfor i in 1 2; do LR=1; break; done\n",
        "LR=3e-4\nlet LR=1\n",
        "LR=1\nlet 'LR += 1'\n",
        "LR=1\n((LR = 2))\n",
        "LR=1\n(( LR *= 2 ))\n",
        "LR=1\n((LR++))\n",
        "LR=1\nX=$((--LR))\n",
        "LR=1\nwhile ((LR++ < 3)); do :; done\n",
        "LR=3e-4\ndeclare -n rate=LR\nrate=1\n",
        "LR=3e-4\nf() { local -n rate=LR; rate=1; }\nf\n",
    ],
)
def test_where_ways_differ_it_is_not(text: str) -> None:
    assert isinstance(value(text + USE), Opaque)


@pytest.mark.parametrize(
    "text",
    [
        "f() { local LR=3e-4; python t.py --lr $LR; }\nf\n",
        "function f {\n  LR=3e-4\n  python t.py --lr $LR\n}\nf\n",
        "for i in 1 2; do LR=3e-4; python t.py --lr $LR --seed $i; done\n",
        "if [ $X ]; then LR=3e-4; python t.py --lr $LR; fi\n",
        "for lr in 3e-4; do python t.py lr=1 --lr $lr; done\n",
    ],
)
def test_what_is_set_on_the_way_to_a_command_is_known_there(text: str) -> None:
    assert value(text) == 3e-4


@pytest.mark.parametrize(
    "text",
    [
        "LR=3e-4\nf() { python t.py --lr $LR; }\nLR=1\nf\n",
        "for a in 1 2; do LR=1; for b in 1 2; do python t.py --lr $LR; LR=2; done; done\n",
        "f() { LR=1; [ $X ] && LR=2; python t.py --lr $LR; }\nf\n",
        "LR=3e-4\nf() { python t.py --lr $LR; }\nLR=1 f\n",
        "LR=3e-4\nfunction f { python t.py --lr $LR; }\nX=1 LR=1 f 2\n",
    ],
)
def test_what_may_be_set_again_before_a_command_is_not(text: str) -> None:
    assert isinstance(value(text), Opaque)


def test_a_value_of_several_places_is_not_changed_in_one() -> None:
    document = parse_shell(f"if [ $X ]; then LR=1; else LR=1; fi\n{USE}", "run.sh")
    node = document.node(("--lr",))
    assert node is not None
    assert not document.editable(document.origin(node))
    assert source(parse_shell(f"LR=1\nif [ $X ]; then B=1; fi\n{USE}", "run.sh"), "--lr") == "run.sh:1:4"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if [ $X ]; then LR=1; else LR=1; fi\n", 1),
        ("LR=1\nif [ $X ]; then LR=1; fi\n", 1),
        ("if [ $X ]; then LR=1; fi\n", "it is set where that may not happen"),
        ("if [ $X ]; then LR=1; else LR=2; fi\n", "it is set 2 times: bind the flag that uses it"),
    ],
)
def test_what_a_variable_by_itself_states(text: str, expected: Any) -> None:
    found = value(text, "LR")
    assert (found.reason if isinstance(found, Opaque) else found) == expected


@pytest.mark.parametrize(
    "text",
    [
        "if [ $X ]; then python t.py --lr 3e-4; fi\n",
        "python prepare.py --out x\nif [ $X ]; then python t.py --lr 3e-4; fi\n",
        "case $1 in a) python t.py --lr 3e-4 ;; esac\n",
    ],
)
def test_a_condition_without_another_command_only_says_whether_it_runs(text: str) -> None:
    assert value(text) == 3e-4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LRS=(1 3e-4)\npython t.py --lr ${LRS[1]}\n", 3e-4),
        ("LRS=(1 3e-4)\npython t.py --lr ${LRS[0]}\n", 1),
        ("LRS=(1 3e-4)\npython t.py --lr ${LRS[-1]}\n", 3e-4),
        ("LRS=(1 3e-4)\ni=1\npython t.py --lr ${LRS[$i]}\n", 3e-4),
        ("LRS=(1 3e-4)\ni=0\npython t.py --lr ${LRS[i + 1]}\n", 3e-4),
        ("LRS=([5]=1 [7]=3e-4)\npython t.py --lr ${LRS[7]}\n", 3e-4),
        ("declare -A LRS=([a]=1 [b]=3e-4)\npython t.py --lr ${LRS[b]}\n", 3e-4),
        ("declare -A LRS=([a]=1 [b]=3e-4)\nM=b\npython t.py --lr \"${LRS[$M]}\"\n", 3e-4),
    ],
)  # fmt: skip
def test_an_element_of_an_array(text: str, expected: float) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "LRS=(1 2)\npython t.py --lr ${LRS[5]}\n",
        "LRS=(1 2)\npython t.py --lr ${LRS[$i]}\n",
        "LRS=($X 2)\npython t.py --lr ${LRS[1]}\n",
        "declare -A LRS=([a]=1)\npython t.py --lr ${LRS[c]}\n",
        "declare -A LRS\nLRS[a]=1\npython t.py --lr ${LRS[a]}\n",
        "LRS=(1 2)\nLRS[0]=3\npython t.py --lr ${LRS[0]}\n",
        "python t.py --lr ${LRS[0]}\n",
        "X=1.sh\npython t.py --lr ${X%.*}\n",
        "X=1\npython t.py --lr ${X/1/2}\n",
        "X=1\npython t.py --lr ${#X}\n",
    ],
)
def test_what_only_running_it_could_pick_is_not_known(text: str) -> None:
    found = value(text)
    assert isinstance(found, Opaque)
    assert found.reason


@pytest.mark.parametrize(
    ("head", "use", "each"),
    [
        ("--array=1-3", "$SLURM_ARRAY_TASK_ID", (1, 2, 3)),
        ("-a 0-4:2%2", "${SLURM_ARRAY_TASK_ID}", (0, 2, 4)),
        ("--array=1,5,7-8", "$SLURM_ARRAY_TASK_ID", (1, 5, 7, 8)),
        ("--array=0-1", "${SEEDS[$SLURM_ARRAY_TASK_ID]}", (42, 43)),
        ("--array=1-2", "${SEEDS[$SLURM_ARRAY_TASK_ID - 1]}", (42, 43)),
        ("--array=1-2", "$((SLURM_ARRAY_TASK_ID + 41))", (42, 43)),
    ],
)
def test_each_task_of_an_array_of_slurm_has_its_own(head: str, use: str, each: tuple[int, ...]) -> None:
    found = value(f"#SBATCH {head}\nSEEDS=(42 43 44)\npython t.py --seed {use}\n", "--seed")
    assert isinstance(found, Opaque)
    assert found.each == each


def test_what_slurm_exports_is_known() -> None:
    document = parse_shell(f"#SBATCH --export=ALL,LR=3e-4\n{USE}", "run.sh")
    assert source(document, "--lr") == "run.sh:1:25"
    assert value(f"#SBATCH --export=ALL,LR=3e-4\nLR=1\n{USE}") == 1


def test_another_script_that_is_taken_in_is_named() -> None:
    found = value(f"source env.sh\n{USE}")
    assert isinstance(found, Opaque)
    assert "`source env.sh`" in found.reason


@pytest.mark.parametrize("prefix", ["env LR=1", "LR=1", "env -u X LR=1"])
def test_what_one_command_is_given_is_not_expanded_in_it(prefix: str) -> None:
    document = parse_shell(f"LR=3e-4\n{prefix} python t.py --lr $LR\n", "run.sh")
    assert document.node(("LR",)) is not None
    assert value(f"LR=3e-4\n{prefix} python t.py --lr $LR\n") == 3e-4
