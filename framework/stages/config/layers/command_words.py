"""What the words of a command give in the place of a config file's values, besides flags and dotted overrides.

`train.py --config-file c.yaml SOLVER.BASE_LR 0.01` are keys and values of yacs and detectron2 (fvcore 0.1.5,
`common/config.py` `merge_from_list`); `--cfg-options lr=0.01` is mmengine's (0.10.7, `config/config.py`
`DictAction`); `--gin_bindings='train.lr = 0.01'` and t5x's `--gin.train.lr=0.01` are gin's; of several `--config`
jsonargparse (4.53) lays each over those before it. What a command leaves open of a file: Hydra's `~key` takes it out,
`--config-name` and `--config-path` compose another file, `--config-dir` adds a folder of options (1.3.8,
`_internal/config_loader_impl.py`, `_internal/utils.py`); the hyper-parameters in LightningCLI's `--ckpt_path` go before
the file's `model` (lightning 2.6.6, `pytorch/cli.py` `_parse_ckpt_path`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from framework.errors import InputError
from framework.names import Path, exact_path
from framework.reading.formats import read
from framework.reading.marks import LazyLines, SpanScalar
from framework.reading.nodes import AnyNode, CommandLine, Document, ScalarNode
from framework.stages.config.bound import BoundFile

_VALUE = re.compile(r"-?[.\d].*|[^-].*", re.DOTALL)
_GIN = re.compile(r"(--gin\.|--gin_(?:bindings?|param)=)?([A-Za-z_][\w.]*)\s*=\s*")
_BINDINGS = ("--gin_bindings", "--gin_binding", "--gin_param")
_NAMES_CONFIG = ("--config-name", "-cn")
_NAMES_FOLDER = ("--config-path", "-cp")
_ADDS_FOLDER = ("--config-dir", "-cd")
_CONFIGS = (".yaml", ".yml", ".json")
_SUBCOMMANDS = frozenset(["fit", "validate", "test", "predict"])
_NOTHING = ("null", "None", "")


def pairs(
    document: Document, command: CommandLine, after: int, script: Document
) -> Iterator[tuple[int, Path, AnyNode]]:
    """What `KEY VALUE`, `key=value` and gin's bindings behind a place give to keys that the document has: the place,
    the key and the value."""
    lines = LazyLines(script.text)
    words = [(text, at) for text, at in command.words if at > after]
    before = ""
    for (text, at), (value, place) in pairwise([*words, ("-", 0)]):
        bound_to = _GIN.match(text) if document.format == "gin" else None
        key, equals, rest = text.partition("=")
        if bound_to is not None and (bound_to[1] or before in _BINDINGS):
            if (path := _scalar(document, bound_to[2])) is not None:
                start = at + bound_to.end()
                yield (
                    at,
                    path,
                    SpanScalar(lines, start, start + len(text) - bound_to.end(), text[bound_to.end() :], True),
                )
        elif equals and (path := _scalar(document, key)) is not None:
            start = at + len(key) + 1
            yield at, path, SpanScalar(lines, start, start + len(rest), rest, True)
        elif "." in text and _VALUE.fullmatch(value) and (path := _scalar(document, text)) is not None:
            yield at, path, SpanScalar(lines, place, place + len(value), value, True)
        before = text


def _scalar(document: Document, name: str) -> Path | None:
    path = exact_path(name) if re.fullmatch(r"[A-Za-z_][\w.]*", name) else None
    return path if path and isinstance(document.node(path), ScalarNode) else None


def _flagged(command: CommandLine) -> Iterator[tuple[int, str, str]]:
    """Of each word its place, the flag that it belongs to, and the value: `--config a.yaml`, `--config=a.yaml`."""
    for (before, _), (text, place) in pairwise([("", -1), *command.words]):
        flag, equals, value = text.partition("=")
        yield (place, flag, value) if equals else (place, before, text)


def later_configs(command: CommandLine, at: int, folders: Sequence[str]) -> Iterator[tuple[int, Document]]:
    """The config files that a command names behind a place by the same flag: the place, and the file."""
    flagged = list(_flagged(command))
    own = next((flag for place, flag, _ in flagged if place == at), "")
    for place, flag, name in flagged:
        if place <= at or not own.startswith("-") or flag != own or not name.endswith(_CONFIGS):
            continue
        path = next((full for each in folders if os.path.isfile(full := os.path.join(each, name))), None)
        try:
            if path is not None:
                yield place, read(path, name)
        except InputError:
            continue  # its own turn tells, where it is bound


def after_a_checkpoint(bound: BoundFile, command: CommandLine, script: Document) -> list[tuple[Path, str]]:
    """What the checkpoint that LightningCLI is given leaves open of a file: its `model`."""
    if bound.binding.dialect != "lightning-cli":
        return []
    given = [place for place, flag, value in _flagged(command) if flag == "--ckpt_path" and value not in _NOTHING]
    return [(("model",), f"the checkpoint of {_shown(script, given[-1])} may say otherwise")] if given else []


def models_of_a_checkpoint(script: BoundFile, command: CommandLine) -> list[tuple[Path, str]]:
    """What the checkpoint that LightningCLI is given leaves open of the command itself: its `--model.` arguments."""
    words = [text for text, _ in command.words]
    given = [value for _, flag, value in _flagged(command) if flag == "--ckpt_path" and value not in _NOTHING]
    if not given or not _SUBCOMMANDS & set(words):
        return []
    reason = f"the hyper-parameters in the checkpoint {given[-1]} go before it"
    paths = [path for path, _ in script.alone.leaves()]
    return [(path, reason) for path in paths if any(str(part).startswith("--model.") for part in path)]


def replaced_by_later(bound: BoundFile, command: CommandLine, at: int, script: Document) -> list[tuple[Path, str]]:
    """What a later file of the same flag leaves open of a file: all of it, where its program is not known to lay one
    over the other. argparse, and so draccus (0.11.6) and pyrallis (0.3.1, `argparsing.py`), read the last alone."""
    if bound.binding.dialect == "lightning-cli":
        return []
    flagged = list(_flagged(command))
    own = next((flag for place, flag, _ in flagged if place == at), "")
    later = [place for place, flag, name in flagged if place > at and flag == own and name.endswith(_CONFIGS)]
    if not own.startswith("-") or not later:
        return []
    return [
        ((), f"{_shown(script, later[-1])} names another file: whether this one is read, too, is its program's matter")
    ]


def composed_otherwise(bound: BoundFile, script: BoundFile, root: str) -> list[tuple[Path, str]]:
    """What a script's commands take out of a Hydra config, or that they compose another one instead."""
    document, found, others = script.document, list[tuple[Path, str]](), list[str]()
    for command in document.commands:
        if (other := _composed(bound, command, script, root)) is not None:
            others.append(f"the command at {_shown(document, other[0])} composes {other[1]} instead")
        for text, place in command.words:
            if text.startswith("~") and (path := exact_path(text[1:].partition("=")[0])):
                found.append((path, f"the command at {_shown(document, place)} takes it out"))
    return [((), others[0])] if others and len(others) == len(document.commands) else found


