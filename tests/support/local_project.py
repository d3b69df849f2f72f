"""The small study with its model, its tokenizer and its data in local folders."""

from __future__ import annotations

from pathlib import Path

from tests.support.project import Project

LOCAL = """    path: nets/small
    tokenizer: words
    parameters: 2608"""
SIZES = """    weights: random
    layers: 2
    hidden: 4
    vocabulary: 16
    tokenizer: bytes
    parameters: 2608"""


class LocalProject(Project):
    """The small study, with a file or two in each folder that it names."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.replace(SIZES, LOCAL)
        self.replace("manual: {builtin: language-reference,", "manual: {path: data/manual,")
        self.replace("topics: {builtin: reference-topics,", "topics: {path: data/topics,")
        for name in ("nets/small/config.json", "nets/small/model.safetensors", "words/tokenizer.json", *DATA):
            self.write(name, f"{name}\n")

    def keys(self) -> dict[str, str]:
        return {f"{step.variant} {step.name}": step.key for step in self.plan(seeds=[1]).steps}

    def reasons(self, *options: str) -> dict[str, str]:
        steps = self.cli("plan", "--seed", "1", "--format", "json", *options).json["steps"]
        return {f"{each['variants'][0]} {each['step']}": each["reason"] for each in steps}


DATA = (
    "data/manual/train.txt",
    "data/manual/validation.txt",
    "data/topics/train.jsonl",
    "data/topics/validation.jsonl",
)
