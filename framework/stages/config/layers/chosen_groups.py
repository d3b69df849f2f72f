"""Groups of a Hydra config that only a command line chooses: `optimizer=sgd`, `+experiment=e` (Hydra 1.3).

What such a choice states goes before what is composed without it, and what it replaces is gone: those values are not
known from the bound file. A choice is one where the folder of the bound config has a file of its name.
"""

from __future__ import annotations

import os
import re

from framework.errors import InputError
from framework.names import Path
from framework.reading.formats import read
from framework.reading.hydra.sweeps import copied
from framework.reading.nodes import ComputedNode, Document, MappingNode, Opaque, ScalarNode
from framework.stages.config.bound import BoundFile
from framework.stages.config.layers.command_words import further_folders

_HEADER = re.compile(r"\A\s*#\s*@package[ ]+(\S+)")


def choices(bound: BoundFile, script: BoundFile, root: str) -> list[tuple[str, str, str]]:
    """Of a script's overrides those that choose a file beside the bound one, or in a folder that the command adds:
    group, its file, and the place."""
    folder = os.path.dirname(os.path.join(bound.pattern.here, bound.file))
    found: list[tuple[str, str, str]] = []
    for command in script.document.commands:
        folders = (folder, *further_folders(command, script, root))
        for key, node in command.stated:
            value = script.document.value(node)
            group = key.text
            if (
                group.startswith("-")
                or "." in group
                or not isinstance(value, str)
                or not re.fullmatch(r"[\w/-]+", value)
            ):
                continue
            paths = (os.path.join(each, group, f"{value}.yaml") for each in folders)
            if (path := next(filter(os.path.isfile, paths), None)) is not None:
                found.append((group, path, script.document.place(node)))
    return found


def chosen_over(bound: BoundFile, document: Document) -> Document:
    """The document with what commands choose otherwise left open."""
    composed = {os.path.abspath(path) for path, _ in document.composed}
    doubts = dict(bound.doubts)
    for group, path, place in bound.chosen:
        if os.path.abspath(path) in composed:
            continue  # the choice that is made without the command, too
        reason = f"the command at {place} composes it with {group}/{os.path.basename(path)}"
        try:
            chosen = read(path, path, "omegaconf")
        except InputError:
            continue
        header = _HEADER.match(chosen.text)
        base: Path = () if header and header[1] == "_global_" else tuple(group.split("/"))
        doubts.update({(*base, *leaf): reason for leaf in chosen.shape()})
        if isinstance(document.node(tuple(group.split("/"))), MappingNode):
            doubts[tuple(group.split("/"))] = reason
    if not doubts or not isinstance(document.root, MappingNode):
        return document
    root = copied(document.root)
    assert isinstance(root, MappingNode)
    result = document.over(root)
    _leave_open(result, root, (), doubts, doubts.get(()))
    return result


def _leave_open(
    result: Document, mapping: MappingNode, base: Path, doubts: dict[Path, str], inherited: str | None
) -> None:
    for index, (key, value) in enumerate(mapping.items):
        path = (*base, key.text)
        reason = inherited or doubts.get(path)
        if isinstance(value, MappingNode):
            _leave_open(result, value, path, doubts, reason)
        elif reason is not None:
            text = value.text if isinstance(value, ScalarNode) else "a list"
            unknown = ComputedNode(value, text, Opaque(text, reason), origin=value)
            if (home := result.home(value)) is not result:
                result.homes[id(unknown)] = home
                result.kept.append(unknown)
            mapping.items[index] = (key, unknown)
    mapping._pairs = None
