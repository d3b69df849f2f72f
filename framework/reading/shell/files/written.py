"""Config files that a script writes: `cat > config.yaml <<EOF`, `tee config.yaml <<EOF`."""

from __future__ import annotations

import posixpath
import re
from importlib import import_module
from typing import NamedTuple

from framework.errors import InputError
from framework.reading.marks import LazyLines
from framework.reading.moved import Moved
from framework.reading.nodes import ComputedNode, Document, MappingNode, Opaque, SequenceNode
from framework.reading.shell.files.heredocs import word_of
from framework.reading.shell.tokens import Word
from framework.reading.shell.variables import Variables
from framework.reading.tree import AnyNode

_PARSERS = {
    ".yaml": ("yaml.parsing", "parse_yaml"),
    ".yml": ("yaml.parsing", "parse_yaml"),
    ".json": ("json_file", "parse_json"),
    ".toml": ("toml_file", "parse_toml"),
}
_UNKNOWN = "\ue000{}\ue001"
"""What stands in the text for a variable that is not known: characters of nobody's."""
_PLACEHOLDER = re.compile("\ue000(\\d+)\ue001")


class Written(NamedTuple):
    """A file that a script writes: its name, whether it holds this and nothing else, its text, the place of each
    character of it in the script, and why what stands at each placeholder is not known."""

    name: str
    whole: bool
    text: str
    offsets: list[int]
    unknown: list[str]


def written(words: list[Word], text: str, shown: str, variables: Variables, certain: bool) -> Written | None:
    """The config file that a command writes, ``certain`` is whether it does in any run; None for any other command."""
    program = words[0].literal if words else None
    heredoc = words[-1].heredoc if words else None
    if heredoc is None or not heredoc.stop or program not in ("cat", "tee"):
        return None
    target, whole = words[-1].output, certain and not words[-1].appends
    if program == "tee":
        named = [word for word in words[1:] if word.literal not in ("-a", "--append")]
        target, whole = named[0] if len(named) == 1 else None, certain and len(named) == len(words) - 1
    name = None if target is None else target.literal
    if name is None or (program == "cat" and len(words) > 1) or posixpath.splitext(name)[1].lower() not in _PARSERS:
        return None
    spelled: list[str] = []
    offsets: list[int] = []
    unknown: list[str] = []
    for piece in word_of(text, shown, heredoc).pieces:
        fields = variables.expand(Word(piece.start, piece.stop, [piece]))
        field = fields[0] if len(fields) == 1 else None
        if piece.kind == "text":
            spelled.append(piece.text)
            offsets += range(piece.inner, piece.inner + len(piece.text))
            continue
        known = field is not None and not field.unknown and len(fields) == 1
        said = field.text if field is not None and known else _UNKNOWN.format(len(unknown))
        if not known:
            unknown.append((field.unknown if field is not None else None) or "it is several values, or none")
        spelled.append(said)
        offsets += [piece.start] * len(said)
    return Written(posixpath.basename(name), whole, "".join(spelled), offsets, unknown)


def parsed(file: Written, document: Document) -> MappingNode | None:
    """What the file states, each value at its place in the script; None where it is no such file."""
    module, function = _PARSERS[posixpath.splitext(file.name)[1].lower()]
    try:
        inner: Document = getattr(import_module(f"framework.reading.{module}"), function)(file.text, file.name)
    except (InputError, RecursionError):
        return None
    if not isinstance(inner.root, MappingNode) or inner.several:
        return None
    moved = Moved(inner, file.offsets, LazyLines(document.text)).node(inner.root)
    assert isinstance(moved, MappingNode)
    _leave_open(moved, file.unknown)
    return moved


def _leave_open(node: AnyNode, unknown: list[str]) -> None:
    """Values are of the script's text, and no repair of it: variables and quotes are the shell's."""
    if isinstance(node, MappingNode):
        for _, value in node.items:
            _leave_open(value, unknown)
    elif isinstance(node, SequenceNode):
        for value in node.items:
            _leave_open(value, unknown)
    elif isinstance(node, ComputedNode):
        node.literal = False
        found = _PLACEHOLDER.search(node.text)
        if found is not None:
            node.value = Opaque(_PLACEHOLDER.sub("...", node.text), unknown[int(found[1])])
