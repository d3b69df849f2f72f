"""Datasets on the Hugging Face hub, through the `datasets` library."""

from __future__ import annotations

from typing import Any

from framework.errors import FrameworkError
from framework.manifest.models import Dataset
from framework.names import did_you_mean
from runners.data.corpus import Corpus


def load(name: str, dataset: Dataset, split: str, labelled: bool) -> Corpus:
    """A split of a hub dataset, downloaded or from the cache.

    Raises:
        FrameworkError: it can neither be downloaded nor is it cached, or lacks a declared column.
    """
    import datasets

    try:
        rows: Any = datasets.load_dataset(dataset.hub, dataset.name, split=split, revision=dataset.revision)
    except Exception as problem:  # the library raises errors of many kinds, of its own and of its network stack
        raise FrameworkError(
            f"datasets.{name}: {dataset.hub} ({dataset.name or 'default'}, {split}) cannot be loaded: {problem}\n"
            "    give a local `path` with files of the same columns, or use a profile with data that is at hand"
        ) from problem
    columns = [*dataset.text, *([dataset.label] if labelled else [])]
    for column in columns:
        if column not in rows.column_names:
            advice = did_you_mean(column, rows.column_names)
            raise FrameworkError(f"datasets.{name}: {dataset.hub} has no column {column!r}: {advice}")
    origin = f"hub {dataset.hub}" + (f" {dataset.name}" if dataset.name else "") + f" {split}"
    return Corpus(
        origin,
        list(zip(*(rows[column] for column in dataset.text), strict=True)),
        list(rows[dataset.label]) if labelled else None,
        lambda index: f"{origin}, row {index}",
        tuple(getattr(rows.features[dataset.label], "names", ())) or None if labelled else None,
    )
