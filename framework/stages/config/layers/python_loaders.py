"""What a Python program makes of the config files that it names, beside reading them.

pydantic-settings (2.16.3, `sources/providers/yaml.py`, `sources/base.py`) reads the files of a `yaml_file` list in
their order and updates what it has key by key: a section of a later file replaces the whole section of an earlier one,
unless they are merged deeply (`deep_merge`). simple-parsing (0.1.9, `parsing.py`) takes of a file that `--config_path`
names only what is nested under the `dest` of an `add_arguments`; another file is passed over, and nothing says so.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

from framework.errors import InputError
from framework.names import Path
from framework.reading.formats import read
from framework.reading.nodes import CommandLine, MappingNode
from framework.stages.config.bound import BoundFile

_FILES = ("yaml_file", "toml_file", "json_file")
_TAKES_FILES = ("add_config_path_arg", "config_path")
_FLAG = "--config_path"
Doubts = list[tuple[Path, str]]


def replaced_sections(program: BoundFile) -> Iterator[tuple[str, Doubts]]:
    """What later files of a settings class's list leave open of earlier ones: the sections that they have, too. Each
    with the earlier file's path."""
    path = os.path.join(program.pattern.here, program.file)
    here = os.path.dirname(path)
    for names in _listed(_tree(path, _FILES)):
        paths = [os.path.abspath(os.path.join(here, name)) for name in names]
        for place, earlier in enumerate(paths):
            doubts: Doubts = [
                ((key,), f"{names[index]}, which {program.file} reads after it, has the section, too")
                for index in range(place + 1, len(paths))
                for key in _keys(paths[index])
            ]
            if doubts:
                yield earlier, doubts


def not_nested(bound: BoundFile, command: CommandLine, script: BoundFile) -> Doubts:
    """What a parser of simple-parsing leaves open of a file that is not nested as its arguments are: all of it."""
    words = [text for text, _ in command.words]
    if not any(word.partition("=")[0] == _FLAG for word in words):
        return []
    folder = os.path.dirname(os.path.join(script.pattern.here, script.file))
    for word in words:
        if not word.endswith(".py"):
            continue
        tree = _tree(os.path.join(folder, word), _TAKES_FILES)
        places = set(_destinations(tree)) if _takes_files(tree) else set()
        if places and not places & set(_keys(os.path.join(bound.pattern.here, bound.file))):
            named = " or ".join(sorted(places))
            return [((), f"{word} passes over a file that is not nested under {named}")]
    return []


def _tree(path: str, marks: tuple[str, ...]) -> ast.AST:
    """The program, where it holds one of the words; else an empty one."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return ast.parse(text if any(mark in text for mark in marks) else "")
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _listed(tree: ast.AST) -> Iterator[list[str]]:
    for call in _calls(tree, "SettingsConfigDict"):
        for keyword in call.keywords:
            if keyword.arg in _FILES and isinstance(keyword.value, ast.List | ast.Tuple):
                yield [text for each in keyword.value.elts if (text := _text(each)) is not None]


def _takes_files(tree: ast.AST) -> bool:
    """Whether the program is simple-parsing's, and its parser has the flag."""
    modules = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    modules |= {name.name for each in ast.walk(tree) if isinstance(each, ast.Import) for name in each.names}
    switches = [each for call in _calls(tree, "ArgumentParser") for each in call.keywords]
    return "simple_parsing" in modules and any(each.arg in _TAKES_FILES for each in switches)


def _destinations(tree: ast.AST) -> Iterator[str]:
    for call in _calls(tree, "add_arguments"):
        named = [each.value for each in call.keywords if each.arg == "dest"] or call.args[1:2]
        yield from (text for each in named if (text := _text(each)) is not None)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for each in ast.walk(tree):
        called = each.func if isinstance(each, ast.Call) else None
        if isinstance(each, ast.Call) and name in (getattr(called, "id", None), getattr(called, "attr", None)):
            yield each


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _keys(path: str) -> list[str]:
    try:
        root = read(path, path).root
    except InputError:
        return []
    return [key.text for key, _ in root.items] if isinstance(root, MappingNode) else []
