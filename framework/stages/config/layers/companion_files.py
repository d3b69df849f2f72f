"""Config files that a bound one names for its trainer, and that no binding covers: a training's DeepSpeed JSON.

transformers' integrations/deepspeed.py (5.23) takes the optimizer, the schedule, the clipping and the precision from
the JSON where it states them, so what it says counts as much as the file that names it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from framework.dialects.registry import dialect
from framework.manifest.sections.bindings import Binding
from framework.stages.config.bound import BoundFile, Pattern
from framework.stages.config.context import ConfigContext

_NAMED_BY = ("deepspeed", "--deepspeed", "--deepspeed_config")
"""The keys and flags of transformers' Trainer, and of those that build on it, that name a DeepSpeed JSON."""


def companions(context: ConfigContext, bound: BoundFile) -> Iterator[BoundFile]:
    """The files that a bound file names, each under a binding made for it: about what the file is about."""
    if bound.pattern.dialect is None or bound.pattern.dialect.name in ("deepspeed", "accelerate"):
        return
    root = bound.document.root
    for key in _NAMED_BY if root is not None else ():
        node = bound.document.node((key,))
        word = None if node is None else bound.document.value(node)
        if isinstance(word, str) and word.endswith(".json") and (name := _found(context, bound, word)):
            yield _bound(context, bound, name)


def _found(context: ConfigContext, bound: BoundFile, word: str) -> str | None:
    """The file as messages show it; None where it is not there, not of the project, or bound."""
    here = bound.pattern.here
    project = os.path.abspath(context.experiment.root)
    known = {os.path.abspath(os.path.join(each.pattern.here, each.file)) for each in context.files}
    for folder in (project, os.path.dirname(os.path.join(here, bound.file))):
        path = os.path.abspath(os.path.join(folder, word))
        if os.path.isfile(path) and os.path.commonpath([path, project]) == project:
            return None if path in known else path.removeprefix(here.rstrip("/") + "/")
    return None


def _bound(context: ConfigContext, bound: BoundFile, name: str) -> BoundFile:
    binding = Binding(
        file=name,
        describes=bound.binding.describes,
        variant=bound.binding.variant,
        model=bound.binding.model,
        dialect="deepspeed",
        required=bound.binding.required,
    )
    pattern = Pattern(
        context.experiment, binding, len(context.bindings), bound.pattern.stated, {}, [], dialect("deepspeed")
    )
    context.bindings.append(binding)
    return BoundFile(pattern, name)
