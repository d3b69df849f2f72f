"""What the words of a command give in the place of a config file's values, besides flags and dotted overrides.

`train.py --config-file c.yaml SOLVER.BASE_LR 0.01` are keys and values of yacs and detectron2 (fvcore 0.1.5,
`common/config.py` `merge_from_list`); `--cfg-options lr=0.01` is mmengine's (0.10.7, `config/config.py`
`DictAction`); `--gin_bindings='train.lr = 0.01'` and t5x's `--gin.train.lr=0.01` are gin's; of several `--config`
jsonargparse (4.53) lays each over those before it. What a command leaves open of a file: Hydra's `~key` takes it out,
and `--config-name` composes another file (1.3, `_internal/config_loader_impl.py`); the hyper-parameters in
LightningCLI's `--ckpt_path` go before the file's `model` (lightning 2.6, `pytorch/cli.py` `_parse_ckpt_path`).
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
        if place <= at or not own.startswith("-") or flag != own or not name.endswith((".yaml", ".yml", ".json")):
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


def composed_otherwise(bound: BoundFile, script: Document) -> list[tuple[Path, str]]:
    """What a script's commands take out of a Hydra config, or that they compose another one instead."""
    stem = os.path.splitext(os.path.basename(bound.file))[0]
    folder = os.path.dirname(os.path.join(bound.pattern.here, bound.file))
    found: list[tuple[Path, str]] = []
    others: list[str] = []
    for command in script.commands:
        for place, flag, value in _flagged(command):
            name = value.removesuffix(".yaml")
            if flag in _NAMES_CONFIG and name != stem and os.path.isfile(os.path.join(folder, f"{name}.yaml")):
                others.append(f"the command at {_shown(script, place)} composes {name}.yaml instead")
        for text, place in command.words:
            if text.startswith("~") and (path := exact_path(text[1:].partition("=")[0])):
                found.append((path, f"the command at {_shown(script, place)} takes it out"))
    return [((), others[0])] if others and len(others) == len(script.commands) else found


def _shown(script: Document, place: int) -> str:
    line, column = LazyLines(script.text).at(place)
    return f"{script.file}:{line}:{column}"
