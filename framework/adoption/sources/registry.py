"""Which programs' runs can be taken in, and which one left a folder."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from framework.adoption.sources.result_table import NAME as TABLE
from framework.adoption.sources.source import Source, Store, Stored
from framework.errors import InputError
from framework.evidence.logs.log import Reading
from framework.plugins import entry_points, loaded

_STORES = ("mlflow_store", "optuna_store")
_OWN = (
    "transformers_output", "lightning_logs", "wandb_folder", "mlflow_files", "dvclive_folder", "hydra_output",
    "plain_log",
)  # fmt: skip
"""In this order: a path is of the first that knows it."""
GROUP = "framework.sources"
"""The entry-point group for sources of other distributions; each entry names a `Source` or a `Store`."""


@cache
def sources() -> tuple[Source | Store, ...]:
    """Every source, other distributions' first."""
    stores = (import_module(f"framework.adoption.sources.stores.{name}").STORE for name in _STORES)
    own = (import_module(f"framework.adoption.sources.{name}").SOURCE for name in _OWN)
    return (*(loaded(point) for point in entry_points(group=GROUP)), *stores, *own)


def names() -> list[str]:
    """What `format` may say."""
    return [*(each.name for each in sources()), TABLE]


def source_of(path: Path, name: str | None) -> Source | Store | None:
    """The source that is called so, or the first one that knows the path."""
    return next((each for each in sources() if (each.matches(path) if name is None else each.name == name)), None)


def digests_in(path: Path, name: str, reading: Reading) -> dict[str, str]:
    """The SHA-256 of each run in a file that holds many, by what the file calls it; empty where it cannot be read."""
    source = next((each for each in sources() if each.name == name), None)
    if not isinstance(source, Store):
        return {}
    try:
        return {each.part: each.sha256 for each in source.runs(path, reading) if isinstance(each, Stored)}
    except InputError:
        return {}
