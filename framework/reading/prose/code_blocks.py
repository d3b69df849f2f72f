"""Fenced blocks of a document: commands as one script, configs as sections, each value at its place in the document."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from framework.errors import InputError
from framework.reading.marks import LazyLines
from framework.reading.moved import Moved
from framework.reading.nodes import Document, MappingNode
from framework.reading.prose.outline import Entry

_SHELL = frozenset(
    ("sh", "bash", "shell", "zsh", "console", "shell-session", "shellsession", "terminal", "cmd", "slurm")
)
_CONFIGS = {
    "yaml": ("yaml.parsing", "parse_yaml"),
    "yml": ("yaml.parsing", "parse_yaml"),
    "json": ("json_file", "parse_json"),
    "toml": ("toml_file", "parse_toml"),
    "ini": ("ini.reader", "parse_ini"),
    "cfg": ("ini.reader", "parse_ini"),
    "python": ("python.reader", "parse_python"),
    "py": ("python.reader", "parse_python"),
    "python3": ("python.reader", "parse_python"),
}
_PROMPT = re.compile(r"\s*(?:\([\w.-]+\)\s*)?(?:[\w.@:~/-]*)?[$%]\s+")
_COMMAND = re.compile(
    r"\s*(?:\$\s+)?(?:[A-Z_][A-Z0-9_]*=\S*\s+)*(?:python[\d.]*|torchrun|accelerate|deepspeed|srun|sbatch|bash|sh|mpirun|export)\s"
)
_CONTINUED = re.compile(r"\\\s*$")


@dataclass(slots=True)
class Block:
    """A block's language, and its lines: the text of each, and where it starts."""

    language: str
    lines: list[tuple[str, int]] = field(default_factory=list)

    @property
    def start(self) -> int:
        return self.lines[0][1] if self.lines else 0


@dataclass(slots=True)
class Code:
    """The text of blocks, and the place of each of its characters in the document."""

    text: str
    offsets: list[int]


def is_shell(block: Block) -> bool:
    """Whether a block holds commands: by its language, or where it names none, by its first words."""
    if block.language:
        return block.language in _SHELL
    return any(_COMMAND.match(line) for line, _ in block.lines)


def code_of(block: Block) -> Code:
    """A block's text; of a session, the lines behind its prompt alone."""
    lines = block.lines
    if is_shell(block) and any(_PROMPT.match(line) for line, _ in lines):
        lines = list(_typed(block))
    offsets: list[int] = []
    for line, start in lines:
        offsets += range(start, start + len(line))
        offsets.append(start + len(line))
    return Code("".join(f"{line}\n" for line, _ in lines), offsets)


def _typed(block: Block) -> Any:
    continued = False
    for line, start in block.lines:
        prompt = _PROMPT.match(line)
        if prompt is not None and not continued:
            yield line[prompt.end() :], start + prompt.end()
        elif continued:
            yield line, start
        else:
            continue
        continued = _CONTINUED.search(line) is not None


class Commands:
    """The commands of a document, read as one script."""

    def __init__(self, document: Document, lines: LazyLines):
        self.document = document
        self.lines = lines
        self.parts: list[Code] = []

    def add(self, block: Block) -> None:
        """One more block; one that no shell would take is left out, and the document says so."""
        from framework.reading.shell.reader import parse_shell

        code = code_of(block)
        try:
            parse_shell(code.text, self.document.file)
        except InputError as problem:
            _left_out(self.document, self.lines, block, problem)
        else:
            self.parts.append(code)

    def entries(self) -> list[Entry]:
        """What the commands state, laid out as in a script."""
        from framework.reading.shell.reader import parse_shell

        text = "".join(part.text for part in self.parts)
        offsets = [offset for part in self.parts for offset in part.offsets]
        try:
            script = parse_shell(text, self.document.file)
        except InputError:
            return []
        self.document.absent.update(script.absent)
        return _entries(script, Moved(script, offsets, self.lines))


def config_entries(document: Document, lines: LazyLines, block: Block) -> list[Entry]:
    """What a block with a config states; nothing for another language, or where it is none."""
    found = _CONFIGS.get(block.language)
    if found is None:
        return []
    code = code_of(block)
    try:
        parsed: Document = getattr(import_module(f"framework.reading.{found[0]}"), found[1])(code.text, document.file)
        return _entries(parsed, Moved(parsed, code.offsets, lines))
    except (InputError, RecursionError) as problem:
        _left_out(document, lines, block, problem)
        return []


def _left_out(document: Document, lines: LazyLines, block: Block, problem: Exception) -> None:
    line = lines.at(block.start)[0]
    said = problem.problems[0].message if isinstance(problem, InputError) and problem.problems else str(problem)
    document.absent.setdefault("", f"the block at line {line} could not be read ({said})")


def _entries(parsed: Document, moved: Moved) -> list[Entry]:
    if not isinstance(parsed.root, MappingNode):
        return []
    return [Entry(key.text, *moved.span(key), moved.node(value)) for key, value in parsed.root.pairs().values()]
