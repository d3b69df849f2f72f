"""One split of a dataset, from wherever the manifest says, and its classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from framework.names import did_you_mean
from runners.data.sources import builtin, hub
from runners.data.sources import local_files as local
from runners.data.sources.splits import Label, Split


def split_of(name: str, dataset: Dataset, split: str, project: Path, labelled: bool = False) -> Split:
    """One split of a dataset; ``path`` goes before ``builtin``, and both before ``hub``.

    Args:
        name: The dataset's name in the manifest, for messages.
        labelled: Whether the classes are needed too.

    Raises:
        FrameworkError: it cannot be had, or its rows are not as the manifest says.
    """
    if dataset.path is not None:
        return local.split_in(name, dataset.path, split, project / dataset.path)
    if dataset.builtin is not None:
        if dataset.prompt is not None:
            raise FrameworkError(
                f"datasets.{name}: {dataset.builtin} has texts and classes, and no columns for a prompt"
            )
        return builtin.split_of_topics(name, dataset, split, labelled)
    return hub.split_from(name, dataset, split)


def columns_of_text(dataset: Dataset) -> list[str]:
    """The columns of the input; what is built in has one."""
    return ["text"] if dataset.path is None and dataset.builtin is not None else dataset.text


def source_of(dataset: Dataset) -> dict[str, Any]:
    """What :func:`load` went by, for the run record: fields that did not decide what was read are left out."""
    origin = ("path",) if dataset.path else ("builtin",) if dataset.builtin else ("hub", "name", "revision")
    asked = ("prompt", "choices", "answer", "label") if dataset.prompt else ("text", "label", "labels")
    used = (*origin, "train_split", "validation_split", *asked, "limit")
    return {name: value for name in used if (value := getattr(dataset, name)) is not None}


def classes_of(name: str, dataset: Dataset, training: Split, stated: Sequence[Label]) -> tuple[str, ...]:
    """The classes' names in the order of their numbers: as the source declares them, numbers as they are, or the
    names that occur in the training split, sorted.

    Args:
        stated: The different classes of the training split, as it states them.

    Raises:
        FrameworkError: their number is not the declared one, or cannot be known.
    """
    if training.names is not None:
        names = training.names
    elif all(isinstance(label, int) for label in stated):
        count = dataset.labels or 1 + max(int(label) for label in stated)
        names = tuple(str(number) for number in range(count))
    else:
        names = tuple(sorted({str(label) for label in stated}))
    if dataset.labels is not None and len(names) != dataset.labels:
        raise FrameworkError(
            f"datasets.{name}.labels: {dataset.labels} classes are declared, {training.origin} has {len(names)}: "
            f"{', '.join(names[:8])}"
        )
    return names


def class_numbers(split: Split, stated: Sequence[Label], codes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Each row's class as a number from 0, int64 [rows].

    Args:
        stated: The different classes as the split states them, and ``codes``, int [rows], each row's place in them.

    Raises:
        FrameworkError: a row states a class that is none of the names; the message says where.
    """
    numbers = {name: number for number, name in enumerate(names)}
    found = [label if isinstance(label, int) else numbers.get(str(label), -1) for label in stated]
    unknown = [code for code, number in enumerate(found) if not 0 <= number < len(names)]
    if unknown:
        index = int(np.flatnonzero(np.isin(codes, unknown))[0])
        label = stated[int(codes[index])]
        known = f"classes are 0 to {len(names) - 1}" if isinstance(label, int) else did_you_mean(str(label), names)
        raise FrameworkError(f"{split.place(index)}: unknown label {label!r}; {known}")
    return np.asarray(found, np.int64)[codes]
