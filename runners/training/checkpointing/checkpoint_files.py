"""Checkpoints within a training, as folders that are either whole or known to be damaged.

`<run>/checkpoints/step-00000120/` holds safetensors, `state.json`, and `manifest.json` with size and SHA-256 of the
others. It is filled under another name, flushed to the disk and renamed, then `LATEST` names it and older ones than
the one before go. A reader trusts only what it has hashed: `LATEST` is for people and other tools.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from framework.evidence.atomic import whole_folder, write_text
from framework.evidence.record import CHECKPOINTS, artefacts_below, sha256_of
from runners.run_files import prefix_sha256

KEPT = 2
LATEST, MANIFEST, STATE = "LATEST", "manifest.json", "state.json"


class DamagedCheckpoint(Exception):
    """A checkpoint that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """A checkpoint whose files are what was written. ``step`` optimizer steps were done; ``state`` is JSON data."""

    folder: Path
    step: int
    state: dict[str, Any]

    def tensors(self, name: str) -> dict[str, Tensor]:
        """One of its tensor files, on the CPU."""
        return load_file(self.folder / f"{name}.safetensors")


class CheckpointFolder:
    """The checkpoints of one run."""

    def __init__(self, run_folder: Path):
        self.run_folder = run_folder
        self.path = run_folder / CHECKPOINTS

    def write(self, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
        """Keep a state, and the one before it.

        Args:
            tensors: By file name without its ending, then by tensor name.
            state: JSON data; `lines` in it holds the size and SHA-256 of each line file of the run at this moment.
        """
        with whole_folder(self.path / _name(step)) as folder:
            for name, content in tensors.items():
                save_file(dict(content), folder / f"{name}.safetensors")
            (folder / STATE).write_text(json.dumps(state, allow_nan=False), "utf-8")
            files = artefacts_below(folder, *sorted(path.name for path in folder.iterdir()))
            (folder / MANIFEST).write_text(json.dumps({"files": files}), "utf-8")
        write_text(self.path / LATEST, _name(step) + "\n")
        for old in self._folders()[KEPT:]:
            shutil.rmtree(old)

    def newest(self, told: Callable[[str], None]) -> SavedState | None:
        """The newest checkpoint that is whole; ``told`` hears of each newer one why it is not used."""
        for folder in self._folders():
            try:
                return self._read(folder)
            except DamagedCheckpoint as problem:
                told(f"the checkpoint {folder.name} is not used: {problem}")
        return None

    def forget_after(self, step: int) -> Path | None:
        """Drop the checkpoints of later steps; the newest that is left."""
        for folder in self._folders():
            if folder.name <= _name(step):
                write_text(self.path / LATEST, folder.name + "\n")
                return folder
            shutil.rmtree(folder)
        (self.path / LATEST).unlink(missing_ok=True)
        return None

    def clean(self) -> None:
        """Remove what a kill in the middle of a write has left."""
        for partial in self.path.glob(".*"):
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink()

    def _folders(self) -> list[Path]:
        """Newest first."""
        return sorted(self.path.glob("step-*"), reverse=True)

    def _read(self, folder: Path) -> SavedState:
        try:
            for name, facts in json.loads((folder / MANIFEST).read_bytes())["files"].items():
                path = folder / name
                if not path.is_file():
                    raise DamagedCheckpoint(f"{name} is missing")
                if path.stat().st_size != facts["bytes"] or sha256_of(path) != facts["sha256"]:
                    raise DamagedCheckpoint(f"{name} is not what was written")
            state = json.loads((folder / STATE).read_bytes())
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
            raise DamagedCheckpoint(f"its {MANIFEST} cannot be read: {problem}") from None
        for name, facts in state["lines"].items():
            if prefix_sha256(self.run_folder / name, facts["bytes"]) != facts["sha256"]:
                raise DamagedCheckpoint(f"{name} no longer begins with the {facts['bytes']} bytes that it had then")
        return SavedState(folder, state["step"], state)


def has_checkpoints(run_folder: Path) -> bool:
    """Whether a run folder has any checkpoint, damaged or not."""
    return any((run_folder / CHECKPOINTS).glob("step-*"))


def remove_checkpoints(run_folder: Path) -> None:
    shutil.rmtree(run_folder / CHECKPOINTS, ignore_errors=True)


def _name(step: int) -> str:
    return f"step-{step:08d}"
