"""What the arguments of a command state: flags with their values, and `key=value` overrides."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field, replace
from itertools import pairwise

from framework.reading.hydra.override_values import hydra_value
from framework.reading.marks import Lines
from framework.reading.nodes import CommandLine
from framework.reading.scalars import resolve
from framework.reading.shell.evaluated import evaluated
from framework.reading.shell.fields import Chunk, Field
from framework.reading.shell.files.sourced import lines_of, standing
from framework.reading.shell.simple_commands import Command
from framework.reading.tree import AnyNode, ComputedNode, Opaque, ScalarNode, SequenceNode

_FLAG = re.compile(r"(--[A-Za-z][\w.:-]*|-[A-Za-z][\w-]*)(=?)")
_OVERRIDE = re.compile(r"(?:\+\+|\+)?([A-Za-z_][\w./@:-]*)=(?!=)")
_NUMBER = re.compile(r"-(?:\d|\.\d)")
_SCRIPT = re.compile(r"[\w./{}$-]+\.(?:py|sh|bash)")
_CONFIG = re.compile(r"\.(?:ya?ml|json|toml)$")
_HYDRA_SWITCHES = frozenset(("--multirun", "-m", "--resolve", "--run", "-r"))
_FLAGS_INSIDE = re.compile(r"\$\{?\w*(?:ARG|FLAG|OPT|EXTRA|PARAM)|\$\{?[@*]|\[[@*]\]", re.IGNORECASE)
_UTILITIES = frozenset(
    re.findall(
        r"\S+",
        """
        [ [[ : . alias apt apt-get awk basename break cat cd chmod chown command conda continue cp curl cut date df
        dirname docker du echo envsubst eval exit false find git grep gzip head hash hostname huggingface-cli kill let
        ln ls make mkdir mktemp module mv nvcc nvidia-smi pgrep pip pip3 pkill popd printf ps pushd pwd read realpath
        return rm rmdir rsync scancel scontrol sed seq set shift shopt sleep sort source squeue ssh sudo tail tar tee
        test touch tr trap true type ulimit uname uniq unset unzip wait wc wget which xargs yes zip parallel
        """,
    )
)
_WRAPPERS = frozenset(("env", "exec", "nohup", "time", "stdbuf", "setsid", "nice", "ionice", "command", "builtin"))
_INTERPRETER = re.compile(r"(?:.*/)?(?:python[\d.]*|bash|sh|torchrun|accelerate|deepspeed)")


@dataclass(slots=True)
class Stated:
    """A flag or an override: its key's node (whose text is the key), and its value."""

    key: ScalarNode
    node: AnyNode
    before: list[AnyNode] = field(default_factory=list)
    """The values that the same command gives it before, and that give way."""


def arguments_of(command: Command, text: str, lines: Lines, guarded: bool = False) -> tuple[str, list[Stated]] | None:
    """The command's name and what its arguments state; None for the shell's own business. ``guarded`` is whether a
    condition decides that it runs and not another."""
    fields = _program(command)
    if not fields or fields[0].unknown:
        return None
    stated = _Arguments(fields, text, lines, command.conditional, guarded).read()
    return (_name(fields), stated) if stated else None


def program_of(command: Command) -> str:
    """The words before the first argument, and the script that is started: `trl sft`, `torchrun pretrain_gpt.py`."""
    fields = _program(command)
    words: list[str] = []
    for each in fields[:3]:
        if each.text.startswith("-") or _OVERRIDE.match(each.text) or each.unknown:
            break
        words.append(each.text.rpartition("/")[2])
    name = _name(fields)
    return " ".join(words if name in words else [*words, name])


def command_line(command: Command, stated: list[Stated]) -> CommandLine:
    """The command's arguments as one who looks for the files that they name wants them."""
    fields = _program(command)
    program = next((field.start for field in fields if _SCRIPT.fullmatch(field.text)), None)
    words = [(field.text, field.start) for field in fields if not field.unknown]
    launched = re.fullmatch(r"(?:.*/)?(?:torchrun|accelerate|deepspeed|srun)", fields[0].text) is not None
    return CommandLine(words, [(item.key, item.node) for item in stated], program, launched)


def starts_program(command: Command) -> bool:
    """Whether a command starts a program, and is not the shell's own business."""
    return bool(_program(command))


def is_alternative(command: Command, others: list[Command]) -> bool:
    """Whether one of the other commands runs the same program, or is given a flag of the same name."""
    fields = _program(command)
    flags = {each.text.partition("=")[0] for each in fields if each.text.startswith("--") or "=" in each.text}
    for other in others:
        theirs = _program(other) if other is not command else []
        if theirs and (_name(theirs) == _name(fields) or flags & {each.text.partition("=")[0] for each in theirs}):
            return True
    return False


def _program(command: Command) -> list[Field]:
    fields = command.fields
    while fields and fields[0].text in _WRAPPERS:
        fields = fields[1:]
    submitted = next((index for index, each in enumerate(fields) if each.text == "--"), 0)
    if fields and fields[0].text == "ray" and submitted:
        return fields[submitted + 1 :]  # `ray job submit ... -- python ...`
    if (inner := evaluated(fields)) is not None:
        return _program(replace(command, fields=inner))
    return [] if not fields or fields[0].text in _UTILITIES else fields


def _name(fields: list[Field]) -> str:
    """What a reader of the script would call the command: its script, its module, or its program."""
    for each in fields:
        if _SCRIPT.fullmatch(each.text) and not each.unknown:
            return each.text.rpartition("/")[2]
    for flag, module in pairwise(fields):
        if flag.text in ("-m", "--module") and _INTERPRETER.fullmatch(fields[0].text) and not module.unknown:
            return module.text
    return fields[0].text.rpartition("/")[2]


class _Arguments:
    def __init__(self, fields: list[Field], text: str, lines: Lines, conditional: str | None, guarded: bool):
        self.fields = fields
        self.text = text
        self.lines = lines
        self.conditional = conditional
        self.guarded = guarded
        self.script = not any(_SCRIPT.fullmatch(field.text) for field in fields)

    def read(self) -> list[Stated]:
        stated: list[Stated] = []
        index = 1
        interpreter = _INTERPRETER.fullmatch(self.fields[0].text) is not None
        while index < len(self.fields):
            field = self.fields[index]
            index += 1
            head = field.text
            if interpreter and head in ("-c", "-m", "-u", "-O", "-W", "-X"):
                if head == "-c":
                    return stated
                index += head not in ("-u", "-O")
                interpreter = head != "-m"
                self.script = self.script or head == "-m"
                continue
            if _SCRIPT.fullmatch(head):
                self.script, interpreter = True, False
                continue
            flag = _FLAG.match(head) if not _NUMBER.match(head) else None
            if flag is not None and flag.end(1) <= len(head) and (flag[2] or flag.end() == len(head)):
                if flag[2]:
                    node = self._node(field, _after(field.chunks, flag.end()), {field.chunks[0].via})
                elif field.unknown:
                    continue
                else:
                    node, index = self._values(field, index)
                stated.append(Stated(self._key(field, 0, flag.end(1), flag[1]), node))
            elif (override := _OVERRIDE.match(head)) is not None:
                chunks = _after(field.chunks, override.end())
                node = self._override(field, chunks)
                stated.append(Stated(self._key(field, override.start(1), override.end(1), override[1]), node))
        return stated

    def _values(self, flag: Field, index: int) -> tuple[AnyNode, int]:
        """The arguments up to the next flag: none means true, several are a list."""
        values: list[Field] = []
        while index < len(self.fields):
            field = self.fields[index]
            head = field.text
            if (_FLAG.match(head) and not _NUMBER.match(head)) or self._may_be_flags(field):
                break
            override = _OVERRIDE.match(head)
            if override and (values or "." in override[1] or flag.text in _HYDRA_SWITCHES):
                break
            if _SCRIPT.fullmatch(head) and not self.script:
                break
            if values and _CONFIG.search(head) and not _CONFIG.search(values[-1].text):
                break  # the program's own argument
            values.append(field)
            index += 1
        if not values:
            return self._guarded(self._true(flag)), index
        through = {chunk.via for chunk in flag.chunks}
        nodes = [self._node(field, field.chunks, through) for field in values]
        if len(nodes) == 1:
            return nodes[0], index
        first, last = nodes[0], nodes[-1]
        return SequenceNode(first.line, first.column, first.start, last.stop, None, list(nodes)), index

    def _may_be_flags(self, field: Field) -> bool:
        """Whether it may be no argument, or several, and so perhaps not this flag's: `"$@"`, `$EXTRA_ARGS`."""
        source = self.text[field.start : field.stop].strip('"')
        return field.unknown is not None and (
            source in ("$@", "$*", "${@}") or (field.bare and _FLAGS_INSIDE.search(source) is not None)
        )

    def _key(self, field: Field, begin: int, end: int, name: str) -> ScalarNode:
        start, stop = field.start, field.stop
        position = 0
        home = None
        for chunk in field.chunks:
            if begin < position + len(chunk.text) and end <= position + len(chunk.text):
                start, stop, home = chunk.at + begin - position, chunk.at + end - position, chunk.home
                break
            position += len(chunk.text)
        at = lines_of(home, self.lines).node(start, stop)
        return standing(home, ScalarNode(at.line, at.column, start, stop, None, name, True))

    def _true(self, flag: Field) -> AnyNode:
        """What a flag without a value says."""
        chunks = flag.chunks
        if not chunks or any(chunk.home is not chunks[0].home for chunk in chunks):
            return ComputedNode(self.lines.node(flag.start, flag.stop), flag.text, True)
        at = lines_of(chunks[0].home, self.lines).node(chunks[0].start, chunks[-1].stop)
        return standing(chunks[0].home, ComputedNode(at, flag.text, True))

    def _node(self, field: Field, chunks: list[Chunk], through: set[tuple[int, int] | None]) -> AnyNode:
        return self._guarded(field_node(field, chunks, self.text, self.lines, through))

    def _guarded(self, node: AnyNode) -> AnyNode:
        if self.conditional is None or not isinstance(node, ScalarNode):
            return node
        value = node.value if isinstance(node, ComputedNode) else resolve(node.text, "shell")
        if isinstance(value, Opaque):
            value.each = ()
            return node
        if not self.guarded:
            return node
        reason = f"it stands inside `{self.conditional}`"
        return ComputedNode(node, node.text, Opaque(node.text, reason, value, has_default=True), origin=node)

    def _override(self, field: Field, chunks: list[Chunk]) -> AnyNode:
        node = field_node(field, chunks, self.text, self.lines, {field.chunks[0].via})
        if isinstance(node, ScalarNode) and not (isinstance(node, ComputedNode) and isinstance(node.value, Opaque)):
            whole = "".join(chunk.text for chunk in chunks)
            origin = node.origin if isinstance(node, ComputedNode) else None
            literal = not isinstance(node, ComputedNode)
            node = ComputedNode(node, whole, hydra_value(whole), origin=origin, literal=literal)
        return self._guarded(node)


def field_node(
    field: Field, chunks: list[Chunk], text: str, lines: Lines, key: Set[tuple[int, int] | None] = frozenset()
) -> AnyNode:
    """The node for (the rest of) an argument: a plain one where its text stands in one place.

    ``key`` is the way that its flag came: a value that came through the same variable stands where that is set.
    """
    whole = "".join(chunk.text for chunk in chunks)
    if field.unknown is not None:
        at = lines.node(field.start, field.stop)
        default = field.default
        if default is not None:
            default = default[len(field.text) - len(whole) :]
        source = text[field.start : field.stop]
        known = None if default is None else resolve(default, "shell")
        skipped = len(field.text) - len(whole)
        each = tuple(resolve(text[skipped:], "shell") for text in field.each)
        return ComputedNode(at, source, Opaque(source, field.unknown, known, default is not None, each))
    if not chunks:
        at = lines.node(field.stop, field.stop)
        return ScalarNode(at.line, at.column, at.start, at.stop, None, "", True)
    through = {chunk.via for chunk in chunks}
    joined = all(one.stop == other.start and one.home is other.home for one, other in pairwise(chunks))
    if joined and len(through) == 1 and not any(chunk.computed for chunk in chunks):
        home = chunks[0].home
        at = lines_of(home, lines).node(chunks[0].start, chunks[-1].stop)
        node = standing(home, ScalarNode(at.line, at.column, at.start, at.stop, None, whole, True))
        via = chunks[0].via
        if via is None or key == through:
            return node
        use = lines.node(*via)
        return ComputedNode(use, text[via[0] : via[1]], resolve(whole, "shell"), origin=node)
    at = lines.node(field.start, field.stop)
    return ComputedNode(at, text[field.start : field.stop], resolve(whole, "shell"))


def _after(chunks: list[Chunk], length: int) -> list[Chunk]:
    """The chunks without the first characters of their text."""
    rest: list[Chunk] = []
    for chunk in chunks:
        size = len(chunk.text)
        if length >= size and (size or length):
            length -= size
            continue
        rest.append(chunk.cut(length) if length else chunk)
        length = 0
    return rest
