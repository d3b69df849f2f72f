"""The checkpoint that a first step started from, where it lies on this machine: what it did to it can be recomputed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import InputError
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.masks import MaskFile
from framework.evidence.tensors import StoredTensor
from framework.stages.checkpoint.recomputed.hybrid_groups import values
from framework.stages.run.observed import NotRecorded, Observed

if TYPE_CHECKING:
    import numpy


class Starting:
    """The tensors of a published checkpoint by the names that a run saves them under: some are published without the
    name of the module that holds everything but a head (`encoder.layer.0...` for `bert.encoder.layer.0...`)."""

    def __init__(self, files: CheckpointFiles, names: Iterable[str]):
        self._files = files
        self._stored = {}
        for name in names:
            found = next((each for each in (name, name.partition(".")[2]) if each in files.tensors), None)
            if found is not None:
                self._stored[name] = found
        self.tensors: dict[str, StoredTensor] = {name: files.tensors[found] for name, found in self._stored.items()}

    def bits(self, name: str) -> numpy.ndarray[Any, Any]:
        """See :meth:`framework.evidence.tensors.TensorFile.bits`."""
        return self._files.bits(self._stored[name])

    def flat(self, name: str, start: int, stop: int) -> numpy.ndarray[Any, Any]:
        """See :meth:`framework.evidence.tensors.TensorFile.flat`."""
        return self._files.flat(self._stored[name], start, stop)


def starting_tensors(observed: Observed, root: Path, masks: MaskFile, names: list[str]) -> Starting:
    """What a first step started from: the model's `path`, or the hub's cache at the commit that the run recorded.

    Args:
        root: The manifest's folder.
        masks: What the step removed; every weight that it kept must equal the checkpoint's.

    Raises:
        NotRecorded: it is not there, or no longer what the run started from.
    """
    step = observed.step
    place = _place(observed, root)
    try:
        files = CheckpointFiles(place)
    except InputError as problem:
        raise NotRecorded(f"{step.label} started from a checkpoint that cannot be read: {problem}") from None
    found = Starting(files, names)
    for name in names:
        known = found.tensors.get(name)
        if known is None or known.shape != masks.tensors[name].shape or name not in observed.tensors.tensors:
            raise NotRecorded(f"{step.label}: the checkpoint in {place} has no tensor {name} of this shape")
        kept = masks.mask(name)
        before, after = (values(each, name)[kept] for each in (found, observed.tensors))
        if (before != after).any():
            raise NotRecorded(f"{step.label}: the checkpoint in {place} is not what the run started from: see {name}")
    return found


def _place(observed: Observed, root: Path) -> Path:
    step, model = observed.step, observed.step.model
    if model.weights != "random" and model.path is not None:
        return root / model.path
    if model.weights == "random" or model.hub is None:
        raise NotRecorded(f"{step.label} started from initial weights, which are not kept")
    commit = observed.recorded("observed", "source").get("commit")
    if commit is None:
        raise NotRecorded(f"{step.label} did not record which commit of {model.hub} it read")
    place = _hub_cache() / f"models--{model.hub.replace('/', '--')}" / "snapshots" / str(commit)
    if not place.is_dir():
        raise NotRecorded(f"{step.label} started from {model.hub} at {commit}, which the hub's cache here has not")
    return place


def _hub_cache() -> Path:
    """Where huggingface_hub keeps what it downloaded, by its own environment variables."""
    if stated := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(stated)
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(home).expanduser() / "hub"
