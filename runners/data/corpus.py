"""One split of a dataset, from wherever the manifest says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from framework.names import did_you_mean
from runners.data import builtin, hub
from runners.data import local_files as local
from runners.data.splits import Corpus, Rows


def load(name: str, dataset: Dataset, split: str, project: Path, labelled: bool) -> Corpus:
    """One split of a dataset; ``path`` goes before ``builtin``, and both before ``hub``.

    Args:
        name: The dataset's name in the manifest, for messages.
        labelled: Whether the classes are needed too.

    Raises:
        FrameworkError: it cannot be had, or its rows are not as the manifest says.
    """
    if dataset.path is not None:
        corpus = local.load(name, dataset, split, project / dataset.path, labelled)
    elif dataset.builtin is not None:
        corpus = builtin.load(name, dataset, split, labelled)
    else:
        corpus = hub.load(name, dataset, split, labelled)
    if not corpus.texts:
        raise FrameworkError(f"datasets.{name}: the split {split!r} of {corpus.origin} has no rows")
    return corpus


def rows_of(name: str, dataset: Dataset, split: str, project: Path, columns: Sequence[str]) -> Rows:
    """One split as rows that have these columns, whatever they hold.

    Raises:
        FrameworkError: it cannot be had, or a row lacks a column.
    """
    if dataset.path is not None:
        found = local.rows(name, dataset, split, project / dataset.path, columns)
    elif dataset.builtin is not None:
        raise FrameworkError(f"datasets.{name}: {dataset.builtin} has texts and classes, and no columns for a prompt")
    else:
        found = hub.rows(name, dataset, split, columns)
    if not found.rows:
        raise FrameworkError(f"datasets.{name}: the split {split!r} of {found.origin} has no rows")
    return found


def source_of(dataset: Dataset) -> dict[str, Any]:
    """What :func:`load` went by, for the run record: fields that did not decide what was read are left out."""
    origin = ("path",) if dataset.path else ("builtin",) if dataset.builtin else ("hub", "name", "revision")
    asked = ("prompt", "choices", "answer", "label") if dataset.prompt else ("text", "label", "labels")
    used = (*origin, "train_split", "validation_split", *asked, "limit")
    return {name: value for name in used if (value := getattr(dataset, name)) is not None}


def classes_of(name: str, dataset: Dataset, training: Corpus) -> tuple[str, ...]:
    """The classes' names in the order of their numbers: as the source declares them, numbers as they are, or the
    names that occur in the training split, sorted.

    Raises:
        FrameworkError: their number is not the declared one, or cannot be known.
    """
    assert training.labels is not None
    if training.names is not None:
        names = training.names
    elif all(isinstance(label, int) for label in training.labels):
        count = dataset.labels or 1 + max(int(label) for label in training.labels)
        names = tuple(str(number) for number in range(count))
    else:
        names = tuple(sorted({str(label) for label in training.labels}))
    if dataset.labels is not None and len(names) != dataset.labels:
        raise FrameworkError(
            f"datasets.{name}.labels: {dataset.labels} classes are declared, {training.origin} has {len(names)}: "
            f"{', '.join(names[:8])}"
        )
    return names


def class_numbers(corpus: Corpus, names: Sequence[str]) -> list[int]:
    """Each row's class as a number from 0.

    Raises:
        FrameworkError: a row states a class that is none of the names; the message says where.
    """
    assert corpus.labels is not None
    numbers = {name: number for number, name in enumerate(names)}
    result = []
    for index, label in enumerate(corpus.labels):
        number = label if isinstance(label, int) else numbers.get(label, -1)
        if not 0 <= number < len(names):
            known = f"classes are 0 to {len(names) - 1}" if isinstance(label, int) else did_you_mean(label, names)
            raise FrameworkError(f"{corpus.place(index)}: unknown label {label!r}; {known}")
        result.append(number)
    return result