def _composed(bound: BoundFile, command: CommandLine, script: BoundFile, root: str) -> tuple[int, str] | None:
    """The other config that a command composes, with its place; None where it is the bound one. `--config-path` is
    relative to the program's own file."""
    folder, file = os.path.split(os.path.join(bound.pattern.here, bound.file))
    at, name = -1, os.path.splitext(file)[0]
    for place, flag, value in _flagged(command):
        if flag in _NAMES_CONFIG:
            at, name = place, value.removesuffix(".yaml")
        elif flag in _NAMES_FOLDER and not _is_folder(value, folder, command, script, root):
            return place, f"what lies in {value}"
    other = name != os.path.splitext(file)[0] and os.path.isfile(os.path.join(folder, f"{name}.yaml"))
    return (at, f"{name}.yaml") if other else None


def _is_folder(value: str, folder: str, command: CommandLine, script: BoundFile, root: str) -> bool:
    """Whether a path, as a program takes it, is a folder."""
    here = os.path.dirname(os.path.join(script.pattern.here, script.file))
    programs = [os.path.dirname(text) for text, _ in command.words if text.endswith(".py")]
    bases = [os.path.join(base, part) for base in (here, root, script.pattern.here) for part in ("", *programs)]
    return any(os.path.realpath(os.path.join(base, value)) == os.path.realpath(folder) for base in bases)


def further_folders(command: CommandLine, script: BoundFile, root: str) -> list[str]:
    """The folders that Hydra's `--config-dir` adds behind the config's own, as seen from where the command runs."""
    given = [value for _, flag, value in _flagged(command) if flag in _ADDS_FOLDER]
    here = os.path.dirname(os.path.join(script.pattern.here, script.file))
    return [os.path.join(base, value) for value in given for base in (root, here)]


def _shown(script: Document, place: int) -> str:
    line, column = LazyLines(script.text).at(place)
    return f"{script.file}:{line}:{column}"
