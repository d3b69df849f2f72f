"""Over all readers: after `--fix` a file's own consumer, which is no part of this project, reads what the manifest
states, or what it read before; and nothing else changed for it.

The readers are those that are registered: one without an example fails. The consumers are Python itself (`json`,
`tomllib`, `configparser`, `exec`), PyYAML, and a shell that prints what it would start.
"""

from __future__ import annotations

import ast
import configparser
import json
import os
import random
import re
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import yaml

from framework.reading.formats import _OWN
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
phases:
  p:
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1}
    max_grad_norm: 1.0
    max_steps: 300
configs:
"""
STATED = {"lr": 2e-4, "weight_decay": 0.1, "grad_clip": 1.0, "max_steps": 300.0}
CLAUSES = {
    "lr": "optimizer.learning_rate",
    "weight_decay": "optimizer.weight_decay",
    "grad_clip": "max_grad_norm",
    "max_steps": "max_steps",
}
HOLES = {"lr": "<lr>", "weight_decay": "<wd>", "grad_clip": "<clip>", "max_steps": "<steps>"}
RATES = ("3e-4", "0.0003", "3.0E-04", "'3e-4'", '"0.0003"', ".0003", "30e-5", "0.000_3", "3 * 1e-4", "1e-4 + 2e-4")
OTHERS = {
    "weight_decay": ("0.01", "1e-2", "0", "1"),
    "grad_clip": ("0.5", "5", "1e1"),
    "max_steps": ("200", "3_000", "1e3"),
}
SEEDS = range(12)


class Kind(NamedTuple):
    """One reader's files: texts with `<lr>` and the like, what else reads them, and the keys of a binding."""

    file: str
    texts: tuple[str, ...]
    read: Callable[[str], Mapping[str, Any]]
    keys: tuple[str, ...] = ("{}",)
    """How a binding calls `lr`, for each of the texts or for all."""
    written: bool = True
    """Whether repairs are made at all."""


def flat(data: Any, path: str = "") -> dict[str, Any]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, (list, tuple)) else None
    if items is None:
        return {path: data}
    return {key: value for name, inner in items for key, value in flat(inner, f"{path}.{name}".lstrip(".")).items()}


def ini(text: str) -> dict[str, Any]:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return flat({name: dict(parser[name]) for name in parser.sections()})


