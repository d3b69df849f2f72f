"""Command lines over config files: what a bound script's command gives beside a file that it names goes before it.

Which of the two counts is the program's matter where a flag stands before the file: jsonargparse (4.53) and nanoGPT's
configurator take them in order, argparse and transformers' parsers do not. `accelerate launch` (1.10 to
1.15, commands/launch.py `_validate_launch_command`) lets its own flags go before `--config_file`, `--gradient_clipping`
also before `gradient_clipping` of its `deepspeed_config`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from framework.conformance.meaning import same
from framework.errors import InputError
from framework.names import Path
from framework.reading.hydra.sweeps import copied
from framework.reading.nodes import (
    AnyNode,
    CommandLine,
    ComputedNode,
    Document,
    MappingNode,
    Opaque,
    ScalarNode,
    SequenceNode,
)
from framework.stages.config.bound import BoundFile
from framework.stages.config.layers.chosen_groups import choices, chosen_over
from framework.stages.config.layers.command_words import (
    after_a_checkpoint,
    composed_otherwise,
    later_configs,
    models_of_a_checkpoint,
    pairs,
    replaced_by_later,
)
from framework.stages.config.layers.config_names import named_by
from framework.stages.config.layers.python_loaders import not_nested, replaced_sections

_PREFIXED = ("fsdp_config", "fp8_config", "dynamo_config")
"""The sections of accelerate's config files whose keys are flags behind the section's name."""


class Start(NamedTuple):
    """A command that names a config file: its script, and where in it the file's name stands."""

    script: BoundFile
    command: CommandLine
    at: int


class Given(NamedTuple):
    """What a command states in the place of a key of the file."""

    start: Start
    document: Document
    node: AnyNode
    certain: bool


def lay_over(files: Sequence[BoundFile], root: str) -> None:
    """Tell each bound file which commands of bound scripts name it."""
    scripts = {bound.file: bound for bound in files if bound.is_script}
    by_path: dict[str, list[BoundFile]] = {}
    for bound in files:
        if bound.file not in scripts:
            by_path.setdefault(os.path.abspath(os.path.join(bound.pattern.here, bound.file)), []).append(bound)
    for program in {bound.file: bound for bound in files if bound.file.endswith(".py")}.values():
        for path, doubts in replaced_sections(program):
            for bound in by_path.get(path, ()):
                bound.lay, bound.doubts = overlaid, (*bound.doubts, *doubts)
    names = {os.path.basename(path) for path in by_path}
    for script in scripts.values():
        same_script = [each for each in files if each.file == script.file]
        try:
            commands = script.document.commands
        except InputError:
            continue  # its own turn tells
        folders = (os.path.dirname(os.path.join(script.pattern.here, script.file)), root, script.pattern.here)
        _choose(by_path, script, root)
        for command in commands:
            for each in same_script:
                if doubts := models_of_a_checkpoint(each, command):
                    each.lay, each.doubts = overlaid, (*each.doubts, *doubts)
                    each.close()  # what was read to find the commands
            for path, at in named_by(command, names, by_path, folders):
                for bound in by_path[path]:
                    bound.lay = overlaid
                    bound.doubts = (
                        *bound.doubts,
                        *after_a_checkpoint(bound, command, script.document),
                        *replaced_by_later(bound, command, at, script.document),
                        *not_nested(bound, command, script),
                    )
                    bound.starts = (*bound.starts, Start(script, command, at))
                    for each in same_script:
                        each.hand = handed
                        each.hands = (*each.hands, bound)


def _choose(by_path: dict[str, list[BoundFile]], script: BoundFile, root: str) -> None:
    for bound in (each for group in by_path.values() for each in group):
        if not bound.file.endswith((".yaml", ".yml")):
            continue
        found, doubts = choices(bound, script, root), composed_otherwise(bound, script, root)
        if not found and not doubts:
            continue
        try:
            composed = bound.alone.composed
        except InputError:
            continue
        if composed or bound.binding.dialect == "hydra":
            bound.lay = overlaid
            bound.chosen, bound.doubts = (*bound.chosen, *found), (*bound.doubts, *doubts)


