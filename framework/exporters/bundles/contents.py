"""Which files belong to a study's bundle: what the verification read, and all runs, seals and documents."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from framework.evidence.bundles.opened import CONTENTS, METADATA
from framework.evidence.record import CHECKPOINTS, MODEL
from framework.evidence.seals.sealed_list import SEALS
from framework.evidence.store import Run, RunStore
from framework.manifest.experiment import Experiment

_TENSORS = (".safetensors", ".bin", ".pt", ".pth")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class File:
    """One file of a bundle: where it is, its SHA-256 and its bytes."""

    path: Path
    sha256: str
    size: int


@dataclass(slots=True)
class Contents:
    """What is packed, by the name in the bundle, and which artefacts of runs are not."""

    files: dict[str, File] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    """The manifest, configs, data and scripts among the files: what is of no run, seal or document."""


def contents_of(experiment: Experiment, read: Iterable[str], output: Path, with_models: bool) -> Contents:
    """The files of a bundle, by name. ``read`` are the paths that the verification looked at; of those outside the
    project's folder none is packed.

    Raises:
        OSError: one cannot be read.
    """
    root = experiment.root.absolute()
    own = [experiment.runs.absolute(), experiment.documents.absolute(), root / SEALS]
    paths = {path for top in own for path in _below(top)}
    inputs = {path for each in read if _within(path := Path(each), root) and path.is_file()} - paths
    inputs = {path for path in inputs if not any(_within(path, top) for top in own)} | {experiment.path.absolute()}
    left: dict[Path, str] = {}
    for run in RunStore(experiment.runs).readable() if not with_models else ():
        left |= models_of(run)
    found = Contents()
    for path in sorted(paths | inputs):
        name = path.relative_to(root).as_posix()
        if path == output.absolute() or name in (METADATA, CONTENTS):
            continue
        sha256, size = _digest(path)
        if left.get(path) == sha256:  # one that is not what the run wrote is packed, so that it shows
            found.left_out.append(name)
            continue
        found.files[name] = File(path, sha256, size)
        if path in inputs:
            found.inputs.append(name)
    return found


def models_of(run: Run) -> dict[Path, str]:
    """The artefacts of a run that are its models' tensors, which is what is large, and their recorded SHA-256. Adapters
    and masks are none."""
    return {
        run.folder.absolute() / name: str(facts["sha256"])
        for name, facts in run.record.artefacts.items()
        if name.split("/", 1)[0] in (MODEL, CHECKPOINTS) and name.endswith(_TENSORS)
    }


def _within(path: Path, top: Path) -> bool:
    return path.is_relative_to(top) and "__pycache__" not in path.parts


def _below(top: Path) -> Iterator[Path]:
    """The files below a folder; hidden ones are what killed processes left."""
    for here, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(here) / name for name in names if not name.startswith(".") and (Path(here) / name).is_file())


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size
