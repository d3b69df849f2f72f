"""Hydra's defaults lists: which config files a primary one is made of, in which order, and where each one goes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from framework.errors import InputError
from framework.locations import Location
from framework.reading.nodes import AnyNode, Document, MappingNode, ScalarNode, SequenceNode

MOST_FILES = 200
DEEPEST = 20

_HEADER = re.compile(r"\A\s*#\s*@package[ ]+(\S+)")
_ENTRY = re.compile(r"(?:(?P<override>override) |(?P<optional>optional) )*\s*(?P<path>[^\s@:]+)(?:@(?P<package>\S+))?")


@dataclass(frozen=True)
class Entry:
    """One line of a defaults list."""

    path: str
    options: tuple[str, ...] | None
    """The chosen configs of a group; None where the entry names a config itself."""
    package: str | None = None
    override: bool = False
    optional: bool = False
    unknown: bool = False
    node: AnyNode | None = None
    """Where it stands."""


@dataclass(frozen=True)
class Part:
    """One config in the order of merging: its file (None if it is missing), its document, and where it goes."""

    name: str
    document: Document | None
    package: str
    missing: AnyNode | None = None
    """Where the file is named that is not there."""


def is_defaults_list(document: Document, path: FilePath) -> bool:
    """Whether the list `defaults` is Hydra's: by its shape, and by a file or a word that only Hydra means."""
    assert isinstance(document.root, MappingNode)
    pair = document.root.get("defaults")
    if pair is None or not isinstance(pair[1], SequenceNode):
        return False
    entries = [_entry(item) for item in pair[1].items]
    if any(entry is None for entry in entries):
        return False
    if document.rules == "omegaconf":
        return True
    for entry in entries:
        assert entry is not None
        if entry.path == "_self_" or os.path.isdir(path.parent / entry.path.lstrip("/")):
            return True
        if entry.options is None and os.path.isfile(_file(path.parent, entry.path)):
            return True
    return False


def _entry(node: AnyNode) -> Entry | None:
    if isinstance(node, ScalarNode):
        match = _ENTRY.fullmatch(node.text)
        unknown = "${" in node.text
        if match is None:
            return Entry(node.text, None, unknown=True) if unknown else None
        return Entry(
            match["path"], None, match["package"], bool(match["override"]), bool(match["optional"]), unknown, node
        )
    if not isinstance(node, MappingNode) or len(node.items) != 1:
        return None
    key, value = node.items[0]
    match = _ENTRY.fullmatch(key.text)
    if match is None:
        return None
    texts: list[str] = []
    for option in value.items if isinstance(value, SequenceNode) else [value]:
        if not isinstance(option, ScalarNode):
            return None
        if not (option.plain and option.text in ("", "~", "null")):
            texts.append(option.text)
    unknown = any("${" in text for text in texts) or "${" in key.text or "???" in texts
    return Entry(
        match["path"], tuple(texts), match["package"], bool(match["override"]), bool(match["optional"]), unknown, value
    )


def _file(root: FilePath, name: str) -> FilePath:
    name = name.strip("/")
    return root / (name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")


class Composition:
    """The configs that a primary one leads to, in the order in which they are merged."""

    def __init__(self, primary: Document, root: FilePath):
        self.primary = primary
        self.root = root
        self.looked_at: list[FilePath] = []
        self._documents: dict[FilePath, Document | None] = {}
        self._overrides: dict[str, Entry] = {}
        self.homes: dict[int, Document] = {}
        """By `id` of an entry's node, the document that it stands in."""

    def parts(self, primary: Document) -> list[Part]:
        # A config that an override brings in may itself override: until nothing changes.
        for _ in range(DEEPEST):
            before = dict(self._overrides)
            parts = list(self._expand(primary, primary.file, "", "", 0))
            if self._overrides == before:
                return parts
        raise (
            InputError.at(primary.location(primary.root), "its overrides change each other")
            if primary.root
            else (InputError.at(None, "overrides without an end"))
        )

    def _expand(self, document: Document, name: str, group: str, package: str, depth: int) -> Iterator[Part]:
        """A config's own part among those of its defaults list."""
        assert document.root is not None
        if depth > DEEPEST:
            raise InputError.at(document.location(document.root), "its defaults lists lead in a circle")
        pair = document.root.get("defaults") if isinstance(document.root, MappingNode) else None
        entries = [_entry(item) for item in pair[1].items] if pair and isinstance(pair[1], SequenceNode) else []
        itself = Part(name, document, package)
        placed = False
        for entry in entries:
            if entry is not None and entry.node is not None:
                self.homes[id(entry.node)] = document
            if entry is None:
                yield Part("an entry of its defaults list", None, package)
            elif entry.path == "_self_":
                placed = True
                yield itself
            else:
                yield from self._follow(entry, group, package, depth)
        if not placed:
            yield itself

    def _follow(self, entry: Entry, group: str, package: str, depth: int) -> Iterator[Part]:
        absolute = entry.path.startswith("/")
        path = entry.path.strip("/")
        full = path if absolute or not group else f"{group}/{path}"
        if full.split("/")[0] == "hydra":
            return
        identity = f"{full}@{entry.package}" if entry.package else full
        if entry.override:
            self._overrides[identity] = entry
            return
        chosen = self._overrides.get(identity, entry)
        if chosen.unknown:
            yield Part(f"the choice of {path}", None, package)
            return
        if entry.options is None:
            parent, _, _ = full.rpartition("/")
            own, _, _ = path.rpartition("/")
            yield from self._config(full, parent, own, entry, package, depth)
            return
        for option in chosen.options or ():
            parent, _, _ = f"{full}/{option}".rpartition("/")
            yield from self._config(f"{full}/{option}", parent, path, replace(entry, node=chosen.node), package, depth)

    def _config(self, name: str, group: str, own: str, entry: Entry, package: str, depth: int) -> Iterator[Part]:
        document = self._read(_file(self.root, name))
        if document is None:
            if not entry.optional:
                yield Part(f"{name}.yaml", None, package, entry.node)
            return
        if document.root is None:
            return
        header = _HEADER.match(document.text)
        wanted = entry.package if entry.package is not None else header[1] if header else None
        default = own.replace("/", ".")
        absolute = entry.package is None and header is not None
        if wanted is None:
            wanted = default
        else:
            wanted = wanted.replace("_group_", group.replace("/", ".") if absolute else default)
            wanted = wanted.replace("_name_", name.rpartition("/")[2])
        if wanted == "_global_" or wanted.startswith("_global_."):
            place = wanted.removeprefix("_global_").lstrip(".")
        elif wanted == "_here_" or absolute:
            place = package if wanted == "_here_" else wanted
        else:
            place = ".".join(part for part in (package, wanted) if part)
        yield from self._expand(document, document.file, group, place, depth + 1)

    def _read(self, path: FilePath) -> Document | None:
        from framework.reading.yaml.parsing import read_yaml

        if path in self._documents:
            return self._documents[path]
        if len(self._documents) >= MOST_FILES:
            raise InputError.at(Location(self.primary.file, 1, 1), f"composed of more than {MOST_FILES} files")
        self.looked_at.append(path)
        inside = path.resolve().is_relative_to(self.root.resolve())
        shown = (FilePath(self.primary.file).parent / path.relative_to(self.root)).as_posix() if inside else str(path)
        found = read_yaml(path, shown, self.primary.rules) if inside and os.path.isfile(path) else None
        self._documents[path] = found
        return found
