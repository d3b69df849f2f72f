"""What the commands about masks read: checkpoints by path, by run or by variant, and mask files of any container."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import UsageError
from framework.evidence.checkpoints import CheckpointFiles
from framework.isolation import own
from framework.manifest.experiment import runs_of
from framework.stages.checkpoint.zeros import MASKS

if TYPE_CHECKING:
    from framework.evidence.masks import MaskFile


@contextmanager
def checkpoint_files(name: str, options: argparse.Namespace) -> Iterator[CheckpointFiles]:
    """The checkpoint at a path, of a run below `runs/`, or of a variant's one finished run.

    Raises:
        UsageError: there is none, or a variant has several.
        InputError: it cannot be read.
    """
    files = CheckpointFiles(_path(name, options))
    try:
        yield files
    finally:
        files.close()


def _path(name: str, options: argparse.Namespace) -> Path:
    path, manifest = Path(name), Path(options.manifest)
    if path.exists():
        return path
    run = runs_of(manifest.absolute()) / name
    if run.is_dir():
        return run
    if not manifest.is_file():
        raise UsageError(f"no checkpoint {name!r}: no such file or folder, and no {manifest} that could name a variant")
    from framework.evidence.store import RunStore
    from framework.manifest.loading import load
    from framework.planning.build import build

    experiment = load(str(manifest), options.profile)
    plan = build(experiment, [name])
    store = RunStore(experiment.runs)
    found = [done for step in plan.final(name) if (done := store.done(step.key)) is not None]
    if len(found) != 1:
        folders = ", ".join(each.folder.name for each in found)
        under = f" under the profile {options.profile}" if options.profile else " without a --profile"
        what = f"has {len(found)} finished runs ({folders}): name one of them" if found else "has no finished run"
        raise UsageError(f"the variant {name!r} {what}{'' if found else under}")
    return found[0].folder


def mask_file(name: str, options: argparse.Namespace) -> MaskFile:
    """A mask file, that of a run folder, or that of a variant's one finished run.

    Raises:
        UsageError: there is none, or a variant has several.
        InputError: it is damaged, or no mask file.
    """
    path = Path(name)
    if not path.exists() and not path.suffix:
        path = _path(name, options)
    found: MaskFile = own("runners.sparsity.mask_files").open_masks(path / MASKS if path.is_dir() else path)
    return found