def program(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {"train": lambda **given: given, "Namespace": SimpleNamespace}
    exec(compile(text, "config.py", "exec"), names)  # the examples below
    return flat(
        {name: value for name, value in names.items() if isinstance(value, (int, float, str, dict, list, tuple))}
    )


def notebook(text: str) -> dict[str, Any]:
    cells = json.loads(text)["cells"]
    return program("".join("".join(each["source"]) + "\n" for each in cells if each["cell_type"] == "code"))


def gin(text: str) -> dict[str, Any]:
    lines = (re.fullmatch(r"([\w./]+)\s*=\s*(.*?)\s*(?:#.*)?", line) for line in text.splitlines())
    return {line[1]: line[2] if line[2].startswith("%") else ast.literal_eval(line[2]) for line in lines if line}


def shell(text: str) -> dict[str, Any]:
    """Each program that a shell would start, with its arguments."""
    script = 'python() { printf "%s\\0" "$@"; printf "\\n"; }\n' + text
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    found: dict[str, Any] = {}
    for number, line in enumerate(done.stdout.split("\0\n")):
        words = [part for word in line.split("\0") for part in re.split(r"(?<=^--\w{2})=|(?<=\w)=", word, maxsplit=1)]
        for flag, value in pairwise(words):
            if flag.startswith("-"):
                found[f"{flag}#{number}"] = value
    return found


def prose(text: str) -> dict[str, Any]:
    """The last word of each line that has a label, or the last cell."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        words = re.findall(r"[^\s|*`:]+", line.split("<!--")[0])
        if len(words) > 1:
            found[" ".join(words[:-1])] = words[-1].rstrip(".")
    return found


FLAT = "lr: <lr>\nweight_decay: <wd>\ngrad_clip: <clip>\nmax_steps: <steps>\nkeep: 3e-4\n"
NESTED = "optim:\n  lr: <lr> # 3e-4\n  weight_decay: <wd>\n  grad_clip: <clip>\n  max_steps: <steps>\nlr: 3e-4x\n"
SHARED = "top: &top <lr>\nlr: *top\ncritic: *top\nweight_decay: <wd>\ngrad_clip: <clip>\nmax_steps: <steps>\n"
MERGED = "base: &b {lr: <lr>, keep: 1}\nweight_decay: <wd>\ngrad_clip: <clip>\nmax_steps: <steps>\nopt:\n  <<: *b\n"
YAML = (FLAT, NESTED, SHARED, MERGED)
YAML_KEYS = ("{}", "optim.{}", "{}", "{}")
PYTHON = (
    "lr = <lr>\nweight_decay = <wd>\ngrad_clip = <clip>\nmax_steps = <steps>\nkeep = 3e-4\n",
    "base = <lr>\nlr = base\ncritic = base\nweight_decay = <wd>\ngrad_clip = <clip>\nmax_steps = <steps>\n",
    "cfg = dict(lr=<lr>, weight_decay=<wd>)\ncfg['grad_clip'] = <clip>\ncfg['max_steps'] = <steps>\nb = cfg['lr']+1\n",
)
NOTEBOOK = tuple(
    json.dumps(
        {"cells": [{"cell_type": "code", "source": text.splitlines(keepends=True)}], "nbformat": 4, "metadata": {}}
    )
    for text in PYTHON
)
SHELL = (
    "python t.py --lr <lr> --weight_decay <wd> --grad_clip=<clip> --max_steps <steps> --keep 3e-4\n",
    "LR=<lr>\npython t.py --lr $LR --critic $LR --weight_decay <wd> --grad_clip=<clip> --max_steps <steps>\n",
    'A=(--lr <lr> --weight_decay <wd>)\npython t.py "${A[@]}" --grad_clip <clip> \\\n  --max_steps=<steps>\n',
)
YAML_KIND = Kind("c.yaml", YAML, lambda text: flat(yaml.safe_load(text)), YAML_KEYS)
LINES = "- Lr: <lr>\n- weight_decay: <wd>\n* **grad_clip**: <clip>\n- `max_steps`: <steps>\n- other thing: 3e-4\n"
CELLS = (
    "| A | B |\n|---|---|\n| lr | <lr> |\n| weight_decay | <wd> |\n| grad_clip | <clip> |\n| max_steps | <steps> |\n"
)
KINDS = {
    "yaml-1.2": YAML_KIND,
    "pyyaml": YAML_KIND,
    "omegaconf": YAML_KIND,
    "json": Kind(
        "c.json",
        (
            '{"lr": <lr>, "weight_decay": <wd>,\n "grad_clip": <clip>, "max_steps": <steps>, "keep": 3e-4}\n',
            '{"optim": {"lr":<lr>,"weight_decay" : <wd>}, "o": {"lr": 1},"grad_clip": <clip>, "max_steps": <steps>}',
        ),
        lambda text: flat(json.loads(text)),
        ("{}", "optim.{}"),
    ),
    "toml": Kind(
        "c.toml",
        (
            "lr = <lr> # 3e-4\nweight_decay = <wd>\ngrad_clip = <clip>\nmax_steps = <steps>\n[other]\nlr = 3e-4\n",
            "[optim]\nlr=<lr>\nweight_decay = <wd>\ngrad_clip = <clip>\nmax_steps = <steps>\n",
        ),
        lambda text: flat(tomllib.loads(text)),
        ("{}", "optim.{}"),
    ),
    "ini": Kind(
        "c.ini",
        (
            "[optim]\nlr = <lr>\nweight_decay: <wd>\ngrad_clip=<clip>\nmax_steps = <steps>\n[other]\nlr = 3e-4\n",
            "[DEFAULT]\nr = <lr>\n[optim]\nlr = %(r)s\ncritic = %(r)s\nweight_decay = <wd>\ngrad_clip = <clip>\n",
        ),
        ini,
        ("optim.{}",),
    ),
    "python": Kind("c.py", PYTHON, program, ("{}", "{}", "cfg.{}")),
    "notebook": Kind("c.ipynb", NOTEBOOK, notebook, ("{}", "{}", "cfg.{}")),
    "gin": Kind(
        "c.gin",
        (
            "train.lr = <lr>  # 3e-4\ntrain.weight_decay = <wd>\ntrain.grad_clip = <clip>\ntrain.max_steps = <steps>\n",
            "RATE = <lr>\ntrain.lr = %RATE\ncritic.lr = %RATE\ntrain.weight_decay = <wd>\ntrain.max_steps = <steps>\n",
        ),
        gin,
        ("train.{}",),
    ),
    "shell": Kind("c.sh", SHELL, shell, ("--{}",)),
    "markdown": Kind("c.md", (LINES, CELLS), prose),
    "latex": Kind(
        "c.tex",
        ("\\begin{tabular}{ll}\nlr & <lr> \\\\\nweight_decay & <wd> \\\\\nmax_steps & <steps> \\\\\n\\end{tabular}\n",),
        lambda text: {"": text},
        written=False,
    ),
}
CASES = [(reader, number) for reader, kind in KINDS.items() for number in range(len(kind.texts))]


def number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def spoiled(text: str, dice: random.Random) -> str:
    """The text with up to three values that the manifest does not state."""
    for name in STATED:
        choices = RATES if name == "lr" else OTHERS[name]
        right = {"lr": "2e-4", "max_steps": "300"}.get(name, str(STATED[name]))
        word = dice.choice(choices) if dice.random() < 0.6 else right
        text = text.replace(HOLES[name], json.dumps(word)[1:-1] if text.startswith('{"cells"') else word)
    return text


def test_every_reader_has_an_example() -> None:
    known = {reader for name in set(_OWN.values()) for reader in import_module(f"framework.reading.{name}").READERS}
    assert known == set(KINDS)


def repaired(
    folder: Path, reader: str, number_: int, seed: int, by: str
) -> tuple[Project, dict[str, Any], dict[str, Any]] | None:
    """A project whose file was spoiled and fixed, and what its consumer read before and after; None where the consumer
    does not read the spoiled file, or its check is refused."""
    kind = KINDS[reader]
    text = spoiled(kind.texts[number_], random.Random(f"{reader}{number_}{seed}"))
    try:
        before = dict(kind.read(text))
    except Exception:  # no file of its kind: that value is spelled otherwise there
        return None
    pattern = kind.keys[number_ % len(kind.keys)]
    keys = ", ".join(
        f"'{pattern.format(name)}': {clause}" for name, clause in CLAUSES.items() if HOLES[name] in kind.texts[number_]
    )
    reading = f", reader: {reader}" if kind.file.endswith(".yaml") else ""
    how = "dialect: generic" if by == "dialect" else f"required: false, keys: {{{keys}}}"
    made = Project(folder, f"{MANIFEST}  - {{file: {kind.file}, describes: phases.p{reading}, {how}}}\n")
    made.path("configs/pretrain.yaml").unlink()
    made.write(kind.file, text)
    done = made.cli("check", "--fix")
    assert done.code in (0, 1, 2), done.err
    fixed = made.read(kind.file)
    if done.code == 2 or not kind.written:
        assert fixed == text
        return None
    return made, before, dict(kind.read(fixed))


@pytest.mark.parametrize("by", ["keys", "dialect"])
@pytest.mark.parametrize(("reader", "number_"), CASES)
def test_its_consumer_reads_what_is_stated_or_what_it_read(tmp_path: Path, reader: str, number_: int, by: str) -> None:
    for seed in SEEDS:
        (folder := tmp_path / str(seed)).mkdir()
        if (found := repaired(folder, reader, number_, seed, by)) is None:
            continue
        made, before, after = found
        assert before.keys() == after.keys()
        for key, value in after.items():
            if value == before[key]:
                continue
            name = re.split(r"[.# ]", key.lstrip("- ").lower())
            stated = next((each for each in STATED if each in name), None)
            assert stated is not None, (key, before[key], value)
            assert number(value) == pytest.approx(STATED[stated]), (key, before[key], value)
        wrong = [each.location.key for each in made.check().findings if each.code == "C101" and each.location]
        assert not any(after[key] != before[key] for key in wrong if key in after)


@pytest.mark.parametrize("reader", [reader for reader, kind in KINDS.items() if kind.written])
def test_something_is_repaired_in_each_kind_of_file(tmp_path: Path, reader: str) -> None:
    """The test above would also pass if nothing was ever repaired."""
    changed = 0
    for seed in SEEDS:
        (folder := tmp_path / str(seed)).mkdir()
        found = repaired(folder, reader, 0, seed, "keys")
        changed += found is not None and found[1] != found[2]
    assert changed > len(SEEDS) / 4
