"""Shell scripts to nodes: assignments, and the flags and overrides of the commands that they start.

Keys are `LR` for `LR=3e-4`, `--learning_rate` and `-b` for flags, `optimizer.lr` for Hydra's `optimizer.lr=3e-4`, and
`SBATCH.--nodes` for Slurm's directives. What two commands of a file state stands below the command's name:
`train.py.--lr`, and `train.py#2.--lr` for its second start. Nothing is run: what only running could tell is opaque.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from framework.names import Path, format_path
from framework.reading.decoding import read_text
from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Node, Opaque, ScalarNode
from framework.reading.scalars import Rules
from framework.reading.shell.arguments import Stated, arguments_of, command_line, field_node, program_of, starts_program
from framework.reading.shell.repeated_flags import once
from framework.reading.shell.simple_commands import Assignment, commands
from framework.reading.shell.words import Lexer

SUFFIXES = (".sh", ".bash", ".slurm", ".sbatch")
READERS = ("shell",)

_EXPANDED = re.compile(r"\$(?:\{[!#]?)?([A-Za-z_]\w*)", re.ASCII)
_ALL_EXPORTED = re.compile(r"\bset\s+-\w*a|\ballexport\b|\beval\b|\benvsubst\b|(?m:^\s*(?:source|\.)\s)")
"""What may hand any variable on: to programs, or to scripts that are sourced."""
_DIRECTIVE = re.compile(r"^#SBATCH[ \t]+(--?[\w-]+)(?:[ \t]*=[ \t]*|[ \t]+)?([^\s#]+)?", re.MULTILINE)


def read(path: FilePath, shown: str, reader: Rules) -> Document:
    """The format's entry.

    Raises:
        InputError: it cannot be read, or a quote or bracket is not closed.
    """
    return parse_shell(read_text(path, shown), shown, reader)


def parse_shell(text: str, shown: str, reader: Rules = "shell") -> Document:
    """As :func:`read`, for text."""
    document = Document(shown, text, None, reader, format="shell")
    lexer = Lexer(text, shown)
    script = _Script(document, lexer.lines)
    names: dict[str, int] = {}
    programs = False
    for command in commands(lexer.tokens(), shown):
        for assignment in command.assignments:
            script.assignment(assignment)
        programs = programs or starts_program(command)
        found = arguments_of(command, text, lexer.lines) if command.fields else None
        if found is None and starts_program(command):
            document.commands.append(command_line(command, []))
        if found is not None:
            name, stated = found
            document.programs.append(program_of(command))
            line = command_line(command, stated)
            stated = once(document, stated, line)
            document.commands.append(line._replace(stated=[(item.key, item.node) for item in stated]))
            names[name] = names.get(name, 0) + 1
            script.command(name if names[name] == 1 else f"{name}#{names[name]}", stated)
    if programs:
        script.leave_unread()
    script.directives()
    document.variables = frozenset(script.assigned)
    document.root = script.tree()
    return document


class _Script:
    """Gathers what a script states, and decides under which key each of it stands."""

    def __init__(self, document: Document, lines: Lines):
        self.document = document
        self.lines = lines
        self.assigned: dict[str, list[tuple[ScalarNode, AnyNode]]] = {}
        self.commands: list[tuple[str, list[Stated]]] = []
        self.below: dict[str, MappingNode] = {}
        self.exported: set[str] = set()

    def assignment(self, assignment: Assignment) -> None:
        field = assignment.value
        if assignment.exported:
            self.exported.add(assignment.name)
        if field is None or field.text.lstrip().startswith("-"):
            return  # an array, or flags: they count where they are used
        at = self.lines.node(assignment.word.start, assignment.word.start + len(assignment.name))
        key = ScalarNode(at.line, at.column, at.start, at.stop, None, assignment.name, True)
        node = field_node(field, field.chunks, self.document.text, self.lines)
        if not assignment.certain:
            node = _uncertain(self.document, node, "it is set where that may not happen")
        self.assigned.setdefault(assignment.name, []).append((key, node))

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

    def directives(self) -> None:
        """`#SBATCH` lines: comments to the shell, arguments to Slurm."""
        stated: list[tuple[ScalarNode, AnyNode]] = []
        for match in _DIRECTIVE.finditer(self.document.text):
            key = self._scalar(match.start(1), match.end(1), match[1])
            if match[2] is None:
                stated.append((key, ComputedNode(key, match[1], True)))
            else:
                stated.append((key, self._scalar(match.start(2), match.end(2), match[2])))
        if stated:
            mapping = self._mapping("SBATCH", stated[0][0])
            for key, node in stated:
                self._put(mapping, ("SBATCH",), key, node)

    def tree(self) -> MappingNode | None:
        counts: dict[str, list[str]] = {}
        for name, stated in self.commands:
            for key in dict.fromkeys(item.key.text for item in stated):
                counts.setdefault(key, []).append(name)
        root = MappingNode(1, 1, 0, len(self.document.text))
        entries: list[tuple[ScalarNode, AnyNode]] = []
        for name, pairs in self.assigned.items():
            entries.append((pairs[-1][0], self._settled(name, pairs)))
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

    def _settled(self, name: str, pairs: list[tuple[ScalarNode, AnyNode]]) -> AnyNode:
        """The one value of a variable, or an opaque one if it is set to several."""
        node = pairs[-1][1]
        values = [self.document.value(other) for _, other in pairs]
        if all(type(value) is type(values[0]) and value == values[0] for value in values[1:]):
            return node
        times = f"it is set {len(pairs)} times: bind the flag that uses it"
        return ComputedNode(node, _text(node), Opaque(name, times))

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

    def _scalar(self, start: int, stop: int, text: str) -> ScalarNode:
        at = self.lines.node(start, stop)
        return ScalarNode(at.line, at.column, start, stop, None, text, True)


def _uncertain(document: Document, node: AnyNode, reason: str) -> ComputedNode:
    value: Any = document.value(node)
    if isinstance(value, Opaque):
        return ComputedNode(node, _text(node), value)
    return ComputedNode(node, _text(node), Opaque(_text(node), reason, value, has_default=True), origin=node)


def _text(node: AnyNode) -> str:
    return node.text if isinstance(node, ScalarNode) else "a list"
