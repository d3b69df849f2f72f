"""Which programs' runs can be taken in, and which one left a folder."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from framework.adoption.sources.result_table import NAME as TABLE
from framework.adoption.sources.source import Source
from framework.plugins import entry_points

_OWN = (
    "transformers_output", "lightning_logs", "wandb_folder", "mlflow_files", "dvclive_folder", "hydra_output",
    "plain_log",
)  # fmt: skip
"""In this order: a folder is of the first that knows it."""
GROUP = "framework.sources"
"""The entry-point group for sources of other distributions; each entry names a `Source`."""


@cache
def sources() -> tuple[Source, ...]:
    """Every source, other distributions' first."""
    own = (import_module(f"framework.adoption.sources.{name}").SOURCE for name in _OWN)
    return (*(point.load() for point in entry_points(group=GROUP)), *own)


def names() -> list[str]:
    """What `format` may say."""
    return [*(each.name for each in sources()), TABLE]


def source_of(path: Path, name: str | None) -> Source | None:
    """The source that is called so, or the first one that knows the path."""
    return next((each for each in sources() if (each.matches(path) if name is None else each.name == name)), None)
