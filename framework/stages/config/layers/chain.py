"""Where a key of a config file gets its value: every place that states it, in the order in which they give way.

What stands later in a chain goes before what stands earlier: a trainer's default, the file (or the variable or base
that it takes the value from), a companion that decides for it, the command lines that start a program with the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from framework.conformance.meaning import said
from framework.conformance.waivers import Judge
from framework.errors import InputError, UsageError
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.names import Path, did_you_mean, find_path, format_path
from framework.reading.nodes import AnyNode, ComputedNode, Document
from framework.reading.tree import Opaque
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.layers.companion_files import companions
from framework.stages.config.layers.named_files import given, lay_over
from framework.stages.config.meaning.clause_targets import Target
from framework.stages.config.verdicts import bound_files


class Layer(NamedTuple):
    """One place that states the value. ``text`` is the value as people read it, ``value`` as data where it is known."""

    kind: str
    text: str
    value: Any
    place: str
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        return self._asdict()


class Chain(NamedTuple):
    """The layers of a key, the last of which counts, and the clause that it states; None where it states none."""

    file: str
    key: str
    layers: list[Layer]
    clause: Clause | None
    meaning: str = ""
    """What the value means, where a dialect had to translate it, or why it settles nothing."""


def chains(experiment: Experiment, file: str, key: str) -> list[Chain]:
    """The chain of a key under each binding of a file, or of those that are laid over it.

    Raises:
        UsageError: no binding matches the file, or nothing states the key.
        InputError: a binding or a file cannot be read.
    """
    files, bindings, problems = bound_files(experiment)
    if problems:
        raise InputError([problem for _, problem in problems])
    lay_over(files, str(experiment.root))
    context = ConfigContext(experiment, Judge(experiment), files, bindings)
    wanted = os.path.abspath(file)
    own = [each for each in files if os.path.abspath(os.path.join(each.pattern.here, each.file)) == wanted]
    own = own or [each for each in files if wanted in {os.path.abspath(path) for path, _ in each.document.composed}]
    if not own:
        raise UsageError(f"no binding matches {file!r}: {did_you_mean(file, {each.file for each in files})}")
    found = [chain for bound in own if (chain := _of(context, bound, key)).layers]
    if not found:
        known = [format_path(path) for path in own[0].document.shape()]
        raise UsageError(f"nothing states {key!r} in {file}: {did_you_mean(key, known)}")
    return found


def _of(context: ConfigContext, bound: BoundFile, key: str) -> Chain:
    path = _path(bound, key)
    name = format_path(path) if path else key
    target = bound.targets.get(name) or bound.targets.get(key)
    if target is None and path is not None:
        target = _handed_on(bound, path)
    assumed = _default(bound, key)
    layers = [*assumed, *(_in_file(bound.alone, path) if path else ())]
    if target is None and assumed and bound.dialect is not None:
        target = next(each.target for each in bound.dialect.assumed if _is_named(each.default.key, key))
    if target is not None:
        layers += _beside(context, bound, target)
    layers += _commanded(bound, path, key)
    meant = target.translation if target is not None else None
    meaning = "" if meant is None else meant.reason or f"which means {said(meant.value)}"
    return Chain(bound.file, name, layers, target.clause if target else None, meaning)


def _handed_on(bound: BoundFile, path: Path) -> Target | None:
    """What another key states that has its value from the same place: a program's call, a flag's default."""
    document, node = bound.document, bound.document.node(path)
    if not isinstance(node, ComputedNode) or (node.origin is None and path not in document.replaced):
        return None
    source = document.origin(node)
    place = (document.home(source).file, source.start)
    for other, leaf in document.leaves():
        stated = document.origin(leaf)
        if (document.home(stated).file, stated.start) == place and (target := bound.targets.get(format_path(other))):
            return target
    return None


def _path(bound: BoundFile, key: str) -> Path | None:
    """The key's place; of a script also without the dashes of its flag, which a command line would take for its own."""
    for name in (key, f"--{key}", f"--{key.replace('_', '-')}"):
        found = find_path(bound.data, name)
        if found and bound.document.walk(found) is not None:
            return found
    return None


def _default(bound: BoundFile, key: str) -> list[Layer]:
    """What the trainer does where the file has no such key."""
    if bound.dialect is None:
        return []
    found = (each.default for each in bound.dialect.assumed if _is_named(each.default.key, key))
    return [
        Layer("default", _text(default.value), _data(default.value), bound.dialect.trainer, f"{bound.file} has none")
        for default in found
    ][:1]


def _is_named(known: str, key: str) -> bool:
    return known.lstrip("-").replace("-", "_") == key.lstrip("-").replace("-", "_")


def _in_file(document: Document, path: Path) -> Iterator[Layer]:
    walked = document.walk(path)
    assert walked is not None
    node = walked[1]
    for earlier in document.overruled.get(path, ()):
        in_script = document.format == "shell"
        kind = "file" if in_script or document.home(earlier) is document else "base file"
        yield _layer(kind, document, earlier, "the same command gives it again" if in_script else "")
    for default in document.replaced.get(path, ()):
        yield _layer("default", document, default, "the program gives another")
    origin = document.origin(node)
    if origin is not node and origin.start != node.start:
        yield _layer("source", document, origin, "the value is taken from here")
    composed = document.home(node) is not document
    kind = "program" if path in document.replaced else "base file" if composed else "file"
    yield _layer(kind, document, node, "")


def _beside(context: ConfigContext, bound: BoundFile, target: Target) -> Iterator[Layer]:
    """What a companion that the file names says of the same clause."""
    named = [
        other
        for other in context.files
        if other is not bound
        and other.dialect is not None
        and other.dialect.dialect.beside
        and os.path.basename(other.file) in bound.document.text
    ]
    for other in (*companions(context, bound), *named):
        for key, theirs in other.targets.items():
            if theirs.clause.id == target.clause.id and (found := other.find(key)) is not None:
                yield _layer("companion", other.document, found[1], f"{bound.file} names this file")


def _commanded(bound: BoundFile, path: Path | None, key: str) -> Iterator[Layer]:
    """What the commands that name the file give."""
    note = f"the command names {os.path.basename(bound.file)}"
    if path is not None:
        document = bound.alone
        node = document.node(path)
        for place, givens in given(bound, document):
            source = document.node(place)
            handed_on = node is not None and source is not None and document.origin(node) is document.origin(source)
            for each in givens if place == path or handed_on else ():
                unsure = "" if each.certain else " after this: which of them counts is its program's matter"
                yield _layer("command line", each.document, each.node, note + unsure)
        return
    for start in bound.starts:
        for word, node in start.command.stated:
            if _is_named(word.text, key):
                yield _layer("command line", start.script.document, node, note)


def _layer(kind: str, document: Document, node: AnyNode, note: str) -> Layer:
    value = document.value(node)
    if isinstance(value, Opaque):
        note = value.reason or note
    return Layer(kind, _text(value), _data(value), document.place(node), note)


def _text(value: Any) -> str:
    return str(getattr(value, "tag", None) or getattr(value, "reason", None) or said(value))


def _data(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else None
