"""What the commands of bound scripts pass in the place of a config file's values."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from framework.names import Path
from framework.reading.nodes import AnyNode, Document
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext

_SCRIPTS = (".sh", ".bash", ".zsh", ".slurm", ".sbatch", ".pbs", ".job", ".command")


def naming(context: ConfigContext, bound: BoundFile) -> list[Document]:
    """The bound scripts that speak of a file."""
    last = os.path.basename(bound.file)
    return [each for each in _scripts(context) if last in each.text and each.file != bound.file]


def _scripts(context: ConfigContext) -> list[Document]:
    """The bound files that a shell reads, each once."""
    if "scripts" not in context.cache:
        named = {
            each.file: each
            for each in context.files
            if each.file.endswith(_SCRIPTS) or "." not in os.path.basename(each.file) or each.binding.reader == "shell"
        }
        documents = [each.document for each in named.values()]
        context.cache["scripts"] = [each for each in documents if each.format == "shell" and each.root is not None]
    found: list[Document] = context.cache["scripts"]
    return found


def passed(context: ConfigContext, bound: BoundFile, path: Path) -> Iterator[tuple[Document, AnyNode]]:
    """The flags and overrides of these scripts that have a key's name: `--lr`, `lr=`, `optimizer.lr=`."""
    names = {".".join(str(part) for part in path), str(path[-1])}
    for document in naming(context, bound):
        for place, node in document.leaves():
            if str(place[-1]).lstrip("-+").replace("-", "_") in names:
                yield document, node


def overridden(context: ConfigContext, bound: BoundFile, path: Path) -> str | None:
    """Where every script that names the file passes another value for a key; None where one does not, or none does."""
    scripts = [] if _overrules_flags(bound, path) else naming(context, bound)
    found = list(passed(context, bound, path)) if scripts else []
    if not found or len({document.file for document, _ in found}) < len(scripts):
        return None
    names, last = {".".join(str(part) for part in path), str(path[-1])}, os.path.basename(bound.file)
    if not all(_in_each_command(document.text, last, names) for document in scripts):
        return None
    document, node = found[0]
    return document.place(node)


def _overrules_flags(bound: BoundFile, path: Path) -> bool:
    """Whether what a file says goes before flags of its name: accelerate 1.x (commands/launch.py,
    `_validate_launch_command`) puts the values of `deepspeed_config`, `fsdp_config` and such over them."""
    dialect = bound.pattern.dialect
    return dialect is not None and dialect.name == "accelerate" and str(path[0]).endswith("_config")


_COMMAND = re.compile(r"\s*(?!#|-|(?:(?:export|readonly|local|declare)\s+)?\w+\+?=)\S")
"""A line that starts a command: no comment, no assignment, and no further words of an array."""


def _in_each_command(text: str, file: str, names: set[str]) -> bool:
    """Whether each command that names a file has a flag of one of these names. What a variable adds is not known."""
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        if not _COMMAND.match(line) or not any(file in word for word in words):
            continue
        if any(word.startswith(("$", '"$')) for word in words):
            continue
        said = {word.strip("\"'").partition("=")[0].lstrip("-+").replace("-", "_") for word in words}
        if said.isdisjoint(names):
            return False
    return True