def overlaid(bound: BoundFile, document: Document) -> Document:
    """The document as the commands that name it leave it: a value that each of them gives goes before the file's."""
    if bound.chosen or bound.doubts:
        document = chosen_over(bound, document)
    found = {path: givens for path, givens in given(bound, document) if len(givens) == len(bound.starts)}
    if not found or not isinstance(document.root, MappingNode):
        return document
    root = copied(document.root)
    assert isinstance(root, MappingNode)
    result = document.over(root)
    for path, givens in found.items():
        stated, value = document.node(path), _counting(document, path, givens)
        _put(result, path, value, givens)
        if stated is not None and value is not stated:
            _hand_on(result, root, stated, value)
    return result


def handed(script: BoundFile) -> set[Path]:
    """The places of a script that are no keys of its own: values that are judged at the file that they go before, and
    the names of such files."""
    from framework.stages.config.near_keys import covered

    taken: set[Path] = set()
    places = {id(node): place for place, node in script.document.leaves()}
    for bound in dict.fromkeys(script.hands):
        own = bound.alone
        judged = covered(bound)
        taken |= {places[id(node)] for node in _naming(script, bound) if id(node) in places}
        for path, givens in given(bound, own):
            if len(givens) == len(bound.starts) and path in judged and _agree(givens):
                taken |= {places[id(each.node)] for each in givens if id(each.node) in places}
    return taken


def _naming(script: BoundFile, bound: BoundFile) -> Iterator[AnyNode]:
    """The arguments of a script's commands that name a bound file: what they say is what the file says."""
    for start in bound.starts:
        if start.script.file == script.file:
            yield from (node for _, node in start.command.stated if node.start <= start.at <= node.stop)


def given(bound: BoundFile, document: Document) -> Iterator[tuple[Path, list[Given]]]:
    """What the commands that name the file give in the place of its values."""
    by_path: dict[Path, list[Given]] = {}
    for start in bound.starts:
        for path, given in _of_command(bound, document, start).items():
            by_path.setdefault(path, []).append(given)
    yield from by_path.items()


def _of_command(bound: BoundFile, document: Document, start: Start) -> dict[Path, Given]:
    """What one command gives, the last time that it gives it."""
    found: dict[Path, Given] = {}
    command, home = start.command, start.script.document
    of_launcher = command.program if command.launched else None
    launched = of_launcher is not None and start.at < of_launcher
    program = start.at == command.program
    for key, node in command.stated:
        if launched is not (of_launcher is not None and key.start < of_launcher):
            continue  # a launcher's file is not the program's
        path = _place(document, key.text, exact=program, top=launched)
        if path is not None and isinstance(node, ScalarNode):
            found[path] = Given(start, home, node, launched or program or key.start > start.at)
    if not launched:
        for _, path, node in pairs(document, command, start.at, home):
            found[path] = Given(start, home, node, True)
        _lay_later(bound, document, start, found)
    return found


def _lay_later(bound: BoundFile, document: Document, start: Start, found: dict[Path, Given]) -> None:
    """Add what later config files of the same flag give, where nothing behind them gives another value."""
    here = start.script.pattern.here
    folders = (os.path.dirname(os.path.join(here, start.script.file)), here)
    for place, other in later_configs(start.command, start.at, folders):
        for path, node in other.leaves():
            if isinstance(document.node(path), ScalarNode) and isinstance(node, ScalarNode):
                given = found.get(path)
                if given is None or given.document is not start.script.document or given.node.start < place:
                    found[path] = Given(start, other, node, bound.binding.dialect == "lightning-cli")


