"""Datasets on the Hugging Face hub, through the `datasets` library: its Arrow files, read as a stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.remembering.file_digest import digest_of
from framework.manifest.sections.models import Dataset
from framework.names import did_you_mean
from runners.data.sources.splits import Meter, Split

_BATCH_BYTES = 1 << 21


def split_from(name: str, dataset: Dataset, split: str) -> Split:
    """A split of a hub dataset, downloaded or from the cache.

    Reading raises FrameworkError where a column is missing.

    Raises:
        FrameworkError: it can neither be downloaded nor is it cached.
    """
    import datasets

    try:
        found: Any = datasets.load_dataset(dataset.hub, dataset.name, split=split, revision=dataset.revision)
    except Exception as problem:  # the library raises errors of many kinds, of its own and of its network stack
        raise FrameworkError(
            f"datasets.{name}: {dataset.hub} ({dataset.name or 'default'}, {split}) cannot be loaded: {problem}\n"
            "    give a local `path` with files of the same columns, or use a profile with data that is at hand"
        ) from problem
    origin = f"hub {dataset.hub}" + (f" {dataset.name}" if dataset.name else "") + f" {split}"

    size = found.data.nbytes if found.num_rows else 0
    meter = Meter(size)

    def read(columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for column in columns:
            if column not in found.column_names:
                advice = did_you_mean(column, found.column_names)
                raise FrameworkError(f"datasets.{name}: {dataset.hub} has no column {column!r}: {advice}")
        each = max(1, size // max(1, found.num_rows))
        chosen = found.select_columns(list(columns))
        for batch in chosen.iter(batch_size=max(1, min(1000, _BATCH_BYTES // each))):
            meter.heard(each * len(batch[columns[0]]))
            yield from zip(*(batch[column] for column in columns), strict=True)

    names = getattr(found.features.get(dataset.label), "names", None)
    return Split(
        origin,
        read,
        lambda index: f"{origin}, row {index}",
        lambda: _content(found, split),
        names=tuple(names) if names else None,
        meter=meter,
        files=tuple(Path(each["filename"]) for each in found.cache_files),
    )


def _content(found: Any, split: str) -> str:
    """The bytes of the Arrow files with the part of them that the split is (`train[:10%]`), or of the rows themselves
    where they lie in memory."""
    digest = hashlib.sha256(f"{split} {found.num_rows} {found.column_names}".encode())
    if found.cache_files:
        for each in found.cache_files:
            digest.update(digest_of(Path(each["filename"])).encode())
        return f"arrow {digest.hexdigest()}"
    for batch in found.iter(batch_size=1000):
        digest.update(repr(batch).encode())
    return f"rows {digest.hexdigest()}"
