"""Datasets on the Hugging Face hub, through the `datasets` library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from framework.names import did_you_mean
from runners.data.splits import Corpus, Rows


def load(name: str, dataset: Dataset, split: str, labelled: bool) -> Corpus:
    """A split of a hub dataset, downloaded or from the cache.

    Raises:
        FrameworkError: it can neither be downloaded nor is it cached, or lacks a declared column.
    """
    columns = [*dataset.text, *([dataset.label] if labelled else [])]
    found, origin = _loaded(name, dataset, split, columns)
    return Corpus(
        origin,
        list(zip(*(found[column] for column in dataset.text), strict=True)),
        list(found[dataset.label]) if labelled else None,
        lambda index: f"{origin}, row {index}",
        tuple(getattr(found.features[dataset.label], "names", ())) or None if labelled else None,
    )


def rows(name: str, dataset: Dataset, split: str, columns: Sequence[str]) -> Rows:
    """A split of a hub dataset as rows with these columns.

    Raises:
        FrameworkError: as :func:`load`.
    """
    found, origin = _loaded(name, dataset, split, columns)
    values = {column: list(found[column]) for column in columns}
    table = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return Rows(origin, table, lambda index: f"{origin}, row {index}")


def _loaded(name: str, dataset: Dataset, split: str, columns: Sequence[str]) -> tuple[Any, str]:
    """The split, held to have the columns, and where it comes from."""
    import datasets

    try:
        found: Any = datasets.load_dataset(dataset.hub, dataset.name, split=split, revision=dataset.revision)
    except Exception as problem:  # the library raises errors of many kinds, of its own and of its network stack
        raise FrameworkError(
            f"datasets.{name}: {dataset.hub} ({dataset.name or 'default'}, {split}) cannot be loaded: {problem}\n"
            "    give a local `path` with files of the same columns, or use a profile with data that is at hand"
        ) from problem
    for column in columns:
        if column not in found.column_names:
            advice = did_you_mean(column, found.column_names)
            raise FrameworkError(f"datasets.{name}: {dataset.hub} has no column {column!r}: {advice}")
    return found, f"hub {dataset.hub}" + (f" {dataset.name}" if dataset.name else "") + f" {split}"
