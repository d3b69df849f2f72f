"""How fast config files are read, beside what the libraries underneath need, in the same run.

    python benchmarks/reading.py

For 1,000 generated files of 61 lines: YAML against a bare pass over the C parser's events (no tree, no places, no
values), JSON against `json`, TOML against `tomllib`. `read` makes the tree; `used` also asks for all values and all
leaves, as the rules do. CPU time, the best of several rounds; the file system is left out on both sides.
"""

from __future__ import annotations

import argparse
import json
import random
import time
import tomllib
from collections.abc import Callable
from typing import Any

import yaml

from framework.reading.json_file import parse_json
from framework.reading.nodes import Document
from framework.reading.toml_file import parse_toml
from framework.reading.yaml.parsing import parse_yaml

SECTIONS = ("model", "pretrain", "finetune", "data", "logging")
VALUES = ("2e-4", "0.1", "128", "true", "adamw", "'quoted'", "cosine", "1.0e-6", "null", '"x y"', "0.98", "1_000")


def made(index: int, flow: bool = False) -> str:
    """A config of 61 lines; with ``flow``, one that takes the real parser."""
    chosen = random.Random(index)
    lines = [f"# experiment {index}", "experiment:", f"  name: run_{index}", f"  seed: {chosen.randint(0, 9999)}"]
    lines += ["  defaults: &own {a: 1}" if flow else "  betas: [0.9, 0.98]", "  tags:", "    - sparse"]
    for section in SECTIONS:
        lines.append(f"{section}:")
        for key in range(9):
            note = "  # as in table 2" if key == 4 else ""
            lines.append(f"  key_{section}_{key}: {chosen.choice(VALUES)}{note}")
        lines.append(f"  learning_rate: {chosen.randint(1, 99)}e-5")
    return "\n".join(lines[:61]) + "\n"


def data(index: int) -> dict[str, Any]:
    """The same facts for JSON and TOML."""
    chosen = random.Random(index)
    return {
        section: {f"key_{section}_{key}": chosen.choice([2e-4, 0.1, 128, True, "adamw", "x y"]) for key in range(11)}
        for section in SECTIONS
    }


def as_toml(tables: dict[str, Any]) -> str:
    lines = []
    for section, table in tables.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def events(text: str) -> None:
    """The bare pass: every event is made and dropped."""
    parser = vars(yaml.cyaml)["CParser"](text)
    while parser.get_event() is not None:
        pass
    parser.dispose()


def used(document: Document) -> None:
    """What the rules ask of every file."""
    if document.root is not None:
        document.value(document.root)
    for _ in document.leaves():
        pass


def seconds(work: Callable[[str], Any], texts: list[str], rounds: int) -> float:
    """CPU seconds for one text, in the best of several rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for text in texts:
            work(text)
        best = min(best, time.process_time() - start)
    return best / len(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the readers with what they stand on.")
    parser.add_argument("--files", type=int, default=1000, help="how many files are generated")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the best counts")
    chosen = parser.parse_args()
    plain = [made(index) for index in range(chosen.files)]
    flow = [made(index, flow=True) for index in range(chosen.files)]
    json_texts = [json.dumps(data(index), indent=2) for index in range(chosen.files)]
    toml_texts = [as_toml(data(index)) for index in range(chosen.files)]
    cases: list[tuple[str, list[str], str, Callable[[str], Any], Callable[[str], Document]]] = [
        ("YAML, plain", plain, "C events", events, lambda text: parse_yaml(text, "file")),
        ("YAML, with an anchor", flow, "C events", events, lambda text: parse_yaml(text, "file")),
        ("JSON", json_texts, "json", json.loads, lambda text: parse_json(text, "file")),
        ("TOML", toml_texts, "tomllib", tomllib.loads, lambda text: parse_toml(text, "file")),
    ]
    print(f"{'':22}{'beneath':>10}{'files/s':>10}{'read':>10}{'ratio':>8}{'used':>10}{'ratio':>8}")
    for name, texts, below, bare, parse in cases:
        base = seconds(bare, texts, chosen.rounds)
        read = seconds(parse, texts, chosen.rounds)
        whole = seconds(lambda text, parse=parse: used(parse(text)), texts, chosen.rounds)  # type: ignore[misc]
        print(
            f"{name:22}{below:>10}{1 / base:10,.0f}{1 / read:10,.0f}{read / base:8.2f}{1 / whole:10,.0f}"
            f"{whole / base:8.2f}"
        )


if __name__ == "__main__":
    main()