def _place(document: Document, name: str, exact: bool, top: bool) -> Path | None:
    """The value of the file that a flag or an override is about: the one that has its name."""
    bare = name.lstrip("-")
    for parts in ((name,), (bare,), (bare.replace("-", "_"),), tuple(bare.split("."))):
        if (exact and parts[0] != name) or (top and len(parts) > 1):
            continue
        node = document.node(parts)
        if isinstance(node, ScalarNode) or (node is not None and not isinstance(node, MappingNode)):
            return parts
    if exact:
        return None
    if top:
        return next((path for path in document.shape() if _of_section(path) == bare.replace("-", "_")), None)
    alike = [path for path in document.shape() if path and path[-1] == bare.replace("-", "_")]
    return alike[0] if len(alike) == 1 and all(isinstance(part, str) for part in alike[0]) else None


def _of_section(path: Path) -> str | None:
    """The flag of `accelerate launch` that is about a key of a section of its config file."""
    section, key = str(path[0]), str(path[-1])
    if len(path) != 2 or not section.endswith("_config"):
        return None
    before = section.removesuffix("config") if section in _PREFIXED else ""
    return key if key.startswith(before) else before + key


def _agree(givens: Sequence[Given]) -> bool:
    values = [each.document.value(each.node) for each in givens]
    return all(each.certain for each in givens) and all(same(values[0], value) for value in values[1:])


def _counting(document: Document, path: Path, givens: Sequence[Given]) -> AnyNode:
    """The value that counts: the commands' where they agree; one that is not known here where they do not."""
    if _agree(givens):
        node, home = givens[0].node, givens[0].document
        text = node.text if isinstance(node, ScalarNode) else "a list"
        return ComputedNode(node, text, home.value(node))
    stated = document.node(path)
    assert stated is not None
    text = stated.text if isinstance(stated, ScalarNode) else "a list"
    place = givens[0].document.place(givens[0].node)
    reason = f"the commands that name the file give values of their own, as at {place}"
    if not all(each.certain for each in givens):
        reason = f"{place} gives another before the file is named: which of them counts is its program's matter"
        values = [each.document.value(each.node) for each in givens]
        if all(same(document.value(stated), value) for value in values):
            return stated
    return ComputedNode(stated, text, Opaque(text, reason), origin=stated)


def _put(result: Document, path: Path, value: AnyNode, givens: Sequence[Given]) -> None:
    here = result.root
    for part in path[:-1]:
        assert isinstance(here, MappingNode)
        found = here.get(str(part))
        assert found is not None
        here = found[1]
    assert isinstance(here, MappingNode)
    for index, (key, _) in enumerate(here.items):
        if key.text == path[-1]:
            here.items[index] = (key, value)
    here._pairs = None
    if (home := givens[0].document) and value.line == givens[0].node.line and _agree(givens):
        result.homes[id(value)] = home
        result.kept.append(value)


def _hand_on(result: Document, inside: MappingNode, stated: AnyNode, value: AnyNode) -> None:
    """Give what takes its value from the place of a replaced one (`lr=args.lr`, `${lr}`) the one that counts there."""
    source, was = result.origin(stated), result.value(stated)

    def taken(node: AnyNode) -> AnyNode:
        if isinstance(node, MappingNode):
            _hand_on(result, node, stated, value)
        elif isinstance(node, SequenceNode):
            items = [taken(item) for item in node.items]
            if any(new is not old for new, old in zip(items, node.items, strict=True)):
                copy = SequenceNode(node.line, node.column, node.start, node.stop, node.tag, items)
                return _at_home_of(result, copy, node)
        elif is_taken(node):
            assert isinstance(node, ComputedNode)
            return _at_home_of(result, ComputedNode(node, node.text, result.value(value), origin=value), node)
        return node

    def is_taken(node: AnyNode) -> bool:
        if node is stated or not isinstance(node, ComputedNode) or node.origin is None:
            return False
        return result.origin(node) is source and same(result.value(node), was)

    inside.items = [(key, taken(item)) for key, item in inside.items]
    inside._pairs = None


def _at_home_of(result: Document, new: AnyNode, old: AnyNode) -> AnyNode:
    if (home := result.home(old)) is not result:
        result.homes[id(new)] = home
        result.kept.append(new)
    return new
