"""Write the small data sets of the profile `smoke`: made-up questions with the columns of the sets on the hub.

`python make.py` writes `boolq/`, `hellaswag/` and `gsm8k/` beside this file; the same bytes each time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

Row = dict[str, Any]
NAMES = ("Ann", "Ben", "Cleo", "Dan", "Eva", "Finn")
THINGS = ("apples", "books", "cups", "keys", "pens")
SIZES = {"train": 96, "held out": 32}


def boolq(random: Random) -> Row:
    one, other = random.sample(NAMES, 2)
    thing = random.choice(THINGS)
    counts = random.sample(range(1, 10), 2)
    passage = f"{one} has {counts[0]} {thing}, {other} has {counts[1]}."
    return {
        "question": f"does {one.lower()} have more {thing} than {other.lower()}",
        "answer": counts[0] > counts[1],
        "passage": passage,
    }


def hellaswag(random: Random) -> Row:
    name, thing = random.choice(NAMES), random.choice(THINGS)
    start = random.randint(1, 20)
    right = f"{start + 3} {thing}."
    wrong = [f"{start - 1} {thing}.", f"{start + 3} {random.choice(NAMES)}s.", f"{start} and {start}."]
    label = random.randrange(4)
    return {
        "activity_label": "Counting",
        "ctx": f"{name} counts {thing}: {start}, {start + 1}, {start + 2},",
        "endings": [*wrong[:label], right, *wrong[label:]],
        "label": str(label),
    }


def gsm8k(random: Random) -> Row:
    name, thing = random.choice(NAMES), random.choice(THINGS)
    one, other = random.randint(1, 9), random.randint(1, 9)
    return {
        "question": f"{name} has {one} {thing} and gets {other} more. How many {thing} are there?",
        "answer": f"{one}+{other}=<<{one}+{other}={one + other}>>{one + other}\n#### {one + other}",
    }


SETS: dict[str, tuple[Callable[[Random], Row], str]] = {
    "boolq": (boolq, "validation"),
    "hellaswag": (hellaswag, "validation"),
    "gsm8k": (gsm8k, "test"),
}
"""By name: what makes a row, and the split that is measured on."""


def text(name: str) -> dict[str, str]:
    """The files of one set, by their names; no question stands in both."""
    make, held_out = SETS[name]
    random = Random(name)
    rows: dict[str, str] = {}
    while len(rows) < sum(SIZES.values()):
        row = make(random)
        rows.setdefault(str(row.get("question", row.get("ctx"))) + str(row.get("passage")), json.dumps(row))
    lines = list(rows.values())
    cut = SIZES["train"]
    return {
        f"{split}.jsonl": "".join(line + "\n" for line in part)
        for split, part in (("train", lines[:cut]), (held_out, lines[cut:]))
    }


if __name__ == "__main__":
    for name in SETS:
        for file, content in text(name).items():
            path = Path(__file__).parent / name / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8", newline="\n")
