"""INI to nodes, as Python's `configparser` (3.13) reads it, and the dialects of it that other programs write.

Sections, `key = value` and `key: value`, comments on lines of their own (`#`, `;`), values that go on in indented
lines. What `configparser` refuses and others use is read, too: keys above the first section (dotenv, ConfigArgParse),
and sections of one name (Darknet's `[convolutional]`), which are numbered `convolutional#2`. `[a.b]` is the section `b`
of `a`. Keys keep their letters; a binding finds what `[DEFAULT]` states in each section that does not state it itself.

A program gets every value as text and converts it. So a number is a number, `yes` a switch, quotes are no part of a
text; what programs do differently is opaque: text behind ` ;` or ` #`, `%(name)s`, a key without a value.
"""

from __future__ import annotations

import re
from pathlib import Path as FilePath

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.marks import LazyLines, SpanMapping, SpanScalar, SpanSequence
from framework.reading.nodes import AnyNode, Document, MappingNode
from framework.reading.repeats import repeated_keys
from framework.reading.scalars import LONGEST_NUMBER, Rules

SUFFIXES = (".ini", ".cfg", ".conf")
READERS = ("ini",)

_SECTION = re.compile(r"[ \t]*\[([^\[\]\n]*)\][ \t]*(?:[#;].*)?$")
_OPTION = re.compile(r"([ \t]*)([^\s=:#;\[][^=:\n]*?)[ \t]*([=:])[ \t]*")
_PART = re.compile(r"[\w@-]+")
_BARE = re.compile(r"[ \t]*([\w.-]+)[ \t]*$")
_ITEM = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LIST = re.compile(rf"[(\[]\s*(?:{_ITEM.pattern}\s*,?\s*)(?:,?\s*{_ITEM.pattern}\s*)*,?\s*[)\]]")
_COMMAS = re.compile(rf"{_ITEM.pattern}(?:\s*,\s*{_ITEM.pattern})+")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")


def read(path: FilePath, shown: str, reader: Rules) -> Document:
    """The format's entry.

    Raises:
        InputError: it cannot be read, or a line of it is no section, option, comment or continuation.
    """
    return parse_ini(read_text(path, shown), shown, reader)


def parse_ini(text: str, shown: str, reader: Rules = "ini") -> Document:
    """As :func:`read`, for text."""
    document = Document(shown, text, None, reader, format="ini")
    root = _Lines(document).tree()
    if root.items:
        document.root = root
        document.duplicates = repeated_keys(root)
        _inherit(document, root)
    return document


class _Lines:
    """Goes through the lines once."""

    def __init__(self, document: Document):
        self.document = document
        self.text = document.text
        self.lines = LazyLines(self.text)
        self.root = SpanMapping(self.lines, 0)
        self.root.stop = len(self.text)
        self.section = self.root
        self.names: dict[str, int] = {}
        self.option: tuple[SpanScalar, int, int, int] | None = None
        """The key that a further line may go on with: its node, its value's place, and its indentation."""

    def tree(self) -> MappingNode:
        start = 0
        for line in self.text.split("\n"):
            content = line.removesuffix("\r")
            self._line(start, content)
            start += len(line) + 1
        self._close()
        return self.root

    def _line(self, start: int, line: str) -> None:
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            return
        indent = len(line) - len(line.lstrip())
        if self.option is not None and indent > self.option[3]:
            key, first, _, margin = self.option
            self.option = (key, first, start + len(line.rstrip()), margin)
            return
        self._close()
        if section := _SECTION.match(line):
            self._open(section[1].strip(), start + section.start(1), start + section.end(1))
        elif option := _OPTION.match(line):
            key = SpanScalar(self.lines, start + option.start(2), start + option.end(2), option[2], True)
            self.option = (key, start + option.end(), start + max(option.end(), len(line.rstrip())), indent)
        elif bare := _BARE.match(line):
            key = SpanScalar(self.lines, start + bare.start(1), start + bare.end(1), bare[1], True)
            self.option = (key, key.stop, key.stop, indent)
        else:
            at = Location(self.document.file, *self.lines.at(start + indent))
            raise InputError.at(
                at,
                f"not INI: {stripped[:40]!r} is no `[section]`, no `key = value` and no comment",
                "if the file is of another format, say how it is read with `reader:` in the binding",
            )

    def _open(self, name: str, start: int, stop: int) -> None:
        self.names[name] = self.names.get(name, 0) + 1
        above, parts = self.root, name.split(".")
        if len(parts) > 1 and all(map(_PART.fullmatch, parts)):
            above = self._above(parts[:-1], start)
            name = parts[-1] if above is not self.root else name
        if self.names[".".join(parts)] > 1:
            name = f"{name}#{self.names['.'.join(parts)]}"
        known = above.get(name)
        if known is not None and isinstance(known[1], SpanMapping):
            self.section = known[1]  # `[a.b]` stood before `[a]`
            return
        if known is not None:
            above, name = self.root, ".".join(parts)
        self.section = SpanMapping(self.lines, start)
        above.add(SpanScalar(self.lines, start, stop, name, True), self.section)

    def _above(self, parts: list[str], start: int) -> SpanMapping:
        """The section that `[a.b]` belongs to, as thinc's and spaCy's configs nest them; the root where an option has
        that name."""
        here = self.root
        for part in parts:
            known = here.get(part)
            if known is None:
                new = SpanMapping(self.lines, start)
                here.add(SpanScalar(self.lines, start, start, part, True), new)
                here = new
            elif isinstance(known[1], SpanMapping):
                here = known[1]
            else:
                return self.root
        return here

    def _close(self) -> None:
        """Put the option that has been read into its section."""
        if self.option is None:
            return
        key, start, stop, _ = self.option
        self.option = None
        self.section.add(key, self._value(start, stop))
        self.section.stop = max(self.section.stop, stop)

    def _value(self, start: int, stop: int) -> AnyNode:
        source = self.text[start:stop]
        text = re.sub(r"\r?\n[ \t]*", "\n", source).strip() if "\n" in source else source
        short = len(text) <= LONGEST_NUMBER and text[-1:] not in ("", "#")
        if short and not _THOUSANDS.fullmatch(text) and (_LIST.fullmatch(text) or _COMMAS.fullmatch(text)):
            made = SpanSequence(self.lines, start)
            made.stop = stop
            made.items = [
                SpanScalar(self.lines, item.start(), item.end(), item[0], True)
                for item in _ITEM.finditer(self.text, start, stop)
            ]
            return made
        return SpanScalar(self.lines, start, stop, text, True)


def _inherit(document: Document, root: MappingNode) -> None:
    """Let each section be asked for what `[DEFAULT]` states for all of them."""
    shared = root.get("DEFAULT")
    if shared is None or not isinstance(shared[1], MappingNode):
        return
    names = [name for name, _ in shared[1].children()]
    pending = [(name, node) for name, node in root.children() if name != "DEFAULT"]
    for section, node in pending:  # grows while it is gone through
        if not isinstance(node, MappingNode):
            continue
        pending += [(f"{section}.{name}", child) for name, child in node.children()]
        for name in names:
            if node.get(name) is None:
                document.shortcuts[f"{section}.{name}".casefold()] = ("DEFAULT", name)
