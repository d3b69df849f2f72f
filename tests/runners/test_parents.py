"""A step builds on what its parents wrote, byte for byte, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.errors import FrameworkError
from framework.evidence.store import Run
from framework.manifest.sections.methods import Permute, Prune, SameAs
from framework.manifest.sections.phases import Phase
from runners import execute as execution


def corrupt(path: Path) -> None:
    """One bit, at equal size and time; a second call mends it."""
    times, data = path.stat(), path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.fixture(scope="module")
def base(shared: Any, phase: Callable[..., Phase]) -> Run:
    found: Run = shared.pretrain(phase(max_steps=1))
    return found


@pytest.fixture(scope="module")
def pruned(shared: Any, base: Run) -> Run:
    found: Run = shared.run(Prune(sparsity=0.5, tensors=["in_proj"]), name="prune", parent=base)
    return found


STEPS: dict[str, Callable[[Any, Callable[..., Phase], Run, Run], Run]] = {
    "training": lambda lab, phase, _, parent: lab.pretrain(phase(max_steps=2), parent=parent),
    "pruning": lambda lab, _, __, parent: lab.run(
        Prune(sparsity=0.75, tensors=["in_proj"]), name="prune", parent=parent
    ),
    "permutation": lambda lab, _, __, parent: lab.run(Permute(method="csp"), name="permute", parent=parent),
    "a reference": lambda lab, _, base, parent: lab.run(
        Prune(sparsity=SameAs(same_as="other")), name="prune", parent=base, same_as=parent
    ),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", ["model/model.safetensors", "masks.safetensors", "model/config.json"])
def test_nothing_is_built_on_a_file_that_was_corrupted(
    shared: Any, phase: Callable[..., Phase], base: Run, pruned: Run, step: str, name: str
) -> None:
    before = {path.name for path in shared.store.root.iterdir()}
    corrupt(pruned.folder / name)
    try:
        with pytest.raises(FrameworkError, match=f"{name} of .* is not what that run wrote; restore it, or remove"):
            STEPS[step](shared, phase, base, pruned)
    finally:
        corrupt(pruned.folder / name)
    assert {path.name for path in shared.store.root.iterdir()} == before


def test_a_mended_file_is_built_on(shared: Any, phase: Callable[..., Phase], base: Run, pruned: Run) -> None:
    corrupt(pruned.folder / "model" / "model.safetensors")
    corrupt(pruned.folder / "model" / "model.safetensors")
    assert STEPS["training"](shared, phase, base, pruned).record.status == "done"


def test_a_large_parent_is_read_for_its_first_child_alone(
    pruned: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("framework.evidence.remembering.known_files.LEAST", 1)
    monkeypatch.setattr("framework.evidence.remembering.file_state._SETTLED", -1)
    read: list[int] = []
    real = os.preadv
    monkeypatch.setattr(os, "preadv", lambda *given: read.append(1) or real(*given))
    assert execution.changed_artefacts(pruned) == []
    assert read
    read.clear()
    assert execution.changed_artefacts(pruned) == []
    assert not read
    corrupt(pruned.folder / "masks.safetensors")
    assert execution.changed_artefacts(pruned) == ["masks.safetensors"]
    corrupt(pruned.folder / "masks.safetensors")
