"""Which local files a step reads: as its statement names them, and as they lie there."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from framework.manifest.sections.models import Dataset, Model
from framework.names import Path as ClausePath

_CONFIG = "config.json"
_SAFE = ("*.safetensors", "*.safetensors.index.json")
_PICKLED = ("*.bin", "*.bin.index.json")
"""What transformers reads where there are no safetensors."""
_TOKENIZER = (
    "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt", "*.model", "sentencepiece*",
    "chat_template*",
)  # fmt: skip
_LEFT_BESIDE = ("__pycache__", "*.pyc", "*.lock", "*.cache", "cache-*.arrow", "*.tmp", "*~")
"""What programs leave beside what they read."""


@dataclass(frozen=True, slots=True)
class Local:
    """A folder or a file that a step reads. ``clause`` states it, ``stated`` says how. Of a folder, files of the
    ``patterns`` are read, without any all that lie below it; of each ``needed`` pattern there must be one."""

    clause: ClausePath
    stated: str
    patterns: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()

    def files(self, root: Path) -> list[str]:
        """The regular files by their names below it, sorted; a link is what it leads to. Of a single file one empty
        name, of what is not there none. Hidden files and what programs leave beside are left out."""
        top = root / self.stated
        if os.path.isfile(top):  # of a name that is too long, or may not be looked at, it is none
            return [""]
        if not self.patterns:
            return sorted(_below(str(top)))
        names = [name for name in _entries(top) if any(fnmatchcase(name, each) for each in self.patterns)]
        return sorted(name for name in names if _counts(name) and os.path.isfile(top / name))

    def lacking(self, files: Sequence[str]) -> list[str]:
        """What is not there of it: the whole, or a needed part."""
        if not files:
            return [self.stated]
        return [
            self.spelled(each) for each in self.needed if not any(fnmatchcase(Path(name).name, each) for name in files)
        ]

    def spelled(self, name: str) -> str:
        """A file of it, as the manifest's folder sees it; a name that is no UTF-8 with its bytes spelled out."""
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        return f"{self.stated.rstrip('/')}/{shown}" if name else self.stated


def files_of(
    root: Path, model: tuple[str, Model] | None, data: tuple[str, Dataset] | None, scripted: bool
) -> Iterator[Local]:
    """What a step reads beside the checkpoint of the step before it.

    Args:
        model: Its name and what is stated of it, where no step before left one.
        data: The dataset that is trained on, or calibrated on.
        scripted: Whether a script of the user's own reads them, and may read all of a folder.
    """
    if data is not None:
        yield from _of_dataset(*data, scripted)
    if model is not None:
        yield from _of_model(*model, root, scripted)


def _of_dataset(name: str, dataset: Dataset, scripted: bool) -> Iterator[Local]:
    """The files of a dataset: of the built-in training those of its two splits."""
    if dataset.path is None:
        return
    clause = ("datasets", name, "path")
    if scripted:
        yield Local(clause, dataset.path)
        return
    splits = dict.fromkeys((dataset.train_split, dataset.validation_split))
    patterns = tuple(f"{glob.escape(split)}.*" for split in splits)
    yield Local(clause, dataset.path, patterns, patterns)


def _of_model(name: str, model: Model, root: Path, scripted: bool) -> Iterator[Local]:
    """The files of a model that no step before made, and those of a tokenizer of its own."""
    if model.path is not None:
        clause = ("models", name, "path")
        yield Local(clause, model.path) if scripted else Local(clause, model.path, _model(model, root), (_CONFIG,))
    own = model.tokenizer
    if own not in (None, "train", "bytes") and (os.path.isabs(own) or own.startswith(".") or os.path.isdir(root / own)):
        yield Local(("models", name, "tokenizer"), own, _TOKENIZER)


def _model(model: Model, root: Path) -> tuple[str, ...]:
    """The files of a model's folder that decide what is trained."""
    assert model.path is not None
    found = [_CONFIG] if model.tokenizer is not None else [_CONFIG, *_TOKENIZER]
    if model.weights == "pretrained":
        safe = any(fnmatchcase(name, _SAFE[0]) for name in _entries(root / model.path))
        found += _SAFE if safe else _PICKLED
    return tuple(found)


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _counts(name: str) -> bool:
    return not name.startswith(".") and not any(fnmatchcase(name, each) for each in _LEFT_BESIDE)


def _below(top: str) -> Iterator[str]:
    """All files below a folder; a folder that links lead to twice is read once."""
    seen: set[tuple[int, int]] = set()
    for folder, below, names in os.walk(top, followlinks=True):
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) in seen:
            below.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        below[:] = sorted(name for name in below if _counts(name))
        for name in names:
            path = os.path.join(folder, name)
            if _counts(name) and os.path.isfile(path):
                yield os.path.relpath(path, top)
