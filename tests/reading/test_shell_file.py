"""Shell scripts: what they state is read, and what only running them could tell is never taken for known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.names import find_path
from framework.reading.nodes import UNSET, Document, Opaque
from framework.reading.shell.reader import parse_shell


def _read(text: str) -> dict[str, Any]:
    document = parse_shell(text, "run.sh")
    return document.value(document.root) if document.root else {}


def _opaque(value: Any) -> Opaque:
    assert isinstance(value, Opaque), value
    return value


def _token(document: Document, *path: str | int) -> str:
    found = document.walk(path)
    assert found is not None
    return document.text[found[1].start : found[1].stop]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python train.py --lr 3e-4\n", {"--lr": 3e-4}),
        ("python train.py --lr=3e-4 --name 'a b'", {"--lr": 3e-4, "--name": "a b"}),
        ('python train.py --lr="3e-4"', {"--lr": 3e-4}),
        ("python train.py \\\n  --lr 3e-4 \\\r\n  --epochs 5\n", {"--lr": 3e-4, "--epochs": 5}),
        ("python train.py --fp16 --lr 1", {"--fp16": True, "--lr": 1}),
        ("python train.py --betas 0.9 0.98 --shift -1", {"--betas": [0.9, 0.98], "--shift": -1}),
        ("python train.py -b 32 data/", {"-b": [32, "data/"]}),
        ("python train.py --fp16 true --tf32 False --x yes", {"--fp16": True, "--tf32": False, "--x": "yes"}),
        ("python -u -m pkg.train --lr 1", {"--lr": 1}),
        ("python -c 'import x' --lr 1", {}),
        ("torchrun --standalone --nproc_per_node=8 train.py --lr 1",
         {"--standalone": True, "--nproc_per_node": 8, "--lr": 1}),
        ("accelerate launch --multi_gpu --num_processes 4 train.py --lr 1 > log 2>&1 &",
         {"--multi_gpu": True, "--num_processes": 4, "--lr": 1}),
        ("CUDA_VISIBLE_DEVICES=0 nohup python train.py --lr 1 | tee --append log",
         {"CUDA_VISIBLE_DEVICES": 0, "--lr": 1}),
        ("LR=3e-4\n", {"LR": 3e-4}),
        ("export LR=3e-4 BS=32\n", {"LR": 3e-4, "BS": 32}),
        ("mkdir --parents out; ls --color; echo --lr 1; pip install --upgrade x", {}),
        ("# python train.py --lr 1\npython train.py --x 1 # --y 2\n", {"--x": 1}),
        ("cat <<EOF\npython train.py --lr 1 'open\nEOF\nX=1", {"X": 1}),
        ("cat <<-'E' > f\n\tLR=1\n\tE\nX=1", {"X": 1}),
        ("#SBATCH --nodes=2\n#SBATCH --gres gpu:8 # all\n#SBATCH --exclusive\n",
         {"SBATCH": {"--nodes": 2, "--gres": "gpu:8", "--exclusive": True}}),
        ("python train.py --text 'it'\"'\"'s' --p a\\ b", {"--text": "it's", "--p": "a b"}),
        ("python train.py --tag x --tag y", {"--tag": "y"}),
    ],
)  # fmt: skip
def test_what_a_script_states(text: str, expected: dict[str, Any]) -> None:
    assert _read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python train.py optimizer.lr=1e-4 +a=yes ++b.c=null", {"optimizer.lr": 1e-4, "a": "yes", "b.c": None}),
        ("python train.py db@x=y 'l=[1, 2e-3]' s='\"3\"'", {"db@x": "y", "l": [1, 2e-3], "s": "3"}),
        ("python train.py --multirun seed=3 ~gone", {"--multirun": True, "seed": 3}),
        ("python train.py --config-name base model.lr=1", {"--config-name": "base", "model.lr": 1}),
        ("tune run recipe --config a.yaml lr=3e-4", {"--config": "a.yaml", "lr": 3e-4}),
    ],
)
def test_overrides_as_hydra_takes_them(text: str, expected: dict[str, Any]) -> None:
    assert _read(text) == expected


def test_a_sweep_is_no_value() -> None:
    assert _opaque(_read("python train.py -m lr=1,2")["lr"]).reason == "a sweep over several values"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python t.py --n $((1 + 1))\n", 2),
        ("G=4\nB=2\nA=$((128/$G/$B))\npython t.py --n $A\n", 16),
        ('G=4\nA=$(expr 128 / $G)\npython t.py --n "$A"\n', 32),
        ("G=4\nA=`expr 2 \\* $G`\npython t.py --n ${A}\n", 8),
        ("python t.py --n $(( (7 - 2) * -3 / 2 % 4 ))\n", -3),
        ("N=3\npython t.py --n $((N * 100))0\n", 3000),
    ],
)
def test_arithmetic_of_what_is_known_is_worked_out(text: str, expected: int) -> None:
    document = parse_shell(text, "run.sh")
    found = document.walk(("--n",))
    assert found is not None
    assert document.value(found[1]) == expected
    assert not document.editable(document.origin(found[1]))


@pytest.mark.parametrize(
    "text",
    [
        "LR=3e-4\npython t.py --lr $LR\n",
        "LR=3e-4\npython t.py --lr ${LR}\n",
        'LR="3e-4"; python t.py --lr "$LR"\n',
        "LR=3e-4\npython t.py --lr=${LR:-1}\n",
        "ARGS='--lr 3e-4'\npython t.py $ARGS\n",
        'A=( --lr 3e-4 )\npython t.py "${A[@]}"\n',
        'A=( --x 1 )\nA+=( --lr 3e-4 )\npython t.py "${A[@]}"\n',
        "ARGS='--x 1'\nARGS+=' --lr 3e-4'\npython t.py $ARGS\n",
        "BASE=3e\nLR=$BASE-4\npython t.py --lr $LR\n",
        "LR=1\nLR=3e-4\npython t.py --lr $LR\n",
        "LR=3e-4\nfor s in 1 2; do python t.py --lr $LR --seed $s; done\n",
        "source ~/.bashrc\nLR=3e-4\nsource activate x\npython t.py --lr $LR\n",
        "source env.sh\nLR=3e-4\npython t.py --lr $LR\n",
        'train() { python t.py --lr 3e-4 "$@"; }\ntrain --x 1\n',
    ],
)
def test_a_variable_is_followed_where_it_is_certain(text: str) -> None:
    document = parse_shell(text, "run.sh")
    found = document.walk(("--lr",))
    assert found is not None
    assert document.value(found[1]) == 3e-4


def test_the_place_where_a_variables_value_is_written_is_kept() -> None:
    document = parse_shell("LR='3e-4'\npython t.py --lr $LR\n", "run.sh")
    found = document.walk(("--lr",))
    assert found is not None
    assert str(document.location(found[1])) == "run.sh:2:18"
    assert not document.editable(found[1])
    origin = document.origin(found[1])
    assert str(document.location(origin)) == "run.sh:1:4"
    assert document.text[origin.start : origin.stop] == "'3e-4'"


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("python t.py --lr $LR\n", UNSET),
        ("python t.py --lr ${LR:-3e-4}\n", 3e-4),
        ("python t.py --lr=$1\n", UNSET),
        ("python t.py --lr $(cat lr)\n", UNSET),
        ("python t.py --lr `cat lr`\n", UNSET),
        ("python t.py --lr $((1 + $OUTSIDE))\n", UNSET),
        ("python t.py --lr $((1 / 0))\n", UNSET),
        ("for i in 1 2; do N=$i; done\npython t.py --lr $((1 + N))\n", UNSET),
        ("LR=${1:-3e-4}\npython t.py --lr $LR\n", 3e-4),
        ("for lr in 1 2; do python t.py --lr $lr; done\n", UNSET),
        ('LR=1\nif [ -n "$X" ]; then LR=2; fi\npython t.py --lr $LR\n', UNSET),
        ('LR=1\n[ -z "$X" ] && LR=2\npython t.py --lr $LR\n', UNSET),
        ("if true; then python t.py --lr 3e-4; else python t.py --fast; fi\n", 3e-4),
        ("case $1 in a) python t.py --lr 3e-4 ;; b) python t.py --slow ;; esac\n", 3e-4),
        ("LR=1\nsource settings.sh\npython t.py --lr $LR\n", UNSET),
        ("LR=1\nread LR\npython t.py --lr $LR\n", UNSET),
        ("LR=1\nfor i in 1 2; do python t.py --lr $LR; LR=2; done\n", UNSET),
        ("LR=1\nf() { LR=2; }\nf\npython t.py --lr $LR\n", UNSET),
        ("python t.py --lr ${LR%x}\n", UNSET),
    ],
)
def test_what_only_running_it_could_tell_is_opaque(text: str, default: Any) -> None:
    value = _opaque(_read(text)["--lr"])
    assert value.default == default
    assert value.reason


def test_a_variable_that_is_set_to_several_values_is_no_one_value() -> None:
    assert _opaque(_read("LR=1\nLR=2\n")["LR"]).reason.startswith("it is set 2 times")
    assert _read("LR=1\nLR=1\n") == {"LR": 1}


def test_a_flag_that_two_commands_state_is_named_with_its_command() -> None:
    text = "python train.py --lr 1 --x 2\npython eval.py --lr 3\npython train.py --lr 4\n"
    document = parse_shell(text, "run.sh")
    assert document.root is not None
    data = document.value(document.root)
    assert data == {"--x": 2, "train.py": {"--lr": 1}, "eval.py": {"--lr": 3}, "train.py#2": {"--lr": 4}}
    assert find_path(data, "train.py#2.--lr") == ("train.py#2", "--lr")
    assert document.absent["--lr"].startswith("3 commands state it")


def test_arguments_from_outside_are_no_flags_values() -> None:
    assert _read('python t.py --fp16 "$@"\n') == {"--fp16": True}
    assert _read("python t.py --fp16 $EXTRA_ARGS --lr 1\n") == {"--fp16": True, "--lr": 1}


@pytest.mark.parametrize(
    ("text", "path", "token"),
    [
        ("python t.py --lr=3e-4\n", ("--lr",), "3e-4"),
        ("python t.py --lr='3e-4'\n", ("--lr",), "'3e-4'"),
        ('python t.py --name "a b"\n', ("--name",), '"a b"'),
        ("python t.py --betas 0.9 0.98\n", ("--betas", 1), "0.98"),
        ('ARGS="--x 1 --lr 3e-4"\npython t.py $ARGS\n', ("--lr",), "3e-4"),
        ("python t.py a.lr=3e-4\n", ("a.lr",), "3e-4"),
        ('export LR="3e-4"\n', ("LR",), '"3e-4"'),
        ("#SBATCH --nodes=2\n", ("SBATCH", "--nodes"), "2"),
    ],
)
def test_a_value_stands_where_it_can_be_replaced(text: str, path: tuple[str | int, ...], token: str) -> None:
    document = parse_shell(text, "run.sh")
    found = document.walk(path)
    assert found is not None
    assert document.editable(found[1])
    assert _token(document, *path) == token


@pytest.mark.parametrize("text", ["echo 'x\n", 'echo "x\n', "echo $(x\n", "A=(1 2\n", "echo ${x\n", "echo `x\n"])
def test_what_is_not_closed_is_refused_at_its_opening(text: str) -> None:
    with pytest.raises(InputError, match=r"run.sh:1:\d: .* is not closed"):
        parse_shell(text, "run.sh")


def test_nothing_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    parse_shell(f"X=$(touch {mark})\ntouch {mark}\npython t.py --a `touch {mark}`\neval touch {mark}\n", "run.sh")
    assert not mark.exists()
