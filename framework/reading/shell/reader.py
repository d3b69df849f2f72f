"""Shell scripts to nodes: assignments, and the flags and overrides of the commands that they start.

Keys are `LR` for `LR=3e-4`, `--learning_rate` and `-b` for flags, `optimizer.lr` for Hydra's `optimizer.lr=3e-4`, and
`SBATCH.--nodes` for Slurm's directives. What two commands of a file state stands below the command's name:
`train.py.--lr`, and `train.py#2.--lr` for its second start. Nothing is run: what only running could tell is opaque.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from framework.names import Path, format_path
from framework.reading.decoding import read_text
from framework.reading.layers.merging import settle
from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Node, Opaque, ScalarNode
from framework.reading.scalars import Rules
from framework.reading.shell.arguments import (
    Stated,
    arguments_of,
    command_line,
    field_node,
    is_alternative,
    program_of,
    starts_program,
)
from framework.reading.shell.branches import MAY_NOT
from framework.reading.shell.files.sourced import Sources
from framework.reading.shell.files.written import Written, parsed
from framework.reading.shell.repeated_flags import once
from framework.reading.shell.simple_commands import Assignment, commands
from framework.reading.shell.slurm import directives, environment
from framework.reading.shell.variables import Variables
from framework.reading.shell.words import Lexer

SUFFIXES = (".sh", ".bash", ".slurm", ".sbatch")
READERS = ("shell",)

_EXPANDED = re.compile(r"\$(?:\{[!#]?)?([A-Za-z_]\w*)", re.ASCII)
_ASSIGNED = re.compile(r"(?m:^|[\s;])([A-Za-z_]\w*)\+?=", re.ASCII)
_ALL_EXPORTED = re.compile(r"\bset\s+-\w*a|\ballexport\b|\beval\b|\benvsubst\b|(?m:^\s*(?:source|\.)\s)")
"""What may hand any variable on: to programs, or to scripts that are sourced."""
_ARGUMENTS = re.compile(r"(?:^|\s)--?[A-Za-z]")


def read(path: FilePath, shown: str, reader: Rules) -> Document:
    """The format's entry.

    Raises:
        InputError: it cannot be read, or a quote or bracket is not closed.
    """
    return parse_shell(read_text(path, shown), shown, reader, path)


def parse_shell(text: str, shown: str, reader: Rules = "shell", path: FilePath | None = None) -> Document:
    """As :func:`read`, for text; the scripts that it takes in are looked for beside ``path``."""
    document = Document(shown, text, None, reader, format="shell")
    lexer = Lexer(text, shown)
    script = _Script(document, lexer.lines)
    names: dict[str, int] = {}
    sources = Sources(path)
    found, variables = commands(lexer, environment(text), sources)
    starting = [command for command in found if starts_program(command)]
    stating = [each for each in starting if arguments_of(each, text, lexer.lines) is not None]
    for command in found:
        for assignment in command.assignments:
            script.assignment(assignment)
    for command in starting:
        guarded = command.conditional is not None and is_alternative(command, stating)
        arguments = arguments_of(command, text, lexer.lines, guarded)
        line = command_line(command, arguments[1] if arguments is not None else [])
        if arguments is not None:
            name, stated = arguments
            document.programs.append(program_of(command))
            stated = once(document, stated, line)
            line = line._replace(stated=[(item.key, item.node) for item in stated])
            names[name] = names.get(name, 0) + 1
            script.command(name if names[name] == 1 else f"{name}#{names[name]}", stated)
        document.commands.append(line)
    script.files([command.written for command in found if command.written is not None], document)
    if starting:
        script.leave_unread()
    script.directives()
    document.variables = frozenset(script.assigned)
    document.root = script.tree(variables)
    for home in sources.homes:
        settle(document, home.document, *home.nodes)
        document.composed.append((home.path, (0, 0)))
    return document


class _Given(NamedTuple):
    """One assignment of a variable, and whether every run makes it."""

    key: ScalarNode
    node: AnyNode
    certain: bool


class _Script:
    """Gathers what a script states, and decides under which key each of it stands."""

    def __init__(self, document: Document, lines: Lines):
        self.document = document
        self.lines = lines
        self.assigned: dict[str, list[_Given]] = {}
        self.commands: list[tuple[str, list[Stated]]] = []
        self.below: dict[str, MappingNode] = {}
        self.exported: set[str] = set()
        self.named = set(_EXPANDED.findall(document.text)) | set(_ASSIGNED.findall(document.text))
        """The variables that the script itself names, so that what another script gives them is told here, too."""

    def assignment(self, assignment: Assignment) -> None:
        field = assignment.value
        if assignment.exported:
            self.exported.add(assignment.name)
        if field is None or _ARGUMENTS.search(field.text):
            return  # an array, flags, or a command: they count where they are used
        home = assignment.home
        if home is not None and assignment.name not in self.named:
            return
        text, lines = (self.document.text, self.lines) if home is None else (home.lexer.text, home.lexer.lines)
        at = lines.node(assignment.word.start, assignment.word.start + len(assignment.name))
        key = ScalarNode(at.line, at.column, at.start, at.stop, None, assignment.name, True)
        node = field_node(field, field.chunks, text, lines)
        if home is not None:
            settle(self.document, home.document, key, node)
        self.assigned.setdefault(assignment.name, []).append(_Given(key, node, assignment.certain))

    def command(self, name: str, stated: list[Stated]) -> None:
        self.commands.append((name, stated))

    def leave_unread(self) -> None:
        """Leave out the variables that no program gets: neither exported, nor expanded anywhere in the script."""
        text = self.document.text
        if _ALL_EXPORTED.search(text):
            return
        for name in self.assigned.keys() - self.exported - set(_EXPANDED.findall(text)):
            handed_on = rf"\b(?:export|read|(?:declare|typeset)\s+-\w*x\w*)\b[^\n]*\b{name}\b"
            if not re.search(rf"{handed_on}|\(\([^\n]*\b{name}\b", text):
                del self.assigned[name]
                self.document.absent[name] = "the script sets it, and no command of it uses it"

    def files(self, files: list[Written], document: Document) -> None:
        """What the config files state that the script writes, each below its name; one that is written in parts, or
        perhaps not, states nothing."""
        names = [file.name for file in files]
        for file in files:
            alone = file.whole and names.count(file.name) == 1 and file.name not in self.below
            if alone and (mapping := parsed(file, document)) is not None:
                self.below[file.name] = mapping

    def directives(self) -> None:
        """What `#SBATCH` lines state."""
        for key, node in directives(self.document.text, self.lines):
            self._put(self._mapping("SBATCH", key), ("SBATCH",), key, node)

    def tree(self, variables: Variables) -> MappingNode | None:
        counts: dict[str, list[str]] = {}
        for name, stated in self.commands:
            for key in dict.fromkeys(item.key.text for item in stated):
                counts.setdefault(key, []).append(name)
        root = MappingNode(1, 1, 0, len(self.document.text))
        entries: list[tuple[ScalarNode, AnyNode]] = []
        for name, given in self.assigned.items():
            entries.append((given[-1].key, self._settled(name, given, variables)))
        for name, stated in self.commands:
            for item in stated:
                key = item.key.text
                if len(counts[key]) == 1 and key not in self.assigned:
                    self._put(root, (), item.key, item.node, item.before)
                    continue
                self._put(self._mapping(name, item.key), (name,), item.key, item.node, item.before)
                if len(counts[key]) > 1 and key not in self.document.absent:
                    spelled = ", ".join(format_path((other, key)) for other in counts[key])
                    self.document.absent[key] = f"{len(counts[key])} commands state it: name one of {spelled}"
        entries += root.items
        for name, mapping in self.below.items():
            first = mapping.items[0][0]
            entries.append((ScalarNode(first.line, first.column, first.start, first.start, None, name, True), mapping))
        root.items = sorted(entries, key=lambda pair: pair[0].start)
        root._pairs = None
        return root if root.items else None

    def _settled(self, name: str, given: list[_Given], variables: Variables) -> AnyNode:
        """The one value of a variable, or an opaque one if it is set to several, or perhaps not."""
        node = given[-1].node
        values = [self.document.value(each.node) for each in given]
        if any(type(value) is not type(values[0]) or value != values[0] for value in values[1:]):
            times = f"it is set {len(given)} times: bind the flag that uses it"
            return self._instead(node, ComputedNode(node, _text(node), Opaque(name, times)))
        if all(each.certain for each in given):
            return node
        if any(each.certain for each in given) or variables.certain(name) is not None:
            return self._instead(node, ComputedNode(node, _text(node), values[0]))
        return self._instead(node, _uncertain(self.document, node, MAY_NOT))

    def _instead(self, node: AnyNode, other: ComputedNode) -> AnyNode:
        """Another node at the same place, in the same file."""
        settle(self.document, self.document.home(node), other)
        return other

    def _mapping(self, name: str, at: Node) -> MappingNode:
        if name not in self.below:
            self.below[name] = MappingNode(at.line, at.column, at.start, at.stop)
        return self.below[name]

    def _put(
        self, target: MappingNode, path: Path, key: ScalarNode, node: AnyNode, before: Sequence[AnyNode] = ()
    ) -> None:
        """One more key; a directive that is there already counts the last time. ``before`` is what gives way to it."""
        if before:
            self.document.overruled[(*path, key.text)] = list(before)
        for index, (known, _) in enumerate(target.items):
            if known.text == key.text:
                target.items[index] = (key, node)
                return
        target.items.append((key, node))
        target.stop = max(target.stop, node.stop)


def _uncertain(document: Document, node: AnyNode, reason: str) -> ComputedNode:
    value: Any = document.value(node)
    if isinstance(value, Opaque):
        return ComputedNode(node, _text(node), value)
    return ComputedNode(node, _text(node), Opaque(_text(node), reason, value, has_default=True), origin=node)


def _text(node: AnyNode) -> str:
    return node.text if isinstance(node, ScalarNode) else "a list"
