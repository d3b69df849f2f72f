"""Flags that one command gives several times: the last one counts, where that is certain.

argparse (CPython 3.12, `_StoreAction`), and with it transformers' HfArgumentParser, click (8.5, `core.py`:
`Parameter.type_cast_value`, but for `multiple`) and absl (2.5, `flags/_flag.py`) keep the last of several values. Hydra
(1.3.8, `_internal/config_loader_impl.py`: `_apply_overrides_to_config`) applies overrides in order, so that the last
counts, too; only what `+key=` adds a second time is refused. Of an option that takes a list, only its program knows
whether the last list counts or all of them (`append`, `extend`, `multiple`).
"""

from __future__ import annotations

from framework.reading.nodes import CommandLine, Document
from framework.reading.shell.arguments import Stated
from framework.reading.tree import AnyNode, ComputedNode, Duplicate, Opaque, ScalarNode, SequenceNode


def once(document: Document, stated: list[Stated], line: CommandLine) -> list[Stated]:
    """What a command states, each flag once. What gives way is kept as ``before`` of what counts; an addition that
    Hydra refuses becomes a duplicate of the document."""
    found: dict[str, Stated] = {}
    for item in stated:
        name = item.key.text.replace("-", "_")
        old = found.pop(name, None)
        if old is not None:
            if _adds(document, old) and _adds(document, item):
                document.duplicates.append(Duplicate((item.key.text,), old.key, item.key))
            elif unclear := _unclear(document, old, item, line):
                item.node = _left_open(item.node, unclear)
            item.before = [*old.before, old.node]
        found[name] = item
    return list(found.values())


def _unclear(document: Document, old: Stated, item: Stated, line: CommandLine) -> str:
    """Why it is not certain which of two values counts; empty where it is."""
    values = [document.value(each.node) for each in (old, item)]
    if type(values[0]) is type(values[1]) and values[0] == values[1] and not isinstance(values[0], Opaque):
        return ""
    if line.launched and line.program is not None and old.key.start < line.program < item.key.start:
        return f"{item.key.text} is given to the launcher and to its program"
    if any(isinstance(each.node, SequenceNode) for each in (old, item)):
        return f"{item.key.text} is given again with a list: whether all of them count is its program's matter"
    return ""


def _left_open(node: AnyNode, reason: str) -> AnyNode:
    text = node.text if isinstance(node, ScalarNode) else "a list"
    return ComputedNode(node, text, Opaque(text, reason), origin=node)


def _adds(document: Document, item: Stated) -> bool:
    """Whether it is `+key=value` of a plain value, which Hydra takes once."""
    before = document.text[max(0, item.key.start - 2) : item.key.start]
    return before.endswith("+") and before != "++" and not isinstance(document.value(item.node), (list, dict))
